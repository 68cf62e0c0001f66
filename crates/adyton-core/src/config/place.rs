//! Where a database is, out of the parts or the URL that name it. What cannot be meant is refused
//! with what would be right; no refusal repeats a password.

use super::validate::{among, check};
use super::{ConfigError, Connector, ConnectorOptions, Driver, Lifetime, SslMode};
use std::fmt;
use std::path::PathBuf;

const URL: &str = "connector.url";

/// Where a database is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Place {
    /// In a file.
    File(PathBuf),
    /// On a server.
    Server(DatabaseServer),
}

/// A database on a server, and how to reach it.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct DatabaseServer {
    /// PostgreSQL or MySQL.
    pub driver: Driver,
    /// The host, or the path of a socket.
    pub host: String,
    /// The port, if it is not the usual one.
    pub port: Option<u16>,
    /// Who signs in there.
    pub user: Option<String>,
    /// With what.
    pub password: Option<String>,
    /// Which database.
    pub database: String,
    /// TLS.
    pub ssl_mode: SslMode,
    /// What the server's certificate is checked against.
    pub ssl_root_cert: Option<PathBuf>,
    /// Most connections at once.
    pub max_connections: u32,
    /// Longest wait for a connection.
    pub connect_timeout: Lifetime,
    /// Longest run of a statement.
    pub statement_timeout: Lifetime,
    /// How many prepared statements a connection keeps; 0 behind a pooler that has none.
    pub statement_cache_capacity: Option<usize>,
}

impl DatabaseServer {
    /// Ten connections serve some ten thousand small statements a second.
    const MAX_CONNECTIONS: u32 = 10;
    const CONNECT_TIMEOUT: Lifetime = Lifetime::from_seconds(5);
    const STATEMENT_TIMEOUT: Lifetime = Lifetime::from_seconds(10);

    /// Whether `host` is the path of a socket.
    #[must_use]
    pub fn is_socket(&self) -> bool {
        self.host.starts_with('/')
    }
}

/// As a URL, without the password.
impl fmt::Display for DatabaseServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { driver, host, database, .. } = self;
        let user = self.user.iter().map(|user| format!("{user}@")).collect::<String>();
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        if self.is_socket() {
            return write!(f, "{}://{user}/{database}?host={host}", driver.as_str());
        }
        write!(f, "{}://{user}{host}{port}/{database}", driver.as_str())
    }
}

impl fmt::Debug for DatabaseServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// As people know it: a path, or a URL without its password.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Server(server) => write!(f, "{server}"),
        }
    }
}

impl Connector {
    /// Where the database is.
    ///
    /// # Errors
    /// What contradicts itself, is missing, or names no database that there is.
    pub fn place(&self) -> Result<Place, ConfigError> {
        let beside = "stands beside `connector.options`; keep one of the two";
        check(self.url.is_none() || self.options.is_none(), URL, beside)?;
        if let Some(url) = &self.url {
            self.check_scheme(url)?;
        }
        match self.driver() {
            Driver::Sqlite => self.file(),
            driver => match (&self.url, &self.options) {
                (Some(url), _) => from_url(driver, url),
                (None, options) => from_options(driver, options.clone().unwrap_or_default()),
            }
            .map(Place::Server),
        }
    }

    fn check_scheme(&self, url: &str) -> Result<(), ConfigError> {
        let scheme = Driver::of_url(url);
        let known = "must begin with `sqlite://`, `postgres://`, `postgresql://`, `mysql://` or \
                     `mariadb://`";
        check(scheme.is_some(), URL, known)?;
        let same = self.name.is_none() || self.name == scheme;
        let other = "names another database than `connector.name`; leave out one of the two";
        among(same, &["connector.name"], URL, other)
    }

    fn file(&self) -> Result<Place, ConfigError> {
        let path = self.sqlite_path();
        let text = path.to_string_lossy();
        let plain = !text.is_empty() && text != ":memory:" && !text.contains(['?', '%', '\0']);
        among(
            plain,
            &["connector.options.path"],
            URL,
            "must name a file, such as `sqlite://data/app.sqlite3`: no query, no escapes, and \
             not `:memory:`, which each connection would have for itself",
        )?;
        if let Some(options) = &self.options {
            let bare = ConnectorOptions { path: options.path.clone(), ..Default::default() };
            let problem = "has parts that SQLite knows nothing of: it takes `path` alone. Set \
                           `connector.name` to `postgresql` or `mysql` if such a server is meant";
            check(*options == bare, "connector.options", problem)?;
        }
        Ok(Place::File(path))
    }
}

