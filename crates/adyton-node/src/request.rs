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
        let headers: Vec<&str> = texts.collect();
        let torn = headers.len() + 3 != count as usize || !headers.len().is_multiple_of(2);
        Ok(Self { method, url, address: read_address(address)?, headers, torn })
    }

    /// The request that these make.
    ///
    /// # Errors
    /// 400 for what no HTTP parser would have let through.
    pub(crate) fn read(&self, body: Body) -> Result<Request<Body>, Rejection> {
        let malformed = Rejection::Malformed;
        let url: Uri = self.url.parse().map_err(|_| malformed("the URL is malformed"))?;
        let method = Method::from_bytes(self.method.as_bytes());
        let mut request = Request::new(body);
        *request.method_mut() = method.map_err(|_| malformed("the method is malformed"))?;
        let headers = self.headers(&url).ok_or_else(|| malformed("a header is malformed"))?;
        *request.headers_mut() = headers;
        *request.uri_mut() = url.path_and_query().cloned().map(Uri::from).unwrap_or_default();
        if let Some(address) = self.address {
            request.extensions_mut().insert(ConnectInfo(SocketAddr::new(address, 0)));
        }
        Ok(request)
    }

    /// The same for a request whose body nobody reads.
    pub(crate) fn read_parts(&self) -> Result<Parts, Rejection> {
        Ok(self.read(Body::empty())?.into_parts().0)
    }

    /// The headers. Without a `Host` it is the URL's: a web `Request` has none.
    fn headers(&self, url: &Uri) -> Option<HeaderMap> {
        let mut headers = HeaderMap::with_capacity(self.headers.len() / 2 + 1);
        for pair in self.headers.chunks_exact(2).filter(|_| !self.torn) {
            let name = HeaderName::from_bytes(pair[0].as_bytes()).ok()?;
            headers.append(name, HeaderValue::from_bytes(&bytes(pair[1])?).ok()?);
        }
        if let (false, Some(host)) = (headers.contains_key(HOST), url.authority()) {
            let host = host.as_str().rsplit('@').next().unwrap_or_default();
            headers.insert(HOST, HeaderValue::from_str(host).ok()?);
        }
        Some(headers).filter(|_| !self.torn)
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
