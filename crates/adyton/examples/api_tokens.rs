//! Users who make tokens for their scripts, each with no more abilities than the script needs.
//!
//! `cargo run --example api_tokens [ADDRESS [DATABASE]]`, then
//!
//! ```sh
//! # Ada signs up, and makes a token that may read and nothing else.
//! ADA=$(curl -s localhost:3000/api/auth/register --json '{"name":"Ada","email":"ada@example.com","password":"correct horse 1"}' | grep -o 'adt_[0-9A-Za-z]*')
//! BACKUP=$(curl -s localhost:3000/api/auth/tokens -H "Authorization: Bearer $ADA" --json '{"name":"backup","abilities":["orders:read"],"expiresIn":86400}' | grep -o 'adt_[0-9A-Za-z]*')
//! # It may read, and is told what it lacks for more.
//! curl -s localhost:3000/orders -H "Authorization: Bearer $BACKUP"
//! curl -s localhost:3000/orders -H "Authorization: Bearer $BACKUP" -d tea
//! # Ada herself may do both; she sees when the script was here last, and ends it.
//! curl -s localhost:3000/orders -H "Authorization: Bearer $ADA" -d tea
//! curl -s localhost:3000/api/auth/tokens -H "Authorization: Bearer $ADA"
//! curl -s -X DELETE localhost:3000/api/auth/tokens/2 -H "Authorization: Bearer $ADA"
//! curl -s localhost:3000/orders -H "Authorization: Bearer $BACKUP"
//! ```

#![allow(clippy::print_stdout, reason = "it tells where it listens")]

use adyton::core::config::Lifetime;
use adyton::{Adyton, Config, CurrentToken, require_abilities};
use axum::Router;
use axum::routing::{get, post};
use std::net::SocketAddr;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:3000".into());
    let database = arguments.next().unwrap_or_else(|| "api_tokens.sqlite3".into());

    let mut config = Config::default();
    // A forgotten script should not be able to sign in for ever.
    config.personal_token_max_expiration = Lifetime::parse("365d");
    let auth = Adyton::builder().config(config).url(format!("sqlite://{database}")).build().await?;

    // Each method asks for an ability of its own.
    let read = get(async |token: CurrentToken| format!("the orders of {}\n", token.user().name));
    let write = post(async |order: String| format!("ordered {order}\n"));
    let orders = read
        .route_layer(require_abilities(["orders:read"]))
        .merge(write.route_layer(require_abilities(["orders:write"])));
    let app = Router::new().route("/orders", orders).layer(auth.layer()).merge(auth.router());

    let listener = TcpListener::bind(address).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
