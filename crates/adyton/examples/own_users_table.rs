//! An app whose users are in a table of its own: Adyton adopts it, changes none of its columns,
//! and shows one of them.
//!
//! `cargo run --example own_users_table [ADDRESS [DATABASE]]`. Grace is in the table already, with
//! the password `correct horse 1` in bcrypt, as another system left it.

#![allow(clippy::print_stdout, reason = "it tells where it listens")]

use adyton::{Adyton, Config, CurrentUser};
use axum::{Router, routing::get};
use std::net::SocketAddr;
use tokio::net::TcpListener;

const MEMBERS: &str = "
    CREATE TABLE IF NOT EXISTS members (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        email TEXT NOT NULL UNIQUE,
        password TEXT,
        plan TEXT NOT NULL DEFAULT 'free',
        created_at TEXT,
        updated_at TEXT
    );
    INSERT OR IGNORE INTO members (name, email, password, plan) VALUES
        ('Grace', 'grace@example.com', 'HASH', 'pro');";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:3000".into());
    let database = arguments.next().unwrap_or_else(|| "members.sqlite3".into());

    // This is what was there before.
    let hash = "$2y$10$P0xLqQ2pXPZsVDXiBeHGeO3GuXRTSQU5WOQf1iNalXp71H71v7qze";
    rusqlite::Connection::open(&database)?.execute_batch(&MEMBERS.replace("HASH", hash))?;

    let mut config = Config::default();
    config.auth_table = "members".into();
    config.user_columns = vec!["plan".into()];
    let auth = Adyton::builder().config(config).url(format!("sqlite://{database}")).build().await?;

    let plan = async |user: CurrentUser| {
        let plan = user.columns.get("plan").and_then(|plan| plan.as_str()).unwrap_or("none");
        format!("{}: {plan}\n", user.name)
    };
    let app = Router::new().route("/plan", get(plan)).layer(auth.layer()).merge(auth.router());

    let listener = TcpListener::bind(address).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
