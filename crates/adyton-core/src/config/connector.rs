//! Which database, and how to reach it.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// Which database, and how to reach it.
#[derive(Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Connector {
    /// Which driver.
    pub name: Driver,
    /// Where, by parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<ConnectorOptions>,
    /// Where, in one: `sqlite://path`. Instead of `options`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl Connector {
    /// Where a SQLite file is when nothing says so.
    pub const DEFAULT_PATH: &str = "./data/adyton.sqlite3";

    /// The SQLite file that these name.
    #[must_use]
    pub fn sqlite_path(&self) -> PathBuf {
        if let Some(url) = &self.url {
            let path = url.strip_prefix("sqlite:").unwrap_or(url);
            return path.strip_prefix("//").unwrap_or(path).into();
        }
        let path = self.options.as_ref().and_then(|options| options.path.clone());
        path.unwrap_or_else(|| Self::DEFAULT_PATH.into())
    }
}

/// The databases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Driver {
    /// An embedded file.
    #[default]
    Sqlite,
    /// PostgreSQL and what speaks its protocol.
    Postgresql,
    /// MySQL and MariaDB.
    Mysql,
}

/// Where a database is.
#[derive(Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ConnectorOptions {
    /// The file, for SQLite.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// The host, otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Its port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Who signs in there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// With what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Which database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// TLS to the database.
    #[serde(alias = "sslMode", skip_serializing_if = "Option::is_none")]
    pub ssl_mode: Option<String>,
}

/// Without the URL: it may hold a password.
impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, options, .. } = self;
        f.debug_struct("Connector")
            .field("name", name)
            .field("options", options)
            .finish_non_exhaustive()
    }
}

/// Without the password.
impl fmt::Debug for ConnectorOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, host, port, user, database, .. } = self;
        f.debug_struct("ConnectorOptions")
            .field("path", path)
            .field("host", host)
            .field("port", port)
            .field("user", user)
            .field("database", database)
            .finish_non_exhaustive()
    }
}
