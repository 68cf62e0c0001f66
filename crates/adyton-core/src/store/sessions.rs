//! Sessions in the port.

use super::StoreError;
use crate::clock::Timestamp;
use crate::event::Event;
use crate::secret::{Hash, Salt};
use crate::session::{FoundCookie, FoundSession, Session, SessionId};
use crate::token::NewToken;
use crate::user::UserId;
use async_trait::async_trait;

/// Where sessions are.
#[async_trait]
pub trait SessionStore: Send + Sync + 'static {
    /// The session whose current secret has this hash, or had it before a rotation; and the one
    /// whose access token had it, once [`rotate`](Self::rotate) has deleted that.
    async fn find_session(&self, secret: &Hash) -> Result<Option<FoundSession>, StoreError>;

    /// The session of guard `session` whose secret has this hash, and its user, in one round trip.
    async fn find_cookie(&self, secret: &Hash) -> Result<Option<FoundCookie>, StoreError>;

    /// The session with this public id, whoever owns it.
    async fn find_session_by_public_id(&self, id: &str) -> Result<Option<Session>, StoreError>;

    /// The user's sessions that were neither revoked nor have expired, latest sign-in first.
    async fn list_sessions(
        &self,
        user_id: UserId,
        now: Timestamp,
    ) -> Result<Vec<Session>, StoreError>;

    /// Moves a session to its next pair. `None`, and nothing changed, unless the session is live
    /// and its rotation is still the expected one: of several concurrent calls one succeeds.
    ///
    /// The access token before becomes `previous_access_token` and expires when the grace ends,
    /// if not earlier; the one before that is deleted, and its hash kept among those that were
    /// replaced for as long as it would have been good: it opens nothing, but names its session.
    /// A rotation is a use: `last_seen_at` is not earlier afterwards.
    async fn rotate(&self, rotation: Rotation) -> Result<Option<Session>, StoreError>;

    /// Ends sessions: marks them as revoked, erases their salts and deletes their access tokens.
    /// Writes `events` for each, with its public id, and returns those ids. A session that was
    /// revoked before is not ended again.
    async fn revoke_sessions(&self, revocation: Revocation) -> Result<Vec<String>, StoreError>;

    /// Erases what replays are derived from where the last refresh was before `rotated_before`.
    async fn erase_salts(&self, rotated_before: Timestamp) -> Result<u64, StoreError>;
}

/// The next step of a session.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// Which.
    pub session: SessionId,
    /// Whose.
    pub user_id: UserId,
    /// The rotation that it must still be at; afterwards it is at the next.
    pub rotation: i64,
    /// The refresh token's replacement; `None` where tokens are not rotated.
    pub replace: Option<Replacement>,
    /// What the new pair is derived from; `None` where there is no grace.
    pub salt: Option<Salt>,
    /// The new access token.
    pub token: NewToken,
    /// When the access token before it dies.
    pub grace_ends: Timestamp,
    /// The new idle limit.
    pub expires_at: Timestamp,
    /// When.
    pub now: Timestamp,
    /// Written with it.
    pub event: Event,
}

/// One refresh token in place of another.
#[derive(Clone, Copy, Debug)]
pub struct Replacement {
    /// The hash that stands there now.
    pub old: Hash,
    /// Until when it would have been good.
    pub old_expires_at: Timestamp,
    /// The hash that takes its place.
    pub new: Hash,
}

/// Sessions to be ended.
#[derive(Clone, Debug)]
pub struct Revocation {
    /// Whose.
    pub user_id: UserId,
    /// Which.
    pub which: Which,
    /// When.
    pub now: Timestamp,
    /// Written for each, all of them.
    pub events: Vec<Event>,
}

/// Which of a user's sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// This one.
    One(SessionId),
    /// Every one but this.
    AllBut(SessionId),
    /// Every one.
    All,
}
