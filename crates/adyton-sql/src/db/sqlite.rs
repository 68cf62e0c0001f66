//! SQLite by rusqlite: how its file is made, how connections are set up, and statements run. What
//! is written when is the [`writer`](super::writer)'s business.

use super::checkpoints::{Checkpoints, MOST};
use super::value::{FromRow, Row, Value};
use super::writer::Writer;
use super::{Body, Session, Tx};
use crate::dialect::Names;
use crate::error::{Result, SqlError};
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Error, ErrorCode, OpenFlags, ToSql, ffi, params_from_iter};
use std::fs::{DirBuilder, OpenOptions};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// More statements than the crate has: each is parsed once per connection.
const STATEMENTS: usize = 128;
const BUSY: Duration = Duration::from_secs(5);
/// Between two tries of what SQLite does not wait for by itself.
const PAUSE: Duration = Duration::from_millis(20);
const TRIES: u128 = BUSY.as_millis() / PAUSE.as_millis();

/// A database in a file. Fields are dropped in order: the last connection to close, the writer's,
/// empties the log.
pub(super) struct File {
    readers: Readers,
    writer: Writer,
}

impl File {
    /// Opens a file, which is made if it is missing.
    pub(super) fn open(path: &Path, names: &Arc<Names>) -> Result<Self> {
        let conn = open_writer(path)?;
        let readers = Readers::open(path)?;
        let checkpoints = Some(Checkpoints::start(connect_to_write(path)?)?);
        Ok(Self { readers, writer: start(conn, names, checkpoints)? })
    }

    /// Opens a file to look at it; one that is missing is an empty database.
    pub(super) fn inspect(path: &Path, names: &Arc<Names>) -> Result<Self> {
        let conn = open_to_look(path)?;
        let readers = Readers::one(open_to_look(path)?);
        Ok(Self { readers, writer: start(conn, names, None)? })
    }

    pub(super) fn fetch<T: FromRow>(
        &self,
        names: &Names,
        sql: &'static str,
        params: &[Value],
    ) -> Result<Vec<T>> {
        self.readers.with(|conn| fetch(conn, names, sql, params))
    }

    pub(super) async fn transaction<T, F>(&self, body: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> Body<'t, T> + Clone + Send + 'static,
    {
        self.writer.run(body).await
    }

    /// Runs `body` on the connection that writes, outside any transaction.
    pub(super) async fn alone<T, F>(&self, body: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> Body<'t, T> + Send + 'static,
    {
        self.writer.run_alone(body).await
    }

    pub(super) async fn snapshot<T, F>(&self, body: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> Body<'t, T> + Send + 'static,
    {
        self.alone(move |tx| {
            Box::pin(async move {
                tx.script("BEGIN").await?;
                let seen = body(tx).await;
                tx.script("ROLLBACK").await?;
                seen
            })
        })
        .await
    }

    /// `data_version` of the connection that writes: every other connection's commit moves it,
    /// its own do not. Inside a transaction it would stand still.
    pub(super) async fn change_counter(&self) -> Result<Option<i64>> {
        self.alone(|tx| Box::pin(tx.fetch_one("PRAGMA data_version", &[]))).await
    }

    /// Writes the whole file anew and empties its log: whoever wrote it before may have left plain
    /// text in pages that were free already.
    pub(super) async fn rewrite(&self) -> Result<()> {
        self.alone(|tx| Box::pin(rewrite(tx))).await
    }
}

fn start(conn: Connection, names: &Arc<Names>, checkpoints: Option<Checkpoints>) -> Result<Writer> {
    let tx = Tx { session: Session::Sqlite(conn), names: Arc::clone(names) };
    Writer::start(tx, checkpoints)
}

async fn rewrite(tx: &mut Tx) -> Result<()> {
    tx.script("VACUUM").await?;
    for _ in 0..TRIES {
        let told: Option<(bool, (i64, i64))> =
            tx.fetch_one("PRAGMA wal_checkpoint(TRUNCATE)", &[]).await?;
        match told {
            Some((false, _)) => return Ok(()),
            // Not even begun: another connection is at a checkpoint, for which SQLite does not wait.
            Some((true, (-1, _))) => std::thread::sleep(PAUSE),
            _ => break,
        }
    }
    Err(SqlError::Busy)
}

/// Opens the connection that writes, and makes what is missing: the folder for its owner alone,
/// and the file, whose log takes over its mode.
fn open_writer(path: &Path) -> Result<Connection> {
    make_file(path).map_err(|error| cannot_open(path, error))?;
    let conn = connect_to_write(path)?;
    let settings =
        "PRAGMA journal_mode = WAL; PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON;";
    conn.pragma_update(None, "wal_autocheckpoint", MOST).map_err(told)?;
    patiently(|| conn.execute_batch(settings)).map_err(|error| cannot_open(path, error))?;
    Ok(conn)
}

/// Opens a connection that cannot write, to the file or, where there is none, to an empty database.
fn open_to_look(path: &Path) -> Result<Connection> {
    if path.try_exists().map_err(|error| cannot_open(path, error))? {
        return open_reader(path);
    }
    let conn = Connection::open_in_memory().map_err(told)?;
    conn.pragma_update(None, "query_only", true).map_err(told)?;
    Ok(conn)
}

/// Tries again while the file is busy. SQLite waits by itself, but not where two processes switch
/// a new file to its log at once, or where one closes the log that the other opens.
fn patiently<T>(attempt: impl Fn() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    for _ in 1..TRIES {
        match attempt() {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                std::thread::sleep(PAUSE);
            }
            other => return other,
        }
    }
    attempt()
}

/// The connections that read: as many as can be busy at once.
struct Readers {
    connections: Vec<Mutex<Connection>>,
    next: AtomicUsize,
}

impl Readers {
    /// Opens two for small machines, one a core for others.
    fn open(path: &Path) -> Result<Self> {
        let cores = std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2));
        let connections = (0..cores).map(|_| open_reader(path).map(Mutex::new));
        Ok(Self { connections: connections.collect::<Result<_, _>>()?, next: AtomicUsize::new(0) })
    }

