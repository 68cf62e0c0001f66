//! Several engines on one store, and clocks that jump: what a process has in memory is not all that
//! counts.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail as tests do")]

use adyton_core::auth::{Credentials, Registration, Secrets, SignIn, SignInOptions};
use adyton_core::clock::{Clock, Timestamp};
use adyton_core::config::CacheMode;
use adyton_core::device::Client;
use adyton_core::error::Refusal;
use adyton_core::secret::{Kind, PlainText};
use adyton_core::session::Guard;
use adyton_core::store::MemoryStore;
use adyton_core::testing::ManualClock;
use adyton_core::user::UserId;
use adyton_core::{Auth, Config, Error};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

const HOUR: u64 = 3_600;
const PASSWORD: &str = "correct horse 1";

struct World {
    store: MemoryStore,
    clock: ManualClock,
}

impl World {
    fn new() -> Self {
        Self { store: MemoryStore::new(), clock: ManualClock::default() }
    }

    /// A node of several, whose store tells it of changes, though not of uses.
    fn node(&self) -> Auth {
        self.node_with(CacheMode::On)
    }

    fn node_with(&self, cache: CacheMode) -> Auth {
        let mut config = Config::default();
        config.cache.enabled = cache;
        let (store, clock) = (Arc::new(self.store.clone()), Arc::new(self.clock.clone()));
        Auth::new(config, store, clock).unwrap()
    }
}

async fn register(auth: &Auth) -> UserId {
    let registration = Registration {
        name: "Ada".into(),
        email: "ada@example.com".into(),
        password: PASSWORD.into(),
        ..Registration::default()
    };
    auth.create_user(&registration).await.unwrap().id
}

async fn sign_in(auth: &Auth, user: UserId, guard: Guard) -> SignIn {
    let options = SignInOptions { guard: Some(guard), ..SignInOptions::default() };
    auth.sign_in_as(user, &options, &Client::default()).await.unwrap()
}

#[tokio::test]
async fn a_cookie_that_was_used_on_another_node_is_not_over_where_it_was_not() {
    let world = World::new();
    let (here, there) = (world.node(), world.node());
    let user = register(&here).await;
    let signed_in = sign_in(&here, user, Guard::Session).await;
    let Secrets::Cookie(cookie) = &signed_in.secrets else { panic!("no cookie") };
    let cookie = cookie.secret.expose();
    lease_cache(&there).await;
    there.authenticate_cookie(cookie).await.unwrap();
    for _ in 0..3 {
        world.clock.advance(HOUR);
        here.authenticate_cookie(cookie).await.unwrap();
        here.flush().await.unwrap();
    }
    lease_cache(&there).await;
    there.authenticate_cookie(cookie).await.unwrap();
    world.clock.advance(2 * HOUR);
    let over = there.authenticate_cookie(cookie).await;
    assert!(matches!(over, Err(Error::Unauthenticated(Refusal::SessionExpired))), "{over:?}");
}

/// Has a node ask the store whether anything has changed, so that its memory counts until the clock is moved.
async fn lease_cache(node: &Auth) {
    let nobodys = PlainText::draw(Kind::Cookie).unwrap();
    assert!(node.authenticate_cookie(nobodys.expose()).await.is_err());
    tokio::task::yield_now().await;
}

async fn wrong_login(auth: &Auth) -> Result<SignIn, Error> {
    login(auth, "wrong").await
}

async fn login(auth: &Auth, password: &str) -> Result<SignIn, Error> {
    let credentials = Credentials {
        email: "ada@example.com".into(),
        password: password.into(),
        options: SignInOptions::default(),
    };
    let address = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
    auth.login(credentials, &Client { address, ..Client::default() }).await
}

#[tokio::test]
async fn a_clock_that_jumps_back_an_hour_keeps_nobody_out_for_an_hour() {
    let world = World::new();
    let auth = world.node_with(CacheMode::Exclusive);
    let user = register(&auth).await;
    let old = sign_in(&auth, user, Guard::Token).await;
    let old = old.tokens().unwrap().token.expose();
    world.clock.advance(HOUR);
    let expired = auth.authenticate(old).await;
    assert!(matches!(expired, Err(Error::Unauthenticated(Refusal::TokenExpired))));
    for _ in 0..5 {
        assert!(matches!(wrong_login(&auth).await, Err(Error::Unauthenticated(_))));
    }
    assert!(matches!(login(&auth, PASSWORD).await, Err(Error::TooManyAttempts(_))));

    let before = world.clock.now();
    world.clock.set(Timestamp::from_unix(before.unix() - 3_600));
    let expired = auth.authenticate(old).await;
    assert!(matches!(expired, Err(Error::Unauthenticated(Refusal::TokenExpired))), "not revived");
    let fresh = sign_in(&auth, user, Guard::Token).await;
    let fresh = fresh.tokens().unwrap().token.expose();
    auth.authenticate(fresh).await.unwrap();
    // The window of a minute takes two, and not the hour.
    world.clock.advance(119);
    assert!(matches!(login(&auth, PASSWORD).await, Err(Error::TooManyAttempts(_))));
    world.clock.advance(1);
    login(&auth, PASSWORD).await.unwrap();
    // What was issued meanwhile lives its hour by the engine's time, which is real again by then.
    world.clock.advance(2 * HOUR - 121);
    assert!(auth.authenticate(fresh).await.is_ok());
    world.clock.advance(1);
    let expired = auth.authenticate(fresh).await;
    assert!(matches!(expired, Err(Error::Unauthenticated(Refusal::TokenExpired))));
    assert_eq!(world.clock.now().unix(), before.unix() + 3_600);
}
