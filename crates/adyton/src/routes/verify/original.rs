//! The request that a reverse proxy asks about: which method, which path.

use crate::{Adyton, Rejection};
use adyton_core::error::Refusal;
use adyton_core::route_pattern::RequestPath;
use axum::extract::ConnectInfo;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use std::net::SocketAddr;

const X_FORWARDED_METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");
const X_FORWARDED_URI: HeaderName = HeaderName::from_static("x-forwarded-uri");

/// What is believed of a request that goes elsewhere.
#[derive(Debug)]
pub(super) struct Original {
    method: Option<Method>,
    path: Option<RequestPath>,
}

impl Original {
    /// From a trusted proxy what it says; from anybody else the method of the request itself, and
    /// no path: nobody opens a route to themselves by a header.
    ///
    /// # Errors
    /// `unauthenticated` where a header stands twice, whoever sent it: a proxy that appends to a
    /// client's own would let the client choose.
    pub(super) fn of(auth: &Adyton, parts: &Parts) -> Result<Self, Rejection> {
        let method = once(&parts.headers, &X_FORWARDED_METHOD)?;
        let uri = once(&parts.headers, &X_FORWARDED_URI)?;
        if !is_from_trusted_proxy(auth, parts) {
            return Ok(Self { method: Some(parts.method.clone()), path: None });
        }
        Ok(Self {
            method: method.and_then(|method| Method::from_bytes(method.as_bytes()).ok()),
            path: uri.and_then(|uri| RequestPath::parse(uri.to_str().ok()?)),
        })
    }

    /// The method for the CSRF check of a cookie: one that nobody knows is no safe one.
    pub(super) fn effective_method(&self) -> Method {
        self.method.clone().unwrap_or(Method::POST)
    }

    /// Whether `no_auth_routes` lets everybody pass.
    pub(super) fn is_exempt(&self, auth: &Adyton) -> bool {
        let method = self.method.as_ref().map(Method::as_str);
        let Some(path) = &self.path else { return false };
        auth.exemptions().iter().any(|route| route.matches(method, path))
    }
}

fn once<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a HeaderValue>, Rejection> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    if values.next().is_some() { Err(Refusal::Unauthenticated.into()) } else { Ok(value) }
}

fn is_from_trusted_proxy(auth: &Adyton, parts: &Parts) -> bool {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    peer.is_some_and(|ConnectInfo(peer)| auth.web().trusts(peer.ip()))
}
