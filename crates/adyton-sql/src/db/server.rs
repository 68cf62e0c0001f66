//! A database on a server, by sqlx: its pool, its transactions, and what its errors mean. What
//! PostgreSQL and MySQL do differently stands in their own modules, which have the same functions.

use super::doubt::Doubt;
#[cfg(feature = "postgres")]
use super::postgres::Changes;
use super::value::{Row, Value};
use super::{Body, Tx};
use crate::dialect::{Names, Rendered};
use crate::error::{Result, SqlError};
use adyton_core::config::{DatabaseServer, Driver};
#[cfg(feature = "postgres")]
use adyton_core::secret::Salt;
use sqlx::error::DatabaseError;
use sqlx::pool::PoolConnection;
use std::sync::Arc;
use std::time::Duration;
use tracing::Instrument;

/// How often a transaction is tried whose rows others change at the same time.
const TRIES: u32 = 5;
/// The pause before the second try; longer before each further one, so that the same do not meet
/// again.
const PAUSE: Duration = Duration::from_millis(5);
/// A connection that was idle for so long is asked whether it still lives before it is used.
pub(super) const IDLE: Duration = Duration::from_secs(1);
/// How much longer than the server's own limit a statement is waited for: then the server, or what
/// is between, does not answer any more.
const GRACE: Duration = Duration::from_secs(5);

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

enum Conn {
    #[cfg(feature = "postgres")]
    Postgres(PoolConnection<sqlx::Postgres>),
    #[cfg(feature = "mysql")]
    Mysql(PoolConnection<sqlx::MySql>),
}

/// The same for whichever database it is: `$driver` is its module.
macro_rules! either {
    ($kind:ident, $which:expr, $name:ident in $driver:ident => $does:expr) => {
        match $which {
            #[cfg(feature = "postgres")]
            $kind::Postgres($name) => {
                #[allow(unused_imports)]
                use super::postgres as $driver;
                $does
            }
            #[cfg(feature = "mysql")]
            $kind::Mysql($name) => {
                #[allow(unused_imports)]
                use super::mysql as $driver;
                $does
            }
        }
    };
}

impl Server {
    /// Opens one connection, so that what is wrong is known at once; the others follow as they are
    /// needed.
    pub(super) async fn open(
        place: DatabaseServer,
        access: Access,
        names: &Arc<Names>,
    ) -> Result<Self> {
        let (place, doubt) = (Arc::new(place), Arc::<Doubt>::default());
        #[cfg(feature = "postgres")]
        let (mut changes, node) = (None, node()?);
        let pool = match place.driver {
            #[cfg(feature = "postgres")]
            Driver::Postgresql => {
                let pool = super::postgres::pool(&place, access, &node);
                let (names, place) = (Arc::clone(names), Arc::clone(&place));
                let heard = Changes::new(pool.clone(), names, place, node, Arc::clone(&doubt));
                changes = Some(Arc::new(heard));
                Pool::Postgres(pool)
            }
            #[cfg(feature = "mysql")]
            Driver::Mysql => Pool::Mysql(super::mysql::pool(&place, access)),
            other => return Err(SqlError::NotBuilt { database: other.as_str() }),
        };
        let server = Self {
            pool,
            place,
            doubt,
            #[cfg(feature = "postgres")]
            changes,
        };
        server.try_once().await?;
        Ok(server)
    }

    /// A number that moves when others have written; `None` where they cannot be heard of.
    pub(super) async fn change_counter(&self) -> Result<Option<i64>> {
        #[cfg(feature = "postgres")]
        if let Some(changes) = &self.changes {
            return changes.count().await;
        }
        Ok(None)
    }

    /// Connects without the pool, which would try until its time is over and not tell why.
    async fn try_once(&self) -> Result<()> {
        use sqlx::{ConnectOptions, Connection};
        let connected = async {
            either!(Pool, &self.pool, pool in _driver => {
                pool.connect_options().connect().await?.close().await
            })
        };
        match tokio::time::timeout(self.place.connect_timeout.duration(), connected).await {
            Ok(connected) => connected.map_err(|error| told(&self.place, error)),
            Err(_) => Err(unreachable(&self.place, sqlx::Error::PoolTimedOut)),
        }
    }

    /// Reads rows, outside any transaction. One that finds its connection dead, as after a restart
    /// of the server, is read once more by one that lives.
    pub(super) async fn rows(&self, sql: &Rendered, params: &[Value]) -> Result<Vec<Row>> {
        match self.session().await?.rows(sql, params).await {
            Err(SqlError::Lost(_)) => self.living_session().await?.rows(sql, params).await,
            other => other,
        }
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
        self.to_the_end(names, body, Kind::Migration).await
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
        let conn = match &self.pool {
            #[cfg(feature = "postgres")]
            Pool::Postgres(pool) => pool.acquire().await.map(Conn::Postgres),
            #[cfg(feature = "mysql")]
            Pool::Mysql(pool) => pool.acquire().await.map(Conn::Mysql),
        };
        let conn = conn.map_err(|error| unreachable(&self.place, error))?;
        let (place, doubt) = (Arc::clone(&self.place), Arc::clone(&self.doubt));
        Ok(Session { conn, state: State::Clean, place, doubt })
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

/// What a transaction is for.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Write,
    /// It sees one state of the database and changes nothing.
    Snapshot,
    /// It is the only one of its kind at a time, and has as much time as it needs.
    Migration,
}

/// A connection in use.
pub(super) struct Session {
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
    /// Reads rows.
    pub(super) async fn rows(&mut self, sql: &Rendered, params: &[Value]) -> Result<Vec<Row>> {
        let wait = self.patience();
        let done = either!(Conn, &mut self.conn, conn in driver => {
            within(wait, driver::rows(conn, sql, params)).await
        });
        self.settle(done)
    }

