//! What signing in and out by cookie needs of a request and puts on an answer, for our endpoints
//! and for the host app's own forms.

use crate::client_info::client;
use crate::extract::installed;
use crate::first_party::RequestSource;
use crate::guard::cookie;
use crate::{Adyton, Rejection};
use adyton_core::auth::{Principal, SignIn, SignInOptions};
use adyton_core::config::SessionGuard;
use adyton_core::csrf::{CsrfReason, OriginVerdict};
use adyton_core::device::Client;
use adyton_core::error::Problems;
use adyton_core::secret::{Kind, PlainText};
use adyton_core::session::Guard;
use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::header::SET_COOKIE;
use http::request::Parts;
use std::convert::Infallible;
use std::fmt;

/// A request that may sign its browser in or out: one that changes something has passed the CSRF
/// check, which matters for a guest too (somebody could sign a victim in as themselves).
///
/// The route needs [`Adyton::layer`].
///
/// ```
/// use adyton::{Adyton, Browser, Credentials, Rejection};
/// use axum::{Extension, Form, response::{IntoResponse, Redirect}};
///
/// #[derive(serde::Deserialize)]
/// struct SignInForm { email: String, password: String }
///
/// async fn sign_in(
///     Extension(auth): Extension<Adyton>,
///     browser: Browser,
///     Form(form): Form<SignInForm>,
/// ) -> Result<impl IntoResponse, Rejection> {
///     let options = browser.sign_in_options();
///     let credentials =
///         Credentials { email: form.email, password: form.password.into(), options };
///     let signed_in = auth.login(credentials, browser.client()).await?;
///     Ok((browser.signed_in(&signed_in), Redirect::to("/")))
/// }
/// ```
#[derive(Clone)]
pub struct Browser {
    auth: Adyton,
    client: Client,
    cookie: Option<String>,
    source: RequestSource,
    csrf: Result<(), CsrfReason>,
}

impl Browser {
    pub(crate) fn of(auth: &Adyton, parts: &Parts) -> Self {
        let cookie = cookie::presented(auth, &parts.headers, &parts.uri);
        let source = RequestSource::of(auth, &parts.headers, &parts.uri);
        Self {
            csrf: source.check_csrf(auth, &parts.headers, cookie.as_deref()),
            client: client(auth, &parts.headers, &parts.uri, &parts.extensions),
            auth: auth.clone(),
            cookie,
            source,
        }
    }

    /// Refuses what another site may have sent.
    pub(crate) fn check_csrf(&self) -> Result<(), Rejection> {
        self.csrf.map_err(|reason| Rejection::csrf(&self.auth, &self.client, reason))
    }

    /// The same for a sign-out without a token. A request that neither has a cookie nor says that
    /// a page sent it has nothing to lose.
    pub(crate) fn check_sign_out(&self) -> Result<(), Rejection> {
        let cookies = self.auth.config().session_guard != SessionGuard::Token;
        let harmless = self.cookie.is_none() && self.source.tells_nothing();
        if !cookies || !self.source.accepts_cookies() || harmless {
            return Ok(());
        }
        self.check_csrf()
    }

    /// The guard of a sign-in that asks for one, or for none. One that would set a cookie must have
    /// passed the CSRF check, and come from where the browser would send it back.
    pub(crate) fn guard_for(&self, wanted: Option<Guard>) -> Result<Guard, Rejection> {
        let configured = self.auth.config().session_guard;
        let guard = match (configured, wanted) {
            (SessionGuard::Session, None) => Guard::Session,
            (SessionGuard::Both, None) if self.source.wants_session_by_default() => Guard::Session,
            (_, wanted) => wanted.unwrap_or_default(),
        };
        // The engine says that `session_guard` allows no cookie.
        if guard == Guard::Session && configured != SessionGuard::Token {
            if self.source.origin() == OriginVerdict::AllowedCrossSite {
                let problem =
                    "no browser would send the cookie back from an origin of another site";
                return Err(Problems::of("guard", problem).into());
            }
            self.check_csrf()?;
        }
        Ok(guard)
    }

    /// Whether cookies count on the host that the request names. On any other nobody can sign in,
    /// and its pages had better say so.
    #[must_use]
    pub fn is_on_own_host(&self) -> bool {
        self.source.accepts_cookies()
    }

    /// What is known of the client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The value of its session cookie, good or not.
    #[must_use]
    pub fn cookie(&self) -> Option<&str> {
        self.cookie.as_deref()
    }

    /// The session cookie as the secret that a sign-in replaces.
    pub(crate) fn replaced(&self) -> Option<PlainText> {
        self.cookie.as_deref().and_then(|value| PlainText::parse(Kind::Cookie, value))
    }

    /// Options of a sign-in that sets a cookie, in place of the one that the browser has.
    #[must_use]
    pub fn sign_in_options(&self) -> SignInOptions {
        let (guard, replaced) = (Some(Guard::Session), self.replaced());
        SignInOptions { guard, replaced, ..SignInOptions::default() }
    }

    /// The headers of the answer to a sign-in: its cookies. None of guard `token`.
    #[must_use]
    pub fn signed_in(&self, signed_in: &SignIn) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let Some(session) = signed_in.cookie() else { return headers };
        let cookies = self.auth.cookies();
        headers.append(SET_COOKIE, cookies.set_session(&session.secret, session.max_age.is_some()));
        // A device that goes on with the secret it has keeps it for as long again.
        let device = signed_in.device_secret.as_ref().or(self.client.device_secret.as_ref());
        headers.extend(device.map(|secret| (SET_COOKIE, cookies.set_device(secret))));
        headers
    }

    /// The headers of an answer that ended the caller's own session, or another one: a cookie that is
    /// worth nothing any more goes.
    pub(crate) fn ended(&self, caller: &Principal, own: bool) -> HeaderMap {
        let by_cookie = own && caller.guard() == Guard::Session;
        if by_cookie { self.signed_out() } else { HeaderMap::new() }
    }

    /// The headers of the answer to a sign-out, which remove the session cookie if there is one.
    #[must_use]
    pub fn signed_out(&self) -> HeaderMap {
        let removal = self.cookie.is_some().then(|| self.auth.cookies().remove_session());
        removal.map(|line| (SET_COOKIE, line)).into_iter().collect()
    }
}

/// Without the cookie, which is a secret.
impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client, source, csrf, .. } = self;
        let mut shown = f.debug_struct("Browser");
        shown.field("client", client).field("source", source).field("csrf", csrf);
        shown.finish_non_exhaustive()
    }
}

impl<S: Sync> FromRequestParts<S> for Browser {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        let browser = Self::of(&installed(parts)?, parts);
        if !parts.method.is_safe() {
            browser.check_csrf()?;
        }
        Ok(browser)
    }
}

/// The same for our own endpoints, which check what they must when they know the body.
pub(crate) struct Visitor(pub(crate) Browser);

impl FromRequestParts<Adyton> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, auth: &Adyton) -> Result<Self, Infallible> {
        Ok(Self(Browser::of(auth, parts)))
    }
}
