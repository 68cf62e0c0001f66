//! Adyton's store on SQL databases: SQLite, PostgreSQL, MySQL and MariaDB, each behind a Cargo
//! feature (`sqlite`, which is the default, `postgres`, `mysql`). It is the only crate with SQL, and it decides
//! nothing: what is allowed is the engine's business, behind the port of `adyton-core`.
//!
//! A statement stands as plain text beside the call that runs it, in the subset that SQLite,
//! PostgreSQL and MySQL share. [`SqlStore`] is all that apps see.
//!
//! ```
//! use adyton_core::clock::{Clock, SystemClock};
//! use adyton_core::config::Config;
//! use adyton_core::store::Store;
//! use adyton_sql::SqlStore;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let mut config = Config::default();
//! # let path = folder.path().join("adyton.sqlite3");
//! config.connector.url = Some(format!("sqlite://{}", path.display()));
//! let store = SqlStore::open(&config).await?;
//! store.migrate(SystemClock::default().now()).await?;
//! store.ping().await?;
//! # Ok(()) }
//! ```

#![warn(missing_debug_implementations)]

#[cfg(not(any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
compile_error!("choose a database: the features are `sqlite`, `postgres` and `mysql`");

mod access;
mod adopt;
mod copy;
#[cfg(test)]
#[cfg(all(feature = "postgres", feature = "mysql"))]
#[path = "../tests/it/databases.rs"]
mod databases;
mod db;
mod devices;
mod dialect;
mod error;
mod events;
mod import;
mod migrate;
#[cfg(test)]
#[cfg(feature = "sqlite")]
mod plans;
mod prune;
mod sessions;
mod store;
mod tokens;
mod triggers;
mod users;

pub use copy::CopyReport;
pub use error::SqlError;
pub use import::ImportReport;
pub use migrate::{MigrationReport, MigrationState, MigrationStatus};
pub use triggers::TriggerState;

use adyton_core::config::{Config, Lifetime};
use adyton_core::store::StoreError;
use db::{Body, Db, Tx, Value};
use std::fmt;
use std::sync::Arc;

/// The port on a SQL database. Clones share its connections; when the last one is dropped, what is
/// queued is written and the file is closed.
#[derive(Clone)]
pub struct SqlStore {
    db: Arc<Db>,
    personal_token_expiration: Lifetime,
}

impl SqlStore {
    /// Opens the database that the configuration names; a SQLite file that is missing is made,
    /// readable by its owner alone. No table is made: see [`migrate`](Self::migrate).
    ///
    /// # Errors
    /// [`SqlError::Config`] for a configuration that cannot stand, [`SqlError::Open`] for a file
    /// that cannot be opened; for a server [`SqlError::Unreachable`], [`SqlError::SignInRefused`] or
    /// [`SqlError::NoDatabase`].
    pub async fn open(config: &Config) -> Result<Self, SqlError> {
        config.validate()?;
        let db = Db::open(config).await?;
        Ok(Self { db: Arc::new(db), personal_token_expiration: config.personal_token_expiration })
    }

    /// Opens the database only to look at it: nothing can be written, and a file that is missing
    /// is not made, but taken for an empty database.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn inspect(config: &Config) -> Result<Self, SqlError> {
        config.validate()?;
        let db = Db::inspect(config).await?;
        Ok(Self { db: Arc::new(db), personal_token_expiration: config.personal_token_expiration })
    }
}

impl SqlStore {
    /// One transaction, as the port answers it.
    async fn write<T, F>(&self, body: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> Body<'t, T> + Clone + Send + 'static,
    {
        Ok(self.db.transaction(body).await?)
    }

    fn tokenable_type(&self) -> Value {
        self.db.names().tokenable_type.as_str().into()
    }
}

impl fmt::Debug for SqlStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlStore").field("users", &self.db.names().users).finish_non_exhaustive()
    }
}
