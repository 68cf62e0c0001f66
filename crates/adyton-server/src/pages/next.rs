//! Where to go after signing in: a path of our own, or a page of an allowed origin. Whatever else
//! an address bar can be talked into is ignored.

use super::Site;
use adyton::core::origin::Origin;
use axum::response::{IntoResponse, Redirect, Response};

const LONGEST: usize = 2048;

/// A place that the parameter `next` may lead to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Destination {
    href: String,
    /// The origin of another front end.
    origin: Option<Origin>,
}

impl Destination {
    /// Reads the parameter `next`.
    pub(super) fn read(text: &str, site: &Site) -> Option<Self> {
        let web = site.auth().config().web().ok()?;
        let own = web.public_url.as_ref();
        Self::among(text, own, &web.allowed_origins)
    }

    fn among(text: &str, own: Option<&Origin>, allowed: &[Origin]) -> Option<Self> {
        // A browser drops tabs and line breaks from an address, and takes `\` for `/`.
        let plain = text.len() <= LONGEST && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !plain || text.contains('\\') {
            return None;
        }
        if text.starts_with('/') {
            return is_path(text).then(|| Self { href: text.to_owned(), origin: None });
        }
        let host = text.find("://")? + 3;
        let end = text[host..].find(['/', '?', '#']).map_or(text.len(), |at| host + at);
        let (origin, rest) = text.split_at(end);
        let origin = Origin::parse(origin)?;
        let known = own == Some(&origin) || allowed.contains(&origin);
        let good = known && (rest.is_empty() || is_path(rest));
        // Written anew, so that it says what was checked.
        let href = format!("{origin}{}", if rest.is_empty() { "/" } else { rest });
        good.then(|| Self { href, origin: Some(origin).filter(|origin| own != Some(origin)) })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.href
    }

    /// The other front end, if it leads there: the form that leads to it must be allowed to.
    pub(super) fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    pub(super) fn go(&self) -> Response {
        Redirect::to(&self.href).into_response()
    }
}

/// A path that is the same to every browser and proxy, and perhaps a query.
fn is_path(text: &str) -> bool {
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let lower = path.to_ascii_lowercase();
    let escaped = ["%2e", "%2f", "%5c", "%00", "%0a", "%0d"];
    path.starts_with('/')
        && !path.contains("//")
        && !escaped.iter().any(|escaped| lower.contains(escaped))
        && !path.split('/').any(|part| part == "." || part == "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let own = Origin::parse("https://id.example.com");
        let app = Origin::parse("https://app.example.com").unwrap();
        Destination::among(text, own.as_ref(), &[app]).map(|next| next.href)
    }

    #[test]
    fn own_paths_and_allowed_origins_are_kept() {
        for good in [
            "/",
            "/account/tokens",
            "/search?q=a%2Fb&to=//x#top",
            "https://app.example.com/orders?id=1",
            "https://id.example.com/account",
        ] {
            assert_eq!(read(good).as_deref(), Some(good));
        }
        let same = Some("https://app.example.com/".to_owned());
        assert_eq!(read("HTTPS://App.Example.com:443"), same);
    }

    #[test]
    fn everything_else_is_ignored() {
        for bad in [
            "",
            "account",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            " /account",
            "/a b",
            "/./\u{2f}/evil.example",
            "/..//evil.example",
            "/%2f/evil.example",
            "/%5Cevil.example",
            "/%2e%2e/x",
            "/a\0",
            "/ä",
            "https:evil.example",
            "https:/evil.example",
            "https:///evil.example",
            "https://evil.example",
            "http://app.example.com/",
            "https://app.example.com.evil.example/",
            "https://app.example.com@evil.example/",
            "https://user:pass@app.example.com/",
            "https://app.example.com:444/",
            "https://app.example.com\\@evil.example",
            "https://app.example.com//evil.example",
            "javascript:alert(1)",
            "javascript://app.example.com/%0aalert(1)",
            "data:text/html,x",
            "ftp://app.example.com/",
            "?next=x",
            "#x",
        ] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
        assert_eq!(read(&format!("/{}", "a".repeat(LONGEST))), None);
    }
}
