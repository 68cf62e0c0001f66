//! An app that knows nothing of tokens: nginx asks Adyton about each request, and tells the app by
//! three headers whose it is. The app may be in any language; here both are in one program.
//!
//! `cargo run --example nginx_forward_auth [ADDRESS [DATABASE [ADDRESS OF THE APP]]]`, in another terminal
//! `nginx -p /tmp -g 'daemon off; pid /tmp/nginx.pid;' -c "$PWD/crates/adyton/examples/nginx_forward_auth/nginx.conf"`,
//! then
//!
//! ```sh
//! curl -s localhost:8080/orders
//! ADA=$(curl -s localhost:8080/api/auth/register --json '{"name":"Ada","email":"ada@example.com","password":"correct horse 1"}' | grep -o 'adt_[0-9A-Za-z]*')
//! curl -s localhost:8080/orders -H "Authorization: Bearer $ADA"
//! # Nobody says by themselves who they are.
//! curl -s localhost:8080/orders -H "Authorization: Bearer $ADA" -H "X-Auth-User-Email: root@example.com"
//! # This one is for everybody.
//! curl -s localhost:8080/menu
//! curl -s localhost:8080/menu -H "Authorization: Bearer $ADA"
//! ```
//!
//! In place of the first half of this program, `adyton serve` with the same two options does.

#![allow(clippy::print_stdout, reason = "it tells where it listens")]

use adyton::{Adyton, Config};
use axum::http::HeaderMap;
use axum::{Router, routing::get};
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Who nginx says that it is. Only nginx may reach this app, or anybody could say it.
fn caller(headers: &HeaderMap) -> &str {
    let email = headers.get("x-auth-user-email").and_then(|email| email.to_str().ok());
    email.filter(|email| !email.is_empty()).unwrap_or("a guest")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:8000".into());
    let database = arguments.next().unwrap_or_else(|| "nginx.sqlite3".into());
    let address_of_app = arguments.next().unwrap_or_else(|| "127.0.0.1:3000".into());

    let mut config = Config::default();
    // What nginx says of a request is believed, and nobody else.
    config.server.trusted_proxies = vec!["127.0.0.1".into()];
    config.no_auth_routes = vec!["GET:/menu".into()];
    let auth = Adyton::builder().config(config).url(format!("sqlite://{database}")).build().await?;

    let app = Router::new()
        .route(
            "/orders",
            get(async |headers: HeaderMap| format!("orders of {}\n", caller(&headers))),
        )
        .route("/menu", get(async |headers: HeaderMap| format!("tea, for {}\n", caller(&headers))));

    let (listener, behind) =
        (TcpListener::bind(address).await?, TcpListener::bind(address_of_app).await?);
    println!("http://{} http://{}", listener.local_addr()?, behind.local_addr()?);
    tokio::spawn(axum::serve(behind, app).into_future());
    let endpoints = auth.router().into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, endpoints).await?;
    Ok(())
}
