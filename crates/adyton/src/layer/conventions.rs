//! What every answer under the base path has in common (CONTRACT 3).

use super::finishing::{Finish, Finishing};
use crate::error::rate_limit;
use crate::{Adyton, Rejection};
use adyton_core::device::Quota;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, CACHE_CONTROL, HOST, VARY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, Method, Uri, Version};
use std::task::{Context, Poll};
use tower::{Layer, Service};

/// Refuses a request without one `Host`, and has no answer cached or sniffed.
///
/// A service by hand: `axum::middleware::from_fn` makes four allocations more for each request.
#[derive(Clone, Debug)]
pub(crate) struct Conventions {
    token_header: Option<HeaderValue>,
}

impl Conventions {
    /// What is copied for each request shall be nothing that all of them share.
    pub(crate) fn new(auth: &Adyton) -> Self {
        let other = Some(auth.token_header()).filter(|&name| name != AUTHORIZATION);
        Self { token_header: other.cloned().map(HeaderValue::from) }
    }

    /// Puts on an answer what all of them have in common.
    pub(crate) fn mark(&self, response: &mut Response) {
        set(response.headers_mut(), self.token_header.clone());
    }
}

impl<S> Layer<S> for Conventions {
    type Service = Conventional<S>;

    fn layer(&self, inner: S) -> Conventional<S> {
        Conventional { token_header: self.token_header.clone(), inner }
    }
}

/// A service whose answers keep the conventions.
#[derive(Clone)]
pub(crate) struct Conventional<S> {
    token_header: Option<HeaderValue>,
    inner: S,
}

impl<S> Service<Request> for Conventional<S>
where
    S: Service<Request>,
    S::Response: IntoResponse,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Finishing<S::Future, Kept>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let kept = Kept { token_header: self.token_header.clone(), quota: quota(&mut request) };
        let answer = match names_one_host(request.headers(), request.uri(), request.version()) {
            true => Ok(self.inner.call(request)),
            false => Err(Rejection::Malformed("the request must name one Host")),
        };
        Finishing::new(answer, kept)
    }
}

/// What is kept of a request until its answer.
pub(crate) struct Kept {
    token_header: Option<HeaderValue>,
    quota: Quota,
}

impl Finish for Kept {
    fn finish(self, response: &mut Response) {
        set(response.headers_mut(), self.token_header);
        if let Some((limit, left)) = self.quota.noted() {
            rate_limit(response.headers_mut(), limit, left);
        }
    }
}

/// What the engine notes the limits of a request on. No request that only reads is limited before
/// it fails, and none of those needs to carry this.
fn quota(request: &mut Request) -> Quota {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return Quota::default();
    }
    let quota = Quota::recording();
    request.extensions_mut().insert(quota.clone());
    quota
}

/// Only since HTTP/2 does an authority stand for the `Host` (RFC 9112, 3.2).
pub(crate) fn names_one_host(headers: &HeaderMap, uri: &Uri, version: Version) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => !host.is_empty(),
        (None, _) => {
            let host = uri.host().unwrap_or_default();
            version >= Version::HTTP_2 && !host.is_empty()
        }
        _ => false,
    }
}

fn set(headers: &mut HeaderMap, token_header: Option<HeaderValue>) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // CORS has said what it depends on.
    let others: Vec<_> = headers.get_all(VARY).iter().cloned().collect();
    headers.insert(VARY, HeaderValue::from_static("authorization, cookie"));
    for other in others {
        headers.append(VARY, other);
    }
    if let Some(name) = token_header {
        headers.append(VARY, name);
    }
}
