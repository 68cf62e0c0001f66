//! The database behind a small surface: [`Db::fetch`] reads, [`Db::transaction`] writes. Callers
//! see owned rows and plain values; which driver is behind it they cannot tell. No table is known
//! here, and nothing here knows what a statement means.

mod sqlite;
mod value;
mod writer;

pub(crate) use value::{FromRow, Row, Value};

use crate::dialect::Names;
use crate::error::SqlError;
use sqlite::Readers;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use writer::Writer;

/// What the body of a transaction returns.
pub(crate) type Body<'t, T> = Pin<Box<dyn Future<Output = Result<T, SqlError>> + Send + 't>>;

/// A database. Fields are dropped in order: the last connection to close, the writer's, empties
/// the log.
pub(crate) struct Db {
    names: Arc<Names>,
    readers: Readers,
    writer: Writer,
}

impl Db {
    /// Opens a SQLite file, which is made if it is missing.
    pub(crate) fn open_sqlite(path: &Path, names: Names) -> Result<Self, SqlError> {
        let names = Arc::new(names);
        let conn = sqlite::open_writer(path)?;
        let readers = Readers::open(path)?;
        let writer = Writer::start(Tx { conn, names: Arc::clone(&names) })?;
        Ok(Self { names, readers, writer })
    }

    /// The configured names.
    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// Reads rows, outside any transaction. On SQLite it runs on the calling task: a cached page
    /// is read in less time than another thread takes to wake up.
    pub(crate) async fn fetch<T: FromRow>(
        &self,
        sql: &'static str,
        params: &[Value],
    ) -> Result<Vec<T>, SqlError> {
        self.readers.with(|conn| sqlite::fetch(conn, &self.names, sql, params))
    }

    /// Reads the row that a key leads to.
    pub(crate) async fn fetch_one<T: FromRow>(
        &self,
        sql: &'static str,
        params: &[Value],
    ) -> Result<Option<T>, SqlError> {
        Ok(self.fetch(sql, params).await?.pop())
    }

    /// Runs `body` in one transaction: `Ok` commits, `Err` rolls back. Once begun it runs to its
    /// end, even if the caller goes away.
    pub(crate) async fn transaction<T, F>(&self, body: F) -> Result<T, SqlError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> Body<'t, T> + Send + 'static,
    {
        self.writer.run(body, false).await
    }

    /// Runs `body` on the connection that writes, outside any transaction.
    pub(crate) async fn alone<T, F>(&self, body: F) -> Result<T, SqlError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> Body<'t, T> + Send + 'static,
    {
        self.writer.run(body, true).await
    }
}

/// A transaction. Its methods are async for the drivers that wait; SQLite's never do.
pub(crate) struct Tx {
    conn: rusqlite::Connection,
    names: Arc<Names>,
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
    ) -> Result<Vec<T>, SqlError> {
        sqlite::fetch(&self.conn, &self.names, sql, params)
    }

    /// Reads the row that a key leads to.
    pub(crate) async fn fetch_one<T: FromRow>(
        &mut self,
        sql: &'static str,
        params: &[Value],
    ) -> Result<Option<T>, SqlError> {
        Ok(self.fetch(sql, params).await?.pop())
    }

    /// Changes rows and says how many.
    pub(crate) async fn execute(
        &mut self,
        sql: &'static str,
        params: &[Value],
    ) -> Result<u64, SqlError> {
        sqlite::execute(&self.conn, &self.names.render(sql), params)
    }

    /// Inserts one row and returns its new id.
    pub(crate) async fn insert(
        &mut self,
        sql: &'static str,
        params: &[Value],
    ) -> Result<i64, SqlError> {
        self.execute(sql, params).await?;
        Ok(self.conn.last_insert_rowid())
    }

    /// Runs several statements that take no parameters.
    pub(crate) async fn script(&mut self, sql: &'static str) -> Result<(), SqlError> {
        Ok(self.conn.execute_batch(&self.names.render(sql))?)
    }
}
