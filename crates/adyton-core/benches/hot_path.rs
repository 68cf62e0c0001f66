//! What every request pays for, piece by piece: `cargo bench -p adyton-core`.
//!
//! The clock stands still, so a token that is in memory stays believed. That nothing here gets dearer
//! is for `scripts/instructions` to say: it does not depend on what else the machine does.
#![allow(clippy::unwrap_used, reason = "it fails as tests do")]

use adyton_core::auth::{ImportedUser, NewPersonalToken, Principal, SignInOptions};
use adyton_core::config::CacheMode;
use adyton_core::csrf::{self, FetchSite, Holder, OriginVerdict};
use adyton_core::device::Client;
use adyton_core::secret::{Hash, Kind, PlainText};
use adyton_core::session::Guard;
use adyton_core::store::MemoryStore;
use adyton_core::testing::ManualClock;
use adyton_core::token::Presented;
use adyton_core::{Auth, Config};
use divan::{Bencher, black_box};
use std::sync::Arc;
use tokio::runtime::Runtime;

const PASSWORD_HASH: &str = "$2y$10$92IXUNpkjO0rOQ5byMi.Ye4oKoEa3Ro9llC/.og/at2.uheWG/igi";
const ABILITIES: [&str; 4] = ["posts:read", "posts:write", "comments:read", "comments:write"];

fn main() {
    divan::main();
}

/// An engine in which somebody has a token and a session, both in memory unless the cache is off.
struct World {
    runtime: Runtime,
    auth: Auth,
    token: String,
    cookie: String,
}

impl World {
    fn new(cache: CacheMode) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut config = Config::default();
        config.cache.enabled = cache;
        let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::default()));
        let auth = Auth::new(config, store, clock).unwrap();
        let (token, cookie) = runtime.block_on(async {
            let ada = ImportedUser::read("Ada", "ada@example.com", PASSWORD_HASH, None).unwrap();
            let ada = auth.import_user(ada).await.unwrap().unwrap().id;
            let new = NewPersonalToken {
                name: "ci".to_owned(),
                abilities: Some(ABILITIES.map(str::to_owned).to_vec()),
                ..NewPersonalToken::default()
            };
            let made = auth.create_token(ada, new, None, &Client::default()).await.unwrap();
            let options = SignInOptions { guard: Some(Guard::Session), ..SignInOptions::default() };
            let signed_in = auth.sign_in_as(ada, &options, &Client::default()).await.unwrap();
            let token = made.token.expose().to_owned();
            let cookie = signed_in.cookie().unwrap().secret.expose().to_owned();
            auth.authenticate(&token).await.unwrap();
            auth.authenticate_cookie(&cookie).await.unwrap();
            tokio::task::yield_now().await;
            (token, cookie)
        });
        Self { runtime, auth, token, cookie }
    }

    async fn authenticate(&self) -> Principal {
        self.auth.authenticate(black_box(&self.token)).await.unwrap()
    }
}

#[divan::bench]
fn parse(bencher: Bencher<'_, '_>) {
    let token = PlainText::draw(Kind::Access).unwrap();
    bencher.bench(|| PlainText::parse(Kind::Access, black_box(token.expose())));
}

#[divan::bench]
fn hash(bencher: Bencher<'_, '_>) {
    let token = PlainText::draw(Kind::Access).unwrap();
    bencher.bench(|| Hash::of(black_box(token.expose())));
}

#[divan::bench]
fn parse_and_hash(bencher: Bencher<'_, '_>) {
    let token = PlainText::draw(Kind::Access).unwrap();
    bencher.bench(|| Presented::read(black_box(token.expose()), false, false));
}

#[divan::bench]
fn token_in_memory(bencher: Bencher<'_, '_>) {
    let world = World::new(CacheMode::On);
    bencher.bench(|| world.runtime.block_on(world.authenticate()));
}

#[divan::bench]
fn cookie_in_memory(bencher: Bencher<'_, '_>) {
    let world = World::new(CacheMode::On);
    let World { runtime, auth, cookie, .. } = &world;
    bencher.bench(|| runtime.block_on(auth.authenticate_cookie(black_box(cookie))).unwrap());
}

/// With a look-up in a map: what is left is what a principal is made of.
#[divan::bench]
fn principal_looked_up(bencher: Bencher<'_, '_>) {
    let world = World::new(CacheMode::Off);
    bencher.bench(|| world.runtime.block_on(world.authenticate()));
}

/// What entering the runtime adds to the three above.
#[divan::bench]
fn nothing_in_the_runtime(bencher: Bencher<'_, '_>) {
    let world = World::new(CacheMode::Off);
    bencher.bench(|| world.runtime.block_on(async { black_box(&world.token).len() }));
}

#[divan::bench]
fn abilities(bencher: Bencher<'_, '_>) {
    let world = World::new(CacheMode::On);
    let (principal, client) = (world.runtime.block_on(world.authenticate()), Client::default());
    bencher.bench(|| world.auth.authorize(black_box(&principal), &[ABILITIES[3]], &client));
}

#[divan::bench]
fn csrf_by_the_browsers_word() -> bool {
    let (site, origin) = black_box((FetchSite::SameOrigin, OriginVerdict::Own));
    csrf::check(site, origin, csrf::Presented::Nothing).is_ok()
}

#[divan::bench]
fn csrf_by_token(bencher: Bencher<'_, '_>) {
    let cookie = PlainText::draw(Kind::Cookie).unwrap();
    let holder = Holder::Session(cookie.expose());
    let token = csrf::issue(holder).unwrap();
    bencher.bench(|| csrf::verify(holder, black_box(&token)));
}
