//! What reads the text of strangers, fed with what is nearly right: nothing panics, and what is
//! accepted is what a second, slower reading accepts too.
//!
//! A few thousand cases by default; `ADYTON_TEST_FUZZ_CASES=10000000` in a release build is the
//! real thing (`scripts/fuzz`).

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "helpers of tests may fail as tests do, and who runs them says how long"
)]

use adyton_core::ability::Abilities;
use adyton_core::clock::Timestamp;
use adyton_core::config::Lifetime;
use adyton_core::route_pattern::{RequestPath, RoutePattern};
use adyton_core::secret::{Hash, Kind, PlainText};
use adyton_core::testing::nearly;
use adyton_core::token::Presented;
use adyton_core::user::Email;
use proptest::prelude::*;
use proptest::test_runner::RngAlgorithm;

const KINDS: [(Kind, &str); 4] = [
    (Kind::Access, "adt_"),
    (Kind::Refresh, "adr_"),
    (Kind::Cookie, "ads_"),
    (Kind::Device, "add_"),
];

fn config() -> ProptestConfig {
    let cases = std::env::var("ADYTON_TEST_FUZZ_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig {
        cases: cases.unwrap_or(4096),
        failure_persistence: None,
        rng_algorithm: RngAlgorithm::XorShift,
        ..ProptestConfig::default()
    }
}

/// Texts that differ a little from one of these.
fn like(right: Vec<String>) -> impl Strategy<Value = String> {
    any::<u64>().prop_map(move |seed| {
        let right = &right[(seed % right.len() as u64) as usize];
        String::from_utf8_lossy(&nearly(right.as_bytes(), seed)).into_owned()
    })
}

fn texts(right: &[&str]) -> Vec<String> {
    right.iter().map(ToString::to_string).collect()
}

fn issued() -> Vec<String> {
    KINDS.iter().map(|(kind, _)| PlainText::draw(*kind).unwrap().expose().to_owned()).collect()
}

/// CONTRACT 7: CRC-32 over prefix and secret, as six base62 digits.
fn has_form(prefix: &str, text: &str) -> bool {
    const DIGITS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let Some(secret) = text.strip_prefix(prefix) else { return false };
    if secret.len() != 49 || !secret.bytes().all(|byte| DIGITS.contains(&byte)) {
        return false;
    }
    let sum = secret.bytes().skip(43).fold(0, |sum: u64, digit| {
        sum * 62 + DIGITS.iter().position(|known| *known == digit).unwrap() as u64
    });
    sum == u64::from(crc32fast::hash(&text.as_bytes()[..47]))
}

/// `[digits|][A-Za-z0-9_-]{40,128}`; gives the part that is hashed.
fn sanctum(text: &str) -> Option<&str> {
    let bar = text.find('|').map_or(0, |bar| bar + 1);
    let (id, secret) = text.split_at(bar);
    let id_is_one = id.is_empty() || id.trim_end_matches('|').parse::<i64>().is_ok();
    let digits = id.chars().rev().skip(1).all(|letter| letter.is_ascii_digit());
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    let long = (40..=128).contains(&secret.len());
    (id_is_one && digits && long && secret.chars().all(plain)).then_some(secret)
}

