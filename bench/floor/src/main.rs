//! The floor of the benchmark: a bare axum route that answers what `GET /api/auth/user` answers and
//! looks at no credential, served as an axum app is; the raw rate of argon2id; and refreshes that
//! are each committed alone.
//!
//! `adyton-bench-floor serve` and `adyton-bench-floor commits DATABASE` print their address;
//! `adyton-bench-floor argon2 THREADS SECONDS` prints hashes a second.

mod commits;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use std::error::Error;
use std::io::{Write, stdout};
use std::thread;
use std::time::Duration;

#[derive(Serialize)]
struct User {
    id: i64,
    name: String,
    email: String,
    created_at: String,
    updated_at: String,
}

async fn user() -> Json<User> {
    Json(User {
        id: 4_321,
        name: "User 4321".to_owned(),
        email: "user4321@example.com".to_owned(),
        created_at: "2026-01-01T00:00:00Z".to_owned(),
        updated_at: "2026-01-01T00:00:00Z".to_owned(),
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve"] => serve(Router::new().route("/api/auth/user", get(user))),
        ["commits", database] => serve(commits::router(database)?),
        ["argon2", threads, seconds] => {
            let rate = argon2(threads.parse()?, Duration::from_secs_f64(seconds.parse()?))?;
            Ok(writeln!(stdout(), "{rate:.1}")?)
        }
        _ => Err("serve | commits DATABASE | argon2 THREADS SECONDS".into()),
    }
}

#[tokio::main]
async fn serve(router: Router) -> Result<(), Box<dyn Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    writeln!(stdout(), "{}", listener.local_addr()?)?;
    Ok(axum::serve(listener, router).await?)
}

/// Hashes a second with the parameters of a sign-in, each thread in memory of its own.
fn argon2(threads: usize, time: Duration) -> Result<f64, Box<dyn Error>> {
    let params = Params::new(19_456, 2, 1, Some(32)).map_err(|error| error.to_string())?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash = || {
        let mut memory = vec![Block::default(); argon2.params().block_count()];
        let (begun, mut count, mut output) = (now(), 0_u32, [0; 32]);
        while begun.elapsed() < time {
            let hashed = argon2.hash_password_into_with_memory(
                b"correct horse 1",
                b"somesaltsomesalt",
                &mut output,
                &mut memory,
            );
            count += u32::from(hashed.is_ok());
        }
        f64::from(count) / begun.elapsed().as_secs_f64()
    };
    Ok(thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(hash)).collect();
        running.into_iter().filter_map(|thread| thread.join().ok()).sum()
    }))
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}
