//! A store in memory: for tests, and for apps that want to try things.
//!
//! It keeps the port's promises on maps behind one lock: a method holds it from its first look to
//! its last write, and checks before it writes. It deliberately keeps nothing over a restart,
//! shares nothing between processes, and walks its rows instead of indexing them.

mod devices;
mod sessions;
mod tables;
mod tokens;
mod users;

use super::{
    EventFilter, EventStore, OpenedSession, OwnedRevocation, PasswordChange, Pruned,
    SessionOpening, SignInRecord, SignedIn, Store, StoreError, Which, Who,
};
use crate::clock::Timestamp;
use crate::event::{Event, EventKind};
use crate::user::{StoredPassword, User, UserId};
use async_trait::async_trait;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tables::Tables;

/// A [`Store`] on maps. Clones share the data, which goes with the last of them.
///
/// ```
/// use adyton_core::store::{MemoryStore, Store};
///
/// let store = MemoryStore::new();
/// let _shared: std::sync::Arc<dyn Store> = std::sync::Arc::new(store.clone());
/// ```
#[derive(Clone, Default)]
pub struct MemoryStore {
    tables: Arc<Mutex<Tables>>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A panic elsewhere leaves no half-written rows, since methods check before they write: the
    /// lock is taken over as it is.
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn sign_in(&self, record: SignInRecord) -> Result<Option<SignedIn>, StoreError> {
        let tables = &mut *self.tables();
        tables.check_session(&record.session, record.token.as_ref())?;
        tables.check_device(&record.device)?;
        let Some(user) = admit(tables, &record.who, record.now) else { return Ok(None) };
        let opened = tables.open_session(record.opening(user.id))?;
        Ok(Some(opened.by(user)))
    }

    async fn change_password(
        &self,
        change: PasswordChange,
    ) -> Result<Option<Vec<Event>>, StoreError> {
        let tables = &mut *self.tables();
        let expected = change.expected.as_ref();
        if !tables.set_password(change.user_id, expected, change.new, change.now) {
            return Ok(None);
        }
        Ok(Some(tables.revoke_owned(OwnedRevocation {
            user_id: change.user_id,
            keep: change.keep,
            tokens: change.revoke_tokens,
            now: change.now,
            event: Some(change.event),
        })))
    }

    async fn delete_account(
        &self,
        id: UserId,
        verified: Option<StoredPassword>,
        event: Event,
    ) -> Result<bool, StoreError> {
        let tables = &mut *self.tables();
        let Some(account) = tables.users.get(&id) else { return Ok(false) };
        if verified.is_some() && account.password != verified {
            return Ok(false);
        }
        tables.users.remove(&id);
        tables.delete_owned(id);
        tables.events.push(event);
        Ok(true)
    }

    async fn open_session(&self, opening: SessionOpening) -> Result<OpenedSession, StoreError> {
        self.tables().open_session(opening)
    }

    async fn revoke_owned(&self, revocation: OwnedRevocation) -> Result<Vec<Event>, StoreError> {
        Ok(self.tables().revoke_owned(revocation))
    }

    async fn delete_owned(&self, user_id: UserId) -> Result<(), StoreError> {
        self.tables().delete_owned(user_id);
        Ok(())
    }

    async fn prune(&self, before: Timestamp, limit: u32) -> Result<Pruned, StoreError> {
        Ok(self.tables().prune(before, limit))
    }

    /// Nobody else can write here.
    async fn change_counter(&self) -> Result<Option<i64>, StoreError> {
        Ok(Some(0))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[async_trait]
impl EventStore for MemoryStore {
    async fn record(&self, events: Vec<Event>) -> Result<(), StoreError> {
        self.tables().events.extend(events);
        Ok(())
    }

    async fn list_events(&self, filter: EventFilter) -> Result<Vec<Event>, StoreError> {
        let tables = self.tables();
        let mut found: Vec<_> =
            tables.events.iter().rev().filter(|event| filter.takes(event)).cloned().collect();
        // Refusals are written when their minute is over, but listed where they happened.
        found.sort_by_key(|event| std::cmp::Reverse(event.created_at));
        found.truncate(filter.limit as usize);
        Ok(found)
    }

    async fn prune_events(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let events = &mut self.tables().events;
        let old = events.extract_if(.., |event| event.created_at < before);
        Ok(old.take(limit as usize).count() as u64)
    }
}

/// The user who signs in, made or brought up to date; `None`, and nothing written, if they may not
/// be let in.
fn admit(tables: &mut Tables, who: &Who, now: Timestamp) -> Option<User> {
    match who {
        Who::New(user) => tables.insert_user(user.clone(), now),
        Who::Existing { id, verified, rehashed } => {
            let account = tables.users.get(id)?;
            if !stands(account.password.as_ref(), verified.as_ref()) {
                return None;
            }
            if let Some(new) = rehashed {
                tables.set_password(*id, None, new.clone(), now);
            }
            tables.users.get(id).map(|account| account.user.clone())
        }
    }
}

/// Whether the stored password is still the expected one, where one is named.
fn stands(stored: Option<&StoredPassword>, expected: Option<&StoredPassword>) -> bool {
    expected.is_none() || stored == expected
}

impl Tables {
    fn revoke_owned(&mut self, revocation: OwnedRevocation) -> Vec<Event> {
        let OwnedRevocation { user_id, keep, tokens, now, event } = revocation;
        let why = event.clone();
        let of = |kind| {
            let event = Event::new(kind, now).user(user_id).reason("password_change");
            why.iter().fold(event, Event::beside)
        };
        let mut written: Vec<_> = event.into_iter().collect();
        let ended = self.end_sessions(user_id, keep.map_or(Which::All, Which::AllBut), now);
        written.extend(ended.iter().map(|id| of(EventKind::SessionRevoked).session(id)));
        if tokens {
            let deleted = self.delete_personal_tokens(user_id);
            written
                .extend(deleted.into_iter().map(|id| of(EventKind::AuthnTokenRevoked).token(id)));
        }
        self.events.extend(written.iter().cloned());
        written
    }

    fn delete_owned(&mut self, user_id: UserId) {
        for id in self.session_ids(|row| row.session.user_id == user_id) {
            self.delete_session(id);
        }
        self.tokens.retain(|_, row| row.token.user_id != user_id);
        self.delete_devices(user_id);
    }
}
#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::conformance;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn it_keeps_the_promises_of_the_port() {
        conformance::run(async || MemoryStore::new()).await;
    }
}
