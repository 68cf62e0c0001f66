//! POST `/refresh`: the next pair of a session.

use super::login::SignInBody;
use crate::body::Fields;
use crate::client_info::ClientInfo;
use crate::openapi::{Invalid, Refused, Shedding, SignInObject};
use crate::{Adyton, Rejection};
use adyton_core::error::Problems;
use axum::Json;
use axum::extract::State;

#[derive(utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "the shape of the input, for the document")]
pub(super) struct RefreshInput {
    refresh_token: String,
}

/// Exchange a refresh token for the next pair.
#[utoipa::path(
    post, path = "/refresh", operation_id = "refresh", tag = "sign-in", security(()), request_body = RefreshInput,
    responses((status = 200, body = SignInObject), Refused, Invalid, Shedding),
)]
pub(super) async fn refresh(
    State(auth): State<Adyton>,
    ClientInfo(client): ClientInfo,
    mut fields: Fields,
) -> Result<Json<SignInBody>, Rejection> {
    let token = fields.password("refreshToken").unwrap_or_default();
    fields.finish()?;
    if token.is_empty() {
        return Err(Problems::of("refreshToken", "is required").into());
    }
    Ok(Json(auth.refresh(&token, &client).await?.into()))
}
