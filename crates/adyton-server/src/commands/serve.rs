//! `adyton serve`: opens the database, binds the address, serves the router and ends in order on
//! SIGTERM or SIGINT.

use crate::config_file::{Environment, Settings};
use crate::{http, telemetry};
use adyton::{Adyton, Rejection};
use anyhow::{Context, Result, ensure};
use std::net::SocketAddr;
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
    let auth = Adyton::builder().config(settings.config.clone()).build().await;
    let auth = auth.context("cannot start")?;
    let listener = TcpListener::bind(server.listen)
        .await
        .with_context(|| format!("cannot listen on {} ({origin})", server.listen))?;
    announce(settings, listener.local_addr()?);
    // What is under no route of ours is answered as everything else is.
    let router = auth.router().merge(auth.health_router());
    let router = router
        .fallback(async || Rejection::NoSuchRoute)
        .method_not_allowed_fallback(async || Rejection::MethodNotAllowed);
    http::serve(listener, router, http::Timeouts::from(server), stop).await;
    auth.flush().await.context("what was only in memory is lost")?;
    tracing::info!("stopped");
    Ok(())
}

fn announce(settings: &Settings, address: SocketAddr) {
    let config = &settings.config;
    let database = config.connector.sqlite_path();
    let base = &config.server.base_path;
    let (version, file) = (env!("CARGO_PKG_VERSION"), settings.file.as_deref().unwrap_or("none"));
    tracing::info!(%address, database = %database.display(), version, file, "serving");
    tracing::warn!("rate limits are not built yet: this server listens on loopback only");
    let body = r#"{"name":"Ada","email":"ada@example.com","password":"correct horse 1"}"#;
    tracing::info!(
        "try: curl http://{address}{base}/register -H 'content-type: application/json' -d '{body}'"
    );
}
