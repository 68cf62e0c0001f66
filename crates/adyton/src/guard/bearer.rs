//! The token header (RFC 6750, section 2.1), under whatever name and prefix it is configured.

use crate::{Adyton, Rejection};
use http::HeaderMap;

/// What the token header of a request holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Presented<'a> {
    /// No token: no header, an empty one, another scheme, or a client's `null`.
    Nothing,
    /// What stands after the prefix, good or not.
    Token(&'a str),
}

pub(super) fn presented<'a>(
    auth: &Adyton,
    headers: &'a HeaderMap,
) -> Result<Presented<'a>, Rejection> {
    let mut values = headers.get_all(auth.token_header()).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(Presented::Nothing),
        (Some(value), None) => Ok(read(value.as_bytes(), &auth.config().prefix)),
        (Some(_), Some(_)) => Err(Rejection::Malformed("the token header must stand once")),
    }
}

pub(crate) fn read<'a>(value: &'a [u8], prefix: &str) -> Presented<'a> {
    let value = value.trim_ascii();
    let Some(after) = after_prefix(value, prefix) else { return Presented::Nothing };
    // What is no text is no token that was ever issued; the empty text stands for it.
    match std::str::from_utf8(after).unwrap_or_default() {
        "null" | "undefined" => Presented::Nothing,
        "" if value.is_empty() => Presented::Nothing,
        token => Presented::Token(token),
    }
}

fn after_prefix<'a>(value: &'a [u8], prefix: &str) -> Option<&'a [u8]> {
    if prefix.is_empty() || matches!(value, b"null" | b"undefined") {
        return Some(value);
    }
    let (word, rest) = value.split_at_checked(prefix.len())?;
    let ends = rest.first().is_none_or(u8::is_ascii_whitespace);
    (ends && word.eq_ignore_ascii_case(prefix.as_bytes())).then(|| rest.trim_ascii_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_makes_a_token_of_what_follows() {
        for (value, expected) in [
            ("Bearer abc", Presented::Token("abc")),
            ("bEaReR  abc ", Presented::Token("abc")),
            ("Bearer", Presented::Token("")),
            ("Bearer ", Presented::Token("")),
            ("Bearer a b", Presented::Token("a b")),
            ("Bearer \u{fc}", Presented::Token("\u{fc}")),
            ("Bearerabc", Presented::Nothing),
            ("Basic abc", Presented::Nothing),
            ("Bearer null", Presented::Nothing),
            ("Bearer undefined", Presented::Nothing),
            ("null", Presented::Nothing),
            ("", Presented::Nothing),
        ] {
            assert_eq!(read(value.as_bytes(), "Bearer"), expected, "{value:?}");
        }
        assert_eq!(read(b"Bearer \xff", "Bearer"), Presented::Token(""));
    }

    #[test]
    fn without_a_prefix_the_value_is_the_token() {
        assert_eq!(read(b" abc", ""), Presented::Token("abc"));
        for nothing in ["", "null", "undefined"] {
            assert_eq!(read(nothing.as_bytes(), ""), Presented::Nothing);
        }
    }
}
