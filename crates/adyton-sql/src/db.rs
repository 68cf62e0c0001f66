//! The database behind a small surface: [`Db::fetch`] reads, [`Db::transaction`] writes. Callers
//! see owned rows and plain values; which driver is behind it they cannot tell. No table is known
//! here, and nothing here knows what a statement means.

mod sqlite;
mod value;
mod writer;

pub(crate) use value::{AnyText, FromRow, Row, Value};

use crate::dialect::Names;
use crate::error::Result;
use sqlite::Readers;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use writer::Writer;

/// What the body of a transaction returns.
pub(crate) type Body<'t, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 't>>;

/// A database. Fields are dropped in order: the last connection to close, the writer's, empties
/// the log.
pub(crate) struct Db {
    names: Arc<Names>,
    readers: Readers,
    writer: Writer,
}

impl Db {
    /// Opens a SQLite file, which is made if it is missing.
    pub(crate) fn open_sqlite(path: &Path, names: Names) -> Result<Self> {
        let names = Arc::new(names);
        let conn = sqlite::open_writer(path)?;
        let readers = Readers::open(path)?;
        let writer = Writer::start(Tx { conn, names: Arc::clone(&names) })?;
        Ok(Self { names, readers, writer })
    }

    /// Opens a SQLite file to look at it; one that is missing is an empty database.
    pub(crate) fn inspect_sqlite(path: &Path, names: Names) -> Result<Self> {
        let names = Arc::new(names);
        let conn = sqlite::open_to_look(path)?;
        let readers = Readers::one(sqlite::open_to_look(path)?);
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
    ) -> Result<Vec<T>> {
        self.readers.with(|conn| sqlite::fetch(conn, &self.names, sql, params))
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
    /// end, even if the caller goes away.
    pub(crate) async fn transaction<T, F>(&self, body: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> Body<'t, T> + Send + 'static,
    {
        self.writer.run(body, false).await
    }

    /// Runs `body` on the connection that writes, outside any transaction.
    pub(crate) async fn alone<T, F>(&self, body: F) -> Result<T>
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
    ) -> Result<Vec<T>> {
        sqlite::fetch(&self.conn, &self.names, sql, params)
    }

    /// Reads the row that a key leads to.
    pub(crate) async fn fetch_one<T: FromRow>(
        &mut self,
        sql: &'static str,
        params: &[Value],
    ) -> Result<Option<T>> {
        Ok(self.fetch(sql, params).await?.pop())
    }

    /// Changes rows and says how many.
    pub(crate) async fn execute(&mut self, sql: &'static str, params: &[Value]) -> Result<u64> {
        sqlite::execute(&self.conn, &self.names.render(sql), params)
    }

    /// Inserts one row and returns its new id.
    pub(crate) async fn insert(&mut self, sql: &'static str, params: &[Value]) -> Result<i64> {
        self.execute(sql, params).await?;
        Ok(self.conn.last_insert_rowid())
    }

    /// Runs several statements that take no parameters.
    pub(crate) async fn script(&mut self, sql: &'static str) -> Result<()> {
        Ok(self.conn.execute_batch(&self.names.render(sql))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::SqlError;
    use adyton_core::config::Config;
    use std::sync::mpsc;

    const INSERT: &str = "INSERT INTO notes (text) VALUES (?)";
    const COUNT: &str = "SELECT COUNT(*) FROM notes";

    async fn notes(folder: &tempfile::TempDir) -> Arc<Db> {
        let file = folder.path().join("notes.sqlite3");
        let db = Db::open_sqlite(&file, Names::new(&Config::default())).unwrap();
        let sql = "CREATE TABLE notes (text TEXT UNIQUE)";
        db.transaction(|tx| Box::pin(tx.script(sql))).await.unwrap();
        Arc::new(db)
    }

    async fn note(db: Arc<Db>, text: &'static str) -> Result<u64> {
        db.transaction(move |tx| {
            Box::pin(async move {
                tx.execute(INSERT, &[text.into()]).await?;
                match text {
                    "panics" => std::panic::resume_unwind(Box::new(())),
                    "fails" => tx.execute(INSERT, &[text.into()]).await,
                    _ => Ok(1),
                }
            })
        })
        .await
    }

    /// Holds the writer until the returned end is dropped, so that what is queued meanwhile
    /// becomes one batch.
    async fn hold(db: &Arc<Db>) -> mpsc::Sender<()> {
        let (release, held) = mpsc::channel::<()>();
        let (started, starts) = tokio::sync::oneshot::channel();
        let db = Arc::clone(db);
        tokio::spawn(async move {
            let wait = db.alone(move |_| {
                Box::pin(async move {
                    let _ = (started.send(()), held.recv());
                    Ok(())
                })
            });
            wait.await
        });
        starts.await.unwrap();
        release
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn in_a_batch_each_fails_for_itself() {
        let folder = tempfile::tempdir().unwrap();
        let db = notes(&folder).await;
        let release = hold(&db).await;
        let mut asked = Vec::new();
        for text in ["first", "fails", "panics", "last"] {
            asked.push(tokio::spawn(note(Arc::clone(&db), text)));
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let (reader, seen) = (Arc::clone(&db), Arc::clone(&db));
        let looks = seen.transaction(move |tx| {
            Box::pin(async move {
                let outside = reader.fetch_one::<i64>(COUNT, &[]).await?;
                Ok((outside, tx.fetch_one::<i64>(COUNT, &[]).await?))
            })
        });
        let (looked, ()) = tokio::join!(looks, async { drop(release) });
        assert_eq!(looked.unwrap(), (Some(0), Some(2)), "one transaction, two savepoints kept");
        let mut answers = Vec::new();
        for answer in asked {
            answers.push(answer.await.unwrap());
        }
        assert!(matches!(
            answers.as_slice(),
            [Ok(1), Err(SqlError::Duplicate), Err(SqlError::Stopped), Ok(1)]
        ));
        assert_eq!(db.fetch_one(COUNT, &[]).await.unwrap(), Some(2_i64));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_commit_that_fails_fails_everybody() {
        let folder = tempfile::tempdir().unwrap();
        let db = notes(&folder).await;
        let sql =
            "CREATE TABLE owned (id INTEGER REFERENCES owners (id) DEFERRABLE INITIALLY DEFERRED);
                   CREATE TABLE owners (id INTEGER PRIMARY KEY)";
        db.transaction(|tx| Box::pin(tx.script(sql))).await.unwrap();
        let release = hold(&db).await;
        let good = tokio::spawn(note(Arc::clone(&db), "good"));
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        let bad = db.transaction(|tx| Box::pin(tx.execute("INSERT INTO owned VALUES (1)", &[])));
        let (bad, ()) = tokio::join!(bad, async { drop(release) });
        assert!(bad.is_err() && good.await.unwrap().is_err());
        assert_eq!(note(Arc::clone(&db), "good").await.unwrap(), 1);
    }

    /// SQLite rolls back a whole transaction by itself when it finds no room.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_full_database_fails_everybody_and_recovers() {
        let folder = tempfile::tempdir().unwrap();
        let db = notes(&folder).await;
        let pages = |count: &'static str| db.alone(move |tx| Box::pin(tx.script(count)));
        pages("PRAGMA max_page_count = 1").await.unwrap();
        let release = hold(&db).await;
        let good = tokio::spawn(note(Arc::clone(&db), "small"));
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        let long = "INSERT INTO notes VALUES (hex(zeroblob(100000)))";
        let bad = db.transaction(|tx| Box::pin(tx.execute(long, &[])));
        let (bad, ()) = tokio::join!(bad, async { drop(release) });
        assert!(bad.is_err() && good.await.unwrap().is_err());
        assert_eq!(db.fetch_one(COUNT, &[]).await.unwrap(), Some(0_i64));
        pages("PRAGMA max_page_count = 1000000").await.unwrap();
        assert_eq!(note(Arc::clone(&db), "small").await.unwrap(), 1);
    }

    #[tokio::test]
    async fn readers_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let db = notes(&folder).await;
        assert!(db.fetch_one::<i64>("DELETE FROM notes", &[]).await.is_err());
        let safe = ["PRAGMA secure_delete", "PRAGMA synchronous", "PRAGMA foreign_keys"];
        for (sql, value) in safe.into_iter().zip([1, 2, 1]) {
            let set = db.alone(move |tx| Box::pin(tx.fetch_one::<i64>(sql, &[]))).await.unwrap();
            assert_eq!(set, Some(value), "{sql}");
        }
        assert!(db.fetch_one::<String>("SELECT \"no_such_column\"", &[]).await.is_err());
    }
}
