//! What a request tells of its client.

use crate::Adyton;
use crate::first_party::RequestSource;
use crate::forwarded::client_address;
use adyton_core::device::{Client, Quota};
use adyton_core::secret::{Kind, PlainText};
use axum::extract::{ConnectInfo, FromRequestParts};
use http::header::{ACCEPT_LANGUAGE, USER_AGENT};
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderName, Uri};
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

const X_DEVICE_ID: HeaderName = HeaderName::from_static("x-device-id");

/// The id of a request, in its extensions: a server or an app that numbers requests puts it there,
/// and the audit names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub Arc<str>);

/// The client of a request. Its address is known only where the server tells the connection's.
pub(crate) struct ClientInfo(pub(crate) Client);

impl FromRequestParts<Adyton> for ClientInfo {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, auth: &Adyton) -> Result<Self, Infallible> {
        Ok(Self(client(auth, &parts.headers, &parts.uri, &parts.extensions)))
    }
}

/// The client of a request that is not in parts.
pub(crate) fn client(
    auth: &Adyton,
    headers: &HeaderMap,
    uri: &Uri,
    extensions: &Extensions,
) -> Client {
    Client {
        address: address(auth, headers, extensions),
        user_agent: text(headers, &USER_AGENT),
        language: text(headers, &ACCEPT_LANGUAGE),
        device_secret: device_secret(auth, headers, uri),
        request_id: extensions.get::<RequestId>().map(|RequestId(id)| id.to_string()),
        quota: extensions.get::<Quota>().cloned().unwrap_or_default(),
    }
}

/// Where a request came from, if the server tells it.
pub(crate) fn address(
    auth: &Adyton,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Option<IpAddr> {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map(|ConnectInfo(peer)| client_address(peer.ip(), headers, auth.web()))
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The header's, else the cookie's where cookies count.
fn device_secret(auth: &Adyton, headers: &HeaderMap, uri: &Uri) -> Option<PlainText> {
    device_header(headers).or_else(|| {
        let counts = RequestSource::of(auth, headers, uri).accepts_cookies();
        let cookie = counts.then(|| auth.cookies().device(headers)).flatten()?;
        PlainText::parse(Kind::Device, &cookie)
    })
}

/// The device secret of a client of tokens. Two headers are none.
pub(crate) fn device_header(headers: &HeaderMap) -> Option<PlainText> {
    let mut values = headers.get_all(X_DEVICE_ID).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    PlainText::parse(Kind::Device, value.to_str().ok()?)
}
