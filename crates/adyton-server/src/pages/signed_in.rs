//! Who looks at a page.

use super::Site;
use super::answer::Failure;
use adyton::core::auth::{Principal, SignIn};
use adyton::core::error::{Error, Refusal};
use adyton::core::secret::PlainText;
use adyton::{Client, SignInOptions};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

/// Anybody, with what their browser presents.
pub(super) struct Visitor {
    pub(super) client: Client,
    pub(super) cookie: Option<PlainText>,
    /// Who they are, if they are signed in.
    pub(super) principal: Option<Principal>,
    options: SignInOptions,
}

/// Somebody who may manage their account: with `*` or the ability `account`.
pub(super) struct Member {
    pub(super) principal: Principal,
    pub(super) client: Client,
}

impl FromRequestParts<Site> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Failure> {
        Ok(Self {
            client: site.auth().client(parts),
            cookie: site.auth().session_cookie(parts),
            principal: match authenticate(parts, site).await {
                Ok(principal) => Some(principal),
                Err(Error::Unauthenticated(_)) => None,
                Err(error) => return Err(error.into()),
            },
            options: site.auth().form_sign_in(parts, false),
        })
    }
}

impl Visitor {
    /// How they sign in here.
    pub(super) fn options(&self, remember: bool) -> SignInOptions {
        SignInOptions { remember, ..self.options.clone() }
    }
}

impl FromRequestParts<Site> for Member {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Failure> {
        let principal = authenticate(parts, site).await?;
        site.auth().authorize(&principal, &["account"])?;
        Ok(Self { principal, client: site.auth().client(parts) })
    }
}

async fn authenticate(parts: &mut Parts, site: &Site) -> Result<Principal, Error> {
    let cookie = site.auth().session_cookie(parts).ok_or(Refusal::Unauthenticated)?;
    site.auth().authenticate_cookie(cookie.expose()).await
}

impl Site {
    /// An answer that signs the browser in.
    pub(super) fn signed_in(&self, signed_in: &SignIn, answer: Response) -> Response {
        (self.auth().cookies_for(signed_in), answer).into_response()
    }

    /// An answer that takes the session cookie from the browser.
    pub(super) fn signed_out(&self, answer: Response) -> Response {
        (self.auth().clear_cookies(), answer).into_response()
    }
}
