//! A store whose users are the host app's: `UserStore` from the app, all else from another store.
//!
//! Two databases share no transaction, so what spans both takes several steps here. They run in a
//! task of their own, which goes on when the caller goes away, and in an order in which a crash or
//! an outage between two steps leaves less open than was asked for, never more:
//!
//! - **Sign-up** makes the user, then opens the session. In between: a user who can sign in.
//! - **Sign-in** checks the user before the session opens and once more after, when nobody has
//!   its secrets yet; if the password changed or the user went meanwhile, the session ends.
//! - **Password change** ends sessions, then sets the password, then ends what was opened with the
//!   old one meanwhile. In between: people are signed out, and the change can be tried again.
//!   Of two changes at once the one that comes too late has ended sessions, too.
//! - **Deletion** deletes what the user owns, then the user, then what was opened meanwhile. In
//!   between: a user who is signed out and owns nothing.
//!
//! It writes no user and no session by itself. Events of users go to the app, which may drop them,
//! and into the store as well: those are what [`EventStore::list_events`] gives.

use super::{
    DeviceStore, EventFilter, EventStore, Issued, OpenedSession, OwnedRevocation, PasswordChange,
    Pruned, Revocation, Rotation, SessionOpening, SessionStore, SignInRecord, SignedIn, Store,
    StoreError, TokenIssue, TokenStore, Touches, UserStore, UserUpdate, Which, Who,
};
use crate::clock::Timestamp;
use crate::device::KnownDevice;
use crate::event::{Event, EventKind};
use crate::secret::Hash;
use crate::session::{FoundCookie, FoundSession, Session};
use crate::token::{FoundToken, Token, TokenId};
use crate::user::{Account, Email, NewUser, StoredPassword, User, UserChange, UserId};
use async_trait::async_trait;
use std::future::Future;
use std::sync::Arc;

/// A [`Store`] with the users of a host app.
///
/// The app's ids must never be used again, as everywhere in the port: a token that outlived its
/// user would belong to the next one with that id. The store's own table of users stays empty.
#[derive(Clone)]
pub struct WithUsers {
    users: Arc<dyn UserStore>,
    store: Arc<dyn Store>,
}

impl WithUsers {
    /// Users from `users`; tokens, sessions and events from `store`.
    #[must_use]
    pub fn new(users: Arc<dyn UserStore>, store: Arc<dyn Store>) -> Self {
        Self { users, store }
    }
}

impl std::fmt::Debug for WithUsers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WithUsers").finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for WithUsers {
    async fn sign_in(&self, record: SignInRecord) -> Result<Option<SignedIn>, StoreError> {
        let this = self.clone();
        to_the_end(async move {
            let Some((id, password)) = this.admit(&record).await? else { return Ok(None) };
            let now = record.now;
            let opened = this.store.open_session(record.opening(id)).await?;
            match this.admitted(id, password.as_ref()).await? {
                Some(user) => Ok(Some(opened.by(user))),
                None => this.take_back(&opened.session, now).await.map(|()| None),
            }
        })
        .await
    }

    async fn change_password(
        &self,
        change: PasswordChange,
    ) -> Result<Option<Vec<Event>>, StoreError> {
        let this = self.clone();
        to_the_end(async move {
            let PasswordChange { user_id, expected, new, now, .. } = change;
            if this.admitted(user_id, expected.as_ref()).await?.is_none() {
                return Ok(None);
            }
            let mut revocation = OwnedRevocation {
                user_id,
                keep: change.keep,
                tokens: change.revoke_tokens,
                now,
                event: None,
            };
            let ended = this.store.revoke_owned(revocation.clone()).await?;
            if !this.users.set_password(user_id, expected.as_ref(), new, now).await? {
                return Ok(None);
            }
            revocation.event = Some(change.event);
            let mut written = this.store.revoke_owned(revocation).await?;
            written.extend(ended);
            Ok(Some(written))
        })
        .await
    }

    /// Also deletes what a user who is gone already has left behind.
    async fn delete_account(
        &self,
        id: UserId,
        verified: Option<StoredPassword>,
        event: Event,
    ) -> Result<bool, StoreError> {
        let this = self.clone();
        to_the_end(async move {
            let account = this.users.find_account(id).await?;
            let stored = account.and_then(|account| account.password);
            if verified.is_some() && stored != verified {
                return Ok(false);
            }
            this.store.delete_owned(id).await?;
            let deleted = this.users.delete_user(id).await?;
            if deleted {
                this.store.delete_owned(id).await?;
                this.store.record(vec![event]).await?;
            }
            Ok(deleted)
        })
        .await
    }

    async fn open_session(&self, opening: SessionOpening) -> Result<OpenedSession, StoreError> {
        self.store.open_session(opening).await
    }

    async fn revoke_owned(&self, revocation: OwnedRevocation) -> Result<Vec<Event>, StoreError> {
        self.store.revoke_owned(revocation).await
    }

    async fn delete_owned(&self, user_id: UserId) -> Result<(), StoreError> {
        self.store.delete_owned(user_id).await
    }

    async fn prune(&self, before: Timestamp, limit: u32) -> Result<Pruned, StoreError> {
        self.store.prune(before, limit).await
    }

    /// `None`: nobody tells when the app changes or deletes a user, and a token kept in memory
    /// would outlive them.
    async fn change_counter(&self) -> Result<Option<i64>, StoreError> {
        Ok(None)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }
}

