//! Databases that another program made and goes on using, one on each system that there is: SQLite
//! always, PostgreSQL and MySQL where `ADYTON_TEST_POSTGRES_URL` and `ADYTON_TEST_MYSQL_URL` say
//! (`scripts/services`). They are spoken to as PHP does: in text, on a connection that sets no time
//! zone.

use crate::world::Place;
use rusqlite::types::ValueRef;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, raw_sql};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

/// Values as text; `None` is null.
pub(crate) type Rows = Vec<Vec<Option<String>>>;

/// A system of databases, with the URL of a server where it has one.
#[derive(Clone, Debug)]
pub(crate) enum System {
    Sqlite,
    Postgres(String),
    Mysql(String),
}

impl System {
    /// Those that can be had here; the others are told.
    pub(crate) fn all() -> Vec<Self> {
        let server = |variable: &str| match std::env::var(variable) {
            Ok(url) if !url.is_empty() => Some(url),
            _ => {
                println!("skipped: needs {variable}");
                None
            }
        };
        let postgres = server("ADYTON_TEST_POSTGRES_URL").map(Self::Postgres);
        let mysql = server("ADYTON_TEST_MYSQL_URL").map(Self::Mysql);
        [Some(Self::Sqlite), postgres, mysql].into_iter().flatten().collect()
    }
}

/// A folder with a configuration that leads to a database of its own, which goes with it.
pub(crate) struct Shared {
    pub(crate) place: Place,
    pub(crate) system: System,
    /// Of the database; a path for SQLite.
    pub(crate) url: String,
    name: String,
    config: String,
}

impl Shared {
    /// An empty database on this system.
    pub(crate) async fn new(system: &System, config: &str) -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let place = Place::new();
        let name =
            format!("adyton_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let url = match system {
            System::Sqlite => place.path(crate::world::DATABASE).display().to_string(),
            System::Postgres(server) | System::Mysql(server) => {
                execute_on(system, server, &format!("CREATE DATABASE {name}")).await;
                format!("{}/{name}", server.rsplit_once('/').unwrap().0)
            }
        };
        let shared = Self { place, system: system.clone(), url, name, config: config.to_owned() };
        shared.configure("");
        if let System::Sqlite = system {
            drop(shared.place.database());
        }
        shared
    }

    /// Configures it anew, with these lines more.
    pub(crate) fn configure(&self, more: &str) {
        let (driver, url) = match self.system {
            System::Sqlite => ("sqlite", format!("sqlite://{}", self.url)),
            System::Postgres(_) => ("postgresql", self.url.clone()),
            System::Mysql(_) => ("mysql", self.url.clone()),
        };
        let connector = format!("connector = {{ name = '{driver}', url = '{url}' }}");
        self.place.configure(&format!("{connector}\n{}\n{more}", self.config));
    }

    /// Runs statements.
    pub(crate) async fn execute(&self, sql: &str) {
        execute_on(&self.system, &self.url, sql).await;
    }

    /// The rows that a statement reads.
    pub(crate) async fn rows(&self, sql: &str) -> Rows {
        let text = AssertSqlSafe(sql.to_owned());
        match &self.system {
            System::Sqlite => self.sqlite_rows(sql),
            System::Postgres(_) => {
                let mut connection = PgConnection::connect(&self.url).await.unwrap();
                let rows = raw_sql(text).fetch_all(&mut connection).await.unwrap();
                let value = |row: &sqlx::postgres::PgRow, at| row.try_get_unchecked(at).unwrap();
                rows.iter().map(|row| (0..row.len()).map(|at| value(row, at)).collect()).collect()
            }
            System::Mysql(_) => {
                let mut connection = connect_mysql(&self.url).await;
                let rows = raw_sql(text).fetch_all(&mut connection).await.unwrap();
                let value = |row: &sqlx::mysql::MySqlRow, at| row.try_get_unchecked(at).unwrap();
                rows.iter().map(|row| (0..row.len()).map(|at| value(row, at)).collect()).collect()
            }
        }
    }

    /// The only value of the only row that a statement reads.
    pub(crate) async fn value(&self, sql: &str) -> Option<String> {
        let rows = self.rows(sql).await;
        assert_eq!((rows.len(), rows.first().map(Vec::len)), (1, Some(1)), "{sql}");
        rows[0][0].clone()
    }

    fn sqlite_rows(&self, sql: &str) -> Rows {
        let database = self.place.database();
        let mut statement = database.prepare(sql).unwrap();
        let width = statement.column_count();
        let text = |value: ValueRef<'_>| match value {
            ValueRef::Null => None,
            ValueRef::Integer(number) => Some(number.to_string()),
            other => Some(other.as_str().unwrap().to_owned()),
        };
        let rows = statement
            .query_map([], |row| (0..width).map(|at| Ok(text(row.get_ref(at)?))).collect())
            .unwrap();
        rows.map(Result::unwrap).collect()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let (System::Postgres(server) | System::Mysql(server)) = self.system.clone() else {
            return;
        };
        let (system, sql) = (self.system.clone(), format!("DROP DATABASE {}", self.name));
        let force = if let System::Postgres(_) = system { " WITH (FORCE)" } else { "" };
        // Beside the runtime of the test, which this thread may belong to.
        let dropped = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(execute_on(&system, &server, &format!("{sql}{force}")));
        });
        let _ = dropped.join();
    }
}

async fn execute_on(system: &System, url: &str, sql: &str) {
    let text = AssertSqlSafe(sql.to_owned());
    match system {
        System::Sqlite => rusqlite::Connection::open(url).unwrap().execute_batch(sql).unwrap(),
        System::Postgres(_) => {
            let mut connection = PgConnection::connect(url).await.unwrap();
            raw_sql(text).execute(&mut connection).await.unwrap();
        }
        System::Mysql(_) => {
            let mut connection = connect_mysql(url).await;
            raw_sql(text).execute(&mut connection).await.unwrap();
        }
    }
}

/// As Laravel connects: with its collation, and in whatever time zone the server keeps.
async fn connect_mysql(url: &str) -> MySqlConnection {
    let options: MySqlConnectOptions = url.parse().unwrap();
    let options = options.timezone(None).collation("utf8mb4_unicode_ci").pipes_as_concat(false);
    options.no_engine_substitution(false).connect().await.unwrap()
}
