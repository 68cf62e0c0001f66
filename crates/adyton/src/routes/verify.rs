//! Any method on `/verify`: may this request pass, and whose is it? Asked by a reverse proxy before
//! it passes a request on (`auth_request` of nginx, `forward_auth` of Caddy). CONTRACT 4.6.
//!
//! The body is not read and no cookie is set: the answer belongs to a request that goes elsewhere.

use crate::forwarded::{Original, identity_value};
use crate::openapi::{Forbidden, Refused};
use crate::{Adyton, Rejection, guard};
use adyton_core::auth::Principal;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use http::{HeaderMap, HeaderName, Method};
use serde::Deserialize;

const USER_ID: HeaderName = HeaderName::from_static("x-auth-user-id");
const USER_EMAIL: HeaderName = HeaderName::from_static("x-auth-user-email");
const ABILITIES: HeaderName = HeaderName::from_static("x-auth-abilities");

#[derive(Deserialize)]
pub(super) struct Wanted {
    /// Names parted by commas.
    abilities: Option<String>,
}

/// Whether the request that a reverse proxy describes may pass, and whose it is. Any method.
///
/// On a route of `no_auth_routes` everybody passes: without a good credential as a guest, with
/// empty headers. In the headers, bytes outside visible ASCII and `%` are percent-encoded, and so
/// are commas within an ability.
#[utoipa::path(
    get, path = "/verify", operation_id = "verify", tag = "proxy", security((), ("token" = [])),
    params(
        ("abilities" = Option<String>, Query, description = "Abilities that are all required, parted by commas."),
        ("X-Forwarded-Method" = Option<String>, Header, description = "The request's method; counts from a trusted proxy."),
        ("X-Forwarded-Uri" = Option<String>, Header, description = "The request's target; counts from a trusted proxy."),
    ),
    responses(
        (status = 200, description = "It may pass.", headers(
            ("X-Auth-User-Id" = String, description = "Empty for a guest."),
            ("X-Auth-User-Email" = String, description = "Empty for a guest."),
            ("X-Auth-Abilities" = String, description = "Parted by commas; empty for a guest."),
        )),
        Refused,
        Forbidden,
    ),
)]
pub(super) async fn verify(
    State(auth): State<Adyton>,
    wanted: Result<Query<Wanted>, QueryRejection>,
    request: Request,
) -> Result<HeaderMap, Rejection> {
    let (mut parts, _) = request.into_parts();
    let original = Original::of(&auth, &parts)?;
    let wanted = required(wanted)?;
    // The guard judges a cookie by the method. One that nobody knows is no safe one.
    parts.method = original.method().cloned().unwrap_or(Method::POST);
    let caller = guard::authenticate(&auth, &mut parts).await;
    if auth.is_exempt(&original) {
        return match caller {
            Err(rejection) if !rejection.refuses_credential() => Err(rejection),
            // A page that is public stays so for a browser with a stale credential.
            caller => identity(caller.unwrap_or_default().as_ref()),
        };
    }
    let principal = caller?.ok_or(adyton_core::error::Refusal::Unauthenticated)?;
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    auth.authorize(&principal, &wanted)?;
    identity(Some(&principal))
}

/// An empty name is a mistake of who configured the proxy, which must not ask for less than meant.
fn required(wanted: Result<Query<Wanted>, QueryRejection>) -> Result<Vec<String>, Rejection> {
    let malformed = Rejection::Malformed("`abilities` must stand once, with names between commas");
    let Ok(Query(Wanted { abilities })) = wanted else { return Err(malformed) };
    let Some(names) = abilities else { return Ok(Vec::new()) };
    let names: Vec<String> = names.split(',').map(|name| name.trim().to_owned()).collect();
    if names.iter().any(String::is_empty) { Err(malformed) } else { Ok(names) }
}

/// All three always: a proxy that copies them leaves nothing of the client's in place.
fn identity(principal: Option<&Principal>) -> Result<HeaderMap, Rejection> {
    let (mut id, mut email, mut abilities) = Default::default();
    if let Some(principal) = principal {
        id = principal.user_id().to_string();
        email = identity_value(&principal.user().email, b"");
        let names = principal.abilities().iter().map(|name| identity_value(name, b","));
        abilities = names.collect::<Vec<_>>().join(",");
    }
    let mut headers = HeaderMap::with_capacity(3);
    for (name, text) in [(USER_ID, id), (USER_EMAIL, email), (ABILITIES, abilities)] {
        let value = text.try_into();
        let broken = |_| Rejection::Misconfigured("an identity that no header can hold");
        headers.insert(name, value.map_err(broken)?);
    }
    Ok(headers)
}
