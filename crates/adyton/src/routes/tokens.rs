//! GET and POST `/tokens`, DELETE `/tokens/{id}`: the caller's personal access tokens.

use crate::body::Fields;
use crate::client_info::ClientInfo;
use crate::guard::Owner;
use crate::openapi::{Forbidden, Full, Invalid, Missing, Refused, TokenObject};
use crate::{Adyton, Rejection};
use adyton_core::auth::{CreatedToken, NewPersonalToken, TokenInfo};
use adyton_core::clock::Timestamp;
use adyton_core::error::Error;
use adyton_core::secret::PlainText;
use adyton_core::token::{TokenId, WantedExpiry};
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::Serialize;

#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct TokensBody {
    #[schema(value_type = Vec<TokenObject>)]
    tokens: Vec<TokenInfo>,
}

/// The caller's personal access tokens, oldest first.
#[utoipa::path(
    get, path = "/tokens", operation_id = "listTokens", tag = "tokens",
    responses((status = 200, body = TokensBody), Refused, Forbidden),
)]
pub(super) async fn list(
    State(auth): State<Adyton>,
    Owner(principal): Owner,
) -> Result<Json<TokensBody>, Rejection> {
    let tokens = auth.list_tokens(principal.user_id(), Some(&principal)).await?;
    Ok(Json(TokensBody { tokens }))
}

#[derive(utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "the shape of the input, for the document")]
pub(super) struct TokenInput {
    #[schema(min_length = 1, max_length = 255)]
    name: String,
    /// The caller's own when absent; never more.
    #[schema(max_items = 64)]
    abilities: Option<Vec<String>>,
    /// When it expires; null for never. Not together with `expiresIn`.
    #[schema(format = "date-time")]
    expires_at: Option<String>,
    /// In how many seconds it expires; null for never.
    #[schema(minimum = 1)]
    expires_in: Option<u64>,
}

/// A token that was just made.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreatedBody {
    /// The plain text, shown this once.
    #[schema(value_type = String, pattern = "^adt_[0-9A-Za-z]{49}$")]
    token: PlainText,
    #[schema(value_type = TokenObject)]
    access_token: TokenInfo,
}

/// Make a personal access token.
#[utoipa::path(
    post, path = "/tokens", operation_id = "createToken", tag = "tokens", request_body = TokenInput,
    responses((status = 201, body = CreatedBody), Refused, Forbidden, Full, Invalid),
)]
pub(super) async fn create(
    State(auth): State<Adyton>,
    Owner(principal): Owner,
    ClientInfo(client): ClientInfo,
    mut fields: Fields,
) -> Result<(StatusCode, Json<CreatedBody>), Rejection> {
    let new = NewPersonalToken {
        name: fields.required("name"),
        abilities: fields.texts("abilities"),
        expiry: read_expiry(&auth, &mut fields),
    };
    fields.finish()?;
    let created = auth.create_token(principal.user_id(), new, Some(&principal), &client).await?;
    let CreatedToken { token, info, .. } = created;
    Ok((StatusCode::CREATED, Json(CreatedBody { token, access_token: info })))
}

/// Revoke a personal access token.
#[utoipa::path(
    delete, path = "/tokens/{id}", operation_id = "revokeToken", tag = "tokens", params(("id" = i64, Path)),
    responses((status = 204), Refused, Forbidden, Missing),
)]
pub(super) async fn revoke(
    State(auth): State<Adyton>,
    Owner(principal): Owner,
    ClientInfo(client): ClientInfo,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Rejection> {
    let Path(id) = id.map_err(|_| Error::NotFound)?;
    // One id has one name: neither `+1` nor `01` is 1.
    let number = id.parse().ok().filter(|number: &i64| number.to_string() == id);
    let id = TokenId(number.ok_or(Error::NotFound)?);
    auth.revoke_token(principal.user_id(), id, &client).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `expiresAt` or `expiresIn`; null for never, absent for the default.
fn read_expiry(auth: &Adyton, fields: &mut Fields) -> WantedExpiry {
    let at_null = fields.is_null("expiresAt");
    let (at, seconds) = (fields.text("expiresAt"), fields.seconds("expiresIn"));
    if (at.is_some() || at_null) && seconds.is_some() {
        fields.problem("expiresIn", "must not stand beside expiresAt");
    }
    match (at.as_deref().map(Timestamp::from_rfc3339), seconds) {
        (Some(Some(time)), _) => WantedExpiry::At(time),
        (Some(None), _) => {
            fields.problem("expiresAt", "must be a time such as 2030-01-31T12:00:00Z");
            WantedExpiry::Default
        }
        (None, Some(Some(seconds))) => auth.in_seconds(seconds),
        (None, Some(None)) => WantedExpiry::Never,
        (None, None) if at_null => WantedExpiry::Never,
        (None, None) => WantedExpiry::Default,
    }
}
