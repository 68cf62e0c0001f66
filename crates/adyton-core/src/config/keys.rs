//! The keys that exist, in their canonical spelling (snake_case with dots), for every door that
//! reads them: what an unknown one was meant to be, and how it is spelled in camelCase. Their types
//! stand in [`Config`](super::Config), their meanings in [`OPTIONS`].

use super::OPTIONS;

const CONNECTOR: &str = "connector.options";
const CONNECTOR_PARTS: [&str; 11] = [
    "path",
    "host",
    "port",
    "user",
    "password",
    "database",
    "ssl_mode",
    "ssl_root_cert",
    "max_connections",
    "connect_timeout",
    "statement_timeout",
];

/// Every key that holds a value, in the order of the reference.
pub fn leaves() -> impl Iterator<Item = String> {
    OPTIONS.iter().flat_map(|option| match option.key {
        CONNECTOR => CONNECTOR_PARTS.iter().map(|part| format!("{CONNECTOR}.{part}")).collect(),
        key => vec![key.to_owned()],
    })
}

/// Whether a key holds a value.
#[must_use]
pub fn is_leaf(key: &str) -> bool {
    leaves().any(|leaf| leaf == key)
}

/// Whether a key holds keys.
#[must_use]
pub fn is_table(key: &str) -> bool {
    leaves().any(|leaf| leaf != key && is_within(&leaf, key))
}

/// Whether a key is `table` or one of its keys.
#[must_use]
pub fn is_within(key: &str, table: &str) -> bool {
    key.strip_prefix(table).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether the value of a key may hold a secret, and is not shown therefore.
#[must_use]
pub fn may_hold_secret(key: &str) -> bool {
    is_within(key, "connector") || key == "rate_limiting.store"
}

/// `authTable` as `auth_table`.
#[must_use]
pub fn snake(word: &str) -> String {
    let mut snake = String::with_capacity(word.len() + 4);
    for letter in word.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// `auth_table` as `authTable`.
#[must_use]
pub fn camel(word: &str) -> String {
    let mut parts = word.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |camel, part| {
        let (head, tail) = part.split_at(part.len().min(1));
        camel + &head.to_ascii_uppercase() + tail
    })
}

/// The key that an unknown one was probably meant to be, in snake_case: a similar one, else one of
/// a similar name in another table.
#[must_use]
pub fn nearest(key: &str) -> Option<String> {
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    closest(key, str::to_owned).or_else(|| closest(&last(key), last))
}

fn closest(word: &str, part: impl Fn(&str) -> String) -> Option<String> {
    let tables = leaves().filter_map(|leaf| Some(leaf.rsplit_once('.')?.0.to_owned()));
    let distance = |key: &str| strsim::damerau_levenshtein(word, &part(key));
    let (distance, key) = leaves().chain(tables).map(|key| (distance(&key), key)).min()?;
    (distance <= (word.len() / 4).max(2)).then_some(key)
}

/// The same, in the spelling of the key that it stands in for.
#[must_use]
pub fn nearest_as(key: &str, written: &str) -> Option<String> {
    let candidate = nearest(key)?;
    let camels = written.bytes().any(|byte| byte.is_ascii_uppercase());
    Some(if camels { camel(&candidate) } else { candidate })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn the_parts_of_the_connector_are_those_that_config_has() {
        for part in CONNECTOR_PARTS {
            let error = toml::from_str::<Config>(&format!("{CONNECTOR}.{part} = []")).unwrap_err();
            assert!(!error.message().contains("unknown field"), "{part}");
        }
        let error = toml::from_str::<Config>("connector.options.x = 1").unwrap_err();
        let (_, expected) = error.message().split_once("expected one of").unwrap();
        let mut words = expected.split('`').skip(1).step_by(2).map(snake);
        assert!(words.all(|word| CONNECTOR_PARTS.contains(&word.as_str())), "{expected}");
    }

    #[test]
    fn misspelled_keys_find_their_neighbour_in_their_own_spelling() {
        for (written, meant) in [
            ("auth_tabel", Some("auth_table")),
            ("authTabel", Some("authTable")),
            ("max_attempts", Some("rate_limiting.max_attempts")),
            ("server.listn", Some("server.listen")),
            ("rate_limiting.maxattempt", Some("rate_limiting.max_attempts")),
            ("rate_limting.enabled", Some("rate_limiting.enabled")),
            ("servers", Some("server")),
            ("something_else_entirely", None),
        ] {
            assert_eq!(nearest_as(&snake(written), written).as_deref(), meant, "{written}");
        }
    }
}
