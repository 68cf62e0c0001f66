//! The database behind a small surface: [`Db::fetch`] reads, [`Db::transaction`] writes. Callers
//! see owned rows and plain values; which driver is behind it they cannot tell. No table is known
//! here, and nothing here knows what a statement means.

#[cfg(feature = "sqlite")]
mod checkpoints;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod doubt;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod server;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests;
mod value;
#[cfg(feature = "sqlite")]
mod writer;

pub(crate) use value::{AnyText, FromRow, Row, Value};

use crate::dialect::Names;
use crate::error::{Result, SqlError};
use adyton_core::config::{Config, Place};
#[cfg(any(feature = "postgres", feature = "mysql"))]
use server::{Access, Server};
use std::pin::Pin;
use std::sync::Arc;

/// What the body of a transaction returns.
pub(crate) type Body<'t, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 't>>;

/// A database.
pub(crate) struct Db {
    names: Arc<Names>,
    backend: Backend,
}

enum Backend {
    #[cfg(feature = "sqlite")]
    Sqlite(sqlite::File),
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    Server(Server),
}

impl Db {
    /// Opens the database that the configuration names. A SQLite file is made if it is missing; a
    /// server is asked for one connection, so that what is wrong is known at once.
    pub(crate) async fn open(config: &Config) -> Result<Self> {
        let names = Arc::new(Names::new(config));
        let backend = match config.connector.place()? {
            #[cfg(feature = "sqlite")]
            Place::File(path) => Backend::Sqlite(sqlite::File::open(&path, &names)?),
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Place::Server(server) => {
                Backend::Server(Server::open(server, Access::Full, &names).await?)
            }
            _ => return Err(SqlError::NotBuilt { database: config.connector.driver().as_str() }),
        };
        Ok(Self { names, backend })
    }

    /// Opens the database to look at it; a SQLite file that is missing is an empty one.
    pub(crate) async fn inspect(config: &Config) -> Result<Self> {
        let names = Arc::new(Names::new(config));
        let backend = match config.connector.place()? {
            #[cfg(feature = "sqlite")]
            Place::File(path) => Backend::Sqlite(sqlite::File::inspect(&path, &names)?),
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Place::Server(server) => {
                Backend::Server(Server::open(server, Access::Look, &names).await?)
            }
            _ => return Err(SqlError::NotBuilt { database: config.connector.driver().as_str() }),
        };
        Ok(Self { names, backend })
    }

    /// The configured names.
    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// Whether the database is a file of this process's own machine, and not on a server.
    pub(crate) fn is_file(&self) -> bool {
        match &self.backend {
            #[cfg(feature = "sqlite")]
            Backend::Sqlite(_) => true,
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Backend::Server(_) => false,
        }
    }

    /// Reads rows, outside any transaction. On SQLite it runs on the calling task: a cached page
    /// is read in less time than another thread takes to wake up.
    pub(crate) async fn fetch<T: FromRow>(
        &self,
        sql: &'static str,
        params: &[Value],
    ) -> Result<Vec<T>> {
        match &self.backend {
            #[cfg(feature = "sqlite")]
            Backend::Sqlite(file) => file.fetch(&self.names, sql, params),
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Backend::Server(server) => {
                // In a box: it has 15 KB, which a file's future would have too.
                let rows = Box::pin(server.rows(&self.names.render(sql), params)).await?;
                value::read_all(rows, &self.names)
            }
        }
    }

    /// Reads the row that a key leads to.
    pub(crate) async fn fetch_one<T: FromRow>(
        &self,
        sql: &'static str,
        params: &[Value],
    ) -> Result<Option<T>> {
        Ok(self.fetch(sql, params).await?.pop())
    }

