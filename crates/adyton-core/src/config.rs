//! Every option, its type and its default.
//!
//! The structs mirror `adyton.toml`. Keys are read in snake_case or camelCase; an unknown key is an
//! error. [`Config::validate`] finds what no single value can show: settings that contradict each
//! other, and settings of protections that this version does not have. Where values come from
//! (files, environment) is the business of the doors.

mod lifetime;
mod reference;
mod validate;

pub use lifetime::Lifetime;
pub use reference::{OPTIONS, OptionDoc};
pub use validate::ConfigError;

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;

/// All options. `Config::default()` is a complete, valid configuration.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// Table of users; may be an existing one.
    #[serde(alias = "authTable")]
    pub auth_table: String,
    /// The database.
    pub connector: Connector,
    /// Routes that need no credential: `"METHOD:/path/[param]"`.
    #[serde(alias = "noAuthRoutes")]
    pub no_auth_routes: Vec<String>,
    /// Header that carries the token.
    #[serde(alias = "tokenHeader")]
    pub token_header: String,
    /// Word before the token in that header; empty for none.
    pub prefix: String,
    /// Table of access tokens.
    #[serde(alias = "tokenTable")]
    pub token_table: String,
    /// Column of the token table that holds the hash.
    #[serde(alias = "tokenField")]
    pub token_field: String,
    /// Table of sessions.
    #[serde(alias = "sessionTable")]
    pub session_table: String,
    /// Life of the access token that a sign-in issues. An hour: what a stolen one is good for.
    #[serde(alias = "tokenExpiration")]
    pub token_expiration: Lifetime,
    /// Idle life of a session: of its refresh token, counted from each rotation.
    #[serde(alias = "refreshTokenExpiration")]
    pub refresh_token_expiration: Lifetime,
    /// Life of a personal access token whose creator names none; zero for no end.
    #[serde(alias = "personalTokenExpiration")]
    pub personal_token_expiration: Lifetime,
    /// Upper bound on the life of a personal access token.
    #[serde(alias = "personalTokenMaxExpiration", skip_serializing_if = "Option::is_none")]
    pub personal_token_max_expiration: Option<Lifetime>,
    /// Absolute life of a session, whatever its use.
    #[serde(alias = "sessionMaxAge")]
    pub session_max_age: Lifetime,
    /// Idle life of a cookie session without `remember`.
    #[serde(alias = "sessionIdle")]
    pub session_idle: Lifetime,
    /// Whether each refresh replaces the refresh token.
    #[serde(alias = "tokenRotation")]
    pub token_rotation: bool,
    /// How long a replaced refresh token still gets the same answer: 0 to 300 s.
    #[serde(alias = "rotationGrace")]
    pub rotation_grace: Lifetime,
    /// Abilities of a token issued at sign-in; a sign-in may ask for fewer.
    #[serde(alias = "tokenAbilities")]
    pub token_abilities: Vec<String>,
    /// Limits on attempts.
    #[serde(alias = "rateLimiting")]
    pub rate_limiting: RateLimiting,
    /// CSRF checks on requests that a cookie authenticates.
    #[serde(alias = "csrfProtection")]
    pub csrf_protection: bool,
    /// Which guards sign-ins may use.
    #[serde(alias = "sessionGuard")]
    pub session_guard: SessionGuard,
    /// Other front ends, as full origins.
    #[serde(alias = "allowedOrigins")]
    pub allowed_origins: Vec<String>,
    /// Parent domain to share cookies with subdomains.
    #[serde(alias = "cookieDomain", skip_serializing_if = "Option::is_none")]
    pub cookie_domain: Option<String>,
    /// What a refresh from another device gets.
    #[serde(alias = "deviceBinding")]
    pub device_binding: DeviceBinding,
    /// Rules for passwords.
    pub password: PasswordRules,
    /// Threads and queue for hashing passwords.
    pub hashing: Hashing,
    /// Further columns of the user table that `user` shows.
    #[serde(alias = "userColumns")]
    pub user_columns: Vec<String>,
    /// Verified tokens in memory.
    pub cache: CacheOptions,
    /// Owner type written to the token table; `App\Models\User` beside Laravel.
    #[serde(alias = "tokenableType")]
    pub tokenable_type: String,
    /// Live sessions per user; one more ends the longest idle.
    #[serde(alias = "sessionsPerUser")]
    pub sessions_per_user: u32,
    /// Personal access tokens per user; one more is refused.
    #[serde(alias = "tokensPerUser")]
    pub tokens_per_user: u32,
    /// `adyton serve` and the address of the endpoints.
    pub server: Server,
    /// Account pages of the binary.
    pub pages: Pages,
    /// Ways to serve clients of other systems.
    pub compat: Compat,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            auth_table: "users".into(),
            connector: Connector::default(),
            no_auth_routes: Vec::new(),
            token_header: "Authorization".into(),
            prefix: "Bearer".into(),
            token_table: "personal_access_tokens".into(),
            token_field: "token".into(),
            session_table: "auth_sessions".into(),
            token_expiration: Lifetime::from_seconds(3600),
            refresh_token_expiration: Lifetime::from_days(30),
            personal_token_expiration: Lifetime::from_days(90),
            personal_token_max_expiration: None,
            session_max_age: Lifetime::from_days(90),
            session_idle: Lifetime::from_seconds(7200),
            token_rotation: true,
            rotation_grace: Lifetime::from_seconds(30),
            token_abilities: vec!["*".into()],
            rate_limiting: RateLimiting::default(),
            csrf_protection: true,
            session_guard: SessionGuard::Both,
            allowed_origins: Vec::new(),
            cookie_domain: None,
            device_binding: DeviceBinding::Log,
            password: PasswordRules::default(),
            hashing: Hashing::default(),
            user_columns: Vec::new(),
            cache: CacheOptions::default(),
            tokenable_type: "user".into(),
            sessions_per_user: 50,
            tokens_per_user: 100,
            server: Server::default(),
            pages: Pages::default(),
            compat: Compat::default(),
        }
    }
}

