//! GET and DELETE `/sessions`, DELETE `/sessions/{id}`: where the caller is signed in.

use crate::browser::Visitor;
use crate::client_info::ClientInfo;
use crate::guard::Owner;
use crate::openapi::{Forbidden, Missing, Refused};
use crate::{Adyton, Rejection};
use adyton_core::auth::SessionInfo;
use adyton_core::clock::Timestamp;
use adyton_core::error::Error;
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use http::{HeaderMap, StatusCode};
use serde::Serialize;

#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SessionBody {
    id: String,
    #[schema(required)]
    device_name: Option<String>,
    #[schema(required)]
    user_agent: Option<String>,
    /// The client's network: an address cut to /24 or /48.
    #[schema(required)]
    ip_address: Option<String>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    #[schema(value_type = String, format = "date-time")]
    last_seen_at: Timestamp,
    #[schema(value_type = String, format = "date-time")]
    expires_at: Timestamp,
    current: bool,
}

impl From<SessionInfo> for SessionBody {
    fn from(info: SessionInfo) -> Self {
        Self {
            id: info.id,
            device_name: info.device.name,
            user_agent: info.device.user_agent,
            ip_address: info.device.network,
            created_at: info.created_at,
            last_seen_at: info.last_seen_at,
            expires_at: info.expires_at,
            current: info.current,
        }
    }
}

#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct SessionsBody {
    sessions: Vec<SessionBody>,
}

/// The caller's live sessions, latest sign-in first.
#[utoipa::path(
    get, path = "/sessions", operation_id = "listSessions", tag = "sessions",
    responses((status = 200, body = SessionsBody), Refused, Forbidden),
)]
pub(super) async fn list(
    State(auth): State<Adyton>,
    Owner(principal): Owner,
) -> Result<Json<SessionsBody>, Rejection> {
    let sessions = auth.list_sessions(principal.user_id(), Some(&principal)).await?;
    Ok(Json(SessionsBody { sessions: sessions.into_iter().map(Into::into).collect() }))
}

/// End every session but the current one.
#[utoipa::path(
    delete, path = "/sessions", operation_id = "endOtherSessions", tag = "sessions",
    responses((status = 204), Refused, Forbidden),
)]
pub(super) async fn end_others(
    State(auth): State<Adyton>,
    Owner(principal): Owner,
    ClientInfo(client): ClientInfo,
) -> Result<StatusCode, Rejection> {
    auth.end_other_sessions(&principal, &client).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End one session.
#[utoipa::path(
    delete, path = "/sessions/{id}", operation_id = "endSession", tag = "sessions", params(("id" = String, Path)),
    responses((status = 204), Refused, Forbidden, Missing),
)]
pub(super) async fn end(
    State(auth): State<Adyton>,
    Owner(principal): Owner,
    Visitor(browser): Visitor,
    id: Result<Path<String>, PathRejection>,
) -> Result<(StatusCode, HeaderMap), Rejection> {
    let Path(id) = id.map_err(|_| Error::NotFound)?;
    auth.end_session(principal.user_id(), &id, browser.client()).await?;
    let own = principal.session().is_some_and(|session| session.public_id == id);
    Ok((StatusCode::NO_CONTENT, browser.ended(&principal, own)))
}
