//! PUT `/user/password`: a new password, and everybody else signed out.

use crate::body::Fields;
use crate::client_info::ClientInfo;
use crate::guard::Owner;
use crate::openapi::{Forbidden, Invalid, Refused, Shedding};
use crate::{Adyton, Rejection};
use axum::extract::State;
use http::StatusCode;

#[derive(utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "the shape of the input, for the document")]
pub(super) struct PasswordInput {
    #[schema(format = "password")]
    current_password: String,
    /// At most 1024 bytes in UTF-8.
    #[schema(format = "password")]
    password: String,
    /// Whether personal access tokens are revoked too.
    revoke_tokens: Option<bool>,
}

/// Change the password. Every other session ends.
#[utoipa::path(
    put, path = "/user/password", operation_id = "changePassword", tag = "account", request_body = PasswordInput,
    responses((status = 204), Refused, Forbidden, Invalid, Shedding),
)]
pub(super) async fn change(
    State(auth): State<Adyton>,
    Owner(principal): Owner,
    ClientInfo(client): ClientInfo,
    mut fields: Fields,
) -> Result<StatusCode, Rejection> {
    let current = fields.password("currentPassword").unwrap_or_default();
    let new = fields.password("password").unwrap_or_default();
    let revoke_tokens = fields.flag("revokeTokens");
    fields.finish()?;
    let (current, new) = (current.expose(), new.expose());
    auth.change_password(&principal, current, new, revoke_tokens, &client).await?;
    Ok(StatusCode::NO_CONTENT)
}
