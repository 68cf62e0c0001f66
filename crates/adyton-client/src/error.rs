//! What can go wrong, by what the caller can do about it.

use crate::{BaseUrl, StorageError};
use reqwest::StatusCode;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Why a call did not succeed. Of these only [`SessionEnded`](Self::SessionEnded) has signed anybody
/// out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server refused, and says why. The sign-in stands.
    #[error(transparent)]
    Refused(Box<Problem>),
    /// The session is over, and so says the server: what was stored of it is gone. Sign in again.
    #[error("the session is over")]
    SessionEnded(#[source] Box<Problem>),
    /// The tokens could not be renewed for now. Whoever waited for them shares this one failure.
    #[error("the tokens could not be renewed")]
    NotRenewed(#[source] Arc<Error>),
    /// No answer came, or not all of it.
    #[error("no answer came from the server")]
    Unanswered(#[source] reqwest::Error),
    /// The server did not show a certificate that can be trusted. Nothing was sent. An
    /// [own HTTP client](crate::Builder::http) with another TLS than rustls has [`Unanswered`](Self::Unanswered)
    /// in place of it.
    #[error("the certificate of the server is refused: {advice}")]
    #[non_exhaustive]
    Untrusted {
        /// What to do about it.
        advice: &'static str,
        /// What was wrong with it.
        source: reqwest::Error,
    },
    /// The answer is none of Adyton's: the base URL may lead elsewhere.
    #[error("the answer with status {0} is none of Adyton's; is the base URL right?")]
    Unexpected(StatusCode, #[source] Option<Box<dyn std::error::Error + Send + Sync>>),
    /// The storage could not be read or written.
    #[error("the stored tokens cannot be used")]
    Storage(#[source] StorageError),
    /// The storage could not be locked: another program has held it for too long, say. Nothing was
    /// sent.
    #[error("the stored tokens cannot be locked")]
    Locked(#[source] StorageError),
    /// The request would have taken the token to another server, and was not sent.
    #[error("{0} is not the server that the token is for")]
    Elsewhere(Url),
    /// Others on the way could read passwords and tokens. Nothing was sent.
    #[error(
        "{0} is plain http to another machine, and others on the way could read passwords and tokens: \
         use https, or `Builder::allow_http` for a network of your own"
    )]
    PlainHttp(BaseUrl),
    /// Something of the request cannot be sent.
    #[error("{0}")]
    Unsendable(&'static str),
    /// The client cannot be built: the system has no roots to trust, say.
    #[error("the client cannot be set up")]
    Setup(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// An own request is not put together as it must be.
    #[error("this is no request that can be sent")]
    Malformed(#[source] reqwest::Error),
}

impl Error {
    /// Why a request has no answer.
    pub(crate) fn unanswered(source: reqwest::Error) -> Self {
        #[cfg(all(feature = "rustls", not(target_arch = "wasm32")))]
        if let Some(advice) = crate::tls::advice(&source) {
            return Self::Untrusted { advice, source };
        }
        Self::Unanswered(source)
    }

    /// What the server said, whichever way it got here.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused(problem) | Self::SessionEnded(problem) => Some(problem),
            Self::NotRenewed(error) => error.problem(),
            _ => None,
        }
    }

    /// The stable code of what the server said: `invalid_credentials`, `too_many_attempts`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.problem().map(|problem| problem.code.as_str())
    }

    /// When to try again, if the server says it.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.problem()?.retry_after
    }

    /// Whether the same call may succeed later without anybody doing anything: no answer, 429, 5xx, a
    /// storage that somebody else holds.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        let later = |status: u16| status == 429 || status >= 500;
        match self {
            Self::Refused(problem) => later(problem.status),
            Self::NotRenewed(error) => error.is_temporary(),
            Self::Unanswered(_) | Self::Locked(_) => true,
            Self::Unexpected(status, _) => later(status.as_u16()),
            _ => false,
        }
    }
}

/// What a server says of a refusal (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Problem {
    /// The status of the answer.
    pub status: u16,
    /// What happened, for programs. The list of codes is in the reference of the server.
    pub code: String,
    /// What happened, in words for people.
    pub detail: String,
    /// For `validation_failed`: the problems of each field.
    #[serde(default)]
    pub errors: BTreeMap<String, Vec<String>>,
    /// For `missing_ability`: what is missing.
    #[serde(default)]
    pub missing: Vec<String>,
    /// For `csrf_failed`: which check failed.
    #[serde(default)]
    pub reason: Option<String>,
    /// When to try again.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
}

impl Problem {
    /// Whether a refresh that is refused so leaves nothing to renew. A device that is not the right
    /// one leaves the session to the one that is.
    pub(crate) fn is_final(&self) -> bool {
        let Some((what, how)) = self.code.rsplit_once('_') else { return false };
        matches!(what, "refresh_token" | "session" | "token")
            && matches!(how, "expired" | "invalid" | "reused" | "revoked")
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)?;
        let told = self.errors.iter().map(|(field, texts)| format!("{field} {}", texts.join(", ")));
        match told.collect::<Vec<_>>() {
            told if told.is_empty() => Ok(()),
            told => write!(f, ": {}", told.join("; ")),
        }
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(code: &str) -> Problem {
        serde_json::from_value(serde_json::json!({ "status": 401, "code": code, "detail": "no" }))
            .unwrap()
    }

    #[test]
    fn what_ends_a_session_is_told_from_what_does_not() {
        for ended in [
            "token_invalid",
            "token_expired",
            "session_expired",
            "session_revoked",
            "refresh_token_reused",
        ] {
            assert!(problem(ended).is_final(), "{ended}");
        }
        for other in ["device_mismatch", "overloaded", "store_unavailable", "unauthenticated"] {
            assert!(!problem(other).is_final(), "{other}");
        }
    }

    #[test]
    fn a_refused_form_is_told_field_by_field() {
        let mut problem = problem("validation_failed");
        problem.errors.insert("email".into(), vec!["is taken".into()]);
        problem.errors.insert("name".into(), vec!["is required".into(), "is short".into()]);
        assert_eq!(problem.to_string(), "no: email is taken; name is required, is short");
    }
}