fn is_ability(text: &str) -> bool {
    let mut letters = text.chars();
    let first = letters.next().is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let other = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ":._-".contains(c);
    text == "*" || (first && letters.all(other) && text.len() <= 64)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_secret_is_read_as_its_own_kind_alone(text in like(issued())) {
        for (kind, prefix) in KINDS {
            let read = PlainText::parse(kind, &text);
            prop_assert_eq!(read.is_some(), has_form(prefix, &text));
            prop_assert!(read.is_none_or(|read| read.expose() == text));
        }
    }

    #[test]
    fn a_presented_token_has_a_form_that_somebody_issues(
        text in like([issued(), texts(&[
            "17|abcdefghijABCDEFGHIJ0123456789-_abcdefghij",
            "9223372036854775807|abcdefghijABCDEFGHIJ0123456789-_abcdefghij",
            "abcdefghijABCDEFGHIJ0123456789-_abcdefghij",
            "an imported token",
            "an-imported-token-of-some-shape",
        ])].concat()),
        from_sanctum: bool,
        imported: bool,
    ) {
        let ours = KINDS.iter().any(|(_, prefix)| text.starts_with(prefix));
        let hashed = match ours {
            true => has_form("adt_", &text).then_some(text.as_str()),
            false => sanctum(&text).filter(|_| from_sanctum).or_else(|| {
                let shape = text.len() >= 16 && text.len() <= 255;
                let plain = text.bytes().all(|byte| (0x21..0x7f).contains(&byte));
                (imported && shape && plain).then_some(&*text)
            }),
        };
        let read = Presented::read(&text, from_sanctum, imported);
        prop_assert_eq!(read.map(|read| read.hash), hashed.map(Hash::of));
    }

    #[test]
    fn abilities_are_what_they_are_letter_by_letter(
        text in like(texts(&["*", "orders:read,orders:list,a.b_c-d", "account", "**", " *", "0"])),
    ) {
        let list: Vec<&str> = text.split(',').collect();
        let parsed = Abilities::parse(&list);
        prop_assert_eq!(parsed.is_ok(), list.iter().all(|ability| is_ability(ability)));
        if let Ok(abilities) = parsed {
            let star = list.contains(&"*");
            prop_assert_eq!(abilities.allow("orders:delete"), star);
            prop_assert_eq!(abilities.allow("account"), star || list.contains(&"account"));
            prop_assert_eq!(Abilities::from_stored(Some(&abilities.to_stored())), abilities);
        }
    }

    #[test]
    fn a_stored_column_allows_what_it_lists(
        text in like(texts(&[
            "[\"*\"]", "[\"orders:read\", \"account\"]", "[]", "null", "[1, null, [\"*\"], \"a\"]",
            "{\"*\": \"*\"}", "[\"\\u002a\"]", "\"*\"",
        ])),
    ) {
        let abilities = Abilities::from_stored(Some(&text));
        let json: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let lists = |wanted: &str| {
            json.as_array().is_some_and(|list| list.iter().any(|one| *one == *wanted))
        };
        prop_assert_eq!(abilities.allow("*"), lists("*"));
        prop_assert_eq!(abilities.allow("account"), lists("*") || lists("account"));
    }

    #[test]
    fn an_email_is_one_whose_form_settles(
        text in like(texts(&["ada@example.com", " Ada.Lovelace+x@Exämple.COM\t", "a@b.c"])),
    ) {
        if let Some(email) = Email::parse(&text) {
            let address = email.as_str();
            prop_assert_eq!(address.matches('@').count(), 1);
            prop_assert!(address.len() <= 254);
            prop_assert!(!address.contains(|c: char| c.is_whitespace() || c.is_control()));
            prop_assert_eq!(address, email.typed().to_lowercase());
            let again = Email::parse(address);
            prop_assert_eq!(again.as_ref().map(Email::as_str), Some(address));
        }
    }

    #[test]
    fn a_length_of_time_is_digits_and_a_unit(
        text in like(texts(&["15m", "30d", "3600", "36525d", "3155760000s", "100w", "0"])),
    ) {
        let digits = text.trim_end_matches(['s', 'm', 'h', 'd', 'w']);
        let formed = text.len() <= digits.len() + 1
            && !digits.is_empty()
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        let read = Lifetime::parse(&text);
        prop_assert!(read.is_none_or(|read| formed && read <= Lifetime::MAX));
        let small = formed && digits.parse::<u64>().is_ok_and(|count| count <= 5217);
        prop_assert!(!small || read.is_some(), "{text:?}");
    }

    #[test]
    fn a_time_reads_back(
        text in like(texts(&[
            "2030-01-31T12:00:00Z", "2030-01-31T12:00:00.123456+14:00", "9999-12-31T23:59:59Z",
            "2030-06-30T23:59:60Z", "0000-01-01T00:00:00-23:59",
        ])),
    ) {
        if let Some(time) = Timestamp::from_rfc3339(&text) {
            prop_assert_eq!(Timestamp::from_rfc3339(&time.to_string()), Some(time));
        }
    }

    #[test]
    fn a_path_is_one_that_everybody_reads_alike(
        uri in like(texts(&[
            "/files/a/b?next=//x", "/files/..%2forders", "/files/%252e%252e/orders", "/files//orders",
            "/files/..;x/orders", "/files/a%5cb", "https://app.example:8443/files/%41", "/files/a%00",
            "//evil/files/a", "/files/./a", "*", "app.example:443",
        ])),
    ) {
        let Some(path) = RequestPath::parse(&uri) else { return Ok(()) };
        let mut read = bare_path(&uri).to_owned();
        // Whoever decodes it, and whoever does so twice, finds the same segments in it.
        let slashes = read.matches('/').count();
        for _ in 0..3 {
            prop_assert_eq!(read.matches('/').count(), slashes, "{}", &uri);
            let segments: Vec<&str> = read.split('/').skip(1).collect();
            let (last, inner) = segments.split_last().unwrap();
            prop_assert!(inner.iter().all(|segment| is_harmless(segment)), "{}", &uri);
            prop_assert!(last.is_empty() || is_harmless(last), "{}", &uri);
            read = decoded(&read);
        }
        let below = RoutePattern::parse("*:/files/[...rest]").unwrap();
        let once = decoded(bare_path(&uri));
        prop_assert!(!below.matches(None, &path) || once == "/files" || once.starts_with("/files/"));
        let one = RoutePattern::parse("GET:/files/[name]").unwrap();
        prop_assert!(!one.matches(Some("GET"), &path) || once.matches('/').count() == 2);
        prop_assert!(!one.matches(Some("POST"), &path) && !one.matches(None, &path));
    }

    #[test]
    fn a_route_without_placeholders_matches_its_own_path(
        text in like(texts(&[
            "GET:/public", "*:/files/[...rest]", "post:/hooks/[name]/x", "GET:/a%20b/c", "GET:/",
            "GET:/a/../b", "GET:/[...a]/b", "GET:/:id", "/public",
        ])),
    ) {
        let Ok(route) = RoutePattern::parse(&text) else { return Ok(()) };
        let (method, path) = text.split_once(':').unwrap();
        let request = RequestPath::parse(path);
        let method = method.to_ascii_uppercase();
        if let Some(request) = request.filter(|_| !path.contains('[')) {
            prop_assert!(route.matches(Some(&method), &request), "{}", &text);
        }
        let elsewhere = RequestPath::parse("/somewhere/else/entirely/x").unwrap();
        prop_assert!(path.contains('[') || !route.matches(Some(&method), &elsewhere));
    }
}

/// The path of a request target, without authority and query.
fn bare_path(uri: &str) -> &str {
    let target = uri.split('?').next().unwrap();
    match target.split_once("://").filter(|_| !target.starts_with('/')) {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => target,
    }
}

/// With every sound escape replaced.
fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let escaped = digits.filter(|_| first == b'%');
        bytes.push(escaped.map_or(first, |digits| u8::from_str_radix(digits, 16).unwrap()));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Neither a dot segment, nor one by a servlet's reading, nor with what separates segments.
fn is_harmless(segment: &str) -> bool {
    let cut = segment.split(';').next().unwrap();
    !["", ".", ".."].contains(&cut) && !segment.contains(['\\', '\0'])
}
