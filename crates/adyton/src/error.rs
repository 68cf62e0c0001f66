//! Every error as the client sees it: status, stable code, and problem details (RFC 9457).
//!
//! The only place that gives errors a status. The cause of a 5xx is logged here, once, and never
//! told to the client.

use crate::openapi::Code;
use crate::routes::Checks;
use crate::{Adyton, RequestId};
use adyton_core::csrf::CsrfReason;
use adyton_core::device::Client;
use adyton_core::error::{Error, Problems, Refusal};
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Why a request was refused; turns into an `application/problem+json` response.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// What the engine says.
    #[error(transparent)]
    Engine(#[from] Error),
    /// The request is not of the form that HTTP or JSON ask for.
    #[error("{0}")]
    Malformed(&'static str),
    /// The body is not plain `application/json`.
    #[error("send the body as application/json, without a content encoding")]
    UnsupportedMediaType,
    /// The body has more than 64 KiB.
    #[error("the body must have at most 64 KiB")]
    TooLarge,
    /// The body did not arrive in time.
    #[error("the body did not arrive in time")]
    TooSlow,
    /// Another site may have made a browser send the request.
    #[error("{0}")]
    Csrf(CsrfReason, CsrfStatus),
    /// No endpoint has this path.
    #[error("there is no such endpoint")]
    NoSuchRoute,
    /// The endpoint does not know this method.
    #[error("this endpoint does not know this method")]
    MethodNotAllowed,
    /// The server cannot do its work: what of it, and why.
    #[error("the server is not ready")]
    Unready(#[source] Error, Checks),
    /// The server is not put together as it must be.
    #[error("{0}")]
    Misconfigured(&'static str),
}

/// How a failed CSRF check is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CsrfStatus {
    /// 403.
    Forbidden,
    /// 419, by which clients of Laravel know that they need a new token.
    PageExpired,
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        Self::Engine(refusal.into())
    }
}

impl From<Problems> for Rejection {
    fn from(problems: Problems) -> Self {
        Self::Engine(problems.into())
    }
}

/// Problem details. `message` is there for clients of Laravel.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Always `about:blank`: `code` tells problems apart.
    r#type: &'static str,
    /// The status in words.
    title: &'static str,
    status: u16,
    /// What happened, in words for people.
    detail: String,
    // Its words stand at `Code`: beside an inlined schema they would be a second one.
    #[schema(inline, value_type = Code)]
    code: &'static str,
    /// The same as `detail`.
    message: String,
    /// For `validation_failed`: the problems of each field.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    errors: Option<BTreeMap<&'static str, Vec<String>>>,
    /// For `missing_ability`: what is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    missing: Option<Vec<String>>,
    /// For `csrf_failed`: which check failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<&'static str>,
    /// Of `/readyz`, which the document does not describe: what was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    checks: Option<Checks>,
}

impl Rejection {
    /// A failed CSRF check, written down, and answered as the configuration says.
    pub(crate) fn csrf(auth: &Adyton, client: &Client, reason: CsrfReason) -> Self {
        auth.csrf_refused(reason.as_str(), client);
        let sanctum = auth.config().compat.sanctum;
        Self::Csrf(reason, if sanctum { CsrfStatus::PageExpired } else { CsrfStatus::Forbidden })
    }

    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Engine(error) | Self::Unready(error, _) => engine(error),
            Self::Malformed(_) => (StatusCode::BAD_REQUEST, "malformed_request"),
            Self::UnsupportedMediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type")
            }
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "request_timeout"),
            Self::Csrf(_, status) => (csrf(*status), "csrf_failed"),
            Self::NoSuchRoute => (StatusCode::NOT_FOUND, "not_found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::Misconfigured(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal_error"),
        }
    }

    fn problem(self, status: StatusCode, code: &'static str) -> Problem {
        let detail = match (&self, status) {
            (Self::Engine(Error::Store(_)) | Self::Unready(Error::Store(_), _), _) => {
                "the store cannot answer; try again".to_owned()
            }
            (_, StatusCode::INTERNAL_SERVER_ERROR) => "something went wrong here".to_owned(),
            _ => self.to_string(),
        };
        let (mut errors, mut missing, mut reason, mut checked) = (None, None, None, None);
        match self {
            Self::Engine(Error::Invalid(problems)) => errors = Some(problems.fields().clone()),
            Self::Engine(Error::MissingAbility(abilities)) => missing = Some(abilities),
            Self::Csrf(failed, _) => reason = Some(failed.as_str()),
            Self::Unready(_, checks) => checked = Some(checks),
            _ => {}
        }
        Problem {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or("Page Expired"),
            status: status.as_u16(),
            message: detail.clone(),
            detail,
            code,
            errors,
            missing,
            reason,
            checks: checked,
        }
    }
}

