//! Values as they are shown: without what would let their reader in.

use toml::Value;

const MASK: &str = "********";

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