impl WithUsers {
    /// Lets a user in, making them if they are new: their id, and the password that must stand
    /// when their session has been opened.
    async fn admit(
        &self,
        record: &SignInRecord,
    ) -> Result<Option<(UserId, Option<StoredPassword>)>, StoreError> {
        let (id, verified, rehashed) = match record.who.clone() {
            Who::New(user) => {
                let event = creation(&record.events, record.now);
                let user = self.users.insert_user(user, record.now, event).await?;
                return Ok(user.map(|user| (user.id, None)));
            }
            Who::Existing { id, verified, rehashed } => (id, verified, rehashed),
        };
        let Some(new) = rehashed else {
            let user = self.admitted(id, verified.as_ref()).await?;
            return Ok(user.map(|_| (id, verified)));
        };
        let set = self.users.set_password(id, verified.as_ref(), new.clone(), record.now);
        Ok(set.await?.then_some((id, Some(new))))
    }

    /// The user, if they are still there, and with this password where one is named.
    async fn admitted(
        &self,
        id: UserId,
        password: Option<&StoredPassword>,
    ) -> Result<Option<User>, StoreError> {
        if password.is_none() {
            return self.users.find_user(id).await;
        }
        let account = self.users.find_account(id).await?;
        let account = account.filter(|account| account.password.as_ref() == password);
        Ok(account.map(|account| account.user))
    }

    /// Ends a session that should not have been opened.
    async fn take_back(&self, session: &Session, now: Timestamp) -> Result<(), StoreError> {
        let revocation = Revocation {
            user_id: session.user_id,
            which: Which::One(session.id),
            now,
            events: vec![Event::new(EventKind::SessionRevoked, now).user(session.user_id)],
        };
        self.store.revoke_sessions(revocation).await.map(drop)
    }
}

/// Runs steps that belong together in a task of their own: a caller who goes away does not stop
/// them half-way.
async fn to_the_end<T: Send + 'static>(
    steps: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::spawn(steps).await.map_err(StoreError::new)?
}

/// The event of a new user, for the app.
fn creation(events: &[Event], now: Timestamp) -> Event {
    let known = events.iter().find(|event| event.event == EventKind::UserCreated);
    known.cloned().unwrap_or_else(|| Event::new(EventKind::UserCreated, now))
}

#[async_trait]
impl UserStore for WithUsers {
    async fn find_user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.users.find_user(id).await
    }

    async fn find_account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        self.users.find_account(id).await
    }

    async fn find_account_by_email(&self, email: &Email) -> Result<Option<Account>, StoreError> {
        self.users.find_account_by_email(email).await
    }

    async fn insert_user(
        &self,
        user: NewUser,
        now: Timestamp,
        event: Event,
    ) -> Result<Option<User>, StoreError> {
        let this = self.clone();
        to_the_end(async move {
            let user = this.users.insert_user(user, now, event.clone()).await?;
            if let Some(user) = &user {
                this.store.record(vec![event.user(user.id)]).await?;
            }
            Ok(user)
        })
        .await
    }

    async fn update_user(
        &self,
        id: UserId,
        change: UserChange,
        now: Timestamp,
        event: Event,
    ) -> Result<UserUpdate, StoreError> {
        let this = self.clone();
        to_the_end(async move {
            let update = this.users.update_user(id, change, now, event.clone()).await?;
            if matches!(update, UserUpdate::Updated(_)) {
                this.store.record(vec![event]).await?;
            }
            Ok(update)
        })
        .await
    }

    async fn set_password(
        &self,
        id: UserId,
        expected: Option<&StoredPassword>,
        new: StoredPassword,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.users.set_password(id, expected, new, now).await
    }

    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError> {
        self.users.delete_user(id).await
    }

    async fn list_users(&self, after: UserId, limit: u32) -> Result<Vec<User>, StoreError> {
        self.users.list_users(after, limit).await
    }

    async fn sample_passwords(&self, limit: u32) -> Result<Vec<StoredPassword>, StoreError> {
        self.users.sample_passwords(limit).await
    }

    async fn may_sign_in(&self, user: &User) -> Result<bool, StoreError> {
        self.users.may_sign_in(user).await
    }
}

