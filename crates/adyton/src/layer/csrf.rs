//! The CSRF check of requests that a cookie authenticates, and the token that passes it.

use super::finishing::{Finish, Finishing};
use crate::client_info::client;
use crate::first_party::{RequestSource, says_where_from};
use crate::{Adyton, Rejection, guard};
use adyton_core::config::SessionGuard;
use adyton_core::csrf::{self, Holder};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, Uri};
use std::task::{Context, Poll};
use tower::{Layer, Service};

/// What [`Adyton::csrf_layer`] gives.
#[derive(Clone, Debug)]
pub struct CsrfLayer {
    auth: Adyton,
    checks: bool,
}

impl CsrfLayer {
    pub(crate) fn new(auth: Adyton) -> Self {
        Self { auth, checks: true }
    }

    /// One that hands out tokens and refuses nothing. Our own endpoints check for themselves:
    /// whether a cookie counts is said by the body of some, and by the request that a proxy asks
    /// about.
    pub(crate) fn handing_tokens(auth: Adyton) -> Self {
        Self { auth, checks: false }
    }
}

impl<S> Layer<S> for CsrfLayer {
    type Service = CsrfChecked<S>;

    fn layer(&self, inner: S) -> CsrfChecked<S> {
        CsrfChecked { auth: self.auth.clone(), checks: self.checks, inner }
    }
}

/// A service that other sites cannot make a browser use.
#[derive(Clone, Debug)]
pub struct CsrfChecked<S> {
    auth: Adyton,
    checks: bool,
    inner: S,
}

/// Has an answer carry `XSRF-TOKEN` whoever asked.
#[derive(Clone, Copy)]
pub(crate) struct ShowXsrf;

impl<S> Service<Request> for CsrfChecked<S>
where
    S: Service<Request>,
    S::Response: IntoResponse,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Finishing<S::Future, (Adyton, Visitor)>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let visitor = Visitor::of(&self.auth, request.headers(), request.uri());
        let passed = if self.checks { visitor.check(&self.auth, &request) } else { Ok(()) };
        let answer = passed.map(|()| self.inner.call(request));
        Finishing::new(answer, (self.auth.clone(), visitor))
    }
}

/// What is kept of a request until its answer.
#[derive(Default)]
#[expect(missing_debug_implementations, reason = "no path leads here, and its texts are secrets")]
pub struct Visitor {
    /// None for what no browser sends.
    source: Option<RequestSource>,
    session: Option<String>,
    xsrf: Option<String>,
}

impl Finish for (Adyton, Visitor) {
    fn finish(self, response: &mut Response) {
        let (auth, visitor) = self;
        visitor.hand_token(&auth, response);
    }
}

impl Visitor {
    pub(crate) fn of(auth: &Adyton, headers: &HeaderMap, uri: &Uri) -> Self {
        let cookies = auth.config().session_guard != SessionGuard::Token;
        if !cookies || !says_where_from(headers) {
            return Self::default();
        }
        let source = RequestSource::of(auth, headers, uri);
        let cookies = source.accepts_cookies().then(|| auth.cookies());
        Self {
            session: cookies.and_then(|cookies| cookies.session(headers)),
            xsrf: cookies.and_then(|cookies| cookies.xsrf(headers)),
            source: Some(source),
        }
    }

    /// The value of the session cookie, good or not, where cookies count.
    pub(crate) fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// Refuses what a session cookie authenticates and another site may have sent.
    fn check(&self, auth: &Adyton, request: &Request) -> Result<(), Rejection> {
        let (Some(source), Some(session)) = (self.source, &self.session) else { return Ok(()) };
        if request.method().is_safe() {
            return Ok(());
        }
        let headers = request.headers();
        if guard::presented_token(auth, headers)?.is_some() {
            return Ok(());
        }
        source.check_csrf(auth, headers, Some(session)).map_err(|reason| {
            let client = client(auth, headers, request.uri(), request.extensions());
            Rejection::csrf(auth, &client, reason)
        })
    }

    /// Puts `XSRF-TOKEN` on the answer to a page of ours, unless the page has one that is good for
    /// the session that it will hold from now on. One that signs a browser in or out has it whoever
    /// asked: an old browser, which does not say where it is, could go on with nothing else. Clients
    /// of Laravel expect the one they have on every answer.
    pub(crate) fn hand_token(self, auth: &Adyton, response: &mut Response) {
        let wanted = response.extensions_mut().remove::<ShowXsrf>().is_some();
        let first_party = self.source.is_some_and(RequestSource::is_first_party);
        let renewed = auth.cookies().session_set_by(response.headers()).is_some();
        if !(wanted || first_party || renewed) || auth.cookies().sets_xsrf(response.headers()) {
            return;
        }
        let repeated = wanted || auth.config().compat.sanctum;
        if let Some(token) = self.token(auth, response.headers(), repeated) {
            response.headers_mut().append(SET_COOKIE, auth.cookies().set_xsrf(&token));
        }
    }

    /// A token that the browser lacks, or also the one it has.
    fn token(self, auth: &Adyton, answer: &HeaderMap, also_its_own: bool) -> Option<String> {
        let session = auth.cookies().session_set_by(answer).unwrap_or(self.session);
        let holder = match &session {
            Some(session) => Holder::Session(session),
            None => Holder::Guest(self.xsrf.as_deref()),
        };
        match &self.xsrf {
            Some(own) if csrf::verify(holder, own) => also_its_own.then(|| own.clone()),
            // Without randomness there is no token, and the answer stands all the same.
            _ => csrf::issue(holder)
                .inspect_err(|error| tracing::error!(%error, "no XSRF token was issued"))
                .ok(),
        }
    }
}
