//! What a use case can answer other than what was asked.

pub use crate::csrf::CsrfReason;
pub use crate::password::{HashError, Overloaded};

use crate::config::ConfigError;
use crate::secret::EntropyError;
use crate::store::StoreError;
use crate::throttle::Exceeded;
use std::collections::BTreeMap;

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The caller is not who they would have to be.
    #[error("{0}")]
    Unauthenticated(Refusal),
    /// The credential lacks these abilities.
    #[error("this needs the ability {}", .0.join(", "))]
    MissingAbility(Vec<String>),
    /// Fields that cannot stand.
    #[error("some fields are not valid")]
    Invalid(Problems),
    /// There is none, or it is somebody else's.
    #[error("there is no such thing")]
    NotFound,
    /// A limit on attempts is used up.
    #[error("too many attempts; try again in {} s", .0.retry_after)]
    TooManyAttempts(Exceeded),
    /// The user has as many personal access tokens as they may.
    #[error("there are as many personal access tokens as a user may have")]
    LimitReached,
    /// More passwords wait to be hashed than the queue takes.
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
    /// The store could not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system gave no random numbers.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// A new password was not hashed.
    #[error(transparent)]
    Hashing(#[from] HashError),
    /// The configuration cannot stand.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The system gave no threads to hash on.
    #[error("no threads to hash passwords on")]
    Threads(#[source] std::io::Error),
}

/// Why somebody is not authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No credential.
    #[error("sign in first")]
    Unauthenticated,
    /// Unknown e-mail or wrong password: nobody learns which.
    #[error("these credentials do not match any user")]
    InvalidCredentials,
    /// Never issued, revoked, or of another kind.
    #[error("this token is not valid")]
    TokenInvalid,
    /// An access token that has had its time.
    #[error("this token has expired")]
    TokenExpired,
    /// A session that has had its time.
    #[error("this session has expired; sign in again")]
    SessionExpired,
    /// A session that was ended.
    #[error("this session was ended; sign in again")]
    SessionRevoked,
    /// A replaced refresh token that came back.
    #[error("this refresh token was used before; its session was ended, sign in again")]
    RefreshTokenReused,
    /// A refresh from another device than the one that signed in.
    #[error("this session was opened on another device; sign in again")]
    DeviceMismatch,
}

impl Refusal {
    /// Its stable name for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::InvalidCredentials => "invalid_credentials",
            Self::TokenInvalid => "token_invalid",
            Self::TokenExpired => "token_expired",
            Self::SessionExpired => "session_expired",
            Self::SessionRevoked => "session_revoked",
            Self::RefreshTokenReused => "refresh_token_reused",
            Self::DeviceMismatch => "device_mismatch",
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Unauthenticated(refusal)
    }
}

/// What is wrong with which fields, in words for the person who filled them in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(BTreeMap<&'static str, Vec<String>>);

impl Problems {
    /// One problem with one field.
    #[must_use]
    pub fn of(field: &'static str, problem: impl Into<String>) -> Self {
        let mut problems = Self::default();
        problems.add(field, problem);
        problems
    }

    /// Adds a problem.
    pub fn add(&mut self, field: &'static str, problem: impl Into<String>) {
        self.0.entry(field).or_default().push(problem.into());
    }

    /// Adds a problem unless the condition holds.
    pub fn unless(&mut self, good: bool, field: &'static str, problem: &str) {
        if !good {
            self.add(field, problem);
        }
    }

    /// Each field with its problems.
    #[must_use]
    pub fn fields(&self) -> &BTreeMap<&'static str, Vec<String>> {
        &self.0
    }

    /// The error, if there is any problem.
    ///
    /// # Errors
    /// [`Error::Invalid`] with these problems.
    pub fn into_result(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self)) }
    }
}

impl From<Problems> for Error {
    fn from(problems: Problems) -> Self {
        Self::Invalid(problems)
    }
}
