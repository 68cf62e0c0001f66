//! Origins (RFC 6454): the scheme, host and port that a browser keeps sites apart by.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Longest text that is read as an origin, in bytes: scheme, the longest name of a host, and port.
const LONGEST: usize = 270;

/// An origin of the web: `https://app.example.com`. Its text is the one that browsers send: in lower
/// case, without a default port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    https: bool,
    host: Host,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Host {
    Name(String),
    Address(IpAddr),
}

impl Origin {
    /// Reads an origin: `http` or `https`, a host and perhaps a port, and nothing else. `null` is
    /// none, and so is an origin of any other scheme. A name with letters beyond ASCII must stand in
    /// its `xn--` form.
    ///
    /// ```
    /// use adyton_core::origin::Origin;
    ///
    /// let origin = Origin::parse("HTTPS://App.Example.com:443").unwrap();
    /// assert_eq!(origin.to_string(), "https://app.example.com");
    /// assert_eq!(Origin::parse("https://app.example.com/"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = (text.len() <= LONGEST).then(|| text.to_ascii_lowercase())?;
        let (https, rest) = match text.strip_prefix("https://") {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix("http://")?),
        };
        let (host, port) = split_port(rest)?;
        let port = match port {
            Some(port) => read_port(port)?,
            None => default_port(https),
        };
        Some(Self { https, host: Host::parse(host)?, port })
    }

    /// The host: a name, or an address in the form that URLs have.
    #[must_use]
    pub fn host(&self) -> String {
        self.host.to_string()
    }

    /// Whether its scheme is `https`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Whether the host is this machine by its name or number: `localhost`, `*.localhost`,
    /// `127.0.0.0/8` or `[::1]`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Name(name) => name == "localhost" || name.ends_with(".localhost"),
            Host::Address(address) => address.is_loopback(),
        }
    }

    /// Whether the host is this domain or a name below it. An address is below none.
    #[must_use]
    pub fn is_within(&self, domain: &str) -> bool {
        let Host::Name(name) = &self.host else { return false };
        let above = name.strip_suffix(domain);
        above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port == default_port(self.https) {
            return Ok(());
        }
        write!(f, ":{}", self.port)
    }
}

/// Whether browsers take two origins for one site: the same scheme, and the same registrable domain
/// by the public suffix list. An address is a site of its own, and so is a public suffix.
#[must_use]
pub fn same_site(a: &Origin, b: &Origin) -> bool {
    a.https == b.https
        && (a.host == b.host || a.host.site().is_some_and(|s| b.host.site() == Some(s)))
}

/// Whether a domain is a public suffix, below which anybody may have a name: `com`, `github.io`, any
/// name of one label. Browsers refuse cookies for it.
pub(crate) fn is_public_suffix(domain: &str) -> bool {
    psl::domain(domain.as_bytes()).is_none()
}

/// Whether a text, in lower case, is the name of a host.
pub(crate) fn is_host_name(name: &str) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(plain);
    // A name whose last label is a number is an address to browsers, if it is anything.
    let number = |label: &str| label.bytes().all(|b| b.is_ascii_digit()) || label.starts_with("0x");
    name.len() <= 253
        && name.split('.').all(label)
        && name.rsplit('.').next().is_some_and(|last| !number(last))
}

