//! Many requests with one credential that is not in memory: what they ask the store, and that none
//! of them gets an answer that it would not have got alone.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail as tests do")]

use adyton_core::auth::{CreatedToken, ImportedUser, NewPersonalToken, Principal, SignInOptions};
use adyton_core::clock::{Clock, Timestamp};
use adyton_core::config::CacheMode;
use adyton_core::device::Client;
use adyton_core::error::Refusal;
use adyton_core::event::{Event, EventKind};
use adyton_core::session::Guard;
use adyton_core::store::{MemoryStore, StoreError, TokenStore, UserStore, UserUpdate, WithUsers};
use adyton_core::testing::ManualClock;
use adyton_core::user::{Account, Email, NewUser, StoredPassword, User, UserChange, UserId};
use adyton_core::{Auth, Config, Error};
use async_trait::async_trait;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::sleep;

const PASSWORD_HASH: &str = "$2y$10$92IXUNpkjO0rOQ5byMi.Ye4oKoEa3Ro9llC/.og/at2.uheWG/igi";

/// Users whose finding is counted, and takes until it may end: the second half of every look-up.
struct SlowUsers {
    within: MemoryStore,
    found: AtomicUsize,
    may_end: Semaphore,
    down: AtomicBool,
}

#[async_trait]
impl UserStore for SlowUsers {
    async fn find_user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.found.fetch_add(1, Ordering::SeqCst);
        self.may_end.acquire().await.unwrap().forget();
        match self.down.load(Ordering::SeqCst) {
            true => Err(StoreError::new("down")),
            false => self.within.find_user(id).await,
        }
    }

    async fn find_account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        self.within.find_account(id).await
    }

    async fn find_account_by_email(&self, email: &Email) -> Result<Option<Account>, StoreError> {
        self.within.find_account_by_email(email).await
    }

    async fn insert_user(
        &self,
        user: NewUser,
        now: Timestamp,
        event: Event,
    ) -> Result<Option<User>, StoreError> {
        self.within.insert_user(user, now, event).await
    }

    async fn update_user(
        &self,
        id: UserId,
        change: UserChange,
        now: Timestamp,
        event: Event,
    ) -> Result<UserUpdate, StoreError> {
        self.within.update_user(id, change, now, event).await
    }

    async fn set_password(
        &self,
        id: UserId,
        expected: Option<&StoredPassword>,
        new: StoredPassword,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.within.set_password(id, expected, new, now).await
    }

    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError> {
        self.within.delete_user(id).await
    }

    async fn list_users(&self, after: UserId, limit: u32) -> Result<Vec<User>, StoreError> {
        self.within.list_users(after, limit).await
    }

    async fn sample_passwords(&self, limit: u32) -> Result<Vec<StoredPassword>, StoreError> {
        self.within.sample_passwords(limit).await
    }
}

type Answer = Result<Principal, Error>;

struct World {
    users: Arc<SlowUsers>,
    auth: Auth,
    ada: UserId,
    token: CreatedToken,
}

impl World {
    async fn new(cache: CacheMode) -> Self {
        let within = MemoryStore::new();
        let (found, may_end) = (AtomicUsize::new(0), Semaphore::new(1_000));
        let down = AtomicBool::new(false);
        let users = Arc::new(SlowUsers { within: within.clone(), found, may_end, down });
        let mut config = Config::default();
        config.cache.enabled = cache;
        let store = Arc::new(WithUsers::new(users.clone(), Arc::new(within)));
        let auth = Auth::new(config, store, Arc::new(ManualClock::default())).unwrap();
        let ada = ImportedUser::read("Ada", "ada@example.com", PASSWORD_HASH, None).unwrap();
        let ada = auth.import_user(ada).await.unwrap().unwrap().id;
        let new = NewPersonalToken { name: "ci".to_owned(), ..NewPersonalToken::default() };
        let token = auth.create_token(ada, new, None, &Client::default()).await.unwrap();
        users.may_end.forget_permits(1_000);
        users.found.store(0, Ordering::SeqCst);
        Self { users, auth, ada, token }
    }

    /// Asks, and goes on as far as it can.
    async fn ask(&self) -> JoinHandle<Answer> {
        let (auth, token) = (self.auth.clone(), self.token.token.expose().to_owned());
        let asked = tokio::spawn(async move { auth.authenticate(&token).await });
        settle().await;
        asked
    }

    async fn ask_often(&self, times: usize) -> Vec<JoinHandle<Answer>> {
        let mut asked = Vec::new();
        for _ in 0..times {
            asked.push(self.ask().await);
        }
        asked
    }

    fn looked_up(&self) -> usize {
        self.users.found.load(Ordering::SeqCst)
    }

    async fn end(&self, look_ups: usize) {
        self.users.may_end.add_permits(look_ups);
        settle().await;
    }

    async fn revoke(&self) {
        self.auth.revoke_token(self.ada, self.token.info.id, &Client::default()).await.unwrap();
    }
}

async fn settle() {
    for _ in 0..20 {
        yield_now().await;
    }
}

