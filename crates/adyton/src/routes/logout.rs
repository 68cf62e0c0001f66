//! POST `/logout`: end what is presented.

use crate::body::Fields;
use crate::client_info::ClientInfo;
use crate::openapi::Invalid;
use crate::{Adyton, Rejection, guard};
use adyton_core::auth::Presentation;
use axum::extract::State;
use http::{HeaderMap, StatusCode};

#[derive(utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "the shape of the input, for the document")]
pub(super) struct LogoutInput {
    /// Ends its session too.
    refresh_token: Option<String>,
}

/// Sign out. It answers 204 whatever is presented, also when repeated.
#[utoipa::path(
    post, path = "/logout", operation_id = "logout", tag = "sign-in", security((), ("token" = [])),
    request_body = Option<LogoutInput>, responses((status = 204), Invalid),
)]
pub(super) async fn logout(
    State(auth): State<Adyton>,
    headers: HeaderMap,
    ClientInfo(client): ClientInfo,
    mut fields: Fields,
) -> Result<StatusCode, Rejection> {
    let refresh_token = fields.password("refreshToken");
    fields.finish()?;
    let presented = Presentation {
        token: guard::presented_token(&auth, &headers)?,
        refresh_token: refresh_token.as_deref().map(String::as_str),
        cookie: None,
    };
    auth.logout(presented, &client).await?;
    Ok(StatusCode::NO_CONTENT)
}
