//! The store that the tests run on: a real one behind a switch, so that it can fail, lose its
//! answers, panic, or be held at a point where a race is decided.

use crate::databases::{Database, Kind};
use adyton::Config;
use adyton::core::clock::{Clock, Timestamp};
use adyton::core::device::KnownDevice;
use adyton::core::event::Event;
use adyton::core::secret::Hash;
use adyton::core::session::{FoundCookie, FoundSession, Session};
use adyton::core::store::{
    DeviceStore, EventFilter, EventStore, Issued, MemoryStore, OpenedSession, OwnedRevocation,
    PasswordChange, Pruned, Revocation, Rotation, SessionOpening, SessionStore, SignInRecord,
    SignedIn, Store, StoreError, TokenIssue, TokenStore, Touches, UserStore, UserUpdate,
};
use adyton::core::token::{FoundToken, Token, TokenId};
use adyton::core::user::{Account, Email, NewUser, StoredPassword, User, UserChange, UserId};
use adyton::sql::SqlStore;
use adyton::testing::ManualClock;
use async_trait::async_trait;
use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::sync::Notify;

/// Where a test's data are.
enum Ground {
    Memory,
    Folder(TempDir),
    Server(Database),
}

impl Ground {
    /// The one that `ADYTON_TEST_STORE` names.
    async fn new() -> Self {
        #[expect(clippy::disallowed_methods, reason = "whoever runs the tests chooses the store")]
        let wanted = std::env::var("ADYTON_TEST_STORE");
        let server = async |kind| {
            let missing = "ADYTON_TEST_STORE needs the URL of a server, too";
            Self::Server(Database::new(kind).await.expect(missing))
        };
        match wanted.as_deref().unwrap_or("sqlite") {
            "memory" => Self::Memory,
            "sqlite" => Self::Folder(TempDir::new().unwrap()),
            "postgres" => server(Kind::Postgres).await,
            "mysql" => server(Kind::Mysql).await,
            other => panic!("ADYTON_TEST_STORE={other} names no store that these tests know"),
        }
    }

    /// Opens its store, as one more process would; none for the one in memory. The one place that
    /// knows which there are.
    async fn open(&self) -> Option<Arc<dyn Store>> {
        let config = match self {
            Self::Memory => return None,
            Self::Server(database) => database.config(),
            Self::Folder(folder) => {
                let mut config = Config::default();
                let path = folder.path().join("adyton.sqlite3");
                config.connector.url = Some(format!("sqlite://{}", path.display()));
                config
            }
        };
        let store = SqlStore::open(&config).await.unwrap();
        store.migrate(ManualClock::default().now()).await.unwrap();
        Some(Arc::new(store))
    }
}

/// What the switch does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    #[default]
    Up,
    /// Nothing answers.
    Down,
    /// Reads answer, writes do not.
    ReadOnly,
    /// Writes happen, but their answers are lost.
    Deaf,
    /// This method panics.
    PanicsIn(&'static str),
}

/// A store behind a switch. Clones share both.
#[derive(Clone)]
pub(crate) struct TestStore {
    inner: Arc<dyn Store>,
    ground: Arc<Ground>,
    mode: Arc<Mutex<Mode>>,
    disabled: Arc<Mutex<HashSet<UserId>>>,
    holds: Arc<Mutex<Vec<Hold>>>,
    calls: Arc<Mutex<Vec<&'static str>>>,
}

/// A call that stands still: after it has read, or before it writes.
#[derive(Clone)]
pub(crate) struct Hold {
    method: &'static str,
    reached: Arc<Notify>,
    go: Arc<Notify>,
}

impl Hold {
    /// Waits until the call is there.
    pub(crate) async fn reached(&self) {
        self.reached.notified().await;
    }

    /// Lets it go on.
    pub(crate) fn release(&self) {
        self.go.notify_one();
    }
}

impl TestStore {
    pub(crate) async fn new() -> Self {
        let ground = Arc::new(Ground::new().await);
        Self {
            inner: ground.open().await.unwrap_or_else(|| Arc::new(MemoryStore::new())),
            ground,
            mode: Arc::default(),
            disabled: Arc::default(),
            holds: Arc::default(),
            calls: Arc::default(),
        }
    }

    /// The same data by other connections, behind the same switch.
    pub(crate) async fn again(&self) -> Self {
        let inner = self.ground.open().await.unwrap_or_else(|| self.inner.clone());
        Self { inner, ..self.clone() }
    }

