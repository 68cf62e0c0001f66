//! Cookies by name: what a request presents, and the lines that set and remove them.
//!
//! What a value is worth is the engine's to say.

use adyton_core::config::{Config, WebOptions};
use adyton_core::secret::PlainText;
use cookie::time::Duration;
use cookie::{Cookie, CookieBuilder, SameSite};
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use std::borrow::Cow;

const SESSION: &str = "adyton_session";
const DEVICE: &str = "adyton_device";
/// Never prefixed: clients know it by this name.
const XSRF: &str = "XSRF-TOKEN";
/// As long as browsers keep a cookie (RFC 6265bis, 5.5).
const DEVICE_LIFE: Duration = Duration::days(400);

/// The names and attributes that the configuration gives to cookies.
#[derive(Clone, Debug)]
pub(crate) struct Cookies {
    session: Cow<'static, str>,
    device: Cow<'static, str>,
    secure: bool,
    domain: Option<String>,
    remembered: Duration,
}

impl Cookies {
    pub(crate) fn new(config: &Config, web: &WebOptions) -> Self {
        let secure = web.public_url.as_ref().is_some_and(|url| url.is_https());
        // A browser holds to what these prefixes say (RFC 6265bis, 4.1.3), so that no other host and
        // no plain http can set a cookie in the place of ours.
        let name = |name: &'static str| match (secure, &web.cookie_domain) {
            (false, _) => Cow::Borrowed(name),
            (true, None) => Cow::Owned(format!("__Host-{name}")),
            (true, Some(_)) => Cow::Owned(format!("__Secure-{name}")),
        };
        let seconds = i64::try_from(config.session_max_age.seconds()).unwrap_or(i64::MAX);
        Self {
            session: name(SESSION),
            device: name(DEVICE),
            secure,
            domain: web.cookie_domain.clone(),
            remembered: Duration::seconds(seconds),
        }
    }

    /// The name of the session cookie.
    pub(crate) fn session_name(&self) -> &str {
        &self.session
    }

    /// The session cookie of a request, good or not. Two of them, wherever they stand, are none:
    /// somebody else may have set one of them.
    pub(crate) fn session(&self, headers: &HeaderMap) -> Option<String> {
        only(headers, COOKIE, &self.session)
    }

    /// The device cookie of a request; two are none.
    pub(crate) fn device(&self, headers: &HeaderMap) -> Option<String> {
        only(headers, COOKIE, &self.device)
    }

    /// The cookie `XSRF-TOKEN` of a request; two are none.
    pub(crate) fn xsrf(&self, headers: &HeaderMap) -> Option<String> {
        only(headers, COOKIE, XSRF)
    }

    /// What becomes of the session cookie by an answer: `None` if it says nothing of it, and
    /// `Some(None)` if it removes it.
    pub(crate) fn session_set_by(&self, answer: &HeaderMap) -> Option<Option<String>> {
        set_by(answer, &self.session).map(|value| Some(value).filter(|value| !value.is_empty()))
    }

    /// Whether an answer sets `XSRF-TOKEN`.
    pub(crate) fn sets_xsrf(&self, answer: &HeaderMap) -> bool {
        set_by(answer, XSRF).is_some()
    }

    /// The line that sets the session cookie: for `session_max_age`, or until the browser closes.
    pub(crate) fn set_session(&self, secret: &PlainText, remember: bool) -> HeaderValue {
        let life = remember.then_some(self.remembered);
        self.line(&self.session, secret.expose(), life, true)
    }

    /// The line that removes the session cookie.
    pub(crate) fn remove_session(&self) -> HeaderValue {
        self.line(&self.session, "", Some(Duration::ZERO), true)
    }

    /// The line that sets the device cookie, for 400 days.
    pub(crate) fn set_device(&self, secret: &PlainText) -> HeaderValue {
        self.line(&self.device, secret.expose(), Some(DEVICE_LIFE), true)
    }

    /// The line that sets `XSRF-TOKEN`, which scripts of the page read.
    pub(crate) fn set_xsrf(&self, token: &str) -> HeaderValue {
        self.line(XSRF, token, None, false)
    }

    fn line(&self, name: &str, value: &str, life: Option<Duration>, hidden: bool) -> HeaderValue {
        let cookie = Cookie::build((name, value)).path("/").same_site(SameSite::Lax);
        let cookie = cookie.http_only(hidden).secure(self.secure);
        let cookie = life.into_iter().fold(cookie, CookieBuilder::max_age);
        let cookie = self.domain.iter().fold(cookie, CookieBuilder::domain);
        // Names, secrets and domains are printable ASCII.
        let line = HeaderValue::try_from(cookie.build().to_string());
        let mut line = line.unwrap_or(HeaderValue::from_static(""));
        line.set_sensitive(true);
        line
    }
}

