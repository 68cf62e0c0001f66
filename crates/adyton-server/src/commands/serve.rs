//! `adyton serve`: binds the address, serves the router and ends in order on SIGTERM or SIGINT.

use crate::config_file::{Environment, Settings};
use crate::{http, telemetry};
use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;

pub(crate) fn run(settings: &Settings, environment: &Environment) -> Result<()> {
    telemetry::init(environment)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("cannot start the runtime")?.block_on(serve(settings))
}

async fn serve(settings: &Settings) -> Result<()> {
    let server = &settings.config.server;
    let origin = settings.origin("server.listen");
    ensure!(
        server.listen.ip().is_loopback(),
        "`server.listen` ({origin}): must be a loopback address, since this version has no rate \
         limits yet; put a proxy in front"
    );
    let stop = http::stop_signal().context("cannot listen for signals")?;
    let listener = TcpListener::bind(server.listen)
        .await
        .with_context(|| format!("cannot listen on {} ({origin})", server.listen))?;
    let file = settings.file.as_deref().unwrap_or("none");
    tracing::info!(address = %listener.local_addr()?, file, "serving");
    http::serve(listener, router(), http::Timeouts::from(server), stop).await;
    tracing::info!("stopped");
    Ok(())
}

/// What lives at the root, beside the endpoints.
fn router() -> Router {
    Router::new().route("/healthz", get(|| async { "ok" }))
}
