//! Who is calling, once per request, whoever asks: a route of ours, an extractor, a layer.
//!
//! A token header, if there is one, is the only credential that is tried. The answer of a store
//! that fails is not kept, so that the next to ask asks again.

mod bearer;

pub(crate) use bearer::Presented;

use crate::client_info::ClientInfo;
use crate::{Adyton, Rejection};
use adyton_core::auth::Principal;
use adyton_core::device::Client;
use adyton_core::error::{Error, Refusal};
use axum::extract::FromRequestParts;
use http::request::Parts;

/// The outcome, kept in the request's extensions.
#[derive(Clone)]
struct Outcome(Result<Option<Principal>, Refusal>);

/// The principal of a request; `None` for a guest.
pub(crate) async fn authenticate(
    auth: &Adyton,
    parts: &mut Parts,
) -> Result<Option<Principal>, Rejection> {
    if let Some(Outcome(known)) = parts.extensions.get() {
        return Ok(known.clone()?);
    }
    let outcome = match bearer::presented(auth, &parts.headers)? {
        Presented::Nothing => Ok(None),
        Presented::Token(token) => match auth.authenticate(token).await {
            Ok(principal) => Ok(Some(principal)),
            Err(Error::Unauthenticated(refusal)) => Err(refusal),
            Err(error) => return Err(error.into()),
        },
    };
    parts.extensions.insert(Outcome(outcome.clone()));
    Ok(outcome?)
}

/// The principal of a request that must have one.
pub(crate) async fn require(auth: &Adyton, parts: &mut Parts) -> Result<Principal, Rejection> {
    Ok(authenticate(auth, parts).await?.ok_or(Refusal::Unauthenticated)?)
}

/// Refuses a principal that lacks any of these abilities. What a client is like is read only of
/// one that is refused.
pub(crate) async fn authorize(
    auth: &Adyton,
    principal: &Principal,
    abilities: &[&str],
    parts: &mut Parts,
) -> Result<(), Rejection> {
    if principal.abilities().missing(abilities).is_empty() {
        return Ok(());
    }
    Ok(auth.authorize(principal, abilities, &client(auth, parts).await)?)
}

/// The same for a principal that has none of them.
pub(crate) async fn authorize_any(
    auth: &Adyton,
    principal: &Principal,
    abilities: &[&str],
    parts: &mut Parts,
) -> Result<(), Rejection> {
    if abilities.iter().any(|ability| principal.can(ability)) {
        return Ok(());
    }
    Ok(auth.authorize_any(principal, abilities, &client(auth, parts).await)?)
}

async fn client(auth: &Adyton, parts: &mut Parts) -> Client {
    let client = ClientInfo::from_request_parts(parts, auth).await;
    client.map_or_else(|_| Client::default(), |ClientInfo(client)| client)
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
        authorize(auth, &principal, &["account"], parts).await?;
        Ok(Self(principal))
    }
}
