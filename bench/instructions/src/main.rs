//! One thing on the hot path, so many times: `scripts/instructions` counts what it takes. The clock
//! stands still, and secrets take turns, since what one takes depends a little on its letters.
//!
//! `adyton-bench-instructions WHAT TIMES`

use adyton_core::auth::{ImportedUser, NewPersonalToken, SignInOptions};
use adyton_core::clock::{Clock, Timestamp};
use adyton_core::device::Client;
use adyton_core::secret::Hash;
use adyton_core::session::Guard;
use adyton_core::store::MemoryStore;
use adyton_core::user::UserId;
use adyton_core::{Auth, Config};
use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

type Outcome<T> = Result<T, Box<dyn Error>>;

const PASSWORD_HASH: &str = "$2y$10$92IXUNpkjO0rOQ5byMi.Ye4oKoEa3Ro9llC/.og/at2.uheWG/igi";
const SECRETS: usize = 40;
const ABILITIES: [&str; 4] = ["posts:read", "posts:write", "comments:read", "comments:write"];

struct Standing;

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(1_800_000_000)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, times] = &arguments[..] else { return Err("WHAT and TIMES are missing".into()) };
    let times: usize = times.parse()?;
    let mut config = Config::default();
    config.hashing.threads = Some(1);
    let auth = Auth::new(config, Arc::new(MemoryStore::new()), Arc::new(Standing))?;
    let ada = ImportedUser::read("Ada", "ada@example.com", PASSWORD_HASH, None)?;
    let ada = auth.import_user(ada).await?.ok_or("there is a user already")?.id;
    let (mut tokens, mut cookies) = (Vec::new(), Vec::new());
    for _ in 0..SECRETS {
        tokens.push(token(&auth, ada).await?);
        cookies.push(cookie(&auth, ada).await?);
    }
    let tokens = tokens.iter().cycle().take(times);
    let cookies = cookies.iter().cycle().take(times);
    match what.as_str() {
        "hash" => {
            for token in tokens {
                black_box(Hash::of(black_box(token)));
            }
        }
        "token" => {
            for token in tokens {
                black_box(auth.authenticate(black_box(token)).await?);
            }
        }
        "cookie" => {
            for cookie in cookies {
                black_box(auth.authenticate_cookie(black_box(cookie)).await?);
            }
        }
        "ability" => {
            let token = token(&auth, ada).await?;
            let (principal, client) = (auth.authenticate(&token).await?, Client::default());
            for _ in 0..times {
                auth.authorize(black_box(&principal), &[black_box(ABILITIES[3])], &client)?;
            }
        }
        _ => return Err("WHAT is hash, token, cookie or ability".into()),
    }
    Ok(())
}

/// A personal access token that is in memory, and the store's word that lets it count.
async fn token(auth: &Auth, owner: UserId) -> Outcome<String> {
    let abilities = Some(ABILITIES.map(str::to_owned).to_vec());
    let new = NewPersonalToken { name: "ci".to_owned(), abilities, ..NewPersonalToken::default() };
    let made = auth.create_token(owner, new, None, &Client::default()).await?;
    auth.authenticate(made.token.expose()).await?;
    tokio::task::yield_now().await;
    Ok(made.token.expose().to_owned())
}

/// The same of the cookie of a session.
async fn cookie(auth: &Auth, owner: UserId) -> Outcome<String> {
    let options = SignInOptions { guard: Some(Guard::Session), ..SignInOptions::default() };
    let signed_in = auth.sign_in_as(owner, &options, &Client::default()).await?;
    let cookie = signed_in.cookie().ok_or("no cookie")?.secret.expose();
    auth.authenticate_cookie(cookie).await?;
    Ok(cookie.to_owned())
}
