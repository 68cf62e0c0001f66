//! Any method on `/verify`: may this request pass, and whose is it? Asked by a reverse proxy before
//! it passes a request on (`auth_request` of nginx, `forward_auth` of Caddy). CONTRACT 4.6.
//!
//! The body is not read and no cookie is set: the answer is about a request that goes elsewhere.

mod original;

use crate::error::CsrfStatus;
use crate::openapi::{Forbidden, Refused};
use crate::{Adyton, Rejection, guard};
use adyton_core::auth::Principal;
use adyton_core::error::{Error, Refusal};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use http::request::Parts;
use http::{HeaderMap, HeaderName};
use original::Original;
use serde::Deserialize;

const USER_ID: HeaderName = HeaderName::from_static("x-auth-user-id");
const USER_EMAIL: HeaderName = HeaderName::from_static("x-auth-user-email");
const ABILITIES: HeaderName = HeaderName::from_static("x-auth-abilities");

#[derive(Deserialize)]
pub(super) struct Requirements {
    abilities: Option<String>,
}

/// Whether the request that a reverse proxy asks about may pass, and whose it is. Any method.
///
/// On a route of `no_auth_routes` everybody passes, whatever abilities are asked for: without a
/// good credential as a guest, with empty headers. In the headers everything but visible ASCII is
/// percent-encoded, and so are `%`, and commas within an ability.
#[utoipa::path(
    get, path = "/verify", operation_id = "verify", tag = "proxy", security((), ("token" = []), ("session" = [])),
    params(
        ("abilities" = Option<String>, Query, pattern = "^[^,]*[^, ][^,]*(,[^,]*[^, ][^,]*)*$", description = "Abilities that are all required, between commas."),
        ("X-Forwarded-Method" = Option<String>, Header, description = "The method of the request; counts from a trusted proxy."),
        ("X-Forwarded-Uri" = Option<String>, Header, description = "Its target; counts from a trusted proxy."),
    ),
    responses(
        (status = 200, description = "It may pass.", headers(
            ("X-Auth-User-Id" = String, description = "Empty for a guest."),
            ("X-Auth-User-Email" = String, description = "Empty for a guest."),
            ("X-Auth-Abilities" = String, description = "Between commas; empty for a guest."),
        )),
        Refused,
        Forbidden,
    ),
)]
pub(super) async fn verify(
    State(auth): State<Adyton>,
    requirements: Result<Query<Requirements>, QueryRejection>,
    request: Request,
) -> Result<HeaderMap, Rejection> {
    let (mut parts, _) = request.into_parts();
    let original = Original::of(&auth, &parts)?;
    let abilities = required(requirements)?;
    let caller = caller(&auth, &mut parts, &original).await;
    if original.is_exempt(&auth) {
        return identity(guest_if_refused(caller)?.as_ref());
    }
    let principal = caller?.ok_or(Refusal::Unauthenticated)?;
    let abilities: Vec<&str> = abilities.iter().map(String::as_str).collect();
    guard::authorize(&auth, &principal, &abilities, &parts)?;
    identity(Some(&principal))
}

async fn caller(
    auth: &Adyton,
    parts: &mut Parts,
    original: &Original,
) -> Result<Option<Principal>, Rejection> {
    match guard::authenticate_as(auth, parts, &original.effective_method()).await {
        // Proxies know 401 and 403, and take Laravel's 419 for a failure of ours.
        Err(Rejection::Csrf(reason, _)) => Err(Rejection::Csrf(reason, CsrfStatus::Forbidden)),
        caller => caller,
    }
}

/// What is public stays so for a browser with a stale credential. A store that fails still fails.
fn guest_if_refused(
    caller: Result<Option<Principal>, Rejection>,
) -> Result<Option<Principal>, Rejection> {
    match caller {
        Err(
            Rejection::Engine(Error::Unauthenticated(_) | Error::TooManyAttempts(_))
            | Rejection::Csrf(..),
        ) => Ok(None),
        caller => caller,
    }
}

/// An empty name is a mistake of whoever set the proxy up, and must not ask for less than meant.
fn required(
    requirements: Result<Query<Requirements>, QueryRejection>,
) -> Result<Vec<String>, Rejection> {
    let malformed = Rejection::Malformed("`abilities` must stand once, as names between commas");
    let Ok(Query(Requirements { abilities })) = requirements else { return Err(malformed) };
    let Some(names) = abilities else { return Ok(Vec::new()) };
    let names: Vec<String> =
        names.split(',').map(|name| name.trim_matches(' ').to_owned()).collect();
    if names.iter().any(String::is_empty) { Err(malformed) } else { Ok(names) }
}

/// All three always: a proxy that copies them leaves nothing of the client's in place.
fn identity(principal: Option<&Principal>) -> Result<HeaderMap, Rejection> {
    let values = principal.map_or_else(Default::default, |principal| {
        let abilities = principal.abilities().iter().map(|name| header_text(name, b"%,"));
        [
            principal.user_id().to_string(),
            header_text(&principal.user().email, b"%"),
            abilities.collect::<Vec<_>>().join(","),
        ]
    });
    let mut headers = HeaderMap::with_capacity(3);
    for (name, value) in [USER_ID, USER_EMAIL, ABILITIES].into_iter().zip(values) {
        let unfit = |_| Rejection::Misconfigured("an identity does not fit into a header");
        headers.insert(name, value.try_into().map_err(unfit)?);
    }
    Ok(headers)
}

/// A text for a header, from which it can be told again: no two give the same. An adopted table may
/// hold line ends, other alphabets, or an ability that looks like two.
fn header_text(text: &str, also: &[u8]) -> String {
    let mut safe = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !also.contains(&byte) {
            safe.push(char::from(byte));
        } else {
            safe.push_str(&format!("%{byte:02X}"));
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn whatever_a_table_holds_fits_into_a_header() {
        for (text, expected) in [
            ("ada@example.com", "ada@example.com"),
            ("orders:read", "orders:read"),
            ("a,b", "a%2Cb"),
            ("a%2Cb", "a%252Cb"),
            ("a b", "a%20b"),
            ("a\r\nX-Auth-User-Id: 1", "a%0D%0AX-Auth-User-Id:%201"),
            ("\u{fc}", "%C3%BC"),
            ("\0\u{7f}", "%00%7F"),
            ("", ""),
        ] {
            assert_eq!(header_text(text, b"%,"), expected);
            assert!(HeaderValue::try_from(header_text(text, b"%")).is_ok());
        }
    }
}
