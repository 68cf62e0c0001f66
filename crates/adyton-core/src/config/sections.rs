//! The tables of the configuration, one struct each.

use super::Lifetime;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::net::SocketAddr;

/// Limits on attempts.
#[derive(Clone, PartialEq, Deserialize, Serialize)]
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
    /// `memory`, or the URL of a Redis.
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

impl RateLimiting {
    /// The URL of the Redis that nodes share, if they do.
    #[must_use]
    pub fn redis_url(&self) -> Option<&str> {
        (self.store != "memory").then_some(&*self.store)
    }
}

/// Without the URL: it may hold a password.
impl fmt::Debug for RateLimiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { enabled, max_attempts, decay_minutes, limits, .. } = self;
        f.debug_struct("RateLimiting")
            .field("enabled", enabled)
            .field("max_attempts", max_attempts)
            .field("decay_minutes", decay_minutes)
            .field("limits", limits)
            .finish_non_exhaustive()
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
#[non_exhaustive]
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
#[non_exhaustive]
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
#[non_exhaustive]
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
    #[serde(deserialize_with = "address")]
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
    #[serde(
        alias = "metricsListen",
        deserialize_with = "some_address",
        skip_serializing_if = "Option::is_none"
    )]
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

fn address<'de, D: Deserializer<'de>>(value: D) -> Result<SocketAddr, D::Error> {
    parse_address(&String::deserialize(value)?)
}

fn some_address<'de, D: Deserializer<'de>>(value: D) -> Result<Option<SocketAddr>, D::Error> {
    Option::<String>::deserialize(value)?.map(|text| parse_address(&text)).transpose()
}

fn parse_address<E: Error>(text: &str) -> Result<SocketAddr, E> {
    let expected = "expected an address and a port, such as `127.0.0.1:8000`";
    text.parse().map_err(|_| E::custom(expected))
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
