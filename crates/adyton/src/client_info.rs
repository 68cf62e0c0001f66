//! What a request tells of its client.

use adyton_core::device::Client;
use axum::extract::{ConnectInfo, FromRequestParts};
use http::header::USER_AGENT;
use http::request::Parts;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

/// The id of a request, in its extensions: it stands in events and in lines of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub Arc<str>);

/// The client of a request: the connection's address, where the server tells it, and the user agent.
pub(crate) struct ClientInfo(pub(crate) Client);

impl<S: Sync> FromRequestParts<S> for ClientInfo {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let agent = parts.headers.get(USER_AGENT);
        Ok(Self(Client {
            address: peer.map(|ConnectInfo(peer)| peer.ip().to_canonical()),
            user_agent: agent.map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned()),
            request_id: parts.extensions.get().map(|RequestId(id)| id.as_ref().to_owned()),
            ..Client::default()
        }))
    }
}
