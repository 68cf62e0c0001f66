//! What only shows from inside: who waits for whom.

use super::{Access, Kind, Server};
use crate::databases::{self, Database};
use crate::dialect::Names;
use crate::error::{Result, SqlError};
use adyton_core::config::{Config, Place};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

const MOMENT: Duration = Duration::from_millis(500);

async fn open(config: &Config) -> (Server, Arc<Names>) {
    let names = Arc::new(Names::new(config));
    let Place::Server(place) = config.connector.place().unwrap() else { panic!() };
    (Server::open(place, Access::Full, &names).await.unwrap(), names)
}

async fn migrate_within(database: &Database, patience: Duration) -> Result<()> {
    let (server, names) = open(&database.config()).await;
    let kind = Kind::Migration { patience };
    let body = async || {
        sleep(MOMENT).await;
        Ok(())
    };
    server.to_the_end(&names, move |_| Box::pin(body()), kind).await
}

/// PostgreSQL's lock has no end.
#[tokio::test]
async fn whoever_waits_too_long_for_another_that_migrates_is_refused() {
    let Some(database) = Database::new(databases::Kind::Mysql).await else { return };
    let both = async |patience| {
        let migrate = || migrate_within(&database, patience);
        let (one, other) = tokio::join!(migrate(), migrate());
        one.and(other)
    };
    both(Duration::from_secs(9)).await.unwrap();
    let refused = both(Duration::ZERO).await.unwrap_err();
    assert!(matches!(refused, SqlError::Migrating), "{refused}");
}
