//! What can be wrong with an address, and what a server can fail at.

use adyton_core::store::StoreError;
use std::error::Error;

/// Why nothing can be shared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedisError {
    /// The address is none. It is not repeated here, since it may hold a password.
    #[error("must be the URL of a Redis, such as `redis://user:password@host:6379/0`: {0}")]
    Address(&'static str),
    /// The certificates of authorities cannot be read.
    #[error("the certificates to believe cannot be read")]
    Authorities(#[source] Box<dyn Error + Send + Sync>),
}

/// Why a call was not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// It was out of reach before.
    #[error("Redis is out of reach")]
    Away,
    /// It takes too long.
    #[error("Redis did not answer in time")]
    Late,
    /// It refused, or the connection broke.
    #[error("Redis cannot do its part")]
    Broken(#[from] redis::RedisError),
    /// It answered something else than was asked for.
    #[error("Redis gave an answer that means nothing")]
    Nonsense,
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        Self::new(failure)
    }
}
