//! Who is calling, once per request, whoever asks: a route of ours, an extractor, a layer.
//!
//! A token header, if there is one, is the only credential that is tried; else it is the session
//! cookie. The answer of a store that fails is not kept, so that the next to ask asks again.

pub(crate) mod bearer;
pub(crate) mod cookie;

pub(crate) use bearer::Presented;

use crate::client_info::{address, client};
use crate::first_party::{SEC_FETCH_SITE, X_XSRF_TOKEN};
use crate::forwarded::X_FORWARDED_FOR;
use crate::{Adyton, Rejection};
use adyton_core::auth::Principal;
use adyton_core::device::Client;
use adyton_core::error::{Error, Refusal};
use axum::extract::FromRequestParts;
use http::header::{COOKIE, FORWARDED, HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method};

/// The outcome, kept in the request's extensions.
#[derive(Clone)]
struct Outcome {
    principal: Result<Option<Principal>, Refusal>,
    by_cookie: bool,
}

/// The principal of a request that nobody will ask about again.
pub(crate) async fn authenticate_once(
    auth: &Adyton,
    parts: &Parts,
) -> Result<Option<Principal>, Rejection> {
    Ok(find(auth, parts, &parts.method).await?.principal?)
}

/// The principal of a request; `None` for a guest.
pub(crate) async fn authenticate(
    auth: &Adyton,
    parts: &mut Parts,
) -> Result<Option<Principal>, Rejection> {
    let method = parts.method.clone();
    Ok(outcome(auth, parts, &method).await?.principal?)
}

/// The principal of a request that only reads, if its credential is in memory and good. `session` is the
/// value of its session cookie, where cookies count.
pub(crate) fn recall(
    auth: &Adyton,
    headers: &HeaderMap,
    session: Option<&str>,
) -> Option<Principal> {
    match bearer::presented(auth, headers).ok()? {
        Presented::Token(token) => auth.recall(token),
        Presented::Nothing => auth.recall_cookie(session?),
    }
}

/// The same for a request whose method a proxy tells.
pub(crate) async fn authenticate_as(
    auth: &Adyton,
    parts: &mut Parts,
    method: &Method,
) -> Result<Option<Principal>, Rejection> {
    Ok(outcome(auth, parts, method).await?.principal?)
}

/// The principal of a request that a guest may make too. A browser goes on sending the cookie of a
/// session that is over: that makes a guest of it. A bad token is refused here as everywhere.
pub(crate) async fn authenticate_optional(
    auth: &Adyton,
    parts: &mut Parts,
) -> Result<Option<Principal>, Rejection> {
    let method = parts.method.clone();
    match outcome(auth, parts, &method).await? {
        Outcome { principal: Err(_), by_cookie: true } => Ok(None),
        Outcome { principal, .. } => Ok(principal?),
    }
}

/// Every header that the answer to this may depend on: an app that hands requests over by hand may
/// leave the others out.
pub(crate) fn telling_headers(auth: &Adyton) -> Vec<HeaderName> {
    let fixed = [COOKIE, HOST, ORIGIN, SEC_FETCH_SITE, X_XSRF_TOKEN, X_FORWARDED_FOR, FORWARDED];
    std::iter::once(auth.token_header().clone()).chain(fixed).collect()
}

async fn outcome(auth: &Adyton, parts: &mut Parts, method: &Method) -> Result<Outcome, Rejection> {
    if let Some(known) = parts.extensions.get::<Outcome>() {
        return Ok(known.clone());
    }
    let outcome = find(auth, parts, method).await?;
    parts.extensions.insert(outcome.clone());
    Ok(outcome)
}

async fn find(auth: &Adyton, parts: &Parts, method: &Method) -> Result<Outcome, Rejection> {
    let (found, by_cookie) = match bearer::presented(auth, &parts.headers)? {
        Presented::Token(token) => {
            let address = address(auth, &parts.headers, &parts.extensions);
            (auth.authenticate_from(token, address).await.map(Some), false)
        }
        Presented::Nothing => match cookie::presented(auth, &parts.headers, &parts.uri) {
            Some(value) => {
                cookie::check_csrf(auth, parts, method, &value)?;
                (auth.authenticate_cookie(&value).await.map(Some), true)
            }
            None => (Ok(None), false),
        },
    };
    let principal = match found {
        Ok(principal) => Ok(principal),
        Err(Error::Unauthenticated(refusal)) => Err(refusal),
        Err(error) => return Err(error.into()),
    };
    Ok(Outcome { principal, by_cookie })
}

/// The principal of a request that must have one.
pub(crate) async fn require(auth: &Adyton, parts: &mut Parts) -> Result<Principal, Rejection> {
    Ok(authenticate(auth, parts).await?.ok_or(Refusal::Unauthenticated)?)
}

/// Refuses a principal that lacks any of these abilities. What a client is like is read only of
/// one that is refused.
pub(crate) fn authorize(
    auth: &Adyton,
    principal: &Principal,
    abilities: &[&str],
    parts: &Parts,
) -> Result<(), Rejection> {
    if principal.abilities().missing(abilities).is_empty() {
        return Ok(());
    }
    Ok(auth.authorize(principal, abilities, &client_of(auth, parts))?)
}

/// The same for a principal that has none of them.
pub(crate) fn authorize_any(
    auth: &Adyton,
    principal: &Principal,
    abilities: &[&str],
    parts: &Parts,
) -> Result<(), Rejection> {
    if abilities.iter().any(|ability| principal.can(ability)) {
        return Ok(());
    }
    Ok(auth.authorize_any(principal, abilities, &client_of(auth, parts))?)
}

fn client_of(auth: &Adyton, parts: &Parts) -> Client {
    client(auth, &parts.headers, &parts.uri, &parts.extensions)
}

/// The token that a request presents, for those who do not ask whether it is good.
pub(crate) fn presented_token<'a>(
    auth: &Adyton,
    headers: &'a http::HeaderMap,
) -> Result<Option<&'a str>, Rejection> {
    Ok(match bearer::presented(auth, headers)? {
        Presented::Nothing => None,
        Presented::Token(token) => Some(token),
    })
}

/// The principal of one of our own endpoints.
pub(crate) struct Caller(pub(crate) Principal);

impl FromRequestParts<Adyton> for Caller {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, auth: &Adyton) -> Result<Self, Rejection> {
        require(auth, parts).await.map(Self)
    }
}

/// A principal that may manage its account: with `*` or the ability `account`.
pub(crate) struct Owner(pub(crate) Principal);

impl FromRequestParts<Adyton> for Owner {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, auth: &Adyton) -> Result<Self, Rejection> {
        let principal = require(auth, parts).await?;
        authorize(auth, &principal, &["account"], parts)?;
        Ok(Self(principal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use adyton_core::store::MemoryStore;
    use http::Request;
    use std::mem::size_of_val;

    /// What it keeps is moved and allocated by each request; what has to be looked up is not known yet.
    #[tokio::test]
    async fn a_request_has_no_room_for_a_look_up() {
        let auth = Adyton::builder().store(MemoryStore::new()).build().await.unwrap();
        let (mut parts, ()) = Request::new(()).into_parts();
        let size = size_of_val(&require(&auth, &mut parts));
        assert!(size <= 512, "{size} bytes");
    }
}
