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

mod cookies {
    use super::*;
    use crate::cookie::Cookies;
    use adyton_core::config::Config;
    use http::header::{COOKIE, SET_COOKIE};
    use http::{HeaderMap, HeaderValue};

    const NAME: &str = "__Host-adyton_session";
    const LINES: &[&str] = &[
        "__Host-adyton_session=ads_0123456789012345678901234567890123456789012aaaaaa",
        "theme=dark; __Host-adyton_session=a; XSRF-TOKEN=b",
        "__Host-adyton_session=a; __Host-adyton_session=b",
        "__Host-adyton_session=\"a;b\"; adyton_session=c",
        "__host-adyton_session=a;;=;__Host-adyton_session",
        "theme=\u{fc}",
    ];
    const ANSWERS: &[&str] = &[
        "__Host-adyton_session=a; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=7776000",
        "__Host-adyton_session=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0",
        "XSRF-TOKEN=x1; SameSite=Lax; Path=/",
    ];

    fn https() -> Cookies {
        let mut config = Config::default();
        config.server.public_url = Some("https://app.example.com".to_owned());
        let web = config.web().unwrap_or_else(|_| panic!("the URL is one"));
        Cookies::new(&config, &web)
    }

    /// Letter by letter, where a letter is a byte.
    fn values_in(line: &HeaderValue) -> Vec<Option<String>> {
        let text: String = line.as_bytes().iter().copied().map(char::from).collect();
        let blank = |c: char| c.is_ascii_whitespace();
        let pairs = text.split(';').filter_map(|pair| pair.split_once('='));
        let own = pairs.filter(|(name, _)| name.trim_matches(blank) == NAME);
        let bytes = own.map(|(_, value)| {
            let letters = value.trim_matches(blank).chars();
            letters.map(|c| u8::try_from(c).unwrap_or_default()).collect()
        });
        bytes.map(|bytes: Vec<u8>| String::from_utf8(bytes).ok()).collect()
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn one_cookie_of_a_name_is_read_and_two_are_none(
            first in like(LINES), second in like(LINES), both in any::<bool>(),
        ) {
            let lines = if both { vec![first, second] } else { vec![first] };
            let lines = lines.iter().filter_map(|line| HeaderValue::from_bytes(line).ok());
            let lines: Vec<HeaderValue> = lines.collect();
            let values: Vec<Option<String>> = lines.iter().flat_map(values_in).collect();
            let headers: HeaderMap = lines.into_iter().map(|line| (COOKIE, line)).collect();
            let right = match values.as_slice() {
                [Some(one)] if !one.is_empty() => Some(one.clone()),
                _ => None,
            };
            prop_assert_eq!(https().session(&headers), right);
        }

        #[test]
        fn no_answer_stops_the_reader_of_answers(line in like(ANSWERS)) {
            let Ok(line) = HeaderValue::from_bytes(&line) else { return Ok(()) };
            let text = String::from_utf8_lossy(line.as_bytes()).into_owned();
            let set = https().session_set_by(&HeaderMap::from_iter([(SET_COOKIE, line)]));
            let name = text.split('=').next().unwrap_or_default();
            prop_assert!(set.is_none() || name.trim() == NAME, "{text:?}");
            prop_assert!(set.flatten().is_none_or(|value| text.contains(&value)));
        }
    }
}