/// 419 is Laravel's own: it has no name in the registry.
fn csrf(status: CsrfStatus) -> StatusCode {
    match status {
        CsrfStatus::Forbidden => StatusCode::FORBIDDEN,
        CsrfStatus::PageExpired => StatusCode::from_u16(419).unwrap_or(StatusCode::FORBIDDEN),
    }
}

fn engine(error: &Error) -> (StatusCode, &'static str) {
    match error {
        Error::Unauthenticated(refusal) => (StatusCode::UNAUTHORIZED, refusal.code()),
        Error::MissingAbility(_) => (StatusCode::FORBIDDEN, "missing_ability"),
        Error::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "validation_failed"),
        Error::NotFound => (StatusCode::NOT_FOUND, "not_found"),
        Error::TooManyAttempts(_) => (StatusCode::TOO_MANY_REQUESTS, "too_many_attempts"),
        Error::LimitReached => (StatusCode::CONFLICT, "limit_reached"),
        Error::Overloaded(_) => (StatusCode::SERVICE_UNAVAILABLE, "overloaded"),
        Error::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, "store_unavailable"),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "internal_error"),
    }
}

/// What RFC 6750 (section 3) and RFC 9110 ask for beside the body.
fn headers(rejection: &Rejection, status: StatusCode) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    // Also on the app's own routes, where no layer of ours adds them.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let challenge = match rejection {
        Rejection::Engine(Error::Unauthenticated(refusal)) => match refusal {
            Refusal::Unauthenticated | Refusal::InvalidCredentials => r#"Bearer realm="adyton""#,
            _ => r#"Bearer realm="adyton", error="invalid_token""#,
        },
        Rejection::Engine(Error::MissingAbility(_)) => {
            r#"Bearer realm="adyton", error="insufficient_scope""#
        }
        _ => "",
    };
    if !challenge.is_empty() {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    if let Rejection::Engine(Error::TooManyAttempts(exceeded)) = rejection {
        headers.insert(RETRY_AFTER, exceeded.retry_after.into());
        headers.insert(X_RATELIMIT_RESET, exceeded.resets_at.unix().into());
        rate_limit(&mut headers, exceeded.limit, 0);
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    headers
}

const X_RATELIMIT_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const X_RATELIMIT_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const X_RATELIMIT_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// What is left of a limit, in the names that Laravel has for it. A refusal has said it already.
pub(crate) fn rate_limit(headers: &mut HeaderMap, limit: u32, left: u32) {
    headers.entry(X_RATELIMIT_LIMIT).or_insert(limit.into());
    headers.entry(X_RATELIMIT_REMAINING).or_insert(left.into());
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let (status, code) = self.status_and_code();
        if code == "overloaded" {
            // That is the bound at work, and under a flood it is said often.
            tracing::debug!(code, "a request was shed");
        } else if status.is_server_error() {
            let request_id = RequestId::current();
            let request_id = request_id.as_ref().map(|RequestId(id)| &**id);
            tracing::error!(code, request_id, causes = causes(&self), "a request failed");
        }
        let headers = headers(&self, status);
        let body = serde_json::to_string(&self.problem(status, code)).unwrap_or_default();
        (status, headers, body).into_response()
    }
}

/// An error and what it came from, in one line.
fn causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
