//! Which database, and how to reach it.

use super::Lifetime;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// Which database, and how to reach it.
#[derive(Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Connector {
    /// Which driver; where none is named, the one of the URL's scheme, else SQLite.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Driver>,
    /// Where, by parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<ConnectorOptions>,
    /// Where, in one: `sqlite://path`, `postgres://user:password@host/database`,
    /// `mysql://user:password@host/database`. Instead of `options`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl Connector {
    /// Where a SQLite file is when nothing says so.
    pub const DEFAULT_PATH: &str = "./data/adyton.sqlite3";

    /// Which driver is meant.
    #[must_use]
    pub fn driver(&self) -> Driver {
        let by_scheme = || Driver::of_url(self.url.as_deref()?);
        self.name.or_else(by_scheme).unwrap_or_default()
    }

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

impl Driver {
    /// Its name in a configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgresql => "postgresql",
            Self::Mysql => "mysql",
        }
    }

    /// The one that a URL's scheme names.
    #[must_use]
    pub(super) fn of_url(url: &str) -> Option<Self> {
        match url.split_once(':')?.0 {
            "sqlite" => Some(Self::Sqlite),
            "postgres" | "postgresql" => Some(Self::Postgresql),
            "mysql" | "mariadb" => Some(Self::Mysql),
            _ => None,
        }
    }
}

/// Where a database is.
#[derive(Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ConnectorOptions {
    /// The file, for SQLite.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// The host, otherwise; one that begins with `/` is the folder (PostgreSQL) or the path (MySQL)
    /// of a socket.
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
    pub ssl_mode: Option<SslMode>,
    /// A file with the certificates that the server's own is checked against, in place of those of
    /// the public authorities.
    #[serde(alias = "sslRootCert", skip_serializing_if = "Option::is_none")]
    pub ssl_root_cert: Option<PathBuf>,
    /// Most connections at once.
    #[serde(alias = "maxConnections", skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<u32>,
    /// Longest wait for a connection.
    #[serde(alias = "connectTimeout", skip_serializing_if = "Option::is_none")]
    pub connect_timeout: Option<Lifetime>,
    /// Longest run of a statement, which the server ends then.
    #[serde(alias = "statementTimeout", skip_serializing_if = "Option::is_none")]
    pub statement_timeout: Option<Lifetime>,
}

/// TLS to the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SslMode {
    /// None.
    Disable,
    /// Where the server offers it; whose certificate it has is not checked.
    #[default]
    Prefer,
    /// Always; whose certificate the server has is not checked.
    Require,
    /// Always, with a certificate of a known authority.
    VerifyCa,
    /// Always, with a certificate of a known authority for this very host.
    VerifyFull,
}

impl SslMode {
    /// Reads its name, with `_` or `-`, in any case.
    #[must_use]
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().replace('_', "-").as_str() {
            "disable" | "disabled" => Self::Disable,
            "prefer" | "preferred" => Self::Prefer,
            "require" | "required" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" | "verify-identity" => Self::VerifyFull,
            _ => return None,
        })
    }
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
        let Self { path, host, port, user, database, ssl_mode, .. } = self;
        f.debug_struct("ConnectorOptions")
            .field("path", path)
            .field("host", host)
            .field("port", port)
            .field("user", user)
            .field("database", database)
            .field("ssl_mode", ssl_mode)
            .finish_non_exhaustive()
    }
}
