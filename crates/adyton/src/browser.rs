//! What an app needs that renders forms of its own: where a request comes from, which cookies it
//! brings, and the cookies of the answer.
//!
//! Who is calling is told by the extractors; what a sign-in does, by the engine.

use crate::client_info::client;
use crate::first_party::RequestSource;
use crate::{Adyton, Rejection};
use adyton_core::auth::{SignIn, SignInOptions};
use adyton_core::csrf::CsrfReason;
use adyton_core::device::Client;
use adyton_core::secret::{Kind, PlainText};
use adyton_core::session::Guard;
use http::header::SET_COOKIE;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};

/// For pages and forms of the app's own.
///
/// ```
/// # use adyton::{Adyton, Credentials, Rejection};
/// use axum::response::{IntoResponse, Redirect};
///
/// async fn sign_in(
///     auth: &Adyton,
///     request: &http::request::Parts,
///     email: String,
///     password: String,
/// ) -> Result<impl IntoResponse, Rejection> {
///     auth.check_form(request)?;
///     let options = auth.form_sign_in(request, false);
///     let credentials = Credentials { email, password: password.into(), options };
///     let signed_in = auth.login(credentials, &auth.client(request)).await?;
///     Ok((auth.cookies_for(&signed_in), Redirect::to("/")))
/// }
/// ```
impl Adyton {
    /// Whether cookies count on the host that a request names.
    ///
    /// # Errors
    /// `csrf_failed`, `public_url_missing`: nobody has said that the host is ours.
    pub fn check_host(&self, request: &Parts) -> Result<(), Rejection> {
        let source = RequestSource::of(self, &request.headers, &request.uri);
        match source.accepts_cookies() {
            true => Ok(()),
            false => Err(Rejection::csrf(self, CsrfReason::PublicUrlMissing)),
        }
    }

    /// Refuses a form that another site may have made a browser send. To be asked of every form,
    /// whoever is signed in: signing in and out are no business of other sites either.
    ///
    /// # Errors
    /// `csrf_failed` with the check that failed.
    pub fn check_form(&self, request: &Parts) -> Result<(), Rejection> {
        let source = RequestSource::of(self, &request.headers, &request.uri);
        let session = self.session_text(request);
        source.check_csrf(self, &request.headers, session.as_deref()).map_err(|reason| {
            self.csrf_refused(reason.as_str(), &self.client(request));
            Rejection::csrf(self, reason)
        })
    }

    /// The client of a request, by its address behind trusted proxies.
    #[must_use]
    pub fn client(&self, request: &Parts) -> Client {
        client(self, &request.headers, &request.uri, &request.extensions)
    }

    /// The session cookie of a request, where cookies count and if it has the form of one.
    #[must_use]
    pub fn session_cookie(&self, request: &Parts) -> Option<PlainText> {
        PlainText::parse(Kind::Cookie, &self.session_text(request)?)
    }

    /// How a form signs in: with a cookie, in place of the session that the browser has.
    #[must_use]
    pub fn form_sign_in(&self, request: &Parts, remember: bool) -> SignInOptions {
        SignInOptions {
            guard: Some(Guard::Session),
            remember,
            replaced: self.session_cookie(request),
            ..SignInOptions::default()
        }
    }

    /// The `Set-Cookie` lines of a sign-in; none for guard `token`.
    #[must_use]
    pub fn cookies_for(&self, signed_in: &SignIn) -> HeaderMap {
        let Some(cookie) = signed_in.cookie() else { return HeaderMap::new() };
        let session = self.cookies().set_session(&cookie.secret, cookie.max_age.is_some());
        let device =
            signed_in.device_secret.as_ref().map(|secret| self.cookies().set_device(secret));
        lines([Some(session), device])
    }

    /// The `Set-Cookie` line that removes the session cookie, for a form that has signed out.
    #[must_use]
    pub fn clear_cookies(&self) -> HeaderMap {
        lines([Some(self.cookies().remove_session()), None])
    }

    fn session_text(&self, request: &Parts) -> Option<String> {
        self.check_host(request).ok()?;
        self.cookies().session(&request.headers)
    }
}

fn lines(cookies: [Option<HeaderValue>; 2]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in cookies.into_iter().flatten() {
        headers.append(SET_COOKIE, line);
    }
    headers
}
