//! Adyton inside an axum app: `/user` is the app's own protected route, and the endpoints are
//! mounted beside it. Limits on attempts are off, as with every server of the benchmark.
//!
//! `adyton-bench-embedded serve DATABASE PORT`

use adyton::{Adyton, Config, CurrentUser};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use std::error::Error;
use std::net::SocketAddr;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", database, port] => serve(database, port.parse()?).await,
        _ => Err("serve DATABASE PORT".into()),
    }
}

async fn serve(database: &str, port: u16) -> Result<(), Box<dyn Error>> {
    let mut config = Config::default();
    config.rate_limiting.enabled = false;
    let auth = Adyton::builder().config(config).url(format!("sqlite://{database}")).build().await?;
    let user = async |CurrentUser(user): CurrentUser| Json(&*user).into_response();
    let app = Router::new().route("/user", get(user)).layer(auth.layer()).merge(auth.router());
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    Ok(axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?)
}