impl Host {
    fn parse(text: &str) -> Option<Self> {
        if let Some(inner) = text.strip_prefix('[') {
            let address: Ipv6Addr = inner.strip_suffix(']')?.parse().ok()?;
            return Some(Self::Address(address.into()));
        }
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Some(Self::Address(address.into()));
        }
        is_host_name(text).then(|| Self::Name(text.to_owned()))
    }

    /// The registrable domain.
    fn site(&self) -> Option<&str> {
        match self {
            Self::Name(name) => psl::domain_str(name),
            Self::Address(_) => None,
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

const fn default_port(https: bool) -> u16 {
    if https { 443 } else { 80 }
}

/// The host, in brackets if it stands in them, and what follows the colon after it.
fn split_port(text: &str) -> Option<(&str, Option<&str>)> {
    let end = if text.starts_with('[') {
        text.find(']')? + 1
    } else {
        text.find(':').unwrap_or(text.len())
    };
    let (host, rest) = text.split_at(end);
    match rest.strip_prefix(':') {
        Some(port) => Some((host, Some(port))),
        None => rest.is_empty().then_some((host, None)),
    }
}

fn read_port(text: &str) -> Option<u16> {
    let digits = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn origin(text: &str) -> Origin {
        Origin::parse(text).unwrap_or_else(|| panic!("{text} is no origin"))
    }

    #[test]
    fn an_origin_is_written_as_browsers_send_it() {
        for (text, written) in [
            ("https://app.example.com", "https://app.example.com"),
            ("HTTPS://APP.example.com:443", "https://app.example.com"),
            ("http://app.example.com:80", "http://app.example.com"),
            ("http://app.example.com:443", "http://app.example.com:443"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
            ("http://[0:0::1]:8000", "http://[::1]:8000"),
            ("https://xn--85x722f.xn--55qx5d.cn", "https://xn--85x722f.xn--55qx5d.cn"),
        ] {
            assert_eq!(origin(text).to_string(), written);
        }
    }

    #[test]
    fn what_is_more_or_less_than_an_origin_is_none() {
        for text in [
            "",
            "null",
            "*",
            "https://",
            "https://*",
            "https://*.example.com",
            "app.example.com",
            "//app.example.com",
            "ftp://app.example.com",
            "file://",
            "chrome-extension://abc",
            "https://app.example.com/",
            "https://app.example.com/path",
            "https://app.example.com?",
            "https://app.example.com#",
            "https://me@app.example.com",
            "https://app.example.com:",
            "https://app.example.com:0",
            "https://app.example.com:080",
            "https://app.example.com:65536",
            "https://app.example.com:+80",
            "https://app..com",
            "https://app.example.com.",
            "https://.example.com",
            "https://app example.com",
            " https://app.example.com",
            "https://app.example.com\n",
            "https://食狮.中国",
            "https://300.1.1.1",
            "https://1.2.3",
            "https://0x7f.1",
            "https://a.0x1",
            "https://2130706433",
            "https://[::1",
            "https://[::1]x",
            "https://::1",
            "https://[1.2.3.4]",
            "https://[fe80::1%25eth0]",
            "https://a.example, https://b.example",
        ] {
            assert_eq!(Origin::parse(text), None, "{text:?}");
        }
        assert_eq!(Origin::parse(&format!("https://{}.example", "a".repeat(64))), None);
        assert_eq!(Origin::parse(&format!("https://{}", "a.".repeat(127) + "a")), None);
    }

    #[test]
    fn a_site_is_a_scheme_and_a_registrable_domain() {
        for (a, b, same) in [
            ("https://app.example.com", "https://www.example.com:8443", true),
            ("https://app.example.com", "https://example.com", true),
            ("https://app.example.com", "http://app.example.com", false),
            ("https://app.example.com", "https://app.example.org", false),
            ("https://app.example.com", "https://evilexample.com", false),
            ("https://a.co.uk", "https://b.co.uk", false),
            ("https://ada.github.io", "https://eve.github.io", false),
            ("https://github.io", "https://github.io", true),
            ("https://github.io", "https://ada.github.io", false),
            ("http://localhost:3000", "http://localhost:8000", true),
            ("http://localhost", "http://app.localhost", false),
            ("http://a.app.localhost", "http://b.app.localhost", true),
            ("http://127.0.0.1:3000", "http://127.0.0.1:8000", true),
            ("http://127.0.0.1", "http://127.0.0.2", false),
            ("http://10.1.0.1", "http://20.1.0.1", false),
            ("http://[::1]", "http://[::1]:8000", true),
            ("http://localhost", "http://127.0.0.1", false),
        ] {
            assert_eq!(same_site(&origin(a), &origin(b)), same, "{a} {b}");
            assert_eq!(same_site(&origin(b), &origin(a)), same, "{b} {a}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for text in
            ["http://localhost", "http://a.b.localhost:1", "http://127.9.9.9", "http://[::1]:80"]
        {
            assert!(origin(text).is_loopback(), "{text}");
        }
        for text in [
            "http://localhost.example",
            "http://notlocalhost",
            "http://128.0.0.1",
            "http://[::2]",
            "http://127.0.0.1.example",
            "http://0.0.0.0",
        ] {
            assert!(!origin(text).is_loopback(), "{text}");
        }
    }

    #[test]
    fn a_host_is_within_its_parents() {
        let app = origin("https://app.example.com");
        for (domain, within) in [
            ("app.example.com", true),
            ("example.com", true),
            ("com", true),
            ("ple.com", false),
            ("b.app.example.com", false),
            ("example.org", false),
        ] {
            assert_eq!(app.is_within(domain), within, "{domain}");
        }
        assert!(!origin("https://10.0.0.1").is_within("0.1"));
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_is_read_reads_back(
            text in "(https?://)?[a-zA-Z0-9.:\\[\\]_%@/ é-]{0,80}|.{0,300}",
        ) {
            if let Some(origin) = Origin::parse(&text) {
                prop_assert_eq!(Origin::parse(&origin.to_string()), Some(origin.clone()));
                prop_assert!(same_site(&origin, &origin));
                let _ = is_public_suffix(&origin.host());
            }
        }
    }
}