    /// Changes rows and says how many it found.
    pub(super) async fn execute(&mut self, sql: &Rendered, params: &[Value]) -> Result<u64> {
        let wait = self.patience();
        let done = either!(Conn, &mut self.conn, conn in driver => {
            within(wait, driver::execute(conn, sql, params)).await
        });
        self.settle(done)
    }

    /// Inserts one row and returns its new id.
    pub(super) async fn insert(&mut self, sql: &Rendered, params: &[Value]) -> Result<i64> {
        let wait = self.patience();
        let done = either!(Conn, &mut self.conn, conn in driver => {
            within(wait, driver::insert(conn, sql, params)).await
        });
        self.settle(done)?.ok_or(SqlError::Unreadable)
    }

    /// Runs several statements that take no parameters, however long they take.
    pub(super) async fn script(&mut self, sql: &Rendered) -> Result<()> {
        let done = either!(Conn, &mut self.conn, conn in driver => {
            driver::script(conn, &sql.text).await
        });
        self.settle(done.map_err(Failure::Refused))
    }

    async fn ping(&mut self) -> Result<()> {
        use sqlx::Connection;
        let wait = self.patience();
        let done =
            either!(Conn, &mut self.conn, conn in _driver => within(wait, conn.ping()).await);
        self.settle(done)
    }

    async fn begin(&mut self, kind: Kind) -> Result<()> {
        let wait = self.patience();
        let begun = either!(Conn, &mut self.conn, conn in driver => match kind {
            Kind::Write => within(wait, driver::script(conn, driver::BEGIN)).await,
            Kind::Snapshot => within(wait, driver::script(conn, driver::SNAPSHOT)).await,
            Kind::Migration => {
                // What it sets, and the lock that it takes, end with the connection.
                conn.close_on_drop();
                driver::begin_migration(conn).await.map_err(Failure::Refused)
            }
        });
        self.state = State::Open;
        self.settle(begun)
    }

    /// Commits, or rolls back where that is wanted or a statement has failed.
    async fn end(&mut self, commit: bool) -> Result<()> {
        if self.state == State::Spent {
            return Ok(());
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

/// What the server said: its code and its message, without the rows that it adds for debugging.
#[derive(Debug, thiserror::Error)]
#[error("{message} ({code})")]
struct Refusal {
    code: String,
    message: String,
}

pub(super) fn unreachable(place: &DatabaseServer, error: sqlx::Error) -> SqlError {
    SqlError::Unreachable { place: place.to_string(), source: Arc::new(error) }
}

/// What an error means, and what would mend it.
pub(super) fn told(place: &DatabaseServer, error: sqlx::Error) -> SqlError {
    let refused = match &error {
        sqlx::Error::Database(refused) => &**refused,
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
            return SqlError::Lost(Arc::new(error));
        }
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Tls(_) => {
            return unreachable(place, error);
        }
        _ => return SqlError::Database(Arc::new(error)),
    };
    if refused.is_unique_violation() {
        return SqlError::Duplicate;
    }
    let code = code_of(refused);
    let source = Refusal { code: code.clone(), message: refused.message().to_owned() };
    refusal(place, &code, source)
}

fn refusal(place: &DatabaseServer, code: &str, source: Refusal) -> SqlError {
    let (database, source) = (place.database.clone(), Arc::new(source));
    match code {
        "40001" | "40P01" | "1213" | "1020" => SqlError::Conflict(source),
        // A column or an index of this name. No transaction of MySQL ends with it.
        "1060" | "1061" => SqlError::Repeated,
        "57P01" | "57P02" | "57P03" | "1053" | "1927" => SqlError::Lost(source),
        "3D000" | "1049" => {
            let cure = format!("CREATE DATABASE {}", quoted(place, &database));
            SqlError::NoDatabase { database, cure }
        }
        "28P01" | "28000" | "1045" | "1698" => {
            SqlError::SignInRefused { place: place.to_string(), source }
        }
        "42501" | "1044" | "1142" | "1143" | "1227" => {
            SqlError::NoRights { cure: grant(place, &source.message), source }
        }
        _ => SqlError::Database(source),
    }
}

/// PostgreSQL's SQLSTATE or MySQL's number.
fn code_of(refused: &dyn DatabaseError) -> String {
    #[cfg(feature = "mysql")]
    if let Some(refused) = refused.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        return refused.number().to_string();
    }
    refused.code().unwrap_or_default().into_owned()
}

fn quoted(place: &DatabaseServer, name: &str) -> String {
    if place.driver == Driver::Mysql { format!("`{name}`") } else { format!("\"{name}\"") }
}

/// The statement that gives what was missing.
fn grant(place: &DatabaseServer, message: &str) -> String {
    let database = quoted(place, &place.database);
    let user = place.user.as_deref().unwrap_or("adyton");
    if place.driver == Driver::Mysql {
        return format!("GRANT ALL ON {database}.* TO '{user}'");
    }
    let user = format!("\"{user}\"");
    if message.contains("for database") {
        format!("GRANT CONNECT ON DATABASE {database} TO {user}")
    } else if message.contains("for schema") {
        format!("GRANT USAGE, CREATE ON SCHEMA public TO {user}")
    } else {
        let rows = "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public";
        format!("GRANT {rows} TO {user}; GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {user}")
    }
}
