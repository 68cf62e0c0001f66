//! Who looks at a page.

use super::Site;
use super::answer::Failure;
use adyton::core::auth::{Principal, SignIn};
use adyton::core::error::Error;
use adyton::{Browser, Client, CurrentToken, Rejection, SignInOptions};
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

/// Anybody, with what their browser presents.
pub(super) struct Visitor {
    pub(super) browser: Browser,
    /// Who they are, if they are signed in.
    pub(super) principal: Option<Principal>,
}

/// Somebody who may manage their account: with `*` or the ability `account`.
pub(super) struct Member {
    pub(super) browser: Browser,
    pub(super) principal: Principal,
}

impl FromRequestParts<Site> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Failure> {
        let caller =
            <CurrentToken as OptionalFromRequestParts<Site>>::from_request_parts(parts, site);
        let principal = match caller.await {
            Ok(caller) => caller.map(|CurrentToken(principal)| principal),
            // Where one signs in, nobody is sent to sign in.
            Err(Rejection::Engine(Error::Unauthenticated(_))) => None,
            Err(rejection) => return Err(rejection.into()),
        };
        Ok(Self { browser: Browser::from_request_parts(parts, site).await?, principal })
    }
}

impl Visitor {
    /// How they sign in here.
    pub(super) fn options(&self, remember: bool) -> SignInOptions {
        SignInOptions { remember, ..self.browser.sign_in_options() }
    }

    /// An answer that signs the browser in.
    pub(super) fn sign_in(&self, signed_in: &SignIn, answer: Response) -> Response {
        (self.browser.signed_in(signed_in), answer).into_response()
    }
}

impl FromRequestParts<Site> for Member {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Failure> {
        let caller = <CurrentToken as FromRequestParts<Site>>::from_request_parts(parts, site);
        let CurrentToken(principal) = caller.await?;
        let browser = Browser::from_request_parts(parts, site).await?;
        site.auth().authorize(&principal, &["account"], browser.client())?;
        Ok(Self { browser, principal })
    }
}

impl Member {
    pub(super) fn client(&self) -> &Client {
        self.browser.client()
    }
}
