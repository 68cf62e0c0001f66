//! GET `/csrf-cookie`: the token for requests of which no browser says where they come from.

use crate::client_info::ClientInfo;
use crate::first_party::RequestSource;
use crate::layer::ShowXsrf;
use crate::openapi::{Foreign, Malformed};
use crate::{Adyton, Rejection};
use adyton_core::csrf::CsrfReason;
use axum::Extension;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;

/// Set the cookie `XSRF-TOKEN`. Its value goes into the header `X-XSRF-TOKEN` of requests that a
/// session cookie authenticates.
#[utoipa::path(
    get, path = "/csrf-cookie", operation_id = "getCsrfCookie", tag = "sign-in", security(()),
    responses((status = 204), Foreign, Malformed),
)]
pub(super) async fn show(
    State(auth): State<Adyton>,
    ClientInfo(client): ClientInfo,
    source: RequestSource,
) -> Result<impl IntoResponse, Rejection> {
    if !source.accepts_cookies() {
        return Err(Rejection::csrf(&auth, &client, CsrfReason::PublicUrlMissing));
    }
    // The layer that checks tokens makes them too.
    Ok((StatusCode::NO_CONTENT, Extension(ShowXsrf)))
}
