//! Where a client keeps what it is signed in with, between requests and between runs.

#[cfg(not(target_arch = "wasm32"))]
mod file;

#[cfg(not(target_arch = "wasm32"))]
pub use file::File;

use crate::Secret;
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::fmt::Debug;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use time::OffsetDateTime;
use tokio::sync::Mutex as Turn;

/// What a client keeps. As JSON it is a few hundred bytes; the tokens in it are plain text, since
/// they are to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Stored {
    /// What requests are signed with; none for a guest.
    pub tokens: Option<Tokens>,
    /// What the server knows this device by. It signs nobody in, and outlives a sign-out, so that
    /// the next sign-in is not one from a new device.
    pub device_secret: Option<Secret>,
}

/// An access token, and what it is renewed with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Tokens {
    /// The access token, or a personal access token.
    pub token: Secret,
    /// What the next pair is had for; none for a personal access token.
    pub renewal: Option<Renewal>,
}

/// What a sign-in brings beside the access token.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Renewal {
    /// The refresh token.
    pub refresh_token: Secret,
    /// The session that both belong to.
    pub session_id: String,
    /// When to ask for the next pair, by the clock of this machine.
    #[serde(with = "time::serde::rfc3339")]
    pub renew_at: OffsetDateTime,
    /// When the access token ends, by the clock of this machine.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
}

impl Tokens {
    /// A personal access token, or any other that is not renewed.
    pub(crate) fn personal(token: Secret) -> Self {
        Self { token, renewal: None }
    }
}

/// Why a storage could not do its work.
pub type StorageError = Box<dyn Error + Send + Sync>;

/// What a method of a storage promises.
pub type Promise<'a, T> = Pin<Box<dyn Future<Output = Result<T, StorageError>> + Send + 'a>>;

/// What a lock is held by: dropping it lets the next go on.
pub type StorageLock = Box<dyn Send>;

/// Keeps what a client is signed in with. A client reads before it renews its tokens, so that
/// clients which share a storage share a session; it writes after a sign-in, a refresh and a
/// sign-out, one at a time.
///
/// Two methods are enough where one client has the storage for itself.
///
/// ```
/// use adyton_client::{Promise, Storage, Stored};
/// use std::sync::Mutex;
///
/// /// Keeps JSON in a text, as a row in a database or a keyring would.
/// #[derive(Debug, Default)]
/// struct InText(Mutex<String>);
///
/// impl Storage for InText {
///     fn load(&self) -> Promise<'_, Option<Stored>> {
///         Box::pin(async {
///             let text = self.0.lock().unwrap().clone();
///             Ok(if text.is_empty() { None } else { Some(serde_json::from_str(&text)?) })
///         })
///     }
///
///     fn save<'a>(&'a self, stored: &'a Stored) -> Promise<'a, ()> {
///         Box::pin(async move {
///             *self.0.lock().unwrap() = serde_json::to_string(stored)?;
///             Ok(())
///         })
///     }
/// }
/// ```
pub trait Storage: Debug + Send + Sync + 'static {
    /// What was kept last; `None` where nothing ever was.
    fn load(&self) -> Promise<'_, Option<Stored>>;

    /// Keeps this in place of what was there, as a whole or not at all.
    fn save<'a>(&'a self, stored: &'a Stored) -> Promise<'a, ()>;

    /// Keeps other clients of this storage from changing what is kept until the lock is dropped. A
    /// client holds it while it reads, asks the server and writes, 10 seconds at most; it reads
    /// without it.
    ///
    /// By default nobody is kept out: then clients that refresh at the same time rely on the
    /// `rotation_grace` of the server. A lock must end with the process that holds it, and waiting
    /// for one should end too.
    fn lock(&self) -> Promise<'_, StorageLock> {
        Box::pin(async { Ok(Box::new(()) as StorageLock) })
    }
}

/// Several clients on one storage.
impl<S: Storage + ?Sized> Storage for Arc<S> {
    fn load(&self) -> Promise<'_, Option<Stored>> {
        (**self).load()
    }

    fn save<'a>(&'a self, stored: &'a Stored) -> Promise<'a, ()> {
        (**self).save(stored)
    }

    fn lock(&self) -> Promise<'_, StorageLock> {
        (**self).lock()
    }
}

/// Keeps it in memory: it ends with the process.
#[derive(Debug, Default)]
pub struct Memory {
    kept: Mutex<Option<Stored>>,
    turn: Arc<Turn<()>>,
}

impl Memory {
    pub(crate) fn holding(stored: Stored) -> Self {
        Self { kept: Mutex::new(Some(stored)), turn: Arc::default() }
    }
}

impl Storage for Memory {
    fn load(&self) -> Promise<'_, Option<Stored>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin(async { Ok(kept) })
    }

    fn save<'a>(&'a self, stored: &'a Stored) -> Promise<'a, ()> {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(stored.clone());
        Box::pin(async { Ok(()) })
    }

    fn lock(&self) -> Promise<'_, StorageLock> {
        let turn = Arc::clone(&self.turn);
        Box::pin(async { Ok(Box::new(turn.lock_owned().await) as StorageLock) })
    }
}
