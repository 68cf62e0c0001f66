//! `adyton serve`: opens the database, binds the address, serves the router and ends in order on
//! SIGTERM or SIGINT.

use super::terminal::shown;
use crate::config_file::{Environment, Settings};
use crate::{http, pages, telemetry};
use adyton::core::config::SessionGuard;
use adyton::{Adyton, Rejection};
use anyhow::{Context, Result};
use std::io::{self, Write};
use std::net::SocketAddr;
use tokio::net::TcpListener;

pub(crate) fn run(
    settings: &Settings,
    environment: &Environment,
    out: &mut impl Write,
) -> Result<()> {
    telemetry::init(environment)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("cannot start the runtime")?.block_on(serve(settings, out))
}

async fn serve(settings: &Settings, out: &mut impl Write) -> Result<()> {
    let server = &settings.config.server;
    let origin = settings.origin("server.listen");
    let stop = http::stop_signal().context("cannot listen for signals")?;
    let auth = Adyton::builder().config(settings.config.clone()).build().await;
    let auth = auth.context("cannot start")?;
    let listener = TcpListener::bind(server.listen)
        .await
        .with_context(|| format!("cannot listen on {} ({origin})", server.listen))?;
    let address = listener.local_addr()?;
    // Nobody has to read this: a server whose output is closed serves all the same.
    let _ = greet(settings, address, out);
    announce(settings, address);
    // What is under no route of ours is answered as everything else is.
    let router = auth.router().merge(auth.health_router());
    let router = match pages::router(&auth) {
        Some(pages) => router.merge(pages),
        None => router,
    };
    let router = router
        .fallback(async || Rejection::NoSuchRoute)
        .method_not_allowed_fallback(async || Rejection::MethodNotAllowed);
    http::serve(listener, router, http::Timeouts::from(server), stop).await;
    auth.flush().await.context("what was only in memory is lost")?;
    tracing::info!("stopped");
    Ok(())
}

/// What a person needs to go on, whatever the log leaves out.
fn greet(settings: &Settings, address: SocketAddr, out: &mut impl Write) -> io::Result<()> {
    let config = &settings.config;
    let api = format!("http://{address}{}", config.server.base_path);
    let database = config.connector.sqlite_path().display().to_string();
    writeln!(out, "adyton {}", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "  address   {api}")?;
    if pages::are_served(config) {
        let local = format!("http://{address}");
        let site = config.server.public_url.as_deref().unwrap_or(&local);
        writeln!(out, "  pages     {site}{}", config.pages.path)?;
    }
    writeln!(out, "  database  {}", shown(&database))?;
    writeln!(out, "  config    {}", shown(settings.file.as_deref().unwrap_or("none")))?;
    let body = r#"{"name":"Ada","email":"ada@example.com","password":"correct horse 1"}"#;
    writeln!(out, "\ncurl {api}/register --json '{body}'\n")?;
    out.flush()
}

/// The same for the log, and what the configuration leaves open.
fn announce(settings: &Settings, address: SocketAddr) {
    let config = &settings.config;
    let database = config.connector.sqlite_path();
    let (version, file) = (env!("CARGO_PKG_VERSION"), settings.file.as_deref().unwrap_or("none"));
    tracing::info!(%address, database = %database.display(), version, file, "serving");
    if !config.csrf_protection && config.session_guard != SessionGuard::Token {
        let origin = settings.origin("csrf_protection");
        tracing::warn!(
            "csrf_protection is off ({origin}): any site can act for who is signed in by cookie"
        );
    }
}
