//! Databases of their own on the servers that `ADYTON_TEST_POSTGRES_URL` and
//! `ADYTON_TEST_MYSQL_URL` name; without one, who needs it says so and is skipped.

#![allow(clippy::print_stderr, reason = "who is skipped says so")]
#![allow(dead_code, reason = "other crates' tests use this file too, and each not all of it")]

use adyton_core::config::Config;
use adyton_core::secret::Salt;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, MySqlConnection, PgConnection};
use std::mem::ManuallyDrop;
use std::sync::mpsc;
use std::time::Duration;

/// As Laravel's own migrations make them on MySQL, with its usual collation.
pub(crate) const LARAVEL_ON_MYSQL: &str = "
CREATE TABLE users (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(255) NOT NULL,
  email VARCHAR(255) NOT NULL UNIQUE, email_verified_at TIMESTAMP NULL, password VARCHAR(255) NOT NULL,
  remember_token VARCHAR(100) NULL, created_at TIMESTAMP NULL, updated_at TIMESTAMP NULL)
  DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE TABLE personal_access_tokens (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  tokenable_type VARCHAR(255) NOT NULL, tokenable_id BIGINT UNSIGNED NOT NULL, name VARCHAR(255) NOT NULL,
  token VARCHAR(64) NOT NULL UNIQUE, abilities TEXT NULL, last_used_at TIMESTAMP NULL,
  expires_at TIMESTAMP NULL, created_at TIMESTAMP NULL, updated_at TIMESTAMP NULL,
  INDEX (tokenable_type, tokenable_id)) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
";

/// A kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Postgres,
    Mysql,
}

impl Kind {
    pub(crate) const ALL: [Self; 2] = [Self::Postgres, Self::Mysql];

    fn variable(self) -> &'static str {
        match self {
            Self::Postgres => "ADYTON_TEST_POSTGRES_URL",
            Self::Mysql => "ADYTON_TEST_MYSQL_URL",
        }
    }
}

/// A database that is dropped with this.
pub(crate) struct Database {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    server: String,
}

impl Database {
    /// A new, empty one.
    pub(crate) async fn new(kind: Kind) -> Option<Self> {
        #[expect(clippy::disallowed_methods, reason = "whoever runs the tests names the servers")]
        let Ok(server) = std::env::var(kind.variable()) else {
            eprintln!("skipped: needs {}", kind.variable());
            return None;
        };
        let name = format!("adyton_test_{:.16}", Salt::draw().unwrap().to_hex());
        let database = Self { kind, name, server };
        database.on_server(&format!("CREATE DATABASE {}", database.name)).await;
        Some(database)
    }

    /// Its URL, for Adyton.
    pub(crate) fn url(&self) -> String {
        let (address, query) = self.server.split_once('?').unwrap_or((&self.server, ""));
        let (scheme, rest) = address.split_once("://").unwrap();
        let authority = rest.split_once('/').map_or(rest, |(authority, _)| authority);
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        format!("{scheme}://{authority}/{}{query}", self.name)
    }

    /// A configuration that names it.
    pub(crate) fn config(&self) -> Config {
        let mut config = Config::default();
        let url = self.url();
        let joint = if url.contains('?') { '&' } else { '?' };
        config.connector.url = Some(format!("{url}{joint}max_connections=4&connect_timeout=30"));
        config
    }

    /// Runs statements as somebody else who uses this database.
    pub(crate) async fn run(&self, sql: &str) {
        self.on(&self.url(), sql).await;
    }

    /// The number that a query yields.
    pub(crate) async fn count(&self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql.to_owned());
        let counted = match self.kind {
            Kind::Postgres => {
                let mut conn = PgConnection::connect(&self.url()).await.unwrap();
                sqlx::query_scalar(sql).fetch_one(&mut conn).await
            }
            Kind::Mysql => {
                let mut conn = mysql(&self.url()).await.unwrap();
                sqlx::query_scalar(sql).fetch_one(&mut conn).await
            }
        };
        counted.unwrap()
    }

    /// Its URL for another user.
    pub(crate) fn url_as(&self, user: &str, password: &str) -> String {
        let url = self.url();
        let (scheme, rest) = url.split_once("://").unwrap();
        let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
        format!("{scheme}://{user}:{password}@{rest}")
    }

    /// The same as [`run`](Self::run), which may fail.
    pub(crate) async fn try_run(&self, sql: &str) -> sqlx::Result<()> {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match self.kind {
            Kind::Postgres => {
                PgConnection::connect(&self.url()).await?.execute(sql).await.map(drop)
            }
            Kind::Mysql => mysql(&self.url()).await?.execute(sql).await.map(drop),
        }
    }

    /// Ends every connection to it, as a restart of the server does.
    pub(crate) async fn end_connections(&self) {
        let name = &self.name;
        match self.kind {
            Kind::Postgres => {
                let of = format!("FROM pg_stat_activity WHERE datname = '{name}'");
                self.on_server(&format!("SELECT pg_terminate_backend(pid) {of}")).await;
            }
            Kind::Mysql => {
                let mut conn = mysql(&self.server).await.unwrap();
                let sql =
                    format!("SELECT id FROM information_schema.processlist WHERE db = '{name}'");
                let ids = sqlx::query_scalar::<_, i64>(AssertSqlSafe(sql)).fetch_all(&mut conn);
                for id in ids.await.unwrap_or_default() {
                    // It may have gone by itself meanwhile.
                    let kill = sqlx::raw_sql(AssertSqlSafe(format!("KILL {id}")));
                    let _ = conn.execute(kill).await;
                }
            }
        }
    }

    /// Drops it, whoever is still connected.
    async fn drop_it(&self) {
        let name = &self.name;
        match self.kind {
            Kind::Postgres => {
                self.on_server(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
            }
            Kind::Mysql => {
                self.end_connections().await;
                self.on_server(&format!("DROP DATABASE IF EXISTS {name}")).await;
            }
        }
    }

    /// Runs statements on the server, outside this database.
    pub(crate) async fn on_server(&self, sql: &str) {
        self.on(&self.server, sql).await;
    }

    async fn on(&self, url: &str, sql: &str) {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match self.kind {
            Kind::Postgres => {
                let mut conn = PgConnection::connect(url).await.unwrap();
                conn.execute(sql).await.unwrap();
                conn.close().await.unwrap();
            }
            Kind::Mysql => {
                let mut conn = mysql(url).await.unwrap();
                conn.execute(sql).await.unwrap();
                conn.close().await.unwrap();
            }
        }
    }
}

/// As PHP connects: in the server's own time zone, which sqlx would set to UTC.
async fn mysql(url: &str) -> sqlx::Result<MySqlConnection> {
    url.parse::<MySqlConnectOptions>()?.timezone(None).connect().await
}

impl Drop for Database {
    /// PostgreSQL drops no database while a connection, to whichever, is being made. One of this test
    /// may be, and be served by this very thread: so it is not waited for without end.
    fn drop(&mut self) {
        let (name, server) = (self.name.clone(), self.server.clone());
        let same = ManuallyDrop::new(Self { kind: self.kind, name, server });
        let (done, is_done) = mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(same.drop_it());
            let _ = done.send(());
        });
        let _ = is_done.recv_timeout(Duration::from_millis(200));
    }
}