    /// Takes a single one.
    fn one(connection: Connection) -> Self {
        Self { connections: vec![Mutex::new(connection)], next: AtomicUsize::new(0) }
    }

    /// Uses one that is free, or the next one that will be.
    fn with<T>(&self, read: impl FnOnce(&Connection) -> T) -> T {
        let next = self.next.fetch_add(1, Ordering::Relaxed) % self.connections.len();
        let (late, early) = self.connections.split_at(next);
        let free = early.iter().chain(late).find_map(|connection| connection.try_lock().ok());
        // A panic while it was held has left at most a statement behind, which is reset at its end.
        let wait = || self.connections[next].lock().unwrap_or_else(PoisonError::into_inner);
        read(&free.unwrap_or_else(wait))
    }
}

/// Runs a query and takes all its rows.
pub(super) fn fetch<T: FromRow>(
    conn: &Connection,
    names: &Names,
    sql: &'static str,
    params: &[Value],
) -> Result<Vec<T>> {
    let mut statement = conn.prepare_cached(&names.render(sql).text).map_err(told)?;
    let width = statement.column_count();
    let mut rows = statement.query(params_from_iter(params)).map_err(told)?;
    let mut taken = Vec::new();
    while let Some(row) = rows.next().map_err(told)? {
        let mut values = (0..width).map_while(|at| row.get_ref(at).ok().map(owned));
        taken.push(T::from_row(&mut Row::new(&mut values), names)?);
    }
    Ok(taken)
}

/// Runs a statement and counts the rows that it changed.
pub(super) fn execute(conn: &Connection, sql: &str, params: &[Value]) -> Result<u64> {
    let changed = conn.prepare_cached(sql).and_then(|mut it| it.execute(params_from_iter(params)));
    let changed = changed.map_err(told)?;
    Ok(changed.try_into().unwrap_or(u64::MAX))
}

/// Opens a connection whose commits and checkpoints wait for the disk.
fn connect_to_write(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = connect(path, flags)?;
    patiently(|| conn.execute_batch("PRAGMA synchronous = FULL;"))
        .map_err(|error| cannot_open(path, error))?;
    Ok(conn)
}

fn open_reader(path: &Path) -> Result<Connection> {
    let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    patiently(|| conn.pragma_update(None, "query_only", true))
        .map_err(|error| cannot_open(path, error))?;
    Ok(conn)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection> {
    // An absolute path is never one of SQLite's special names (`:memory:`, `file:…`).
    let connected =
        std::path::absolute(path).map_err(|error| cannot_open(path, error)).and_then(|file| {
            Connection::open_with_flags(file, flags).map_err(|error| cannot_open(path, error))
        })?;
    connected.busy_timeout(BUSY).map_err(told)?;
    connected.set_prepared_statement_cache_capacity(STATEMENTS);
    // A quoted name that is no column would be taken for a text.
    connected.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false).map_err(told)?;
    // A statement would be planned anew for every other value of its `LIMIT`.
    connected.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(told)?;
    Ok(connected)
}

fn make_file(path: &Path) -> std::io::Result<()> {
    if path.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    let (mut folders, mut file) = (DirBuilder::new(), OpenOptions::new());
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
        folders.mode(0o700);
        file.mode(0o600);
    }
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        folders.recursive(true).create(folder)?;
    }
    match file.write(true).create_new(true).open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn cannot_open(path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> SqlError {
    let (path, forbidden) = (path.to_owned(), is_forbidden(&error));
    let source = Arc::new(error);
    if forbidden { SqlError::NotWritable { path, source } } else { SqlError::Open { path, source } }
}

fn is_forbidden(error: &(dyn std::error::Error + 'static)) -> bool {
    let code = error.downcast_ref::<Error>().and_then(Error::sqlite_error_code);
    let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    matches!(code, Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied))
        || matches!(kind, Some(ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem))
}

/// A blob is nothing that Adyton wrote. It is not null either: what has no end lives for ever.
fn owned(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Blob(_) => Value::Blob,
        ValueRef::Integer(number) => Value::Int(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(bytes) => match str::from_utf8(bytes) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Garbled(String::from_utf8_lossy(bytes).into_owned()),
        },
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Blob => ValueRef::Blob(&[]),
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Bool(yes) => ValueRef::Integer((*yes).into()),
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(text) | Self::Garbled(text) => ValueRef::Text(text.as_bytes()),
            Self::Time(time) => return Ok(time.to_sql().into()),
        }))
    }
}

/// What an error of the driver means. No `From`: that would be everybody's, and the driver is not.
pub(super) fn told(error: Error) -> SqlError {
    let code = error.sqlite_error().map(|error| error.extended_code);
    match code {
        Some(ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => {
            SqlError::Duplicate
        }
        _ if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => SqlError::Busy,
        _ => SqlError::Database(Arc::new(error)),
    }
}