/// Which database, and how to reach it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
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

impl std::fmt::Debug for ConnectorOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { path, host, port, user, database, ssl_mode, .. } = self;
        write!(
            f,
            "ConnectorOptions {{ {path:?} {host:?} {port:?} {user:?} {database:?} {ssl_mode:?} }}"
        )
    }
}

/// Limits on attempts.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RateLimiting {
    /// Whether there are any.
    pub enabled: bool,
    /// Failed sign-ins for one e-mail from one address.
    #[serde(alias = "maxAttempts")]
    pub max_attempts: u32,
    /// Length of the window in minutes.
    #[serde(alias = "decayMinutes")]
    pub decay_minutes: u32,
    /// `memory`, or a `redis://` URL.
    pub store: String,
    /// Further limits, each `"count/period"`.
    pub limits: Limits,
}

impl Default for RateLimiting {
    fn default() -> Self {
        Self {
            enabled: true,
            max_attempts: 5,
            decay_minutes: 1,
            store: "memory".into(),
            limits: Limits::default(),
        }
    }
}

/// Further limits, each `"count/period"`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Limits {
    /// Failed sign-ins from one address over all e-mails.
    #[serde(alias = "loginAddress")]
    pub login_address: String,
    /// Failed sign-ins for one e-mail over all addresses.
    #[serde(alias = "loginAccount")]
    pub login_account: String,
    /// Sign-ups from one address.
    pub register: String,
    /// Rotations of one session.
    pub refresh: String,
    /// Password checks by one session.
    pub password: String,
    /// Personal tokens created.
    pub tokens: String,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            login_address: "30/1m".into(),
            login_account: "20/1h".into(),
            register: "20/1h".into(),
            refresh: "60/1m".into(),
            password: "5/15m".into(),
            tokens: "20/1h".into(),
        }
    }
}

/// Which guards sign-ins may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionGuard {
    /// Tokens only.
    Token,
    /// Cookies only.
    Session,
    /// Either.
    #[default]
    Both,
}

/// What a refresh from another device gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceBinding {
    /// The same.
    Off,
    /// The same, and a line in the log.
    #[default]
    Log,
    /// A refusal.
    Enforce,
}

