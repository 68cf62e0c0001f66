//! What the nodes of one Adyton share on Redis or Valkey: limits on attempts, and whose credentials
//! have changed. It is the only crate that speaks to one, and it decides nothing: what is limited
//! and what is forgotten is the engine's business, behind the port of `adyton-core`.
//!
//! Nothing here has to be there for anybody to sign in. A server that does not answer is an error
//! at once, is tried again every second, and is used again when it is back; what to do meanwhile
//! is the caller's business ([`adyton_core::throttle::Fallback`]).
//!
//! ```no_run
//! use adyton_redis::Redis;
//!
//! # async fn example() -> Result<(), adyton_redis::RedisError> {
//! let redis = Redis::connect("rediss://adyton:secret@cache.example:6379/0").await?;
//! let (throttle, channel) = (redis.throttle(), redis.channel());
//! # Ok(()) }
//! ```

#![warn(missing_debug_implementations)]

mod address;
mod channel;
mod error;
mod link;
mod throttle;

pub use channel::RedisChannel;
pub use error::RedisError;
pub use throttle::RedisThrottle;

use address::Address;
use link::Link;
use std::fmt;
use std::sync::Arc;

/// A Redis or Valkey server, or a cluster of them. Clones share its connection, which ends with the
/// last of them and of what was made of them.
#[derive(Clone)]
pub struct Redis(Arc<Link>);

/// How a server is spoken to, beyond its URL.
#[derive(Clone, Debug)]
#[must_use]
pub struct RedisOptions {
    prefix: String,
    authorities: Option<Vec<u8>>,
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self { prefix: "adyton".to_owned(), authorities: None }
    }
}

impl RedisOptions {
    /// What the names of all keys begin with, instead of `adyton`: for two services on one
    /// database.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Whose certificates are believed, as PEM, instead of those that the system believes.
    pub fn authorities(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authorities = Some(pem.into());
        self
    }
}

impl Redis {
    /// Checks an address, connects to no more than is there, and keeps trying in the background,
    /// on the tokio runtime that this is called in. It waits for a second at most.
    ///
    /// `redis://user:password@host:port/database`, `rediss://` with TLS, both as `valkey://` and
    /// `valkeys://` too, and `redis+cluster://` or `rediss+cluster://` with one or more nodes of a
    /// cluster: `host:port,host:port`.
    ///
    /// # Errors
    /// An address that can be none. A server that does not answer is no error.
    pub async fn connect(url: &str) -> Result<Self, RedisError> {
        Self::connect_with(url, RedisOptions::default()).await
    }

    /// The same with options.
    ///
    /// # Errors
    /// Those of [`connect`](Self::connect), and certificates that cannot be read.
    pub async fn connect_with(url: &str, options: RedisOptions) -> Result<Self, RedisError> {
        let address = Address::read(url, options.authorities)?;
        Ok(Self(Link::open(address, &options.prefix).await))
    }

    /// Whether [`connect`](Self::connect) would take this address; nothing is connected to.
    ///
    /// # Errors
    /// An address that can be none.
    pub fn check(url: &str) -> Result<(), RedisError> {
        Address::read(url, None).map(|_| ())
    }

    /// Limits that all nodes share.
    #[must_use]
    pub fn throttle(&self) -> RedisThrottle {
        RedisThrottle::new(Arc::clone(&self.0))
    }

    /// How nodes tell each other of changes.
    #[must_use]
    pub fn channel(&self) -> RedisChannel {
        RedisChannel::new(Arc::clone(&self.0))
    }

    /// Whether it answered when it was last asked, which it is every second.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        self.0.is_up()
    }
}

/// Without the address: it may hold a password.
impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("reachable", &self.is_reachable()).finish_non_exhaustive()
    }
}
