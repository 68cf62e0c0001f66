//! What every answer under the base path has in common (CONTRACT 3).

use crate::{Adyton, Rejection};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, HOST, VARY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue};

/// Refuses a request without one `Host`, and has no answer cached or sniffed.
pub(crate) async fn conventions(
    State(auth): State<Adyton>,
    request: Request,
    next: Next,
) -> Response {
    let mut hosts = request.headers().get_all(HOST).iter();
    let named = match (hosts.next(), hosts.next()) {
        (Some(host), None) => !host.is_empty(),
        (None, _) => request.uri().host().is_some(),
        (Some(_), Some(_)) => false,
    };
    let mut response = if named {
        next.run(request).await
    } else {
        Rejection::Malformed("the request must name one Host").into_response()
    };
    set(response.headers_mut(), &auth);
    response
}

fn set(headers: &mut HeaderMap, auth: &Adyton) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(VARY, HeaderValue::from_static("authorization, cookie"));
    if auth.token_header() != http::header::AUTHORIZATION {
        headers.append(VARY, HeaderValue::from(auth.token_header().clone()));
    }
}
