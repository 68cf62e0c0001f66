//! Which requests need no credential: `"METHOD:/path/[param]"`, and what of a URI may match one.
//!
//! An exemption opens a door, so whatever two programs could read in two ways matches none: the
//! proxy decides with our answer, and the app behind it may still resolve `..` or decode `%2f`.
//!
//! - The method is a name in any case, or `*` for all. `GET` stands for `HEAD` too, which answers
//!   nothing that `GET` would not.
//! - A segment matches exactly, capitals included, after percent-decoding. `[param]` matches one
//!   segment that is not empty; `[...rest]`, only at the end, whatever follows, nothing included.
//! - A slash at the end counts: `/public` is not `/public/`.
//! - The query is ignored.
//!
//! It does not say who a caller is, nor whether a URI may be believed: that is the business of HTTP.

/// One entry of `no_auth_routes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutePattern {
    /// In capitals; none for any.
    method: Option<String>,
    segments: Vec<Segment>,
    /// Whether more segments may follow.
    open: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Param,
}

/// Why a text is no route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RoutePatternError {
    /// There is no method before a colon.
    #[error("begin with a method or `*` and a colon, such as `GET:/public`")]
    Method,
    /// The path could never be that of a plain URI.
    #[error(
        "write a plain path that begins with `/`, without a query, empty or dot segments, \
         backslashes or escapes of `/`"
    )]
    Path,
    /// Brackets or another framework's placeholders.
    #[error(
        "a placeholder is a whole segment: `[name]` for one, `[...name]` at the end for all that \
         follow"
    )]
    Placeholder,
}

impl RoutePattern {
    /// Reads `"METHOD:/path/[param]"`.
    ///
    /// # Errors
    /// [`RoutePatternError`] for anything that could not match, or not what it seems to.
    pub fn parse(text: &str) -> Result<Self, RoutePatternError> {
        let (method, path) = text.split_once(':').ok_or(RoutePatternError::Method)?;
        if !is_method(method) {
            return Err(RoutePatternError::Method);
        }
        if !path.starts_with('/') || path.contains(['?', '#', ' ']) {
            return Err(RoutePatternError::Path);
        }
        let mut segments = decoded_segments(path).ok_or(RoutePatternError::Path)?;
        let open = segments.last().is_some_and(|last| placeholder(last) == Some(true));
        if open {
            segments.pop();
        }
        let method = (method != "*").then(|| method.to_ascii_uppercase());
        let segments = segments.into_iter().map(segment).collect::<Result<_, _>>()?;
        Ok(Self { method, segments, open })
    }

    /// Whether a request with this method, where it is known, needs no credential on this path.
    #[must_use]
    pub fn matches(&self, method: Option<&str>, path: &RequestPath) -> bool {
        self.allows_method(method) && self.matches_path(&path.0)
    }

    fn allows_method(&self, method: Option<&str>) -> bool {
        let Some(own) = &self.method else { return true };
        method.is_some_and(|method| method == own || (method == "HEAD" && own == "GET"))
    }

    fn matches_path(&self, path: &[String]) -> bool {
        let long_enough = if self.open {
            path.len() >= self.segments.len()
        } else {
            path.len() == self.segments.len()
        };
        long_enough
            && self.segments.iter().zip(path).all(|(own, segment)| match own {
                Segment::Literal(own) => own == segment,
                Segment::Param => !segment.is_empty(),
            })
    }
}

/// The path of a request, in decoded segments. There is one only for a URI that every program
/// reads in the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestPath(Vec<String>);

impl RequestPath {
    /// Reads a request target in origin-form (RFC 9112, 3.2.1), as proxies tell it; none for another
    /// one, and for a path with an empty or dot segment, a backslash, a broken escape, or one of
    /// `/`, `\` or a control character, escaped once or twice.
    #[must_use]
    pub fn parse(uri: &str) -> Option<Self> {
        // A fragment never stands in a request; who sends one hopes for a difference.
        if !uri.bytes().all(|byte| byte.is_ascii_graphic()) || uri.contains('#') {
            return None;
        }
        let target = uri.split('?').next().unwrap_or_default();
        decoded_segments(target).map(Self)
    }
}

/// Segments after one decoding; the last may be empty, which is a slash at the end.
fn decoded_segments(path: &str) -> Option<Vec<String>> {
    let raw: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    let last = raw.len() - 1;
    let decode = |(at, raw): (usize, &&str)| match (*raw, at == last) {
        ("", true) => Some(String::new()),
        (raw, _) => decoded(raw),
    };
    raw.iter().enumerate().map(decode).collect()
}

fn decoded(raw: &str) -> Option<String> {
    let escapes = raw.split('%').skip(1);
    let sound = escapes.clone().all(|after| escape(after.as_bytes()).is_some());
    let once = String::from_utf8(percent_decoded(raw.as_bytes())).ok().filter(|_| sound)?;
    // There are apps that decode twice.
    let twice = percent_decoded(once.as_bytes());
    (is_plain(&once) && is_plain(&String::from_utf8_lossy(&twice))).then_some(once)
}