#[async_trait]
impl TokenStore for WithUsers {
    /// Two round trips: the user is looked up where users are.
    async fn find_token(&self, hash: &Hash) -> Result<Option<FoundToken>, StoreError> {
        let Some(found) = self.store.find_token(hash).await? else { return Ok(None) };
        let user = self.users.find_user(found.token.user_id).await?;
        Ok(Some(FoundToken { user, ..found }))
    }

    async fn find_token_by_id(&self, id: TokenId) -> Result<Option<Token>, StoreError> {
        self.store.find_token_by_id(id).await
    }

    async fn insert_token(&self, issue: TokenIssue) -> Result<Issued, StoreError> {
        self.store.insert_token(issue).await
    }

    async fn list_tokens(&self, user_id: UserId) -> Result<Vec<Token>, StoreError> {
        self.store.list_tokens(user_id).await
    }

    async fn delete_token(
        &self,
        user_id: UserId,
        id: TokenId,
        event: Event,
    ) -> Result<bool, StoreError> {
        self.store.delete_token(user_id, id, event).await
    }

    async fn touch(&self, touches: Touches) -> Result<(), StoreError> {
        self.store.touch(touches).await
    }
}

#[async_trait]
impl SessionStore for WithUsers {
    async fn find_session(&self, secret: &Hash) -> Result<Option<FoundSession>, StoreError> {
        self.store.find_session(secret).await
    }

    async fn find_cookie(&self, secret: &Hash) -> Result<Option<FoundCookie>, StoreError> {
        let Some(mut found) = self.store.find_cookie(secret).await? else { return Ok(None) };
        found.user = self.users.find_user(found.session.user_id).await?;
        Ok(Some(found))
    }

    async fn find_session_by_public_id(&self, id: &str) -> Result<Option<Session>, StoreError> {
        self.store.find_session_by_public_id(id).await
    }

    async fn list_sessions(
        &self,
        user_id: UserId,
        now: Timestamp,
    ) -> Result<Vec<Session>, StoreError> {
        self.store.list_sessions(user_id, now).await
    }

    async fn rotate(&self, rotation: Rotation) -> Result<Option<Session>, StoreError> {
        self.store.rotate(rotation).await
    }

    async fn revoke_sessions(&self, revocation: Revocation) -> Result<Vec<String>, StoreError> {
        self.store.revoke_sessions(revocation).await
    }

    async fn erase_salts(&self, rotated_before: Timestamp) -> Result<u64, StoreError> {
        self.store.erase_salts(rotated_before).await
    }
}

#[async_trait]
impl DeviceStore for WithUsers {
    async fn find_device(
        &self,
        user_id: UserId,
        secret: &Hash,
    ) -> Result<Option<KnownDevice>, StoreError> {
        self.store.find_device(user_id, secret).await
    }
}

#[async_trait]
impl EventStore for WithUsers {
    async fn record(&self, events: Vec<Event>) -> Result<(), StoreError> {
        self.store.record(events).await
    }

    async fn list_events(&self, filter: EventFilter) -> Result<Vec<Event>, StoreError> {
        self.store.list_events(filter).await
    }

