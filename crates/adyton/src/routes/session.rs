//! GET `/session`: who is calling, without an error for a guest.

use super::sessions::SessionBody;
use crate::openapi::{CurrentObject, Unavailable};
use crate::{Adyton, Rejection, guard};
use adyton_core::ability::Abilities;
use adyton_core::auth::Principal;
use adyton_core::clock::Timestamp;
use adyton_core::error::Error;
use adyton_core::session::Guard;
use adyton_core::user::User;
use axum::Json;
use axum::extract::{Request, State};
use serde::Serialize;

/// What [`CurrentObject`] describes.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CurrentBody {
    user: Option<User>,
    #[serde(flatten)]
    credential: Option<CredentialBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CredentialBody {
    guard: Guard,
    abilities: Abilities,
    expires_at: Option<Timestamp>,
    session: Option<SessionBody>,
}

/// The current session, or none.
#[utoipa::path(
    get, path = "/session", operation_id = "getSession", tag = "account", security((), ("token" = []), ("session" = [])),
    responses((status = 200, body = CurrentObject), Unavailable),
)]
pub(super) async fn show(
    State(auth): State<Adyton>,
    request: Request,
) -> Result<Json<CurrentBody>, Rejection> {
    let (mut parts, _) = request.into_parts();
    match guard::authenticate(&auth, &mut parts).await {
        Ok(None) => Ok(Json(CurrentBody::default())),
        Ok(Some(principal)) => Ok(Json(current(&auth, &principal))),
        Err(Rejection::Engine(Error::Unauthenticated(refusal))) => {
            Ok(Json(CurrentBody { reason: Some(refusal.code()), ..CurrentBody::default() }))
        }
        Err(rejection) => Err(rejection),
    }
}

fn current(auth: &Adyton, principal: &Principal) -> CurrentBody {
    CurrentBody {
        user: Some(User::clone(principal.user())),
        credential: Some(CredentialBody {
            guard: principal.guard(),
            abilities: principal.abilities().clone(),
            expires_at: auth.expires_at(principal),
            session: auth.session_of(principal).map(Into::into),
        }),
        reason: None,
    }
}
