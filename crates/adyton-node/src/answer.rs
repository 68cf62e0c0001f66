//! What JavaScript is told: an answer of HTTP, whole.

use adyton::core::store::StoreError;
use adyton::{Error, Rejection};
use axum::body::Body;
use axum::response::IntoResponse;
use futures_util::FutureExt;
use http::{HeaderMap, Response};
use http_body_util::BodyExt;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

/// An answer. Refusals are answers too, so that their status and words are written once.
#[napi(object)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names and values by turns, each followed by a line feed.
    pub headers: String,
    /// The body; empty for none.
    pub body: Buffer,
}

/// What only whoever runs the app can mend.
#[napi(object)]
pub struct Failure {
    /// In words.
    pub message: String,
}

impl Answer {
    /// Of the router's response.
    pub(crate) async fn of(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        match body.collect().await {
            Ok(body) => Self {
                status: parts.status.as_u16(),
                headers: lines(&parts.headers),
                body: Vec::from(body.to_bytes()).into(),
            },
            Err(_) => Self::bug("the answer could not be read"),
        }
    }

    /// Of a refusal.
    pub(crate) fn refusal(rejection: impl Into<Rejection>) -> Self {
        let (parts, body) = rejection.into().into_response().into_parts();
        // Its body is a text that is there, so that one poll reads it.
        let body = body.collect().now_or_never().and_then(Result::ok).unwrap_or_default();
        Self {
            status: parts.status.as_u16(),
            headers: lines(&parts.headers),
            body: Vec::from(body.to_bytes()).into(),
        }
    }

    /// What a bug of ours looks like from outside: a 500 whose cause is in the log.
    pub(crate) fn bug(cause: &'static str) -> Self {
        Self::refusal(Rejection::Misconfigured(cause))
    }

    /// Of an engine that was closed.
    pub(crate) fn closed() -> Self {
        Self::refusal(Error::from(StoreError::new(Closed)))
    }
}

/// Whoever calls a closed engine is told to come again: the next process will answer.
#[derive(Debug, thiserror::Error)]
#[error("the engine was closed")]
struct Closed;

/// One text costs less to hand over than many.
fn lines(headers: &HeaderMap) -> String {
    let mut lines = String::with_capacity(headers.len() * 48);
    for (name, value) in headers {
        lines.push_str(name.as_str());
        lines.push('\n');
        // As Node has it: a byte is a character.
        lines.extend(value.as_bytes().iter().copied().map(char::from));
        lines.push('\n');
    }
    lines
}
