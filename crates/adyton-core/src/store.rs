//! The port: what the engine asks of a database.
//!
//! Small traits by noun, and [`Store`] for all of them plus what spans nouns. Rules for every
//! implementation, held by the conformance suite ([`crate::testing::conformance`]):
//!
//! - A method is one whole transaction: all of it happens, or nothing, even when the caller goes
//!   away while it runs. What has returned survives a crash.
//! - Not found is `None` or `false`; [`StoreError`] means that the store could not answer.
//! - Events that a method is given are written in its transaction, or not at all.
//! - Ids are never used again. Nothing decides anything: the engine does.

mod devices;
mod events;
mod memory;
mod sessions;
mod timed;
mod tokens;
mod users;
mod with_users;

pub use devices::{DeviceSighting, DeviceStore};
pub use events::{EventFilter, EventStore};
pub use memory::MemoryStore;
pub use sessions::{Replacement, Revocation, Rotation, SessionStore, Which};
pub(crate) use timed::Timed;
pub use tokens::{Credential, Issued, SessionTouch, TokenIssue, TokenStore, Touches};
pub use users::{UserStore, UserUpdate};
pub use with_users::WithUsers;

use crate::clock::Timestamp;
#[cfg(doc)]
use crate::device::{KNOWN_FOR, MOST_KNOWN};
use crate::event::Event;
use crate::session::{NewSession, Session, SessionId};
use crate::token::{NewToken, Token};
use crate::user::{NewUser, StoredPassword, User, UserId};
use async_trait::async_trait;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// Everything that the engine asks of a database.
#[async_trait]
pub trait Store: UserStore + TokenStore + SessionStore + EventStore + DeviceStore {
    /// Signs somebody in: makes the user if they are new, replaces the password's hash if asked,
    /// inserts the session and its access token, and ends the longest idle sessions beyond the
    /// cap with their tokens (each with a `session_revoked` event of its own, for the reason
    /// `too_many_sessions`).
    ///
    /// The device whose secret was presented is seen again, if the user has it: its fingerprint and
    /// name become those of the session where that has any. Otherwise a device is inserted with the
    /// secret that was issued, and the longest unseen of more than [`MOST_KNOWN`] are forgotten, also
    /// by the sessions that point at them; the one just seen never is. The device is new if its
    /// secret did not count and no other device of the user has the session's fingerprint.
    ///
    /// `None` when a new user's e-mail is taken, or when an existing user is gone or their stored
    /// password is no longer the one that was verified.
    async fn sign_in(&self, record: SignInRecord) -> Result<Option<SignedIn>, StoreError>;

    /// Replaces a password's hash and revokes what it had opened; the events that were written, the
    /// given one first. `None` when the user is gone or the stored password is no longer the
    /// expected one.
    async fn change_password(
        &self,
        change: PasswordChange,
    ) -> Result<Option<Vec<Event>>, StoreError>;

    /// Deletes a user with every token and session of theirs. `false` when there was none, or the
    /// stored password is no longer the one that was verified for it.
    async fn delete_account(
        &self,
        id: UserId,
        verified: Option<StoredPassword>,
        event: Event,
    ) -> Result<bool, StoreError>;

    /// The part of [`sign_in`](Self::sign_in) that knows no users: inserts the session and its
    /// token, sees to its device, and ends what goes beyond the cap. [`WithUsers`] calls it for users of other tables,
    /// so it asks for no user row.
    async fn open_session(&self, opening: SessionOpening) -> Result<OpenedSession, StoreError>;

    /// The part of [`change_password`](Self::change_password) that knows no users: ends sessions
    /// and, if asked, deletes personal access tokens. Beside the event given it writes a
    /// `session_revoked` or `authn_token_revoked` for each, with the reason `password_change`, and
    /// returns all of them.
    async fn revoke_owned(&self, revocation: OwnedRevocation) -> Result<Vec<Event>, StoreError>;

    /// The part of [`delete_account`](Self::delete_account) that knows no users: deletes every
    /// token, session and device of this user, replaced refresh tokens included.
    async fn delete_owned(&self, user_id: UserId) -> Result<(), StoreError>;

    /// Deletes one batch of what had its time before `before`: tokens that expired, sessions that
    /// expired or were revoked (with their tokens), replaced refresh tokens that would have
    /// expired, and devices last seen [`KNOWN_FOR`] seconds before it, which the sessions that point
    /// at them forget. At most `limit` rows of each.
    async fn prune(&self, before: Timestamp, limit: u32) -> Result<Pruned, StoreError>;

    /// A number that changes when anybody but this store's own methods has written. `None` where
    /// the database cannot tell: verified tokens are then not kept in memory.
    async fn change_counter(&self) -> Result<Option<i64>, StoreError>;

    /// Whether the store answers.
    async fn ping(&self) -> Result<(), StoreError>;
}

/// A sign-in to be written.
#[derive(Clone, Debug)]
pub struct SignInRecord {
    /// Who.
    pub who: Who,
    /// The session that begins.
    pub session: NewSession,
    /// Its access token, for guard `token`.
    pub token: Option<NewToken>,
    /// The session that it takes the place of, whoever owns that.
    pub replaced: Option<Revocation>,
    /// How its device is known.
    pub device: DeviceSighting,
    /// How many live sessions the user may have after it.
    pub sessions_per_user: u32,
    /// The time of all of it.
    pub now: Timestamp,
    /// Written with it; the store fills in the user.
    pub events: Vec<Event>,
}

