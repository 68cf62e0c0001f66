//! A database on a server, by sqlx: its pool, its transactions, and what its errors mean. What
//! PostgreSQL and MySQL do differently stands in their own modules, which have the same functions.

/// The same for whichever database it is: `$driver` is its module.
macro_rules! either {
    ($kind:ident, $which:expr, $name:ident in $driver:ident => $does:expr) => {
        match $which {
            #[cfg(feature = "postgres")]
            $kind::Postgres($name) => {
                #[allow(unused_imports)]
                use crate::db::postgres as $driver;
                $does
            }
            #[cfg(feature = "mysql")]
            $kind::Mysql($name) => {
                #[allow(unused_imports)]
                use crate::db::mysql as $driver;
                $does
            }
        }
    };
}

mod reach;
mod session;
#[cfg(test)]
#[cfg(all(feature = "postgres", feature = "mysql"))]
mod tests;
mod told;

pub(super) use session::Session;

use super::doubt::Doubt;
#[cfg(feature = "postgres")]
use super::postgres::Changes;
use super::value::Value;
use super::{Body, Tx};
use crate::dialect::{Names, Rendered};
use crate::error::{Result, SqlError};
use adyton_core::config::{DatabaseServer, Driver};
#[cfg(feature = "postgres")]
use adyton_core::secret::Salt;
use reach::Reach;
use session::{Conn, Kind};
use std::sync::Arc;
use std::time::Duration;
use told::not_connected;
#[cfg(feature = "postgres")]
pub(super) use told::told;
pub(super) use told::unreachable;
use tracing::Instrument;

/// How often a transaction is tried whose rows others change at the same time.
const TRIES: u32 = 5;
/// The pause before the second try; longer before each further one, so that the same do not meet
/// again.
const PAUSE: Duration = Duration::from_millis(5);
/// A connection that was idle for so long is asked whether it still lives before it is used.
pub(super) const IDLE: Duration = Duration::from_secs(1);
/// How long a migration waits for another to come to its end.
const PATIENCE: Duration = Duration::from_secs(300);

/// What connections are for.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Access {
    Full,
    /// Nothing can be written.
    Look,
}

/// A database on a server. Clones share its connections.
#[derive(Clone)]
pub(super) struct Server {
    pool: Pool,
    place: Arc<DatabaseServer>,
    doubt: Arc<Doubt>,
    reach: Arc<Reach>,
    #[cfg(feature = "postgres")]
    changes: Option<Arc<Changes>>,
}

#[derive(Clone)]
enum Pool {
    #[cfg(feature = "postgres")]
    Postgres(sqlx::PgPool),
    #[cfg(feature = "mysql")]
    Mysql(sqlx::MySqlPool),
}