/// Rules for passwords.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PasswordRules {
    /// Fewest characters (ASVS 6.2.1 asks for 8).
    #[serde(alias = "minLength")]
    pub min_length: usize,
    /// Whether a sign-in stores argon2id in place of an older hash. Off beside Laravel, which could
    /// not read it.
    pub rehash: bool,
}

impl Default for PasswordRules {
    fn default() -> Self {
        Self { min_length: 8, rehash: true }
    }
}

/// Threads and queue for hashing passwords.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Hashing {
    /// Threads, each with 19 MiB while it works; as many as cores when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
    /// Hashes that may wait; one more is told 503.
    pub queue: usize,
}

impl Default for Hashing {
    fn default() -> Self {
        Self { threads: None, queue: 64 }
    }
}

/// Verified tokens in memory.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CacheOptions {
    /// Whether, and who else writes.
    pub enabled: CacheMode,
    /// Upper bound on its memory.
    #[serde(alias = "maxBytes")]
    pub max_bytes: u64,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self { enabled: CacheMode::On, max_bytes: 64 << 20 }
    }
}

/// Whether verified tokens are kept in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheMode {
    /// `true`: where the store can tell of other writers.
    #[default]
    On,
    /// `false`.
    Off,
    /// `"exclusive"`: Adyton is the only writer.
    Exclusive,
}

/// `adyton serve` and the address of the endpoints.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Server {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// Where the endpoints live.
    #[serde(alias = "basePath")]
    pub base_path: String,
    /// The URL that people see.
    #[serde(alias = "publicUrl", skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// Networks whose forwarding headers count.
    #[serde(alias = "trustedProxies")]
    pub trusted_proxies: Vec<String>,
    /// Address for metrics.
    #[serde(alias = "metricsListen", skip_serializing_if = "Option::is_none")]
    pub metrics_listen: Option<SocketAddr>,
    /// Longest wait for a request's head.
    #[serde(alias = "headerTimeout")]
    pub header_timeout: Lifetime,
    /// Longest wait for a request's body.
    #[serde(alias = "bodyTimeout")]
    pub body_timeout: Lifetime,
    /// Longest silence of a connection between requests.
    #[serde(alias = "idleTimeout")]
    pub idle_timeout: Lifetime,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8000)),
            base_path: "/api/auth".into(),
            public_url: None,
            trusted_proxies: Vec::new(),
            metrics_listen: None,
            header_timeout: Lifetime::from_seconds(10),
            body_timeout: Lifetime::from_seconds(10),
            idle_timeout: Lifetime::from_seconds(75),
        }
    }
}

/// Account pages of the binary.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Pages {
    /// Whether they are served.
    pub enabled: bool,
    /// Where.
    pub path: String,
}

impl Default for Pages {
    fn default() -> Self {
        Self { enabled: true, path: "/account".into() }
    }
}

/// Ways to serve clients of other systems.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Compat {
    /// Whether tokens that Sanctum issued are accepted; on by itself where the token table was
    /// adopted.
    #[serde(alias = "sanctumTokens", skip_serializing_if = "Option::is_none")]
    pub sanctum_tokens: Option<bool>,
    /// Whether tokens of any shape are accepted, as an import brings them.
    #[serde(alias = "importedTokens")]
    pub imported_tokens: bool,
    /// Whether Sanctum's own routes are served too.
    pub sanctum: bool,
}

impl<'de> Deserialize<'de> for CacheMode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = CacheMode;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("`true`, `false` or `\"exclusive\"`")
            }

            fn visit_bool<E>(self, on: bool) -> Result<CacheMode, E> {
                Ok(if on { CacheMode::On } else { CacheMode::Off })
            }

            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<CacheMode, E> {
                match word {
                    "exclusive" => Ok(CacheMode::Exclusive),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(word), &self)),
                }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl Serialize for CacheMode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::On => serializer.serialize_bool(true),
            Self::Off => serializer.serialize_bool(false),
            Self::Exclusive => serializer.serialize_str("exclusive"),
        }
    }
}
