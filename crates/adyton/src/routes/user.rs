//! GET, PATCH and DELETE `/user`: the caller's own account.

use crate::body::Fields;
use crate::browser::Visitor;
use crate::client_info::ClientInfo;
use crate::guard::{Caller, Owner};
use crate::openapi::{Forbidden, Invalid, Refused, Shedding, UserObject};
use crate::{Adyton, Rejection};
use adyton_core::auth::{Principal, ProfileChange};
use adyton_core::user::User;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The signed-in user.
#[utoipa::path(
    get, path = "/user", operation_id = "getUser", tag = "account",
    responses((status = 200, body = UserObject), Refused),
)]
pub(super) async fn show(Caller(principal): Caller) -> Response {
    shown(&principal)
}

/// A principal's user as an answer.
pub(crate) fn shown(principal: &Principal) -> Response {
    ([(CONTENT_TYPE, JSON)], principal.user_json().to_owned()).into_response()
}

#[derive(utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "the shape of the input, for the document")]
pub(super) struct UpdateInput {
    #[schema(min_length = 1, max_length = 255)]
    name: Option<String>,
    #[schema(format = "email", max_length = 254)]
    email: Option<String>,
    /// Required with `email`.
    #[schema(format = "password")]
    current_password: Option<String>,
}

/// Change name or e-mail.
#[utoipa::path(
    patch, path = "/user", operation_id = "updateUser", tag = "account", request_body = Option<UpdateInput>,
    responses((status = 200, body = UserObject), Refused, Forbidden, Invalid, Shedding),
)]
pub(super) async fn update(
    State(auth): State<Adyton>,
    Owner(principal): Owner,
    ClientInfo(client): ClientInfo,
    mut fields: Fields,
) -> Result<Json<User>, Rejection> {
    let change = ProfileChange {
        name: fields.text("name"),
        email: fields.text("email"),
        current_password: fields.password("currentPassword"),
    };
    fields.finish()?;
    Ok(Json(auth.update_user(&principal, change, &client).await?))
}

#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "the shape of the input, for the document")]
pub(super) struct DeleteInput {
    #[schema(format = "password")]
    password: String,
}

/// Delete the account with every token and session.
#[utoipa::path(
    delete, path = "/user", operation_id = "deleteUser", tag = "account", request_body = DeleteInput,
    responses((status = 204), Refused, Forbidden, Invalid, Shedding),
)]
pub(super) async fn delete(
    State(auth): State<Adyton>,
    Owner(principal): Owner,
    Visitor(browser): Visitor,
    mut fields: Fields,
) -> Result<(StatusCode, HeaderMap), Rejection> {
    let password = fields.password("password").unwrap_or_default();
    fields.finish()?;
    auth.delete_user(&principal, password.expose(), browser.client()).await?;
    Ok((StatusCode::NO_CONTENT, browser.ended(&principal, true)))
}