/// Servlet containers cut what follows a `;` before they resolve dots: `..;x` is `..` to them.
fn is_plain(segment: &str) -> bool {
    let cut = segment.split(';').next().unwrap_or_default();
    !["", ".", ".."].contains(&cut)
        && !segment.chars().any(|letter| matches!(letter, '/' | '\\') || letter.is_control())
}

/// What escapes stand for; a broken one is left as it is.
fn percent_decoded(mut text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    while let [first, rest @ ..] = text {
        let escaped = escape(rest).filter(|_| *first == b'%');
        bytes.push(escaped.unwrap_or(*first));
        text = if escaped.is_some() { &rest[2..] } else { rest };
    }
    bytes
}

/// The byte that two hexadecimal digits stand for.
fn escape(after: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*after.get(at)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

/// A token (RFC 9110, 5.6.2), which `*` is as well.
fn is_method(method: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'+-.^_`|~".contains(&byte);
    method == "*" || (!method.is_empty() && method.bytes().all(token))
}

/// Whether a segment is a placeholder, and one for all that follow.
fn placeholder(segment: &str) -> Option<bool> {
    let inner = segment.strip_prefix('[')?.strip_suffix(']')?;
    let (name, rest) = match inner.strip_prefix("...") {
        Some(name) => (name, true),
        None => (inner, false),
    };
    let word = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    (!name.is_empty() && name.bytes().all(word)).then_some(rest)
}

fn segment(text: String) -> Result<Segment, RoutePatternError> {
    match placeholder(&text) {
        Some(false) => Ok(Segment::Param),
        None if !text.starts_with(':') && !text.contains(['[', ']', '{', '}', '*']) => {
            Ok(Segment::Literal(text))
        }
        _ => Err(RoutePatternError::Placeholder),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(pattern: &str, method: &str, uri: &str) -> bool {
        let pattern = RoutePattern::parse(pattern).unwrap();
        RequestPath::parse(uri).is_some_and(|path| pattern.matches(Some(method), &path))
    }

    /// The cases that the guard of the Nuxt module, which reads routes by itself, is tested with too.
    fn cases() -> serde_json::Value {
        serde_json::from_str(include_str!("../tests/routes.json")).unwrap()
    }

    fn rows(of: &str) -> Vec<[String; 3]> {
        serde_json::from_value(cases()[of].take()).unwrap()
    }

    #[test]
    fn a_route_matches_what_it_says() {
        for [pattern, method, uri] in rows("matches") {
            assert!(matches(&pattern, &method, &uri), "{pattern} {method} {uri}");
        }
    }

    #[test]
    fn and_nothing_else() {
        for [pattern, method, uri] in rows("misses") {
            assert!(!matches(&pattern, &method, &uri), "{pattern} {method} {uri}");
        }
        let unknown = RequestPath::parse("/public").unwrap();
        assert!(!RoutePattern::parse("GET:/public").unwrap().matches(None, &unknown));
        assert!(RoutePattern::parse("*:/public").unwrap().matches(None, &unknown));
    }

    #[test]
    fn no_trick_matches_even_the_widest_route() {
        let uris: Vec<String> = serde_json::from_value(cases()["doubtful"].take()).unwrap();
        for uri in uris {
            assert!(!matches("*:/[...all]", "GET", &uri), "{uri}");
        }
    }

    #[test]
    fn what_is_no_route_is_told_why() {
        let refused: Vec<[String; 2]> = serde_json::from_value(cases()["refused"].take()).unwrap();
        for [text, kind] in refused {
            let error = match kind.as_str() {
                "method" => RoutePatternError::Method,
                "path" => RoutePatternError::Path,
                _ => RoutePatternError::Placeholder,
            };
            assert_eq!(RoutePattern::parse(&text), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(pattern in ".{0,40}", path in "[A-Z*]{1,4}:(/([a-z.%;\\[\\]]{0,6}|%[0-9a-f]{2}|\\[[.]{0,3}x\\])){0,4}", uri in "\\PC{0,60}") {
            let _ = RequestPath::parse(&uri);
            for pattern in [&pattern, &path] {
                if let (Ok(pattern), Some(path)) = (RoutePattern::parse(pattern), RequestPath::parse(&uri)) {
                    let _ = pattern.matches(Some("GET"), &path);
                }
            }
        }

        #[test]
        fn what_matches_is_what_every_program_reads(
            uri in "(/(public|a|\\.{1,3}|%2e|%2E|%2f|%5c|%00|%25|2e|2f|;|\\\\|%|é){0,4}){0,5}(\\?[a-z/.%]{0,8})?"
        ) {
            if let Some(RequestPath(segments)) = RequestPath::parse(&uri) {
                let path = uri.split('?').next().unwrap().to_lowercase();
                for bad in ["//", "/../", "/./", "%2f", "%5c", "%00", "\\"] {
                    prop_assert!(!format!("{path}/").trim_end_matches("//").contains(bad), "{}", uri);
                }
                let last = segments.len() - 1;
                for (at, segment) in segments.iter().enumerate() {
                    prop_assert!(!segment.contains(['/', '\\', '\0']) && segment != "." && segment != "..");
                    prop_assert!(at == last || !segment.is_empty());
                }
            }
        }
    }
}
