//! A connection in use, and what a failure means for it: one that does not answer as it should is
//! used by nobody again.

use super::told::{is_outdated, told, unreachable};
use crate::db::doubt::Doubt;
use crate::db::value::Value;
use crate::dialect::Rendered;
use crate::error::{Result, SqlError};
use adyton_core::config::DatabaseServer;
use sqlx::pool::PoolConnection;
use std::sync::Arc;
use std::time::Duration;

/// How much longer than the server's own limit a statement is waited for: then the server, or what
/// is between, does not answer any more.
const GRACE: Duration = Duration::from_secs(5);

pub(super) enum Conn {
    #[cfg(feature = "postgres")]
    Postgres(PoolConnection<sqlx::Postgres>),
    #[cfg(feature = "mysql")]
    Mysql(PoolConnection<sqlx::MySql>),
}

/// What a transaction is for.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Write,
    /// It sees one state of the database and changes nothing.
    Snapshot,
    /// It is the only one of its kind at a time, and has as much time as it needs. On MySQL it waits
    /// so long for another.
    Migration {
        patience: Duration,
    },
}

/// A connection in use.
pub(in crate::db) struct Session {
    conn: Conn,
    state: State,
    place: Arc<DatabaseServer>,
    doubt: Arc<Doubt>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// Others may use it next.
    Clean,
    /// In a transaction: whoever drops it now wants none of it.
    Open,
    /// In a transaction of which a statement has failed.
    Failed,
    /// It does not answer as it should, or holds a lock: nobody may use it again.
    Spent,
}

impl Session {
    pub(super) fn new(conn: Conn, place: Arc<DatabaseServer>, doubt: Arc<Doubt>) -> Self {
        Self { conn, state: State::Clean, place, doubt }
    }

    /// Reads rows.
    pub(in crate::db) async fn rows(
        &mut self,
        sql: &Rendered,
        params: &[Value],
    ) -> Result<Vec<Vec<Value>>> {
        let wait = self.patience();
        let done = either!(Conn, &mut self.conn, conn in driver => {
            within(wait, driver::rows(conn, sql, params)).await
        });
        self.settle(done)
    }

    /// Changes rows and says how many it found.
    pub(in crate::db) async fn execute(&mut self, sql: &Rendered, params: &[Value]) -> Result<u64> {
        let wait = self.patience();
        let done = either!(Conn, &mut self.conn, conn in driver => {
            within(wait, driver::execute(conn, sql, params)).await
        });
        self.settle(done)
    }

    /// Inserts one row and returns its new id.
    pub(in crate::db) async fn insert(&mut self, sql: &Rendered, params: &[Value]) -> Result<i64> {
        let wait = self.patience();
        let done = either!(Conn, &mut self.conn, conn in driver => {
            within(wait, driver::insert(conn, sql, params)).await
        });
        self.settle(done)?.ok_or(SqlError::Unreadable)
    }

    /// Runs several statements that take no parameters, however long they take.
    pub(in crate::db) async fn script(&mut self, sql: &Rendered) -> Result<()> {
        let done = either!(Conn, &mut self.conn, conn in driver => {
            driver::script(conn, &sql.text).await
        });
        self.settle(done.map_err(Failure::Refused))
    }

    /// Whether it lives.
    pub(super) async fn ping(&mut self) -> Result<()> {
        use sqlx::Connection;
        let wait = self.patience();
        let done =
            either!(Conn, &mut self.conn, conn in _driver => within(wait, conn.ping()).await);
        self.settle(done)
    }

    /// Begins a transaction.
    pub(super) async fn begin(&mut self, kind: Kind) -> Result<()> {
        let wait = self.patience();
        let begun = either!(Conn, &mut self.conn, conn in driver => match kind {
            Kind::Write => within(wait, driver::script(conn, driver::BEGIN)).await.map(|()| true),
            Kind::Snapshot => {
                within(wait, driver::script(conn, driver::SNAPSHOT)).await.map(|()| true)
            }
            Kind::Migration { patience } => {
                // What it sets, and the lock that it takes, end with the connection.
                conn.close_on_drop();
                driver::begin_migration(conn, patience).await.map_err(Failure::Refused)
            }
        });
        self.state = State::Open;
        if self.settle(begun)? { Ok(()) } else { Err(SqlError::Migrating) }
    }

    /// Commits, or rolls back where that is wanted or a statement has failed.
    pub(super) async fn end(&mut self, commit: bool) -> Result<()> {
        if self.state == State::Spent {
            return if commit { Err(SqlError::RolledBack) } else { Ok(()) };
        }
        let commit = commit && self.state == State::Open;
        let wait = self.patience();
        let text = if commit { "COMMIT" } else { "ROLLBACK" };
        let ended = either!(Conn, &mut self.conn, conn in driver => {
            within(wait, driver::script(conn, text)).await
        });
        let ended = self.settle(ended);
        if commit && self.state == State::Spent {
            self.doubt.arises();
        }
        ended?;
        self.state = State::Clean;
        Ok(())
    }

    fn patience(&self) -> Duration {
        self.place.statement_timeout.duration() + GRACE
    }

    /// Notes what a failure means for the connection, and what it means for the caller.
    fn settle<T>(&mut self, done: Result<T, Failure>) -> Result<T> {
        let failure = match done {
            Ok(value) => return Ok(value),
            Err(failure) => failure,
        };
        let error = match failure {
            Failure::Refused(error) if is_outdated(&error) => {
                self.state = State::Spent;
                return Err(SqlError::Conflict(Arc::new(error)));
            }
            Failure::Refused(error) => told(&self.place, error),
            Failure::Silent => unreachable(&self.place, sqlx::Error::PoolTimedOut),
        };
        let spent = matches!(error, SqlError::Lost(_) | SqlError::Unreachable { .. });
        self.state = match self.state {
            _ if spent => State::Spent,
            State::Open => State::Failed,
            state => state,
        };
        Err(error)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.state != State::Clean {
            either!(Conn, &mut self.conn, conn in _driver => conn.close_on_drop());
        }
    }
}

enum Failure {
    Refused(sqlx::Error),
    /// No answer in time.
    Silent,
}

async fn within<T>(
    wait: Duration,
    work: impl Future<Output = sqlx::Result<T>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(wait, work).await {
        Ok(done) => done.map_err(Failure::Refused),
        Err(_) => Err(Failure::Silent),
    }
}
