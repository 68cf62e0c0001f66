//! Whether the database can be read and is up to date, and what its rows say of the clock. It is
//! only looked at.

use super::Finding;
use super::codes::*;
use crate::cli::sentence;
use crate::commands::block_on;
use adyton::core::clock::{Clock, SystemClock};
use adyton::core::config::{CacheMode, Config, Place};
use adyton::core::store::{EventFilter, EventStore};
use adyton::sql::{MigrationState, SqlError, SqlStore, TriggerState};
use anyhow::Result;

/// Clocks of two machines may differ by so many seconds before it matters.
pub(super) const TOLERANCE: u64 = 60;

pub(super) fn examine(config: &Config) -> Result<Vec<Finding>> {
    if let Place::File(path) = config.connector.place()?
        && !path.exists()
    {
        return Ok(vec![Finding::new(&DATABASE_MISSING, path.display().to_string())]);
    }
    block_on(async {
        let found = look(config).await;
        Ok(found.unwrap_or_else(|error| {
            let code = match error {
                SqlError::Newer { .. } => &SCHEMA_NEWER,
                SqlError::OtherAdyton { .. } => &DATABASE_SHARED,
                _ => &DATABASE_UNREACHABLE,
            };
            vec![Finding::new(code, sentence(&error.into()))]
        }))
    })
}

async fn look(config: &Config) -> Result<Vec<Finding>, SqlError> {
    let store = SqlStore::inspect(config).await?;
    let status = store.status().await?;
    let pending = status.iter().filter(|migration| {
        !matches!(migration.state, MigrationState::Applied(_) | MigrationState::Adopted(_))
    });
    let pending: Vec<_> = pending.map(|migration| migration.name).collect();
    if !pending.is_empty() {
        return Ok(vec![Finding::new(&SCHEMA_OUTDATED, pending.join(", "))]);
    }
    store.check_access().await?;
    let untold =
        config.cache.enabled == CacheMode::On && store.triggers().await? == TriggerState::Missing;
    let triggers = untold.then(|| Finding::new(&TRIGGERS_MISSING, "PostgreSQL".to_owned()));
    Ok(clock(&store).await.into_iter().chain(triggers).collect())
}

/// A row from the future was written under another clock.
async fn clock(store: &SqlStore) -> Option<Finding> {
    let now = SystemClock::default().now();
    let latest = store.list_events(EventFilter::latest(1)).await.ok()?.pop()?.created_at;
    let detail = || format!("it is {now} here, and the latest event is of {latest}");
    (latest.seconds_after(now) > TOLERANCE).then(|| Finding::new(&CLOCK_BEHIND, detail()))
}