fn is_invalid(answer: &Answer) -> bool {
    matches!(answer, Err(Error::Unauthenticated(Refusal::TokenInvalid)))
}

#[tokio::test]
async fn a_hundred_at_once_are_one_look_up() {
    let world = World::new(CacheMode::Exclusive).await;
    let asked = world.ask_often(100).await;
    assert_eq!(world.looked_up(), 1);
    world.end(1).await;
    for answer in asked {
        assert_eq!(answer.await.unwrap().unwrap().user_id(), world.ada);
    }
    assert_eq!(world.looked_up(), 1);
}

#[tokio::test]
async fn and_two_where_nothing_may_be_kept() {
    let world = World::new(CacheMode::Off).await;
    let asked = world.ask_often(100).await;
    world.end(1).await;
    assert_eq!(world.looked_up(), 2, "the first is too old for those who came after it began");
    world.end(1).await;
    for answer in asked {
        answer.await.unwrap().unwrap();
    }
    assert_eq!(world.looked_up(), 2);
    world.end(1).await;
    world.ask().await.await.unwrap().unwrap();
    assert_eq!(world.looked_up(), 3, "nothing is kept");
}

#[tokio::test]
async fn who_comes_after_a_revocation_is_not_answered_by_a_look_up_from_before() {
    for cache in [CacheMode::Exclusive, CacheMode::On, CacheMode::Off] {
        let world = World::new(cache).await;
        let before = world.ask_often(1).await;
        world.revoke().await;
        let after = world.ask_often(10).await;
        world.end(100).await;
        for answer in before {
            // Its answer may be the one of the moment at which it looked.
            let _ = answer.await.unwrap();
        }
        for answer in after {
            assert!(is_invalid(&answer.await.unwrap()), "{cache:?}");
        }
    }
}

/// Which no generation tells of.
#[tokio::test]
async fn nor_after_one_by_another_process() {
    let world = World::new(CacheMode::Off).await;
    let before = world.ask().await;
    let event = Event::new(EventKind::AuthnTokenRevoked, ManualClock::default().now());
    world.users.within.delete_token(world.ada, world.token.info.id, event).await.unwrap();
    let after = world.ask_often(10).await;
    world.end(100).await;
    before.await.unwrap().unwrap();
    for answer in after {
        assert!(is_invalid(&answer.await.unwrap()));
    }
}

#[tokio::test]
async fn an_outage_is_no_refusal_for_anybody_and_is_over_when_it_is_over() {
    let world = World::new(CacheMode::Exclusive).await;
    world.users.down.store(true, Ordering::SeqCst);
    let asked = world.ask_often(100).await;
    world.end(2).await;
    assert_eq!(world.looked_up(), 2, "a store that is down is not asked a hundred times");
    for answer in asked {
        let answer = answer.await.unwrap();
        assert!(matches!(answer, Err(Error::Store(_))), "{answer:?}");
    }
    world.users.down.store(false, Ordering::SeqCst);
    world.end(1).await;
    world.ask().await.await.unwrap().unwrap();
}

#[tokio::test]
async fn who_goes_away_in_the_middle_leaves_the_turn_to_the_next() {
    let world = World::new(CacheMode::Exclusive).await;
    let mut asked = world.ask_often(5).await;
    asked.remove(0).abort();
    settle().await;
    assert_eq!(world.looked_up(), 2);
    asked.remove(1).abort();
    world.end(1).await;
    for answer in asked {
        answer.await.unwrap().unwrap();
    }
    assert_eq!(world.looked_up(), 2);
}

#[tokio::test]
async fn a_look_up_that_hangs_holds_up_nobody_for_long() {
    let world = World::new(CacheMode::Exclusive).await;
    let hangs = world.ask().await;
    let other = world.ask().await;
    assert_eq!(world.looked_up(), 1);
    sleep(Duration::from_millis(1_200)).await;
    assert_eq!(world.looked_up(), 2, "it looks for itself");
    world.end(2).await;
    for answer in [hangs, other] {
        answer.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_cookie_is_looked_up_once_too() {
    let world = World::new(CacheMode::Exclusive).await;
    let options = SignInOptions { guard: Some(Guard::Session), ..SignInOptions::default() };
    world.end(100).await;
    let signed_in = world.auth.sign_in_as(world.ada, &options, &Client::default()).await.unwrap();
    world.users.may_end.forget_permits(100);
    world.users.found.store(0, Ordering::SeqCst);
    let cookie = signed_in.cookie().unwrap().secret.expose().to_owned();
    let asked: Vec<_> = (0..100)
        .map(|_| {
            let (auth, cookie) = (world.auth.clone(), cookie.clone());
            tokio::spawn(async move { auth.authenticate_cookie(&cookie).await })
        })
        .collect();
    settle().await;
    world.end(1).await;
    for answer in asked {
        assert_eq!(answer.await.unwrap().unwrap().user_id(), world.ada);
    }
    assert_eq!(world.looked_up(), 1);
}