fn from_options(driver: Driver, parts: ConnectorOptions) -> Result<DatabaseServer, ConfigError> {
    let problem = "is for SQLite; a server takes `host`, `user`, `password` and `database`";
    check(parts.path.is_none(), "connector.options.path", problem)?;
    let named = parts.database.as_deref().is_some_and(|name| !name.is_empty());
    check(named, "connector.options.database", "is missing: the name of the database")?;
    DatabaseServer {
        driver,
        host: parts.host.unwrap_or_else(|| "localhost".into()),
        port: parts.port,
        user: parts.user,
        password: parts.password,
        database: parts.database.unwrap_or_default(),
        ssl_mode: parts.ssl_mode.unwrap_or_default(),
        ssl_root_cert: parts.ssl_root_cert,
        max_connections: parts.max_connections.unwrap_or(DatabaseServer::MAX_CONNECTIONS),
        connect_timeout: parts.connect_timeout.unwrap_or(DatabaseServer::CONNECT_TIMEOUT),
        statement_timeout: parts.statement_timeout.unwrap_or(DatabaseServer::STATEMENT_TIMEOUT),
        statement_cache_capacity: None,
    }
    .checked("connector.options")
}

/// Reads `scheme://user:password@host:port/database?name=value`.
fn from_url(driver: Driver, url: &str) -> Result<DatabaseServer, ConfigError> {
    let wrong = |problem: &str| ConfigError::new(URL, problem);
    let form = "must have the form `postgres://user:password@host:5432/database`; in a user or \
                password, letters such as `/ ? # @ : %` are written as `%2F` and so on";
    let rest = url.split_once("://").ok_or_else(|| wrong(form))?.1;
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = address.split_once('/').unwrap_or((address, ""));
    let (login, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = match login.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (login, None),
    };
    let (host, port) = split_port(host).ok_or_else(|| wrong(form))?;
    let read = |text: &str| decoded(text).ok_or_else(|| wrong(form));
    let mut parts = ConnectorOptions {
        host: Some(read(host)?).filter(|host| !host.is_empty()),
        port,
        user: Some(read(user)?).filter(|user| !user.is_empty()),
        password: password.map(read).transpose()?,
        database: Some(read(database)?),
        ..ConnectorOptions::default()
    };
    // A `?` in a password would make its end a parameter, whose name a refusal repeats.
    check(!query.contains('@'), URL, form)?;
    let mut capacity = None;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        set(&mut parts, &mut capacity, name, &read(value)?).map_err(|text| wrong(&text))?;
    }
    let named = parts.database.as_deref().is_some_and(|name| !name.is_empty());
    check(named, URL, "names no database: `postgres://host/database`")?;
    check(parts.path.is_none(), URL, form)?;
    let server = from_options(driver, parts).map_err(|error| ConfigError { key: URL, ..error })?;
    Ok(DatabaseServer { statement_cache_capacity: capacity, ..server })
}

/// Sets what a parameter of a URL says, by the names that drivers of these databases use.
fn set(
    parts: &mut ConnectorOptions,
    capacity: &mut Option<usize>,
    name: &str,
    value: &str,
) -> Result<(), String> {
    let bad = || format!("has a parameter `{name}` with a value that it cannot have");
    let lifetime = || Lifetime::parse(value).map(Some).ok_or_else(bad);
    match name {
        "host" | "socket" => parts.host = Some(value.to_owned()),
        "port" => parts.port = Some(value.parse().map_err(|_| bad())?),
        "user" => parts.user = Some(value.to_owned()),
        "password" => parts.password = Some(value.to_owned()),
        "dbname" | "database" => parts.database = Some(value.to_owned()),
        "ssl_mode" | "sslmode" | "ssl-mode" => {
            parts.ssl_mode = Some(SslMode::from_name(value).ok_or_else(bad)?);
        }
        "ssl_root_cert" | "sslrootcert" | "ssl-ca" | "sslca" => {
            parts.ssl_root_cert = Some(value.into());
        }
        "max_connections" => parts.max_connections = Some(value.parse().map_err(|_| bad())?),
        "connect_timeout" => parts.connect_timeout = lifetime()?,
        "statement_timeout" => parts.statement_timeout = lifetime()?,
        "statement_cache_capacity" | "statement-cache-capacity" => {
            *capacity = Some(value.parse().map_err(|_| bad())?);
        }
        _ => return Err(format!("has a parameter `{name}`, which is not known")),
    }
    Ok(())
}