impl SignInRecord {
    /// What is left to write once it is known whose sign-in it is: its session, with that user
    /// filled into the events.
    #[must_use]
    pub fn opening(self, user_id: UserId) -> SessionOpening {
        let events = self.events.into_iter().map(|event| event.user(user_id)).collect();
        let DeviceSighting { presented, issued, event } = self.device;
        let event = event.map(|event| event.user(user_id));
        SessionOpening {
            user_id,
            session: self.session,
            token: self.token,
            replaced: self.replaced,
            device: DeviceSighting { presented, issued, event },
            sessions_per_user: self.sessions_per_user,
            now: self.now,
            events,
        }
    }
}

/// Who signs in.
#[derive(Clone, Debug)]
pub enum Who {
    /// Somebody who signs up with it.
    New(NewUser),
    /// Somebody whose password was verified.
    Existing {
        /// Who.
        id: UserId,
        /// The hash that the password was verified against: it must still stand.
        verified: Option<StoredPassword>,
        /// What replaces it, when the scheme is an older one.
        rehashed: Option<StoredPassword>,
    },
}

/// What a sign-in has written.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The user as they now stand.
    pub user: User,
    /// The session.
    pub session: Session,
    /// Its access token.
    pub token: Option<Token>,
    /// Whether the user had no device with the presented secret, nor one that looks the same.
    pub new_device: bool,
    /// Whether the presented secret counted; if not, the device has the one that was issued.
    pub known_device: bool,
    /// Public ids of the sessions that ended because of the cap.
    pub ended: Vec<String>,
}

/// A session to be opened for a user who is known already.
#[derive(Clone, Debug)]
pub struct SessionOpening {
    /// Whose.
    pub user_id: UserId,
    /// The session that begins.
    pub session: NewSession,
    /// Its access token, for guard `token`.
    pub token: Option<NewToken>,
    /// The session that it takes the place of, whoever owns that.
    pub replaced: Option<Revocation>,
    /// How its device is known.
    pub device: DeviceSighting,
    /// How many live sessions the user may have after it.
    pub sessions_per_user: u32,
    /// The time of all of it.
    pub now: Timestamp,
    /// Written with it as they stand.
    pub events: Vec<Event>,
}

/// A session that was opened.
#[derive(Clone, Debug)]
pub struct OpenedSession {
    /// The session.
    pub session: Session,
    /// Its access token.
    pub token: Option<Token>,
    /// Whether the user had no device with the presented secret, nor one that looks the same.
    pub new_device: bool,
    /// Whether the presented secret counted; if not, the device has the one that was issued.
    pub known_device: bool,
    /// Public ids of the sessions that ended because of the cap.
    pub ended: Vec<String>,
}

impl OpenedSession {
    /// The same as the outcome of this user's sign-in.
    #[must_use]
    pub fn by(self, user: User) -> SignedIn {
        SignedIn {
            user,
            session: self.session,
            token: self.token,
            new_device: self.new_device,
            known_device: self.known_device,
            ended: self.ended,
        }
    }
}

/// A password change to be written.
#[derive(Clone, Debug)]
pub struct PasswordChange {
    /// Whose.
    pub user_id: UserId,
    /// The hash that the current password was verified against; `None` when nobody asked for it.
    pub expected: Option<StoredPassword>,
    /// The new hash.
    pub new: StoredPassword,
    /// The session that stays; every other ends with its tokens.
    pub keep: Option<SessionId>,
    /// Whether personal access tokens go too.
    pub revoke_tokens: bool,
    /// When.
    pub now: Timestamp,
    /// Written with it.
    pub event: Event,
}

/// What a user's credentials opened, to be closed.
#[derive(Clone, Debug)]
pub struct OwnedRevocation {
    /// Whose.
    pub user_id: UserId,
    /// The session that stays; every other ends with its tokens.
    pub keep: Option<SessionId>,
    /// Whether personal access tokens go too.
    pub tokens: bool,
    /// When.
    pub now: Timestamp,
    /// Written with it, once.
    pub event: Option<Event>,
}

/// How many rows a batch of pruning removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Access tokens.
    pub tokens: u64,
    /// Sessions.
    pub sessions: u64,
    /// Replaced refresh tokens.
    pub superseded: u64,
    /// Known devices.
    pub devices: u64,
    /// Events, which [`EventStore::prune_events`] removes.
    pub events: u64,
}

impl Pruned {
    /// All rows.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.tokens + self.sessions + self.superseded + self.devices + self.events
    }
}

impl std::ops::AddAssign for Pruned {
    fn add_assign(&mut self, more: Self) {
        self.tokens += more.tokens;
        self.sessions += more.sessions;
        self.superseded += more.superseded;
        self.devices += more.devices;
        self.events += more.events;
    }
}

/// The store could not answer. Clients are told 503; the cause stays here for the log.
/// Clones have it in common.
#[derive(Clone, Debug)]
pub struct StoreError(Arc<dyn Error + Send + Sync>);

impl StoreError {
    /// Wraps the cause.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into().into())
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store cannot answer")
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}
