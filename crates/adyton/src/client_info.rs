//! What a request tells of its client.

use adyton_core::device::Client;
use adyton_core::secret::{Kind, PlainText};
use axum::extract::{ConnectInfo, FromRequestParts};
use http::header::{ACCEPT_LANGUAGE, USER_AGENT};
use http::request::Parts;
use std::convert::Infallible;
use std::net::SocketAddr;

/// The client of a request: the connection's address, where the server tells it, and the user agent.
pub(crate) struct ClientInfo(pub(crate) Client);

impl<S: Sync> FromRequestParts<S> for ClientInfo {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let agent = parts.headers.get(USER_AGENT);
        Ok(Self(Client {
            address: peer.map(|ConnectInfo(peer)| peer.ip().to_canonical()),
            user_agent: agent.map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned()),
            language: text(ACCEPT_LANGUAGE.as_str()).map(str::to_owned),
            device_secret: text("x-device-id").and_then(|id| PlainText::parse(Kind::Device, id)),
            ..Client::default()
        }))
    }
}
