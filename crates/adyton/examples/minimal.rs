//! The smallest app: sign-up, sign-in and one protected route on a SQLite file.
//!
//! `cargo run --example minimal [ADDRESS [DATABASE]]`, then
//! `curl localhost:3000/api/auth/register --json '{"name":"Ada","email":"ada@example.com","password":"correct horse 1"}'`
//! and `curl localhost:3000/hello -H "Authorization: Bearer adt_…"`.

#![allow(clippy::print_stdout, reason = "it tells where it listens")]

use adyton::{Adyton, CurrentUser, require_abilities};
use axum::{Router, routing::get};
use std::net::SocketAddr;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:3000".into());
    let database = arguments.next().unwrap_or_else(|| "minimal.sqlite3".into());

    let auth = Adyton::builder().url(format!("sqlite://{database}")).build().await?;
    let app = Router::new()
        .route("/hello", get(async |user: CurrentUser| format!("Hello, {}!\n", user.name)))
        .route("/orders", get(async || "none\n").route_layer(require_abilities(["orders:read"])))
        .layer(auth.layer())
        .merge(auth.router());

    let listener = TcpListener::bind(address).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
