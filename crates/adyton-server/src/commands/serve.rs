//! `adyton serve`: opens the database, binds the address, serves the router and ends in order on
//! SIGTERM or SIGINT.

use super::site;
use super::terminal::shown;
use crate::config_file::{Environment, Settings};
use crate::http::{self, Requests, Timeouts};
use crate::{metrics, pages, telemetry};
use adyton::core::config::SessionGuard;
use adyton::{Adyton, Rejection};
use anyhow::{Context, Result};
use metrics_exporter_prometheus::PrometheusHandle;
use sd_notify::NotifyState;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

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
    let stop = http::stop_signal().context("cannot listen for signals")?;
    // Before anything is counted.
    let collected = match server.metrics_listen {
        Some(address) => Some((address, metrics::install()?)),
        None => None,
    };
    let auth = Adyton::builder().config(settings.config.clone()).build().await;
    let auth = auth.context("cannot start")?;
    let listener = bind(settings, "server.listen", server.listen).await?;
    let telling = match collected {
        Some((address, collected)) => Some(tell(settings, address, collected, &auth).await?),
        None => None,
    };
    let address = listener.local_addr()?;
    if io::stdout().is_terminal() {
        // Nobody has to read this: a server whose output is closed serves all the same.
        let _ = greet(settings, address, out);
    }
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
    let requests = Some(Arc::new(Requests::new(&auth)?));
    let timeouts = Timeouts::from(server);
    tell_manager(&NotifyState::Ready);
    let stop = async {
        stop.await;
        tell_manager(&NotifyState::Stopping);
    };
    http::serve_counted(listener, router, timeouts, requests, stop).await;
    drop(telling);
    auth.flush().await.context("what was only in memory is lost")?;
    tracing::info!("stopped");
    Ok(())
}

async fn bind(settings: &Settings, key: &str, address: SocketAddr) -> Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    let cure = bound.as_ref().err().map(|error| cure(error.kind())).unwrap_or_default();
    bound.with_context(|| format!("cannot listen on {address} ({}){cure}", settings.origin(key)))
}

fn cure(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::AddrInUse => "; another program does: stop it, or choose another port",
        ErrorKind::AddrNotAvailable => {
            "; it is no address of this machine: take one that is, or `0.0.0.0` for all of them"
        }
        ErrorKind::PermissionDenied => {
            "; a port below 1024 needs root or CAP_NET_BIND_SERVICE: choose a higher one, with a \
             proxy before it"
        }
        _ => "",
    }
}

/// Tells systemd, or who else started us and listens, how far we are.
fn tell_manager(state: &NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(std::slice::from_ref(state)) {
        tracing::warn!(%error, "cannot tell the service manager");
    }
}

/// Serves metrics on their own address until what it returns is dropped.
async fn tell(
    settings: &Settings,
    address: SocketAddr,
    collected: PrometheusHandle,
    auth: &Adyton,
) -> Result<JoinSet<()>> {
    let listener = bind(settings, "server.metrics_listen", address).await?;
    tracing::info!(address = %listener.local_addr()?, "serving metrics");
    let router = metrics::router(collected.clone(), auth);
    let timeouts = Timeouts::from(&settings.config.server);
    let mut tasks = JoinSet::new();
    tasks.spawn(http::serve(listener, router, timeouts, std::future::pending()));
    tasks.spawn(metrics::keep_up(collected));
    Ok(tasks)
}

/// What a person needs to go on, whatever the log leaves out.
fn greet(settings: &Settings, address: SocketAddr, out: &mut impl Write) -> io::Result<()> {
    let config = &settings.config;
    let api = site::local_api(config, address);
    writeln!(out, "adyton {}", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "  address   {api}")?;
    if let Some(pages) = site::pages(config, address) {
        writeln!(out, "  pages     {pages}")?;
    }
    writeln!(out, "  database  {}", site::database(config))?;
    writeln!(out, "  config    {}", shown(settings.file.as_deref().unwrap_or("none")))?;
    let body = r#"{"name":"Ada","email":"ada@example.com","password":"correct horse 1"}"#;
    writeln!(out, "  stuck?    `adyton doctor` looks for what is wrong")?;
    writeln!(out, "\ncurl {api}/register --json '{body}'\n")?;
    out.flush()
}

/// The same for the log, and what the configuration leaves open.
fn announce(settings: &Settings, address: SocketAddr) {
    let config = &settings.config;
    let database = site::database(config);
    let (version, file) = (env!("CARGO_PKG_VERSION"), settings.file.as_deref().unwrap_or("none"));
    tracing::info!(%address, database, version, file, "serving");
    if !config.csrf_protection && config.session_guard != SessionGuard::Token {
        let origin = settings.origin("csrf_protection");
        tracing::warn!(
            "csrf_protection is off ({origin}): any site can act for who is signed in by cookie"
        );
    }
}
