//! The rows, and what several nouns need of them. It decides nothing about users.

use super::devices::DeviceRow;
use crate::clock::Timestamp;
use crate::device::DeviceId;
use crate::event::Event;
use crate::secret::Hash;
use crate::session::{NewSession, Session, SessionId};
use crate::store::{Credential, Pruned, StoreError};
use crate::token::{NewToken, Token, TokenId};
use crate::user::{Account, UserId};
use std::collections::{BTreeMap, HashMap};

/// Everything that the store holds.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) users: BTreeMap<UserId, Account>,
    pub(super) tokens: BTreeMap<TokenId, TokenRow>,
    pub(super) sessions: BTreeMap<SessionId, SessionRow>,
    pub(super) superseded: HashMap<Hash, SupersededRow>,
    pub(super) devices: BTreeMap<DeviceId, DeviceRow>,
    /// Oldest first.
    pub(super) events: Vec<Event>,
    pub(super) last_user: i64,
    last_token: i64,
    last_session: i64,
    pub(super) last_device: i64,
}

pub(super) struct TokenRow {
    pub(super) hash: Hash,
    pub(super) token: Token,
}

pub(super) struct SessionRow {
    pub(super) secret: Hash,
    pub(super) session: Session,
}

impl SessionRow {
    /// Whether it was neither revoked nor has expired.
    pub(super) fn is_live(&self, now: Timestamp) -> bool {
        self.session.revoked_at.is_none() && now < self.session.expires_at
    }
}

/// A refresh token that rotation replaced.
pub(super) struct SupersededRow {
    pub(super) session: SessionId,
    pub(super) expires_at: Timestamp,
}

impl Tables {
    pub(super) fn session_ids(&self, wanted: impl Fn(&SessionRow) -> bool) -> Vec<SessionId> {
        self.sessions.iter().filter(|(_, row)| wanted(row)).map(|(id, _)| *id).collect()
    }

    /// Whether a credential was neither ended nor deleted.
    pub(super) fn has_credential(&self, credential: Credential) -> bool {
        match credential {
            Credential::Session(id) => {
                self.sessions.get(&id).is_some_and(|row| row.session.revoked_at.is_none())
            }
            Credential::PersonalToken(id) => self.tokens.contains_key(&id),
        }
    }

    /// The session that a token was issued for; none for a personal access token.
    pub(super) fn session_of(&self, token: TokenId) -> Option<&Session> {
        let mut sessions = self.sessions.values().map(|row| &row.session);
        sessions.find(|session| {
            [session.access_token, session.previous_access_token].contains(&Some(token))
        })
    }

    /// Refuses a session whose secret, or whose token, stands in another row.
    pub(super) fn check_session(
        &self,
        session: &NewSession,
        token: Option<&NewToken>,
    ) -> Result<(), StoreError> {
        self.check_secret(&session.secret)?;
        token.map_or(Ok(()), |token| self.check_token(&token.hash))
    }

    pub(super) fn check_secret(&self, secret: &Hash) -> Result<(), StoreError> {
        let taken = self.superseded.contains_key(secret)
            || self.sessions.values().any(|row| row.secret == *secret);
        if taken { Err(StoreError::new("a session has this secret already")) } else { Ok(()) }
    }

    pub(super) fn check_token(&self, hash: &Hash) -> Result<(), StoreError> {
        let taken = self.tokens.values().any(|row| row.hash == *hash);
        if taken { Err(StoreError::new("a token has this hash already")) } else { Ok(()) }
    }

    /// Inserts a token row whose hash was checked.
    pub(super) fn add_token(&mut self, user_id: UserId, new: NewToken, now: Timestamp) -> Token {
        let id = TokenId(next(&mut self.last_token));
        let hash = new.hash;
        let token = new.issued(id, user_id, now);
        self.tokens.insert(id, TokenRow { hash, token: token.clone() });
        token
    }

    /// Inserts a session row whose secret was checked.
    pub(super) fn add_session(
        &mut self,
        user_id: UserId,
        new: NewSession,
        access_token: Option<TokenId>,
        now: Timestamp,
    ) -> Session {
        let id = SessionId(next(&mut self.last_session));
        let secret = new.secret;
        let session = new.begun(id, user_id, access_token, now);
        self.sessions.insert(id, SessionRow { secret, session: session.clone() });
        session
    }

    /// Deletes a session with its tokens and the refresh tokens it has had.
    pub(super) fn delete_session(&mut self, id: SessionId) {
        if let Some(SessionRow { session, .. }) = self.sessions.remove(&id) {
            for token in [session.access_token, session.previous_access_token] {
                token.and_then(|token| self.tokens.remove(&token));
            }
            self.superseded.retain(|_, row| row.session != id);
        }
    }

    pub(super) fn prune(&mut self, before: Timestamp, limit: u32) -> Pruned {
        let limit = limit as usize;
        let mut sessions = self.session_ids(|SessionRow { session, .. }| {
            session.expires_at < before || session.revoked_at.is_some_and(|time| time < before)
        });
        sessions.truncate(limit);
        sessions.iter().for_each(|id| self.delete_session(*id));
        let tokens = &mut self.tokens;
        let expired = |token: &Token| token.expires_at.is_some_and(|time| time < before);
        let tokens = tokens.extract_if(.., |_, row| expired(&row.token)).take(limit).count();
        let superseded = &mut self.superseded;
        let superseded =
            superseded.extract_if(|_, row| row.expires_at < before).take(limit).count();
        Pruned {
            tokens: tokens as u64,
            sessions: sessions.len() as u64,
            superseded: superseded as u64,
            devices: self.prune_devices(before, limit),
            ..Pruned::default()
        }
    }
}

/// The next id of a table: one that no row ever had.
pub(super) fn next(last: &mut i64) -> i64 {
    *last += 1;
    *last
}