impl Server {
    /// Opens one connection, so that what is wrong is known at once; the others follow as they are
    /// needed.
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "MySQL tells nobody"))]
    pub(super) async fn open(
        place: DatabaseServer,
        access: Access,
        names: &Arc<Names>,
    ) -> Result<Self> {
        let (place, doubt) = (Arc::new(place), Arc::<Doubt>::default());
        #[cfg(feature = "postgres")]
        let node = node()?;
        let pool = match place.driver {
            #[cfg(feature = "postgres")]
            Driver::Postgresql => Pool::Postgres(super::postgres::pool(&place, access, &node)),
            #[cfg(feature = "mysql")]
            Driver::Mysql => Pool::Mysql(super::mysql::pool(&place, access)),
            other => return Err(SqlError::NotBuilt { database: other.as_str() }),
        };
        #[cfg(feature = "postgres")]
        let changes = match &pool {
            Pool::Postgres(pool) => {
                let (pool, names, place) = (pool.clone(), Arc::clone(names), Arc::clone(&place));
                Some(Arc::new(Changes::new(pool, names, place, node, Arc::clone(&doubt))))
            }
            #[cfg(feature = "mysql")]
            Pool::Mysql(_) => None,
        };
        let server = Self {
            pool,
            place,
            doubt,
            reach: Arc::default(),
            #[cfg(feature = "postgres")]
            changes,
        };
        server.session().await?;
        Ok(server)
    }

    /// A number that moves when others have written; `None` where they cannot be heard of.
    pub(super) async fn change_counter(&self) -> Result<Option<i64>> {
        #[cfg(feature = "postgres")]
        if let Some(changes) = &self.changes {
            return self.wait(changes.count()).await;
        }
        Ok(None)
    }

    /// Reads rows, outside any transaction. Who finds the connection dead, as after a restart of
    /// the server, or its plans outdated, as after a change of a table, reads once more by another.
    pub(super) async fn rows(&self, sql: &Rendered, params: &[Value]) -> Result<Vec<Vec<Value>>> {
        let mut session = self.session().await?;
        for _ in 0..self.place.max_connections {
            match session.rows(sql, params).await {
                Err(SqlError::Lost(_)) => break,
                Err(SqlError::Conflict(_)) => {
                    drop(session);
                    session = self.session().await?;
                }
                other => return other,
            }
        }
        drop(session);
        self.living_session().await?.rows(sql, params).await
    }

    pub(super) async fn transaction<T, F>(&self, names: &Arc<Names>, body: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> Body<'t, T> + Clone + Send + 'static,
    {
        self.to_the_end(names, body, Kind::Write).await
    }

    pub(super) async fn migration<T, F>(&self, names: &Arc<Names>, body: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> Body<'t, T> + Clone + Send + 'static,
    {
        self.to_the_end(names, body, Kind::Migration { patience: PATIENCE }).await
    }

    pub(super) async fn snapshot<T, F>(&self, names: &Arc<Names>, body: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> Body<'t, T> + Clone + Send + 'static,
    {
        self.to_the_end(names, body, Kind::Snapshot).await
    }

    /// Runs a transaction in a task of its own: it comes to its end even if the caller goes away.
    async fn to_the_end<T, F>(&self, names: &Arc<Names>, body: F, kind: Kind) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> Body<'t, T> + Clone + Send + 'static,
    {
        let (server, names) = (self.clone(), Arc::clone(names));
        let work = async move {
            for attempt in 1..TRIES {
                match server.once(&names, body.clone(), kind).await {
                    Err(SqlError::Conflict(_)) => tokio::time::sleep(PAUSE * attempt).await,
                    other => return other,
                }
            }
            server.once(&names, body, kind).await
        };
        tokio::spawn(work.in_current_span()).await.unwrap_or(Err(SqlError::Stopped))
    }

    async fn once<T, F>(&self, names: &Arc<Names>, body: F, kind: Kind) -> Result<T>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> Body<'t, T>,
    {
        let session = self.begin(kind).await?;
        let mut tx = Tx { session: super::Session::Server(session), names: Arc::clone(names) };
        let result = body(&mut tx).await;
        #[cfg_attr(not(feature = "sqlite"), expect(irrefutable_let_patterns))]
        let super::Session::Server(session) = &mut tx.session else {
            return Err(SqlError::Stopped);
        };
        let ended = session.end(result.is_ok()).await;
        result.and_then(|value| ended.map(|()| value))
    }

    async fn begin(&self, kind: Kind) -> Result<Session> {
        let mut session = self.session().await?;
        match session.begin(kind).await {
            Ok(()) => Ok(session),
            Err(SqlError::Lost(_)) => {
                drop(session);
                let mut session = self.living_session().await?;
                session.begin(kind).await?;
                Ok(session)
            }
            Err(error) => Err(error),
        }
    }

    /// A connection of the pool, as it is.
    async fn session(&self) -> Result<Session> {
        let idle = if self.reach.is_lost() { self.idle() } else { None };
        let conn = match idle {
            Some(conn) => conn,
            None => self.wait(self.acquire()).await?,
        };
        Ok(Session::new(conn, Arc::clone(&self.place), Arc::clone(&self.doubt)))
    }

    async fn acquire(&self) -> Result<Conn> {
        let conn = match &self.pool {
            #[cfg(feature = "postgres")]
            Pool::Postgres(pool) => pool.acquire().await.map(Conn::Postgres),
            #[cfg(feature = "mysql")]
            Pool::Mysql(pool) => pool.acquire().await.map(Conn::Mysql),
        };
        conn.map_err(|error| not_connected(&self.place, error))
    }

    /// A connection that nobody uses. A server may serve those that are, and let nobody in.
    fn idle(&self) -> Option<Conn> {
        match &self.pool {
            #[cfg(feature = "postgres")]
            Pool::Postgres(pool) => pool.try_acquire().map(Conn::Postgres),
            #[cfg(feature = "mysql")]
            Pool::Mysql(pool) => pool.try_acquire().map(Conn::Mysql),
        }
    }

    /// A connection that has just answered.
    async fn living_session(&self) -> Result<Session> {
        let first_alive = async {
            loop {
                let mut session = self.session().await?;
                if session.ping().await.is_ok() {
                    return Ok(session);
                }
            }
        };
        let found = tokio::time::timeout(self.place.connect_timeout.duration(), first_alive).await;
        found.unwrap_or_else(|_| Err(unreachable(&self.place, sqlx::Error::PoolTimedOut)))
    }
}

/// A name for this process among all that write, which nobody else has.
#[cfg(feature = "postgres")]
fn node() -> Result<String> {
    let drawn = Salt::draw().map_err(|error| SqlError::Entropy(Arc::new(error)))?;
    Ok(drawn.to_hex().chars().take(16).collect())
}