    async fn prune_events(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.store.prune_events(before, limit).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ability::Abilities;
    use crate::device::Device;
    use crate::session::{Guard, NewSession};
    use crate::store::DeviceSighting;
    use crate::store::MemoryStore;
    use crate::testing::conformance;
    use std::sync::atomic::{AtomicBool, Ordering};

    const NOW: Timestamp = Timestamp::from_unix(0);

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn two_stores_keep_the_promises_of_one() {
        let store = || Arc::new(MemoryStore::new());
        conformance::run(async || WithUsers::new(store(), store())).await;
    }

    #[tokio::test]
    async fn a_password_that_changes_during_a_sign_in_ends_it() {
        let (app, inner) = (App::default(), MemoryStore::new());
        let store = WithUsers::new(Arc::new(app), Arc::new(inner.clone()));
        assert!(store.sign_in(sign_in("first")).await.unwrap().is_none());
        let opened = inner.find_session(&Hash::of("cookie")).await.unwrap();
        assert!(opened.expect("it was opened").session.revoked_at.is_some(), "and ended");
    }

    #[tokio::test]
    async fn the_stores_own_users_count_for_nothing() {
        let (users, inner) = (MemoryStore::new(), MemoryStore::new());
        let store = WithUsers::new(Arc::new(users), Arc::new(inner.clone()));
        let event = Event::new(EventKind::UserCreated, NOW);
        let id = inner.insert_user(new_user(), NOW, event).await.unwrap().unwrap().id;
        let token = crate::token::NewToken {
            name: "ci".to_owned(),
            hash: Hash::of("ci"),
            abilities: Abilities::all(),
            expires_at: None,
        };
        let event = Event::new(EventKind::AuthnTokenCreated, NOW);
        let issue = TokenIssue { user_id: id, token, by: None, limit: 1, now: NOW, event };
        store.insert_token(issue).await.unwrap().token().unwrap();
        assert!(store.find_token(&Hash::of("ci")).await.unwrap().unwrap().user.is_none());
        assert!(store.sign_in(sign_in("first")).await.unwrap().is_none());
    }

    fn new_user() -> NewUser {
        NewUser {
            name: "Ada".to_owned(),
            email: Email::parse("ada@example.com").unwrap(),
            password: StoredPassword::new("first".to_owned()),
        }
    }

    fn sign_in(verified: &str) -> SignInRecord {
        let verified = Some(StoredPassword::new(verified.to_owned()));
        SignInRecord {
            replaced: None,
            who: Who::Existing { id: UserId(1), verified, rehashed: None },
            session: NewSession {
                remember: false,
                public_id: "public".to_owned(),
                guard: Guard::Session,
                secret: Hash::of("cookie"),
                abilities: Abilities::all(),
                device: Device::default(),
                expires_at: NOW.plus(60),
            },
            token: None,
            device: DeviceSighting { presented: None, issued: Hash::of("device"), event: None },
            sessions_per_user: 1,
            now: NOW,
            events: Vec::new(),
        }
    }

    /// One user, whose password changes right after it was looked at.
    #[derive(Default)]
    struct App {
        changed: AtomicBool,
    }

    #[async_trait]
    impl UserStore for App {
        async fn find_account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
            let changed = self.changed.swap(true, Ordering::SeqCst);
            let password = if changed { "second" } else { "first" };
            let user = User {
                id,
                name: "Ada".to_owned(),
                email: "ada@example.com".to_owned(),
                created_at: None,
                updated_at: None,
                columns: serde_json::Map::new(),
            };
            Ok(Some(Account { user, password: Some(StoredPassword::new(password.to_owned())) }))
        }

        async fn find_user(&self, _: UserId) -> Result<Option<User>, StoreError> {
            Ok(None)
        }

        async fn find_account_by_email(&self, _: &Email) -> Result<Option<Account>, StoreError> {
            Ok(None)
        }

        async fn insert_user(
            &self,
            _: NewUser,
            _: Timestamp,
            _: Event,
        ) -> Result<Option<User>, StoreError> {
            Ok(None)
        }

        async fn update_user(
            &self,
            _: UserId,
            _: UserChange,
            _: Timestamp,
            _: Event,
        ) -> Result<UserUpdate, StoreError> {
            Ok(UserUpdate::NotFound)
        }

        async fn set_password(
            &self,
            _: UserId,
            _: Option<&StoredPassword>,
            _: StoredPassword,
            _: Timestamp,
        ) -> Result<bool, StoreError> {
            Ok(false)
        }

        async fn delete_user(&self, _: UserId) -> Result<bool, StoreError> {
            Ok(false)
        }

        async fn list_users(&self, _: UserId, _: u32) -> Result<Vec<User>, StoreError> {
            Ok(Vec::new())
        }

        async fn sample_passwords(&self, _: u32) -> Result<Vec<StoredPassword>, StoreError> {
            Ok(Vec::new())
        }
    }
}