    pub(crate) fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }

    /// Holds the next call of a method.
    pub(crate) fn hold_next(&self, method: &'static str) -> Hold {
        let hold = Hold { method, reached: Arc::default(), go: Arc::default() };
        self.holds.lock().unwrap().push(hold.clone());
        hold
    }

    /// Says that a user may no longer sign in.
    pub(crate) fn disable(&self, user: UserId) {
        self.disabled.lock().unwrap().insert(user);
    }

    /// How often a method was called.
    pub(crate) fn calls(&self, method: &str) -> usize {
        self.calls.lock().unwrap().iter().filter(|called| **called == method).count()
    }

    async fn read<T>(
        &self,
        method: &'static str,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let mode = self.enter(method);
        if mode == Mode::Down {
            return Err(StoreError::new("unplugged by the test"));
        }
        let found = call.await;
        self.pause(method).await;
        found
    }

    async fn write<T>(
        &self,
        method: &'static str,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let mode = self.enter(method);
        if matches!(mode, Mode::Down | Mode::ReadOnly) {
            return Err(StoreError::new("unplugged by the test"));
        }
        self.pause(method).await;
        let written = call.await;
        if mode == Mode::Deaf { Err(StoreError::new("the answer was lost")) } else { written }
    }

    fn enter(&self, method: &'static str) -> Mode {
        self.calls.lock().unwrap().push(method);
        let mode = *self.mode.lock().unwrap();
        assert_ne!(mode, Mode::PanicsIn(method), "on purpose");
        mode
    }

    async fn pause(&self, method: &'static str) {
        let held = {
            let mut holds = self.holds.lock().unwrap();
            let at = holds.iter().position(|hold| hold.method == method);
            at.map(|at| holds.remove(at))
        };
        if let Some(hold) = held {
            hold.reached.notify_one();
            hold.go.notified().await;
        }
    }
}

#[async_trait]
impl UserStore for TestStore {
    async fn find_user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.read("find_user", self.inner.find_user(id)).await
    }

    async fn find_account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        self.read("find_account", self.inner.find_account(id)).await
    }

    async fn find_account_by_email(&self, email: &Email) -> Result<Option<Account>, StoreError> {
        self.read("find_account_by_email", self.inner.find_account_by_email(email)).await
    }

    async fn insert_user(
        &self,
        user: NewUser,
        now: Timestamp,
        event: Event,
    ) -> Result<Option<User>, StoreError> {
        self.write("insert_user", self.inner.insert_user(user, now, event)).await
    }

    async fn update_user(
        &self,
        id: UserId,
        change: UserChange,
        now: Timestamp,
        event: Event,
    ) -> Result<UserUpdate, StoreError> {
        self.write("update_user", self.inner.update_user(id, change, now, event)).await
    }

    async fn set_password(
        &self,
        id: UserId,
        expected: Option<&StoredPassword>,
        new: StoredPassword,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write("set_password", self.inner.set_password(id, expected, new, now)).await
    }

    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError> {
        self.write("delete_user", self.inner.delete_user(id)).await
    }

    async fn list_users(&self, after: UserId, limit: u32) -> Result<Vec<User>, StoreError> {
        self.read("list_users", self.inner.list_users(after, limit)).await
    }

    async fn sample_passwords(&self, limit: u32) -> Result<Vec<StoredPassword>, StoreError> {
        self.read("sample_passwords", self.inner.sample_passwords(limit)).await
    }

    async fn may_sign_in(&self, user: &User) -> Result<bool, StoreError> {
        let may = self.read("may_sign_in", self.inner.may_sign_in(user)).await?;
        Ok(may && !self.disabled.lock().unwrap().contains(&user.id))
    }
}

#[async_trait]
impl TokenStore for TestStore {
    async fn find_token(&self, hash: &Hash) -> Result<Option<FoundToken>, StoreError> {
        self.read("find_token", self.inner.find_token(hash)).await
    }

    async fn find_token_by_id(&self, id: TokenId) -> Result<Option<Token>, StoreError> {
        self.read("find_token_by_id", self.inner.find_token_by_id(id)).await
    }

    async fn insert_token(&self, issue: TokenIssue) -> Result<Issued, StoreError> {
        self.write("insert_token", self.inner.insert_token(issue)).await
    }