impl DatabaseServer {
    fn checked(self, key: &'static str) -> Result<Self, ConfigError> {
        let some = "needs `max_connections` of 1 to 1000";
        check((1..=1000).contains(&self.max_connections), key, some)?;
        let timeouts = [self.connect_timeout, self.statement_timeout];
        let sane = timeouts.iter().all(|timeout| (1..=3600).contains(&timeout.seconds()));
        check(sane, key, "needs `connect_timeout` and `statement_timeout` of 1s to 1h")?;
        let texts = [Some(&self.host), self.user.as_ref(), Some(&self.database)];
        let whole = texts.into_iter().flatten().all(|text| !text.contains('\0'));
        check(whole && !self.host.is_empty(), key, "needs a `host`, and no NUL in it")?;
        Ok(self)
    }
}

/// `host:5432`, `[::1]:5432`, or either without a port.
fn split_port(host: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = host.strip_prefix('[') {
        let (address, rest) = rest.split_once(']')?;
        let port = rest.strip_prefix(':').map(str::parse).transpose().ok()?;
        return (rest.is_empty() || port.is_some()).then_some((address, port));
    }
    match host.split_once(':') {
        Some((host, port)) => Some((host, Some(port.parse().ok()?))),
        None => Some((host, None)),
    }
}

/// A text without its `%2F`s; `None` where one is broken.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let (high, low) = (digit()?, digit()?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn place(toml: &str) -> Result<Place, ConfigError> {
        toml::from_str::<Config>(toml).unwrap().connector.place()
    }

    fn server(url: &str) -> DatabaseServer {
        match place(&format!("connector.url = '{url}'")) {
            Ok(Place::Server(server)) => server,
            other => panic!("{url}: {other:?}"),
        }
    }

    #[test]
    fn a_url_says_which_driver_and_where() {
        let full = server("postgresql://ada:p%40ss%2F@db.example:5433/app?ssl_mode=verify-full");
        assert_eq!(full.to_string(), "postgresql://ada@db.example:5433/app");
        assert_eq!(full.password.as_deref(), Some("p@ss/"));
        assert_eq!(full.ssl_mode, SslMode::VerifyFull);
        let least = server("mariadb://[::1]/app");
        assert_eq!((least.driver, &*least.host, least.port), (Driver::Mysql, "::1", None));
        assert_eq!((least.max_connections, least.user), (10, None));
        let socket = server("postgres:///app?host=/run/postgresql&statement_cache_capacity=0");
        assert!(socket.is_socket());
        assert_eq!(socket.statement_cache_capacity, Some(0));
        let socket = server("mysql://ada@/app?socket=/run/mysqld.sock&connect_timeout=2s");
        assert_eq!((&*socket.host, socket.connect_timeout.seconds()), ("/run/mysqld.sock", 2));
    }

    #[test]
    fn parts_say_the_same() {
        let toml = "connector.name = 'postgresql'\n[connector.options]\nhost = 'db'\nuser = 'ada'
                    password = 's3cret'\ndatabase = 'app'\nssl_mode = 'require'\nstatement_timeout = '3s'";
        let Ok(Place::Server(server)) = place(toml) else { panic!() };
        assert_eq!((server.ssl_mode, server.statement_timeout.seconds()), (SslMode::Require, 3));
        assert_eq!(format!("{server} {server:?}").matches("s3cret").count(), 0);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_and_shows_no_password() {
        for (toml, key, cure) in [
            ("connector.url = 'oracle://a:s3cret@b/c'", URL, "must begin with"),
            ("connector.url = 'postgres://a:s3cret@b'", URL, "names no database"),
            ("connector.url = 'postgres://a:s3cret/x@b/c'", URL, "%2F"),
            ("connector.url = 'mysql://a:s3cret@b:x/c'", URL, "form"),
            ("connector.url = 'mysql://a:x?s3cret=@b/c'", URL, "form"),
            ("connector.url = 'mysql://a:s3cret@b/c?tls=on'", URL, "`tls`"),
            ("connector.url = 'mysql://a:s3cret@b/c?ssl_mode=maybe'", URL, "`ssl_mode`"),
            ("connector.url = 'mysql://a:s3cret@b/c?max_connections=0'", URL, "max_connections"),
            ("connector.url = 'mysql://a:%zz@b/c'", URL, "form"),
            (
                "connector.name = 'sqlite'\nconnector.url = 'mysql://a:s3cret@b/c'",
                URL,
                "connector.name",
            ),
            (
                "connector.name = 'postgresql'\nconnector.options.path = 'x'",
                "connector.options.path",
                "SQLite",
            ),
            (
                "connector.name = 'mysql'\nconnector.options.host = 'x'",
                "connector.options.database",
                "missing",
            ),
            ("connector.options.host = 'x'", "connector.options", "connector.name"),
        ] {
            let error = place(toml).unwrap_err();
            assert_eq!(error.key, key, "{toml}");
            let text = format!("{error} {error:?}");
            assert!(text.contains(cure) && !text.contains("s3cret"), "{text}");
        }
    }
}
