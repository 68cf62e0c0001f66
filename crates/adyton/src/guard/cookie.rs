//! The session cookie of a request (CONTRACT 4.4): counted only where cookies count, and for what
//! changes something only after the CSRF check.

use crate::client_info::client;
use crate::first_party::RequestSource;
use crate::{Adyton, Rejection};
use adyton_core::config::SessionGuard;
use http::request::Parts;
use http::{HeaderMap, Method, Uri};

/// The value of the session cookie, good or not, where cookies count.
pub(crate) fn presented(auth: &Adyton, headers: &HeaderMap, uri: &Uri) -> Option<String> {
    if auth.config().session_guard == SessionGuard::Token {
        return None;
    }
    let value = auth.cookies().session(headers)?;
    RequestSource::of(auth, headers, uri).accepts_cookies().then_some(value)
}

/// Refuses a request that its cookie would authenticate and that another site may have sent.
pub(crate) fn check_csrf(
    auth: &Adyton,
    parts: &Parts,
    method: &Method,
    cookie: &str,
) -> Result<(), Rejection> {
    // What is safe by RFC 9110, section 9.2.1, changes nothing.
    if method.is_safe() {
        return Ok(());
    }
    let source = RequestSource::of(auth, &parts.headers, &parts.uri);
    source.check_csrf(auth, &parts.headers, Some(cookie)).map_err(|reason| {
        let client = client(auth, &parts.headers, &parts.uri, &parts.extensions);
        Rejection::csrf(auth, &client, reason)
    })
}
