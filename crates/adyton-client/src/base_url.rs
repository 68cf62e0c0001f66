//! Where the endpoints are: read once, so that no request goes to an address that was put together
//! wrongly, and none with a token to another place.

use std::fmt;
use std::str::FromStr;
use url::{Host, Url};

/// The address of the endpoints, such as `https://app.example.com/api/auth`.
///
/// ```
/// use adyton_client::BaseUrl;
///
/// let base: BaseUrl = "https://app.example.com/api/auth/".parse()?;
/// assert_eq!(base.to_string(), "https://app.example.com/api/auth");
/// // Without a path it is the default of `server.base_path`.
/// assert_eq!("https://app.example.com".parse::<BaseUrl>()?, base);
/// assert!("app.example.com".parse::<BaseUrl>().is_err());
/// # Ok::<(), adyton_client::BaseUrlError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BaseUrl(Url);

/// Where a server has its endpoints unless it is told otherwise.
const DEFAULT_PATH: &str = "/api/auth";

impl BaseUrl {
    /// The address of an endpoint: `/user/password`.
    pub(crate) fn endpoint(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}{path}", self.0.path()));
        url
    }

    /// The address of one of many: of the session with this id. None where the id would lead to all
    /// of them.
    pub(crate) fn one_of(&self, path: &str, id: &str) -> Option<Url> {
        let mut url = self.endpoint(path);
        let named = !matches!(id, "" | "." | "..");
        // An `http` URL can be a base, so it has segments.
        url.path_segments_mut().ok().filter(|_| named)?.push(id);
        Some(url)
    }

    /// The address of something else on this server: `/orders?page=2`.
    pub(crate) fn beside(&self, path: &str) -> Result<Url, url::ParseError> {
        self.0.join("/")?.join(path)
    }

    /// Whether a request to this address reaches the same server.
    pub(crate) fn is_at(&self, url: &Url) -> bool {
        self.0.origin() == url.origin()
    }

    /// Whether what is sent there can be read on the way: `http`, and not to this machine.
    #[must_use]
    pub fn is_readable_by_others(&self) -> bool {
        let here = match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        self.0.scheme() == "http" && !here
    }

    #[cfg(all(feature = "rustls", not(target_arch = "wasm32")))]
    pub(crate) fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, BaseUrlError> {
        let mut url = Url::parse(text).map_err(BaseUrlError::Malformed)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(BaseUrlError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BaseUrlError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(BaseUrlError::Query);
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(if path.is_empty() { DEFAULT_PATH } else { &path });
        Ok(Self(url))
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

/// Why a text is no address of endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BaseUrlError {
    /// It is no URL.
    #[error("this is no URL; say it in full: https://app.example.com/api/auth")]
    Malformed(#[source] url::ParseError),
    /// It is neither `http` nor `https`.
    #[error("the URL must begin with https:// or http://")]
    Scheme,
    /// It has a user or a password.
    #[error("the URL must not hold a user or a password")]
    Credentials,
    /// It has a query or a fragment.
    #[error("the URL must have neither a query nor a fragment")]
    Query,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(text: &str) -> Result<BaseUrl, BaseUrlError> {
        text.parse()
    }

    #[test]
    fn what_is_no_address_of_endpoints_is_refused_with_a_reason() {
        for text in ["", "app.example.com/api", "/api/auth", "https://"] {
            assert!(matches!(base(text), Err(BaseUrlError::Malformed(_))), "{text}");
        }
        assert_eq!(base("localhost:8000"), Err(BaseUrlError::Scheme));
        assert_eq!(base("ftp://app.example.com"), Err(BaseUrlError::Scheme));
        assert_eq!(base("https://ada@app.example.com"), Err(BaseUrlError::Credentials));
        assert_eq!(base("https://:secret@app.example.com"), Err(BaseUrlError::Credentials));
        assert_eq!(base("https://app.example.com/?a=b"), Err(BaseUrlError::Query));
        assert_eq!(base("https://app.example.com/#a"), Err(BaseUrlError::Query));
    }

    #[test]
    fn an_id_stays_one_segment_whatever_is_in_it() {
        let base = base("https://app.example.com/auth//").unwrap();
        assert_eq!(base.endpoint("/tokens").as_str(), "https://app.example.com/auth/tokens");
        let odd = base.one_of("/sessions", "a/b?c#d").unwrap();
        assert_eq!(odd.as_str(), "https://app.example.com/auth/sessions/a%2Fb%3Fc%23d");
        // `url` passes over these as a path does, and all sessions would end.
        for none in ["", ".", ".."] {
            assert_eq!(base.one_of("/sessions", none), None);
        }
        let encoded = base.one_of("/sessions", "%2e%2e").unwrap();
        assert_eq!(encoded.path(), "/auth/sessions/%252e%252e");
    }

    #[test]
    fn an_address_with_another_host_is_elsewhere() {
        let base = base("https://app.example.com").unwrap();
        for path in ["/orders?page=2", "orders?page=2"] {
            let url = base.beside(path).unwrap();
            assert_eq!((base.is_at(&url), url.path()), (true, "/orders"));
        }
        assert!(!base.is_at(&base.beside("//evil.example/orders").unwrap()));
        assert!(!base.is_at(&base.beside("http://app.example.com/orders").unwrap()));
    }

    #[test]
    fn plain_http_is_private_on_this_machine_alone() {
        for private in
            ["http://localhost", "http://127.0.0.9:1", "http://[::1]", "https://a.example"]
        {
            assert!(!base(private).unwrap().is_readable_by_others(), "{private}");
        }
        for open in ["http://a.example", "http://10.0.0.1", "http://localhost.example"] {
            assert!(base(open).unwrap().is_readable_by_others(), "{open}");
        }
    }
}
