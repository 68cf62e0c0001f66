//! The keys that exist, in their canonical spelling (snake_case with dots), and which of them hold
//! secrets. Their types and meanings stand in `adyton::core::config`.

use adyton::core::config::OPTIONS;
use toml::Value;

const CONNECTOR: &str = "connector.options";
const CONNECTOR_PARTS: [&str; 7] =
    ["path", "host", "port", "user", "password", "database", "ssl_mode"];
const MASK: &str = "********";

/// Every key that holds a value, in the order of the reference.
pub(super) fn leaves() -> impl Iterator<Item = String> {
    OPTIONS.iter().flat_map(|option| match option.key {
        CONNECTOR => CONNECTOR_PARTS.iter().map(|part| format!("{CONNECTOR}.{part}")).collect(),
        key => vec![key.to_owned()],
    })
}

pub(super) fn is_leaf(key: &str) -> bool {
    leaves().any(|leaf| leaf == key)
}

pub(super) fn is_table(key: &str) -> bool {
    leaves().any(|leaf| leaf != key && is_within(&leaf, key))
}

/// Whether a key is `table` or one of its keys.
pub(super) fn is_within(key: &str, table: &str) -> bool {
    key.strip_prefix(table).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// `authTable` as `auth_table`.
pub(super) fn snake(word: &str) -> String {
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
fn camel(word: &str) -> String {
    let mut parts = word.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |camel, part| {
        let (head, tail) = part.split_at(part.len().min(1));
        camel + &head.to_ascii_uppercase() + tail
    })
}

/// The key that an unknown one was probably meant to be, in snake_case: a similar one, else one of
/// a similar name in another table.
pub(super) fn nearest(key: &str) -> Option<String> {
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
pub(super) fn nearest_as(key: &str, written: &str) -> Option<String> {
    let candidate = nearest(key)?;
    let camels = written.bytes().any(|byte| byte.is_ascii_uppercase());
    Some(if camels { camel(&candidate) } else { candidate })
}

/// The value, without what would let its reader in.
pub(super) fn masked(key: &str, value: Value) -> Value {
    match value {
        Value::String(_) if key == "connector.options.password" => Value::String(MASK.to_owned()),
        Value::String(url) if url.contains(':') => Value::String(mask_url(&url)),
        other => other,
    }
}

/// Masks who signs in, but for a user's name before a password, and parameters such as
/// `?password=…`. Passwords may hold any letter unescaped, so the login ends at the last `@`.
fn mask_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return mask_parameters(url) };
    let (login, rest) = match rest.rsplit_once('@') {
        // Without a host there is no login: this is the path of a file.
        Some((login, rest)) if !login.starts_with('/') => (mask_login(login), rest),
        _ => (String::new(), rest),
    };
    format!("{scheme}://{login}{}", mask_parameters(rest))
}

fn mask_login(login: &str) -> String {
    match login.split_once(':') {
        Some((user, _)) if !user.contains(['/', '?', '&', '=', '@']) => format!("{user}:{MASK}@"),
        _ => format!("{MASK}@"),
    }
}

/// What stands before the first `?` passes as a parameter that is none.
fn mask_parameters(address: &str) -> String {
    let masked = address.split_inclusive(['?', '&']).map(|part| {
        let (pair, end) = part.split_at(part.trim_end_matches(['?', '&']).len());
        match pair.split_once('=') {
            Some((name, _)) if name.to_ascii_lowercase().contains("pass") => {
                format!("{name}={MASK}{end}")
            }
            _ => part.to_owned(),
        }
    });
    masked.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use adyton::core::config::Config;

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

    #[test]
    fn passwords_in_urls_are_masked_and_the_rest_stays() {
        for (url, shown) in [
            ("redis://:s3cret@cache:6379/0", "redis://:********@cache:6379/0"),
            ("postgres://ada:p@ss:/w@db/app", "postgres://ada:********@db/app"),
            ("mysql://db/app?user=a&password=x", "mysql://db/app?user=a&password=********"),
            ("sqlite://ada:s3cr?et@db/app", "sqlite://ada:********@db/app"),
            ("redis://token@host", "redis://********@host"),
            ("redis://tok?en@host/0?a=b&pass=x", "redis://********@host/0?a=b&pass=********"),
            ("mysql://a:b@db/app?user=a@c&password=x", "mysql://a:********@c&password=********"),
            ("mysql://db/app?password=a:b@c", "mysql://********@c"),
            ("mysql:db?password=x&b=c", "mysql:db?password=********&b=c"),
            ("sqlite:///srv/app@2/app.sqlite3?a=b", "sqlite:///srv/app@2/app.sqlite3?a=b"),
            ("sqlite://data/app.sqlite3", "sqlite://data/app.sqlite3"),
            ("127.0.0.1:8000", "127.0.0.1:8000"),
        ] {
            assert_eq!(mask_url(url), shown);
        }
    }
}
