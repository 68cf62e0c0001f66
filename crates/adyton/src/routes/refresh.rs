//! POST `/refresh`: the next pair of a session.

use super::login::SignInBody;
use crate::body::Fields;
use crate::client_info::{ClientInfo, device_header};
use crate::openapi::{Invalid, Refused, Shedding, SignInObject};
use crate::{Adyton, Rejection};
use adyton_core::error::Problems;
use axum::Json;
use axum::extract::State;
use http::HeaderMap;

#[derive(utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "the shape of the input, for the document")]
pub(super) struct RefreshInput {
    refresh_token: String,
}

/// Exchange a refresh token for the next pair.
#[utoipa::path(
    post, path = "/refresh", operation_id = "refresh", tag = "sign-in", security(()), request_body = RefreshInput,
    params(("X-Device-Id" = Option<String>, Header, description = "The `deviceSecret` of an earlier sign-in.")),
    responses((status = 200, body = SignInObject), Refused, Invalid, Shedding),
)]
pub(super) async fn refresh(
    State(auth): State<Adyton>,
    ClientInfo(mut client): ClientInfo,
    headers: HeaderMap,
    mut fields: Fields,
) -> Result<Json<SignInBody>, Rejection> {
    // The cookie may be that of somebody else who has signed in with this browser.
    client.device_secret = device_header(&headers);
    let token = fields.password("refreshToken").unwrap_or_default();
    fields.finish()?;
    if token.expose().is_empty() {
        return Err(Problems::of("refreshToken", "is required").into());
    }
    Ok(Json(auth.refresh(token.expose(), &client).await?.into()))
}