    async fn list_tokens(&self, user_id: UserId) -> Result<Vec<Token>, StoreError> {
        self.read("list_tokens", self.inner.list_tokens(user_id)).await
    }

    async fn delete_token(
        &self,
        user_id: UserId,
        id: TokenId,
        event: Event,
    ) -> Result<bool, StoreError> {
        self.write("delete_token", self.inner.delete_token(user_id, id, event)).await
    }

    async fn touch(&self, touches: Touches) -> Result<(), StoreError> {
        self.write("touch", self.inner.touch(touches)).await
    }
}

#[async_trait]
impl SessionStore for TestStore {
    async fn find_session(&self, secret: &Hash) -> Result<Option<FoundSession>, StoreError> {
        self.read("find_session", self.inner.find_session(secret)).await
    }

    async fn find_cookie(&self, secret: &Hash) -> Result<Option<FoundCookie>, StoreError> {
        self.read("find_cookie", self.inner.find_cookie(secret)).await
    }

    async fn find_session_by_public_id(&self, id: &str) -> Result<Option<Session>, StoreError> {
        self.read("find_session_by_public_id", self.inner.find_session_by_public_id(id)).await
    }

    async fn list_sessions(
        &self,
        user_id: UserId,
        now: Timestamp,
    ) -> Result<Vec<Session>, StoreError> {
        self.read("list_sessions", self.inner.list_sessions(user_id, now)).await
    }

    async fn rotate(&self, rotation: Rotation) -> Result<Option<Session>, StoreError> {
        self.write("rotate", self.inner.rotate(rotation)).await
    }

    async fn revoke_sessions(&self, revocation: Revocation) -> Result<Vec<String>, StoreError> {
        self.write("revoke_sessions", self.inner.revoke_sessions(revocation)).await
    }

    async fn erase_salts(&self, rotated_before: Timestamp) -> Result<u64, StoreError> {
        self.write("erase_salts", self.inner.erase_salts(rotated_before)).await
    }
}

#[async_trait]
impl DeviceStore for TestStore {
    async fn find_device(
        &self,
        user_id: UserId,
        secret: &Hash,
    ) -> Result<Option<KnownDevice>, StoreError> {
        self.read("find_device", self.inner.find_device(user_id, secret)).await
    }
}

#[async_trait]
impl EventStore for TestStore {
    async fn record(&self, events: Vec<Event>) -> Result<(), StoreError> {
        self.write("record", self.inner.record(events)).await
    }

    async fn list_events(&self, filter: EventFilter) -> Result<Vec<Event>, StoreError> {
        self.read("list_events", self.inner.list_events(filter)).await
    }

    async fn prune_events(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.write("prune_events", self.inner.prune_events(before, limit)).await
    }
}

#[async_trait]
impl Store for TestStore {
    async fn sign_in(&self, record: SignInRecord) -> Result<Option<SignedIn>, StoreError> {
        self.write("sign_in", self.inner.sign_in(record)).await
    }

    async fn change_password(
        &self,
        change: PasswordChange,
    ) -> Result<Option<Vec<Event>>, StoreError> {
        self.write("change_password", self.inner.change_password(change)).await
    }

    async fn delete_account(
        &self,
        id: UserId,
        verified: Option<StoredPassword>,
        event: Event,
    ) -> Result<bool, StoreError> {
        self.write("delete_account", self.inner.delete_account(id, verified, event)).await
    }

    async fn open_session(&self, opening: SessionOpening) -> Result<OpenedSession, StoreError> {
        self.write("open_session", self.inner.open_session(opening)).await
    }

    async fn revoke_owned(&self, revocation: OwnedRevocation) -> Result<Vec<Event>, StoreError> {
        self.write("revoke_owned", self.inner.revoke_owned(revocation)).await
    }

    async fn delete_owned(&self, user_id: UserId) -> Result<(), StoreError> {
        self.write("delete_owned", self.inner.delete_owned(user_id)).await
    }

    async fn prune(&self, before: Timestamp, limit: u32) -> Result<Pruned, StoreError> {
        self.write("prune", self.inner.prune(before, limit)).await
    }

    async fn change_counter(&self) -> Result<Option<i64>, StoreError> {
        self.read("change_counter", self.inner.change_counter()).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.read("ping", self.inner.ping()).await
    }
}
