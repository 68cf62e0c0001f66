//! Every option, its type and its default.
//!
//! The structs mirror `adyton.toml`. Keys are read in snake_case or camelCase; an unknown key is an
//! error. [`Config::validate`] finds what no single value can show: settings that contradict each
//! other, and settings of what this version does not have. Where values come from
//! (files, environment) is the business of the doors.

mod connector;
mod exemptions;
#[doc(hidden)] // for `adyton-server` alone, which reads files
pub mod keys;
mod lifetime;
mod object;
mod place;
mod rate;
mod reference;
mod sections;
mod validate;
mod web;

pub use connector::{Connector, ConnectorOptions, Driver, SslMode};
pub use lifetime::Lifetime;
pub use object::OptionError;
pub use place::{DatabaseServer, Place};
pub(crate) use rate::Rate;
#[doc(hidden)] // for `adyton-server` alone, which writes its reference
pub use reference::{OPTIONS, OptionDoc};
pub use sections::{
    CacheMode, CacheOptions, Compat, DeviceBinding, Hashing, Limits, Pages, PasswordRules,
    RateLimiting, Server, SessionGuard,
};
pub use validate::ConfigError;
#[doc(hidden)] // for the doors of `adyton` alone
pub use web::WebOptions;

use serde::{Deserialize, Serialize};

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
    /// Upper bound on the life of a personal access token, also of one that was made without it.
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
    /// How long events are kept; zero for ever.
    #[serde(alias = "eventRetention")]
    pub event_retention: Lifetime,
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
            event_retention: Lifetime::from_days(90),
            server: Server::default(),
            pages: Pages::default(),
            compat: Compat::default(),
        }
    }
}
