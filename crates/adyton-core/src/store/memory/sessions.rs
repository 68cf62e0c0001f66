//! Sessions in memory.

use super::MemoryStore;
use super::tables::{SupersededRow, Tables, TokenRow};
use crate::clock::Timestamp;
use crate::event::{Event, EventKind};
use crate::secret::Hash;
use crate::session::{FoundCookie, FoundSession, Guard, Session, SessionId, Superseded};
use crate::store::{
    OpenedSession, Revocation, Rotation, SessionOpening, SessionStore, StoreError, Which,
};
use crate::user::UserId;
use async_trait::async_trait;
use std::cmp::Reverse;

#[async_trait]
impl SessionStore for MemoryStore {
    async fn find_session(&self, secret: &Hash) -> Result<Option<FoundSession>, StoreError> {
        let tables = self.tables();
        if let Some(row) = tables.sessions.values().find(|row| row.secret == *secret) {
            return Ok(Some(FoundSession { session: row.session.clone(), superseded: None }));
        }
        Ok(tables.superseded.get(secret).and_then(|replaced| {
            let session = tables.sessions.get(&replaced.session)?.session.clone();
            let superseded = Some(Superseded { expires_at: replaced.expires_at });
            Some(FoundSession { session, superseded })
        }))
    }

    async fn find_cookie(&self, secret: &Hash) -> Result<Option<FoundCookie>, StoreError> {
        let tables = self.tables();
        let row = tables.sessions.values().find(|row| row.secret == *secret);
        let row = row.filter(|row| row.session.guard == Guard::Session);
        Ok(row.map(|row| FoundCookie {
            session: row.session.clone(),
            user: tables.users.get(&row.session.user_id).map(|account| account.user.clone()),
        }))
    }

    async fn find_session_by_public_id(&self, id: &str) -> Result<Option<Session>, StoreError> {
        let tables = self.tables();
        let mut sessions = tables.sessions.values().map(|row| &row.session);
        Ok(sessions.find(|session| session.public_id == id).cloned())
    }

    async fn list_sessions(
        &self,
        user_id: UserId,
        now: Timestamp,
    ) -> Result<Vec<Session>, StoreError> {
        let tables = self.tables();
        let live = tables.sessions.values().filter(|row| row.is_live(now));
        let own = live.map(|row| &row.session).filter(|session| session.user_id == user_id);
        let mut own: Vec<_> = own.cloned().collect();
        own.sort_by_key(|session| Reverse((session.created_at, session.id)));
        Ok(own)
    }

    async fn rotate(&self, rotation: Rotation) -> Result<Option<Session>, StoreError> {
        self.tables().rotate(rotation)
    }

    async fn revoke_sessions(&self, revocation: Revocation) -> Result<Vec<String>, StoreError> {
        Ok(self.tables().revoke(revocation))
    }

    async fn erase_salts(&self, rotated_before: Timestamp) -> Result<u64, StoreError> {
        let mut tables = self.tables();
        let sessions = tables.sessions.values_mut().map(|row| &mut row.session);
        let done = |session: &Session| session.rotated_at.is_some_and(|time| time < rotated_before);
        let erased = sessions.filter(|session| done(session)).filter_map(|s| s.salt.take());
        Ok(erased.count() as u64)
    }
}

impl Tables {
    fn revoke(&mut self, revocation: Revocation) -> Vec<String> {
        let Revocation { user_id, which, now, events } = revocation;
        let ended = self.end_sessions(user_id, which, now);
        for id in &ended {
            let of_this = events.iter().map(|event| event.clone().user(user_id).session(id));
            self.events.extend(of_this);
        }
        ended
    }

    /// Inserts a session and its token, and ends what goes beyond the cap.
    pub(super) fn open_session(
        &mut self,
        opening: SessionOpening,
    ) -> Result<OpenedSession, StoreError> {
        let SessionOpening { user_id, mut session, token, sessions_per_user, now, .. } = opening;
        self.check_session(&session, token.as_ref())?;
        self.check_device(&opening.device)?;
        opening.replaced.map(|replaced| self.revoke(replaced));
        let seen = self.see_device(user_id, &session.device, &opening.device, now);
        session.device.id = Some(seen.id);
        let token = token.map(|token| self.add_token(user_id, token, now));
        let session = self.add_session(user_id, session, token.as_ref().map(|t| t.id), now);
        let why = opening.events.last().cloned();
        self.events.extend(opening.events);
        self.events.extend(opening.device.event.filter(|_| seen.new));
        let ended = self.end_beyond_cap(&session, sessions_per_user, why.as_ref(), now);
        let (new_device, known_device) = (seen.new, seen.known);
        Ok(OpenedSession { session, token, new_device, known_device, ended })
    }

