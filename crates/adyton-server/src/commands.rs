//! One file a command. A command takes settings and a place to write, and returns; exit codes and
//! error texts are `cli`'s.

pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod copy;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod events;
pub(crate) mod man;
pub(crate) mod migrate;
pub(crate) mod openapi;
pub(crate) mod prune;
pub(crate) mod remote;
pub(crate) mod serve;
pub(crate) mod session;
mod site;
mod terminal;
pub(crate) mod token;
pub(crate) mod user;

use crate::config_file::Settings;
use adyton::core::Auth;
use adyton::core::auth::Shared;
use adyton::core::clock::{Clock, SystemClock};
use adyton::core::config::CacheMode;
use adyton::core::user::UserId;
use adyton::sql::SqlStore;
use adyton::{Error, User, connect_shared};
use anyhow::{Context, Result, anyhow};
use std::future::Future;
use std::io::{self, Write};
use std::sync::Arc;

/// Opens the store that the settings name.
async fn open_store(settings: &Settings) -> Result<SqlStore> {
    SqlStore::open(&settings.config).await.context("cannot open the database")
}

/// The engine on the store that the settings name, with its tables up to date. It does nothing in
/// the background.
async fn open_engine(settings: &Settings) -> Result<Auth> {
    let (store, clock) = (open_store(settings).await?, SystemClock::default());
    store.prepare(clock.now()).await.context("the tables are not up to date")?;
    let shared = tell_nodes(settings).await?;
    Ok(Auth::sharing(settings.config.clone(), Arc::new(store), Arc::new(clock), shared)?)
}

/// Where running servers hear through a Redis of what a command changes, it has to speak there.
async fn tell_nodes(settings: &Settings) -> Result<Shared> {
    if settings.config.cache.enabled != CacheMode::Exclusive {
        return Ok(Shared::default());
    }
    let shared = connect_shared(&settings.config).await?;
    let late = match &shared.channel {
        Some(channel) if channel.is_reachable() => return Ok(shared),
        Some(_) => {
            "the Redis of `rate_limiting.store` is out of reach: servers that still reach it obey \
             what this changes after ten seconds"
        }
        None => {
            "the cache is exclusive and `rate_limiting.store` names no Redis: a server that runs \
             obeys what this changes after ten seconds"
        }
    };
    // What it does is done all the same.
    let _ = writeln!(io::stderr(), "warning: {late}");
    Ok(shared)
}

/// Runs a command that needs the engine to its end.
fn with_engine<F, T>(settings: &Settings, command: impl FnOnce(Auth) -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    block_on(async { command(open_engine(settings).await?).await })
}

fn block_on<T>(command: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start the runtime")?.block_on(command)
}

/// The user with this id or e-mail.
async fn find_user(auth: &Auth, who: &str) -> Result<User> {
    let found = match who.parse() {
        Ok(id) => auth.find_user(UserId(id)).await,
        Err(_) => auth.find_user_by_email(who).await,
    };
    found.map_err(|error| match error {
        Error::NotFound => anyhow!("there is no user {who}"),
        error => error.into(),
    })
}

/// Problems with fields, told in one line.
fn tell(error: Error) -> anyhow::Error {
    let Error::Invalid(problems) = error else { return error.into() };
    let told =
        problems.fields().iter().map(|(field, texts)| format!("{field} {}", texts.join(", ")));
    anyhow!(told.collect::<Vec<_>>().join("; "))
}
