//! An axum app on the database of a Laravel app that goes on using it: people sign in at either with
//! the same password, and a token of either is good at the other. No column of Laravel's changes.
//!
//! `cargo run --example laravel_side_by_side [ADDRESS [DATABASE]]`. Where the database is missing it is
//! made as Laravel leaves it, with Ada, whose password is `password`, and a token that Sanctum gave her.
//!
//! ```sh
//! # Sanctum's token, as Laravel's clients have it.
//! curl -s localhost:3000/hello -H "Authorization: Bearer 1|AdaAdaAdaAdaAdaAdaAdaAdaAdaAdaAdaAdaAdaAffae3037"
//! # The password that Laravel has hashed; and a token for Laravel's clients, from this side.
//! ADA=$(curl -s localhost:3000/api/auth/login --json '{"email":"ada@example.com","password":"password"}' | grep -o 'adt_[0-9A-Za-z]*')
//! curl -s localhost:3000/api/auth/tokens -H "Authorization: Bearer $ADA" --json '{"name":"for Laravel"}' | grep -o '"name":"for Laravel"'
//! curl -s localhost:3000/laravel -H "Authorization: Bearer $ADA"
//! ```

#![allow(clippy::print_stdout, reason = "it tells where it listens")]

use adyton::{Adyton, Config, CurrentUser};
use axum::{Router, routing::get};
use std::net::SocketAddr;
use std::path::Path;
use tokio::net::TcpListener;

/// The two tables of Laravel 12 with Sanctum 4 that matter here, and a row in each.
const LARAVEL: &str = r#"
    CREATE TABLE "users" ("id" integer primary key autoincrement not null, "name" varchar not null,
      "email" varchar not null, "email_verified_at" datetime, "password" varchar not null,
      "remember_token" varchar, "created_at" datetime, "updated_at" datetime);
    CREATE UNIQUE INDEX "users_email_unique" on "users" ("email");
    CREATE TABLE "personal_access_tokens" ("id" integer primary key autoincrement not null,
      "tokenable_type" varchar not null, "tokenable_id" integer not null, "name" text not null,
      "token" varchar not null, "abilities" text, "last_used_at" datetime, "expires_at" datetime,
      "created_at" datetime, "updated_at" datetime);
    CREATE UNIQUE INDEX "personal_access_tokens_token_unique" on "personal_access_tokens" ("token");
    INSERT INTO users (name, email, password, created_at, updated_at) VALUES ('Ada', 'ada@example.com',
      '$2y$10$92IXUNpkjO0rOQ5byMi.Ye4oKoEa3Ro9llC/.og/at2.uheWG/igi', datetime(), datetime());
    INSERT INTO personal_access_tokens (tokenable_type, tokenable_id, name, token, abilities, created_at,
      updated_at) VALUES ('App\Models\User', 1, 'phone',
      '617529e539239124ec95354fd267b23da98ce93a4cc8bc631dbc0db98aa16055', '["*"]', datetime(), datetime());
"#;

/// What Laravel finds there, asked as it would.
fn seen_by_laravel(database: &str) -> rusqlite::Result<String> {
    let laravel = rusqlite::Connection::open(database)?;
    let tokens = "SELECT group_concat(name, ', ') FROM (SELECT name FROM personal_access_tokens
                  WHERE tokenable_type = 'App\\Models\\User' AND tokenable_id = 1 ORDER BY id)";
    let tokens: String = laravel.query_one(tokens, [], |row| row.get(0))?;
    let hash: String = laravel.query_one("SELECT password FROM users", [], |row| row.get(0))?;
    Ok(format!("tokens: {tokens}; the password is still {}\n", &hash[..7]))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:3000".into());
    let database = arguments.next().unwrap_or_else(|| "laravel.sqlite3".into());
    if !Path::new(&database).exists() {
        rusqlite::Connection::open(&database)?.execute_batch(LARAVEL)?;
    }

    let mut config = Config::default();
    // As Laravel writes it into `tokenable_type`.
    config.tokenable_type = r"App\Models\User".into();
    // Laravel's hashes stay as they are.
    config.password.rehash = false;
    let auth = Adyton::builder().config(config).url(format!("sqlite://{database}")).build().await?;

    let hello = get(async |user: CurrentUser| format!("Hello, {}!\n", user.name));
    let laravel = async move |_: CurrentUser| {
        seen_by_laravel(&database).unwrap_or_else(|error| format!("{error}\n"))
    };
    let app = Router::new()
        .route("/hello", hello)
        .route("/laravel", get(laravel))
        .layer(auth.layer())
        .merge(auth.router());

    let listener = TcpListener::bind(address).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
