//! What reads the headers and bodies of strangers, fed with what is nearly right: nothing panics,
//! and what is accepted is what a second, slower reading accepts too.
//!
//! A few thousand cases by default; `ADYTON_TEST_FUZZ_CASES=10000000` in a release build is the
//! real thing (`scripts/fuzz`). One module for each thing that is read.

use adyton_core::testing::nearly;
use proptest::prelude::*;
use proptest::test_runner::RngAlgorithm;

#[expect(clippy::disallowed_methods, reason = "who runs it says how long")]
fn config() -> ProptestConfig {
    let cases = std::env::var("ADYTON_TEST_FUZZ_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig {
        cases: cases.unwrap_or(4096),
        failure_persistence: None,
        rng_algorithm: RngAlgorithm::XorShift,
        ..ProptestConfig::default()
    }
}

/// Bytes that differ a little from one of these.
fn like(right: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    any::<u64>()
        .prop_map(move |seed| nearly(right[(seed % right.len() as u64) as usize].as_bytes(), seed))
}

mod token_header {
    use super::*;
    use crate::guard::bearer::{Presented, read};

    const HEADERS: &[&str] = &[
        "Bearer adt_0123456789012345678901234567890123456789012aaaaaa",
        "bEARER 17|abcdefghijABCDEFGHIJ0123456789-_abcdefghij",
        "Bearer",
        "Bearer null",
        "undefined",
        "Basic YWRhOmxvdmVsYWNl",
        "Token abc, Bearer def",
        "",
    ];

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn a_token_is_what_stands_after_the_prefix(
            value in like(HEADERS), prefix in prop::sample::select(vec!["Bearer", "Token", ""]),
        ) {
            let trimmed = value.trim_ascii();
            let word = trimmed.split(u8::is_ascii_whitespace).next().unwrap_or_default();
            let prefixed = prefix.is_empty() || word.eq_ignore_ascii_case(prefix.as_bytes());
            let start = if prefix.is_empty() { 0 } else { word.len() };
            match read(&value, prefix) {
                Presented::Token(token) => {
                    prop_assert!(prefixed && !["null", "undefined"].contains(&token));
                    let after = trimmed[start..].trim_ascii_start();
                    let text = std::str::from_utf8(after).unwrap_or_default();
                    prop_assert_eq!(token, text);
                }
                Presented::Nothing if prefixed => {
                    let after = trimmed[start..].trim_ascii();
                    let none: [&[u8]; 3] = [b"null", b"undefined", b""];
                    prop_assert!(none.contains(&after), "{after:?}");
                }
                Presented::Nothing => {}
            }
        }
    }
}

mod json_body {
    use super::*;
    use crate::body::{Fields, Object, check_media_type};
    use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};
    use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
    use serde_json::Value;

    const BODIES: &[&str] = &[
        "{}",
        r#"{"email":"ada@example.com","password":"correct horse 1","deviceName":"Phone"}"#,
        r#"{"name":"ci","abilities":["orders:read","*"],"expiresIn":3600,"expires_at":null}"#,
        r#"{"email":"a","email":"b","remember":true}"#,
        r#"{"device_name":"a","deviceName":"b","expiresIn":1e3,"remember":"yes"}"#,
        r#"{"a":{"b":[{"c":[[[[[["\u0000\ud83d\ude00"]]]]]]}]},"name":-0.0}"#,
        "[1,2]",
        "null",
    ];

    /// How many members an object has, doubles counted.
    struct Count(usize);

    impl<'de> Deserialize<'de> for Count {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Members;
            impl<'de> Visitor<'de> for Members {
                type Value = Count;

                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }

                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Count, A::Error> {
                    let mut count = 0;
                    while map.next_entry::<String, IgnoredAny>()?.is_some() {
                        count += 1;
                    }
                    Ok(Count(count))
                }
            }
            deserializer.deserialize_map(Members)
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn a_body_is_one_object_without_doubles(bytes in like(BODIES)) {
            let plain: Option<Value> = serde_json::from_slice(&bytes).ok();
            let read: Option<Object> = serde_json::from_slice(&bytes).ok();
            if let Some(Object(members)) = read {
                let json = plain.and_then(|json| json.as_object().cloned()).unwrap_or_default();
                prop_assert_eq!(members.len(), json.len());
                let count: Option<Count> = serde_json::from_slice(&bytes).ok();
                prop_assert_eq!(count.map(|Count(count)| count), Some(members.len()));
                prop_assert!(members.iter().all(|(name, value)| json.get(name) == Some(value)));
                let mut fields = Fields::of(members);
                let _ = (fields.text("email"), fields.password("password"));
                let device = fields.text("deviceName");
                prop_assert!(
                    device.is_none_or(|name| json.values().any(|value| *value == *name))
                );
                let _ = (fields.texts("abilities"), fields.flag("remember"));
                let seconds = fields.seconds("expiresIn").flatten();
                prop_assert!(seconds.is_none_or(|seconds| seconds > 0));
                let _ = fields.finish();
            } else if let Some(Value::Object(json)) = plain {
                // Refused for a double alone.
                let Count(count) = serde_json::from_slice(&bytes).unwrap();
                prop_assert!(count > json.len());
            }
        }

        #[test]
        fn one_media_type_is_read(
            value in like(&[
                "application/json", "application/json; charset=utf-8",
                "application/json;charset=\"UTF-8\"", "application/problem+json", "text/json",
            ]),
        ) {
            let Ok(header) = HeaderValue::from_bytes(&value) else { return Ok(()) };
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, header)]);
            let text = String::from_utf8_lossy(&value).to_ascii_lowercase();
            let mut parts = text.splitn(2, ';').map(str::trim);
            let right = parts.next() == Some("application/json")
                && parts.next().is_none_or(|rest| {
                    ["", "charset=utf-8", "charset=\"utf-8\""].contains(&rest)
                });
            prop_assert_eq!(check_media_type(&headers).is_ok(), right);
        }
    }
}

// The readers of cookies and of forwarded headers get theirs here: `mod cookies`, `mod forwarded`.