mod forwarded {
    use super::*;
    use crate::forwarded::client_address;
    use adyton_core::config::{Config, WebOptions};
    use http::header::FORWARDED;
    use http::{HeaderMap, HeaderName, HeaderValue};
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};

    const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));
    const LISTS: &[&str] = &[
        "198.51.100.1, 10.0.0.2",
        "10.0.0.3,10.0.0.2",
        "[2001:db8::1]:4711, 2001:db8:f::2, ::ffff:10.0.0.4",
        "unknown, 198.51.100.1:80",
        "for=198.51.100.1;proto=https;by=10.0.0.1, for=\"[2001:db8::1]:80\"",
        "for=\"_hidden, for=10.0.0.2",
        "",
    ];

    fn web() -> WebOptions {
        let mut config = Config::default();
        config.server.trusted_proxies = vec!["10.0.0.0/8".into(), "2001:db8:f::/48".into()];
        config.web().unwrap_or_else(|_| panic!("the networks are some"))
    }

    fn list() -> HeaderName {
        HeaderName::from_static("x-forwarded-for")
    }

    /// What one element says, read by hand.
    fn one(element: &str) -> Option<IpAddr> {
        let address =
            element.parse().or_else(|_| element.parse().map(|with: SocketAddr| with.ip()));
        let bare = || element.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
        let address = address.ok().or_else(|| bare().filter(IpAddr::is_ipv6));
        address.map(|address| address.to_canonical())
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn a_list_is_walked_from_the_right_as_long_as_it_is_trusted(value in like(LISTS)) {
            let Ok(value) = HeaderValue::from_bytes(&value) else { return Ok(()) };
            let text = value.as_bytes().to_vec();
            let headers = HeaderMap::from_iter([(list(), value)]);
            let (web, mut client) = (web(), PROXY);
            for element in text.split(|byte| *byte == b',').rev() {
                let element = std::str::from_utf8(element.trim_ascii()).ok();
                let Some(address) = element.and_then(one) else { break };
                client = address;
                if !web.trusts(address) {
                    break;
                }
            }
            prop_assert_eq!(client_address(PROXY, &headers, &web), client);
            prop_assert_eq!(client_address(CLIENT, &headers, &web), CLIENT);
        }

        #[test]
        fn nothing_that_a_client_says_hides_what_its_proxy_says(
            said in like(LISTS), standard in any::<bool>(), own_line in any::<bool>(),
        ) {
            let (name, told) =
                if standard { (FORWARDED, "for=203.0.113.7") } else { (list(), "203.0.113.7") };
            let Ok(said) = HeaderValue::from_bytes(&said) else { return Ok(()) };
            let mut headers = HeaderMap::new();
            if own_line {
                headers.append(name.clone(), said);
                headers.append(name, HeaderValue::from_static(told));
            } else {
                let line = [said.as_bytes(), b", ", told.as_bytes()].concat();
                let Ok(line) = HeaderValue::from_bytes(&line) else { return Ok(()) };
                headers.append(name, line);
            }
            prop_assert_eq!(client_address(PROXY, &headers, &web()), CLIENT);
        }
    }
}

mod xsrf_header {
    use super::*;
    use crate::first_party::percent_decoded;
    use adyton_core::csrf::{Holder, issue, verify};

    const HEADERS: &[&str] = &["%78abc%2Fdef", "x%", "%4", "%+1%-1", "%c3%bc%ff", "%%41", ""];
    const SESSION: Holder<'_> = Holder::Session("ads_somebody");

    /// Byte by byte: `%` and two hexadecimal digits, or the byte itself.
    fn slowly(text: &[u8]) -> Option<Vec<u8>> {
        let (mut bytes, mut at) = (Vec::new(), 0);
        while at < text.len() {
            if text[at] != b'%' {
                bytes.push(text[at]);
                at += 1;
                continue;
            }
            let digits = text.get(at + 1..at + 3)?;
            if !digits.iter().all(u8::is_ascii_hexdigit) {
                return None;
            }
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            at += 3;
        }
        Some(bytes)
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn escapes_are_two_hexadecimal_digits(value in like(HEADERS)) {
            let right = slowly(&value).and_then(|bytes| String::from_utf8(bytes).ok());
            prop_assert_eq!(percent_decoded(&value), right);
        }

        #[test]
        fn a_token_that_is_nearly_right_is_wrong(seed in any::<u64>()) {
            let Ok(token) = issue(SESSION) else { return Ok(()) };
            let decoded = percent_decoded(&nearly(token.as_bytes(), seed));
            let presented = decoded.as_deref().unwrap_or_default();
            prop_assert_eq!(verify(SESSION, presented), presented == token);
            let guest = issue(Holder::Guest(None)).unwrap_or_default();
            let other = String::from_utf8_lossy(&nearly(guest.as_bytes(), seed)).into_owned();
            prop_assert!(!verify(SESSION, &other));
            prop_assert_eq!(verify(Holder::Guest(Some(&guest)), &other), guest == other);
        }
    }
}