/// The value of the one cookie of this name over all lines; an empty value is none.
///
/// Read by hand: the parser of `cookie` drops every blank that Unicode knows, and a name that begins
/// with such a one has no prefix to a browser, so that any host of the domain may set it.
fn only(headers: &HeaderMap, header: http::HeaderName, name: &str) -> Option<String> {
    let lines = headers.get_all(header).iter().map(HeaderValue::as_bytes);
    let pairs = lines.flat_map(|line| line.split(|byte| *byte == b';'));
    let mut values = pairs.filter_map(|pair| {
        let (found, value) = pair.split_at(pair.iter().position(|byte| *byte == b'=')?);
        (found.trim_ascii() == name.as_bytes()).then(|| value[1..].trim_ascii())
    });
    let value = values.next().filter(|value| !value.is_empty() && values.next().is_none())?;
    String::from_utf8(value.to_vec()).ok()
}

/// The value that the last line for this name sets; empty for a removal.
fn set_by(answer: &HeaderMap, name: &str) -> Option<String> {
    let lines = answer.get_all(SET_COOKIE).iter().rev();
    let mut cookies = lines.filter_map(|line| Cookie::parse(line.to_str().ok()?).ok());
    let cookie = cookies.find(|cookie| cookie.name() == name)?;
    let removed = cookie.max_age().is_some_and(|life| !life.is_positive());
    Some(if removed { String::new() } else { cookie.value().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fragments::every_value;
    use adyton_core::secret::Kind;

    fn cookies(url: Option<&str>, domain: Option<&str>) -> Cookies {
        let mut config = Config::default();
        config.server.public_url = url.map(str::to_owned);
        config.cookie_domain = domain.map(str::to_owned);
        Cookies::new(&config, &config.web().unwrap())
    }

    fn headers(lines: &[&str]) -> HeaderMap {
        let lines = lines.iter().map(|line| HeaderValue::from_bytes(line.as_bytes()).unwrap());
        lines.map(|line| (COOKIE, line)).collect()
    }

    #[test]
    fn names_and_attributes_follow_the_public_url() {
        let secret = PlainText::draw(Kind::Cookie).unwrap();
        let value = secret.expose();
        let life = 90 * 86_400;
        for (cookies, prefix, rest) in [
            (cookies(None, None), "", ""),
            (cookies(Some("http://app.example.com"), None), "", ""),
            (cookies(Some("https://app.example.com"), None), "__Host-", "; Secure"),
            (
                cookies(Some("https://app.example.com"), Some("example.com")),
                "__Secure-",
                "; Secure; Domain=example.com",
            ),
        ] {
            let name = format!("{prefix}adyton_session");
            let parts = |line: HeaderValue| {
                assert!(line.is_sensitive());
                let mut parts: Vec<_> =
                    line.to_str().unwrap().split("; ").map(str::to_owned).collect();
                parts.sort();
                parts
            };
            let expected = |text: String| {
                let text = text + rest;
                let mut parts: Vec<_> = text.split("; ").map(str::to_owned).collect();
                parts.sort();
                parts
            };
            let http = "HttpOnly; SameSite=Lax; Path=/";
            assert_eq!(
                parts(cookies.set_session(&secret, false)),
                expected(format!("{name}={value}; {http}"))
            );
            assert_eq!(
                parts(cookies.set_session(&secret, true)),
                expected(format!("{name}={value}; {http}; Max-Age={life}"))
            );
            assert_eq!(
                parts(cookies.remove_session()),
                expected(format!("{name}=; {http}; Max-Age=0"))
            );
            assert_eq!(
                parts(cookies.set_device(&secret)),
                expected(format!("{prefix}adyton_device={value}; {http}; Max-Age=34560000"))
            );
            assert_eq!(
                parts(cookies.set_xsrf("x1")),
                expected("XSRF-TOKEN=x1; SameSite=Lax; Path=/".to_owned())
            );
        }
    }

    #[test]
    fn one_session_cookie_counts_and_two_are_none() {
        let cookies = cookies(Some("https://app.example.com"), None);
        let name = "__Host-adyton_session";
        for (lines, found) in [
            (vec![format!("{name}=a")], Some("a")),
            (vec![format!("theme=dark; {name}=a;XSRF-TOKEN=b")], Some("a")),
            (vec![format!("junk; =; {name} = a ;")], Some("a")),
            (vec!["theme=\u{fc}".to_owned(), format!("{name}=a")], Some("a")),
            (vec![format!("{name}=a; {name}=a")], None),
            (vec![format!("{name}=a"), format!("{name}=b")], None),
            (vec![format!("{name}=; {name}=b")], None),
            (vec![format!("{name}=a"), format!("x=y"), format!("{name}=")], None),
            (vec![format!("{name}=")], None),
            (vec![name.to_owned()], None),
            // Neither another prefix nor another case is ours.
            (vec!["adyton_session=a; __host-adyton_session=b".to_owned()], None),
            (vec!["__Secure-adyton_session=a".to_owned()], None),
            // A browser holds no prefix against a name that begins with such a blank, so that any
            // host of the domain can set it.
            (vec![format!("\u{2000}{name}=a")], None),
            (vec![format!("{name}\u{a0}=a")], None),
            (vec![format!("\u{3000}{name}=b; {name}=a")], Some("a")),
        ] {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            assert_eq!(cookies.session(&headers(&lines)).as_deref(), found, "{lines:?}");
        }
    }

    #[test]
    fn an_answer_says_what_the_browser_will_hold() {
        let cookies = cookies(None, None);
        let secret = PlainText::draw(Kind::Cookie).unwrap();
        let mut answer = HeaderMap::new();
        assert_eq!(cookies.session_set_by(&answer), None);
        answer.append(SET_COOKIE, cookies.set_session(&secret, true));
        assert_eq!(cookies.session_set_by(&answer), Some(Some(secret.expose().to_owned())));
        assert!(!cookies.sets_xsrf(&answer));
        answer.append(SET_COOKIE, cookies.set_xsrf("x1"));
        assert!(cookies.sets_xsrf(&answer));
        answer.append(SET_COOKIE, cookies.remove_session());
        assert_eq!(cookies.session_set_by(&answer), Some(None));
    }

    #[test]
    fn no_bytes_panic() {
        let fragments: [&[u8]; 12] = [
            b"adyton_session",
            b"=",
            b";",
            b" ",
            b"\"",
            b",",
            b"a",
            b"\xff",
            b"%3",
            b"Max-Age",
            b"-1",
            b"\t",
        ];
        let cookies = cookies(None, None);
        every_value(&fragments, 4, |value| {
            cookies.session(&HeaderMap::from_iter([(COOKIE, value.clone())]));
            cookies.session_set_by(&HeaderMap::from_iter([(SET_COOKIE, value)]));
        });
    }
}
