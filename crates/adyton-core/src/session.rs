//! Sessions: one sign-in and its state, whichever guard it uses.

use crate::ability::Abilities;
use crate::clock::Timestamp;
use crate::config::Config;
use crate::device::Device;
use crate::secret::{Hash, Salt};
use crate::token::TokenId;
use crate::user::{User, UserId};
use serde::Serialize;

/// The key of a session row. Clients see the public id instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub i64);

/// How a session proves itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Guard {
    /// By an access token, renewed with a refresh token.
    #[default]
    Token,
    /// By a cookie.
    Session,
}

impl Guard {
    /// Its name in the database and in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Session => "session",
        }
    }

    /// How many seconds a session lives without being renewed.
    pub(crate) const fn idle_limit(self, remember: bool, config: &Config) -> u64 {
        match self {
            Self::Session if !remember => config.session_idle.seconds(),
            _ => config.refresh_token_expiration.seconds(),
        }
    }

    /// Reads its name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Token, Self::Session].into_iter().find(|guard| guard.as_str() == name)
    }
}

/// A session row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its key.
    pub id: SessionId,
    /// Its name for clients: 22 base62 characters.
    pub public_id: String,
    /// Whose.
    pub user_id: UserId,
    /// How it proves itself.
    pub guard: Guard,
    /// What it may do; a refresh passes them on unchanged.
    pub abilities: Abilities,
    /// How often it was refreshed. Every change of its secrets compares and sets it.
    pub rotation: i64,
    /// The immediate predecessor of the current refresh token, if rotation replaced one.
    pub previous: Option<Hash>,
    /// What the current pair was derived from; erased when the grace ends.
    pub salt: Option<Salt>,
    /// When it was last refreshed.
    pub rotated_at: Option<Timestamp>,
    /// Its access token.
    pub access_token: Option<TokenId>,
    /// The access token before that, which lives until the grace ends.
    pub previous_access_token: Option<TokenId>,
    /// What is known of the client behind it.
    pub device: Device,
    /// For guard `session`: whether it outlives the browser.
    pub remember: bool,
    /// When it was signed in.
    pub created_at: Timestamp,
    /// To the minute, written in batches.
    pub last_seen_at: Timestamp,
    /// Its idle limit: the first moment at which its refresh token or cookie is refused.
    pub expires_at: Timestamp,
    /// When it was ended before its time.
    pub revoked_at: Option<Timestamp>,
}

impl Session {
    /// The first moment after which no use keeps it alive: `session_max_age` from its sign-in.
    pub(crate) fn ends_absolutely_at(&self, config: &Config) -> Timestamp {
        self.created_at.plus(config.session_max_age.seconds())
    }

    /// The first moment at which it is over if nobody renews it, as the configuration of today
    /// has it: a shorter life counts for older sessions too. A refresh renews the session of a
    /// token, any use that of a cookie.
    pub(crate) fn ends_at(&self, config: &Config) -> Timestamp {
        let renewed = match self.guard {
            Guard::Token => self.rotated_at.unwrap_or(self.created_at),
            Guard::Session => self.last_seen_at,
        };
        self.expires_at.min(self.ends_if_renewed_at(renewed, config))
    }

    /// The same if it is renewed at a moment.
    pub(crate) fn ends_if_renewed_at(&self, moment: Timestamp, config: &Config) -> Timestamp {
        let idle = self.guard.idle_limit(self.remember, config);
        moment.plus(idle).min(self.ends_absolutely_at(config))
    }

    /// Whether it can still be refreshed.
    pub(crate) fn is_live(&self, now: Timestamp, config: &Config) -> bool {
        self.revoked_at.is_none() && now < self.ends_at(config)
    }
}

/// A session row to be inserted.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Its name for clients.
    pub public_id: String,
    /// How it proves itself.
    pub guard: Guard,
    /// The hash of its refresh token or cookie secret.
    pub secret: Hash,
    /// What it may do.
    pub abilities: Abilities,
    /// What is known of the client behind it.
    pub device: Device,
    /// For guard `session`: whether it outlives the browser.
    pub remember: bool,
    /// Its idle limit.
    pub expires_at: Timestamp,
}

impl NewSession {
    /// The session that a store has made of it.
    #[doc(hidden)] // for the stores of Adyton alone
    #[must_use]
    pub fn begun(
        self,
        id: SessionId,
        user_id: UserId,
        access_token: Option<TokenId>,
        now: Timestamp,
    ) -> Session {
        Session {
            id,
            public_id: self.public_id,
            user_id,
            guard: self.guard,
            abilities: self.abilities,
            rotation: 0,
            previous: None,
            salt: None,
            rotated_at: None,
            access_token,
            previous_access_token: None,
            device: self.device,
            remember: self.remember,
            created_at: now,
            last_seen_at: now,
            expires_at: self.expires_at,
            revoked_at: None,
        }
    }
}

/// What one look-up finds for a session cookie: everything that a request needs to know.
#[derive(Clone, Debug)]
pub struct FoundCookie {
    /// The session, of guard `session`.
    pub session: Session,
    /// Its user, if there still is one.
    pub user: Option<User>,
}

/// What a refresh token's hash leads to.
#[derive(Clone, Debug)]
pub struct FoundSession {
    /// The session that the token belongs or belonged to.
    pub session: Session,
    /// For a token that rotation replaced: when it would have expired by itself.
    pub superseded: Option<Superseded>,
}

/// A refresh token that rotation replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Superseded {
    /// When it would have expired by itself: after that it is expired, not reused.
    pub expires_at: Timestamp,
}
