//! What a request tells of its client.

use adyton_core::device::{Client, Quota};
use axum::extract::{ConnectInfo, FromRequestParts};
use http::header::USER_AGENT;
use http::request::Parts;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

/// The client of a request: the connection's address, where the server tells it, and the user agent.
pub(crate) struct ClientInfo(pub(crate) Client);

impl<S: Sync> FromRequestParts<S> for ClientInfo {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let agent = parts.headers.get(USER_AGENT);
        Ok(Self(Client {
            address: address(parts),
            user_agent: agent.map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned()),
            quota: parts.extensions.get::<Quota>().cloned().unwrap_or_default(),
            ..Client::default()
        }))
    }
}

/// Where a request came from, if the server tells it.
pub(crate) fn address(parts: &Parts) -> Option<IpAddr> {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map(|ConnectInfo(peer)| peer.ip().to_canonical())
}
