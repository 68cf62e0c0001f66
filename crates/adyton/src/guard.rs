//! Who is calling, once per request, whoever asks: a route of ours, an extractor, a layer.
//!
//! A token header, if there is one, is the only credential that is tried. The answer of a store
//! that fails is not kept, so that the next to ask asks again.

pub(crate) mod bearer;

pub(crate) use bearer::Presented;

use crate::{Adyton, Rejection};
use adyton_core::auth::Principal;
use adyton_core::error::{Error, Refusal};
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

impl axum::extract::FromRequestParts<Adyton> for Caller {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, auth: &Adyton) -> Result<Self, Rejection> {
        require(auth, parts).await.map(Self)
    }
}

/// A principal that may manage its account: with `*` or the ability `account`.
pub(crate) struct Owner(pub(crate) Principal);

impl axum::extract::FromRequestParts<Adyton> for Owner {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, auth: &Adyton) -> Result<Self, Rejection> {
        let principal = require(auth, parts).await?;
        auth.authorize(&principal, &["account"])?;
        Ok(Self(principal))
    }
}