    /// Runs `body` in one transaction: `Ok` commits, `Err` rolls back. Once begun it runs to its
    /// end, even if the caller goes away. A body runs again, on a copy of what it holds, on a server
    /// when others changed its rows at the same time, in a file when another one failed that
    /// was to be committed with it.
    ///
    /// A body that goes on after an error of a statement must have written nothing before it: the
    /// transaction is rolled back then, although the body returns `Ok`.
    pub(crate) async fn transaction<T, F>(&self, body: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> Body<'t, T> + Clone + Send + 'static,
    {
        match &self.backend {
            #[cfg(feature = "sqlite")]
            Backend::Sqlite(file) => file.transaction(body).await,
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Backend::Server(server) => server.transaction(&self.names, body).await,
        }
    }

    /// The same for one that makes and changes tables, alone among all processes, however long it
    /// takes. MySQL commits it statement by statement.
    pub(crate) async fn migration<T, F>(&self, body: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> Body<'t, T> + Clone + Send + 'static,
    {
        match &self.backend {
            #[cfg(feature = "sqlite")]
            Backend::Sqlite(file) => file.transaction(body).await,
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Backend::Server(server) => server.migration(&self.names, body).await,
        }
    }

    /// Runs `body`, which only reads, on one state of the database. It takes no lock that a writer
    /// would.
    pub(crate) async fn snapshot<T, F>(&self, body: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> Body<'t, T> + Clone + Send + 'static,
    {
        match &self.backend {
            #[cfg(feature = "sqlite")]
            Backend::Sqlite(file) => file.snapshot(body).await,
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Backend::Server(server) => server.snapshot(&self.names, body).await,
        }
    }

    /// A number that moves when others have written; `None` where the database has none.
    pub(crate) async fn change_counter(&self) -> Result<Option<i64>> {
        match &self.backend {
            #[cfg(feature = "sqlite")]
            Backend::Sqlite(file) => file.change_counter().await,
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Backend::Server(server) => server.change_counter().await,
        }
    }

    /// Takes away what deleted and changed rows have left behind, as far as this is the business
    /// of who writes: on a server it is its administrator's.
    pub(crate) async fn rewrite(&self) -> Result<()> {
        match &self.backend {
            #[cfg(feature = "sqlite")]
            Backend::Sqlite(file) => file.rewrite().await,
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Backend::Server(_) => Ok(()),
        }
    }
}

/// A transaction. Its methods are async for the drivers that wait; SQLite's never do.
pub(crate) struct Tx {
    session: Session,
    names: Arc<Names>,
}

enum Session {
    #[cfg(feature = "sqlite")]
    Sqlite(rusqlite::Connection),
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    Server(server::Session),
}

impl Tx {
    /// The configured names.
    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// The owner type of the tokens that are ours.
    pub(crate) fn tokenable_type(&self) -> Value {
        self.names.tokenable_type.as_str().into()
    }

    /// Reads rows.
    pub(crate) async fn fetch<T: FromRow>(
        &mut self,
        sql: &'static str,
        params: &[Value],
    ) -> Result<Vec<T>> {
        match &mut self.session {
            #[cfg(feature = "sqlite")]
            Session::Sqlite(conn) => sqlite::fetch(conn, &self.names, sql, params),
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Session::Server(session) => {
                let rows = session.rows(&self.names.render(sql), params).await?;
                value::read_all(rows, &self.names)
            }
        }
    }

    /// Reads the row that a key leads to.
    pub(crate) async fn fetch_one<T: FromRow>(
        &mut self,
        sql: &'static str,
        params: &[Value],
    ) -> Result<Option<T>> {
        Ok(self.fetch(sql, params).await?.pop())
    }

    /// Changes rows and says how many it found.
    pub(crate) async fn execute(&mut self, sql: &'static str, params: &[Value]) -> Result<u64> {
        let rendered = self.names.render(sql);
        match &mut self.session {
            #[cfg(feature = "sqlite")]
            Session::Sqlite(conn) => sqlite::execute(conn, &rendered.text, params),
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Session::Server(session) => session.execute(&rendered, params).await,
        }
    }

    /// Inserts one row and returns its new id.
    pub(crate) async fn insert(&mut self, sql: &'static str, params: &[Value]) -> Result<i64> {
        let rendered = self.names.render(sql);
        match &mut self.session {
            #[cfg(feature = "sqlite")]
            Session::Sqlite(conn) => {
                sqlite::execute(conn, &rendered.text, params)?;
                Ok(conn.last_insert_rowid())
            }
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Session::Server(session) => session.insert(&rendered, params).await,
        }
    }

    /// Changes a table by one statement. That it was changed so before is no error on MySQL, where a
    /// process that was killed may have left it behind.
    pub(crate) async fn alter(&mut self, sql: &'static str) -> Result<()> {
        match self.script(sql).await {
            Err(SqlError::Repeated) => Ok(()),
            done => done,
        }
    }

    /// Runs several statements that take no parameters.
    pub(crate) async fn script(&mut self, sql: &'static str) -> Result<()> {
        let rendered = self.names.render(sql);
        match &mut self.session {
            #[cfg(feature = "sqlite")]
            Session::Sqlite(conn) => conn.execute_batch(&rendered.text).map_err(sqlite::told),
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Session::Server(session) => session.script(&rendered).await,
        }
    }
}
