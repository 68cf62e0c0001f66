//! Requests as JavaScript hands them over, read into those of `http`.

use adyton::Rejection;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::header::HOST;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use napi::{Error, Status};
use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

/// Everything of a request but its body: the texts of a line each. One text costs less to hand over
/// than many.
pub(crate) struct Head<'a> {
    method: &'a str,
    /// A path with its query, or a whole URL.
    url: &'a str,
    address: Option<IpAddr>,
    /// Names and values by turns.
    headers: Vec<&'a str>,
    /// Whether a text had a line feed in it, which made it two.
    torn: bool,
}

impl<'a> Head<'a> {
    /// Splits what JavaScript has joined of so many texts: the method, the URL, the client's
    /// address (empty for none), then names and values of headers by turns.
    ///
    /// # Errors
    /// An address that is none: limits would count for nobody, or for everybody.
    pub(crate) fn split(joined: &'a str, count: u32) -> napi::Result<Self> {
        let mut texts = joined.split('\n');
        let mut next = || texts.next().unwrap_or_default();
        let (method, url, address) = (next(), next(), next());
        let mut headers = Vec::with_capacity(count as usize);
        headers.extend(texts);
        let torn = headers.len() + 3 != count as usize || !headers.len().is_multiple_of(2);
        Ok(Self { method, url, address: read_address(address)?, headers, torn })
    }

    /// The request that these make.
    ///
    /// # Errors
    /// 400 for what no HTTP parser would have let through.
    pub(crate) fn read(&self, body: Body) -> Result<Request<Body>, Rejection> {
        let url = self.parse_url()?;
        let path = url.path_and_query().cloned().map(Uri::from);
        let mut parts = self.read_parts()?;
        parts.uri = path.unwrap_or_default();
        Ok(Request::from_parts(parts, body))
    }

    /// All of it but its path, which does not tell who sends a request.
    pub(crate) fn read_parts(&self) -> Result<Parts, Rejection> {
        let malformed = Rejection::Malformed;
        let (mut parts, ()) = Request::new(()).into_parts();
        let method = Method::from_bytes(self.method.as_bytes());
        parts.method = method.map_err(|_| malformed("the method is malformed"))?;
        parts.headers = self.read_headers().ok_or(malformed("a header is malformed"))?;
        if !parts.headers.contains_key(HOST) {
            parts.headers.extend(self.host()?);
        }
        if let Some(address) = self.address {
            parts.extensions.insert(ConnectInfo(SocketAddr::new(address, 0)));
        }
        Ok(parts)
    }

    fn read_headers(&self) -> Option<HeaderMap> {
        if self.torn {
            return None;
        }
        let mut headers = HeaderMap::try_with_capacity(self.headers.len() / 2 + 1).ok()?;
        for pair in self.headers.chunks_exact(2) {
            let name = HeaderName::from_bytes(pair[0].as_bytes()).ok()?;
            headers.try_append(name, HeaderValue::from_bytes(&bytes(pair[1])?).ok()?).ok()?;
        }
        Some(headers)
    }

    /// The host that the URL names: a web `Request` has no header for it.
    fn host(&self) -> Result<Option<(HeaderName, HeaderValue)>, Rejection> {
        let url = self.parse_url()?;
        let host = url.authority().and_then(|host| host.as_str().rsplit('@').next());
        Ok(host.and_then(|host| Some((HOST, HeaderValue::from_str(host).ok()?))))
    }

    fn parse_url(&self) -> Result<Uri, Rejection> {
        self.url.parse().map_err(|_| Rejection::Malformed("the URL is malformed"))
    }
}

/// Reads an address as Node writes it: with the zone of a link-local one.
fn read_address(text: &str) -> napi::Result<Option<IpAddr>> {
    let address = text.split('%').next().unwrap_or_default();
    match address.parse() {
        Ok(address) => Ok(Some(address)),
        Err(_) if text.is_empty() => Ok(None),
        Err(_) => Err(Error::new(Status::InvalidArg, "clientAddress must be an IP address")),
    }
}

/// The bytes of a header's value, which JavaScript holds as one character each.
fn bytes(value: &str) -> Option<Cow<'_, [u8]>> {
    if value.is_ascii() {
        return Some(value.as_bytes().into());
    }
    value
        .chars()
        .map(|letter| u8::try_from(letter).ok())
        .collect::<Option<Vec<u8>>>()
        .map(Into::into)
}
