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
}