    /// Ends the longest idle sessions beyond the cap, never the one that has just begun.
    fn end_beyond_cap(
        &mut self,
        begun: &Session,
        cap: u32,
        why: Option<&Event>,
        now: Timestamp,
    ) -> Vec<String> {
        let live = self.sessions.values().filter(|row| row.is_live(now)).map(|row| &row.session);
        let others = live.filter(|s| s.user_id == begun.user_id && s.id != begun.id);
        let mut others: Vec<_> = others.map(|s| (s.last_seen_at, s.id)).collect();
        others.sort();
        let stay = (cap as usize).saturating_sub(1);
        others.truncate(others.len().saturating_sub(stay));
        let ended: Vec<_> =
            others.into_iter().filter_map(|(_, id)| self.end_session(id, now)).collect();
        self.events.extend(ended.iter().map(|id| {
            let event = Event::new(EventKind::SessionRevoked, now).user(begun.user_id);
            let event = event.session(id).reason("too_many_sessions");
            why.into_iter().fold(event, Event::beside)
        }));
        ended
    }

    /// Moves a session to its next pair, if it still is where the caller saw it.
    fn rotate(&mut self, rotation: Rotation) -> Result<Option<Session>, StoreError> {
        let Rotation { session: id, user_id, replace, token, grace_ends, now, .. } = rotation;
        let row = self.sessions.get(&id).filter(|row| row.is_live(now));
        let row = row.filter(|row| row.session.rotation == rotation.rotation);
        let Some(before) = row.map(|row| row.session.clone()) else { return Ok(None) };
        self.check_token(&token.hash)?;
        if let Some(replace) = replace {
            self.check_secret(&replace.new)?;
            let row = SupersededRow { session: id, expires_at: replace.old_expires_at };
            self.superseded.insert(replace.old, row);
        }
        let before_last = before.previous_access_token.and_then(|token| self.tokens.remove(&token));
        if let Some(TokenRow { hash, token }) = before_last
            && let Some(expires_at) = token.expires_at
        {
            self.superseded.insert(hash, SupersededRow { session: id, expires_at });
        }
        if let Some(row) = before.access_token.and_then(|token| self.tokens.get_mut(&token)) {
            let end = row.token.expires_at.map_or(grace_ends, |end| end.min(grace_ends));
            row.token.expires_at = Some(end);
        }
        let token = self.add_token(user_id, token, now);
        let Some(row) = self.sessions.get_mut(&id) else { return Ok(None) };
        row.secret = replace.map_or(row.secret, |replace| replace.new);
        row.session = Session {
            rotation: before.rotation + 1,
            // The salt of this refresh derives nothing from a secret that an earlier one replaced.
            previous: replace.map(|replace| replace.old),
            salt: rotation.salt,
            rotated_at: Some(now),
            access_token: Some(token.id),
            previous_access_token: before.access_token,
            last_seen_at: before.last_seen_at.max(now),
            expires_at: rotation.expires_at,
            ..before
        };
        self.events.push(rotation.event);
        Ok(Some(row.session.clone()))
    }

    /// Ends those of a user's sessions that were not ended before; their public ids.
    pub(super) fn end_sessions(
        &mut self,
        user_id: UserId,
        which: Which,
        now: Timestamp,
    ) -> Vec<String> {
        let meant = |id| match which {
            Which::One(one) => id == one,
            Which::AllBut(kept) => id != kept,
            Which::All => true,
        };
        let ids = self.session_ids(|row| row.session.user_id == user_id && meant(row.session.id));
        ids.into_iter().filter_map(|id| self.end_session(id, now)).collect()
    }

    /// Ends a session: its row stays, its tokens and its salt go. `None` if it had been ended.
    fn end_session(&mut self, id: SessionId, now: Timestamp) -> Option<String> {
        let session = &mut self.sessions.get_mut(&id)?.session;
        if session.revoked_at.is_some() {
            return None;
        }
        session.revoked_at = Some(now);
        session.salt = None;
        for token in [session.access_token.take(), session.previous_access_token.take()] {
            token.and_then(|token| self.tokens.remove(&token));
        }
        Some(session.public_id.clone())
    }
}
