//! What verified tokens cost in memory, measured in a process of its own: as most apps use them,
//! and once everything was asked of each.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

use adyton_core::auth::{ImportedUser, NewPersonalToken, Principal};
use adyton_core::clock::SystemClock;
use adyton_core::config::CacheMode;
use adyton_core::device::Client;
use adyton_core::store::MemoryStore;
use adyton_core::{Auth, Config};
use std::sync::Arc;

const HASH: &str = "$2y$10$92IXUNpkjO0rOQ5byMi.Ye4oKoEa3Ro9llC/.og/at2.uheWG/igi";
const TOKENS: u64 = 10_000;

/// Resident memory of this process in bytes, by pages of 4 KiB.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

async fn signed(auth: &Auth, number: u64) -> String {
    let email = format!("user{number}@example.com");
    let user = ImportedUser::read(&format!("User {number}"), &email, HASH, None).unwrap();
    let owner = auth.import_user(user).await.unwrap().unwrap().id;
    let new = NewPersonalToken { name: "bench".to_owned(), ..NewPersonalToken::default() };
    let made = auth.create_token(owner, new, None, &Client::default()).await.unwrap();
    made.token.expose().to_owned()
}

#[tokio::test]
#[cfg_attr(debug_assertions, ignore = "slow unless optimised: `scripts/test --full` runs it")]
async fn a_token_takes_little_and_at_most_what_is_counted() {
    let mut config = Config::default();
    config.hashing.threads = Some(1);
    config.cache.enabled = CacheMode::Exclusive;
    let clock = Arc::new(SystemClock::default());
    let auth = Auth::new(config, Arc::new(MemoryStore::new()), clock).unwrap();
    let mut tokens = Vec::new();
    for number in 0..TOKENS {
        tokens.push(signed(&auth, number).await);
    }
    // What waits to be written down is no part of the cache.
    let each = async |ask: fn(&Principal)| {
        let before = resident();
        for token in &tokens {
            ask(&auth.authenticate(token).await.unwrap());
        }
        resident().saturating_sub(before) / TOKENS
    };
    let found = each(|caller| assert!(caller.user_json().contains("example.com"))).await;
    let asked = each(|caller| assert!(caller.user().id == caller.token().unwrap().user_id)).await;
    println!("a token: {found} bytes, and {asked} more once everything was asked for");
    assert!((200..=360).contains(&found), "{found} bytes");
    assert!(found + asked <= 700, "{found} and {asked} bytes");
}
