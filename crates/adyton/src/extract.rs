//! Extractors: who is calling, in the signature of a handler.

use crate::layer::Installed;
use crate::{Adyton, Rejection, guard};
use adyton_core::auth::Principal;
use adyton_core::user::User;
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use std::ops::Deref;
use std::sync::Arc;

/// The signed-in user; anybody else is answered 401. As `Option<CurrentUser>` a guest is `None`,
/// and a bad token is still 401; the cookie of a session that is over makes a guest.
///
/// The route needs [`Adyton::layer`].
///
/// ```
/// use adyton::CurrentUser;
///
/// async fn hello(user: CurrentUser) -> String {
///     format!("Hello, {}!", user.name)
/// }
///
/// async fn welcome(user: Option<CurrentUser>) -> String {
///     user.map_or("Hello, stranger!".into(), |user| format!("Welcome back, {}!", user.name))
/// }
/// # let _: axum::Router = axum::Router::new()
/// #     .route("/hello", axum::routing::get(hello)).route("/", axum::routing::get(welcome));
/// ```
#[derive(Clone, Debug)]
pub struct CurrentUser(pub Arc<User>);

impl Deref for CurrentUser {
    type Target = User;

    fn deref(&self) -> &User {
        &self.0
    }
}

/// The credential of the call: user, session and abilities. Otherwise like [`CurrentUser`].
///
/// ```
/// use adyton::CurrentToken;
///
/// async fn orders(token: CurrentToken) -> &'static str {
///     if token.can("orders:export") { "with a link to export them" } else { "just a list" }
/// }
/// # let _: axum::Router = axum::Router::new().route("/orders", axum::routing::get(orders));
/// ```
#[derive(Clone, Debug)]
pub struct CurrentToken(pub Principal);

impl Deref for CurrentToken {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.0
    }
}

impl<S: Sync> FromRequestParts<S> for CurrentToken {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        let auth = installed(parts)?;
        Ok(Self(guard::require(&auth, parts).await?))
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for CurrentToken {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Rejection> {
        let auth = installed(parts)?;
        Ok(guard::authenticate_optional(&auth, parts).await?.map(Self))
    }
}

impl<S: Sync> FromRequestParts<S> for CurrentUser {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        let auth = installed(parts)?;
        Ok(Self(Arc::clone(guard::require(&auth, parts).await?.user())))
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for CurrentUser {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Rejection> {
        let auth = installed(parts)?;
        let principal = guard::authenticate_optional(&auth, parts).await?;
        Ok(principal.map(|principal| Self(Arc::clone(principal.user()))))
    }
}

/// The handle that [`Adyton::layer`] has put there.
pub(crate) fn installed(parts: &Parts) -> Result<Adyton, Rejection> {
    let missing = "`auth.layer()` is missing on this route";
    let installed = parts.extensions.get::<Installed>();
    installed.map(|Installed(auth)| auth.clone()).ok_or(Rejection::Misconfigured(missing))
}
