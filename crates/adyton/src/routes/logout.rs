//! POST `/logout`: end what is presented.

use crate::body::Fields;
use crate::browser::Visitor;
use crate::openapi::{Foreign, Invalid};
use crate::{Adyton, Rejection, guard};
use adyton_core::auth::Presentation;
use adyton_core::user::Password;
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
    post, path = "/logout", operation_id = "logout", tag = "sign-in", security((), ("token" = []), ("session" = [])),
    request_body = Option<LogoutInput>, responses((status = 204), Foreign, Invalid),
)]
pub(super) async fn logout(
    State(auth): State<Adyton>,
    headers: HeaderMap,
    Visitor(browser): Visitor,
    mut fields: Fields,
) -> Result<(StatusCode, HeaderMap), Rejection> {
    let refresh_token = fields.password("refreshToken");
    fields.finish()?;
    let token = guard::presented_token(&auth, &headers)?;
    // Beside a token the cookie does not count, and stays.
    let by_cookie = token.is_none() && refresh_token.is_none();
    if by_cookie {
        browser.check_sign_out()?;
    }
    let presented = Presentation {
        refresh_token: refresh_token.as_ref().map(Password::expose),
        cookie: browser.cookie().filter(|_| by_cookie),
        token,
    };
    auth.logout(presented, browser.client()).await?;
    let cookies = if by_cookie { browser.signed_out() } else { HeaderMap::new() };
    Ok((StatusCode::NO_CONTENT, cookies))
}
