//! What no single value of a configuration can show.

use super::{Config, Lifetime, RateLimiting};
use crate::ability::Abilities;

/// Columns that have a meaning of their own in the token table or the user table.
const RESERVED: [&str; 11] = [
    "id",
    "tokenable_type",
    "tokenable_id",
    "name",
    "abilities",
    "last_used_at",
    "expires_at",
    "created_at",
    "updated_at",
    "email",
    "password",
];

/// How the URL of a Redis begins. The rest is read where the driver is.
const REDIS: [&str; 6] =
    ["redis", "rediss", "valkey", "valkeys", "redis+cluster", "rediss+cluster"];

/// A setting that cannot stand, with what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}")]
#[non_exhaustive]
pub struct ConfigError {
    /// The key, with dots: `rate_limiting.max_attempts`.
    pub key: &'static str,
    /// Other keys that it contradicts: whichever of them was set is where to look.
    pub beside: &'static [&'static str],
    /// What is wrong and what would be right.
    pub problem: String,
}

impl ConfigError {
    /// A setting that cannot stand by itself.
    pub fn new(key: &'static str, problem: impl Into<String>) -> Self {
        Self { key, beside: &[], problem: problem.into() }
    }
}

/// Collects a check's verdict: the first one that fails is told.
pub(super) fn check(good: bool, key: &'static str, problem: &str) -> Result<(), ConfigError> {
    among(good, &[], key, problem)
}

/// The same for settings that only stand or fall together.
pub(super) fn among(
    good: bool,
    beside: &'static [&'static str],
    key: &'static str,
    problem: &str,
) -> Result<(), ConfigError> {
    if good { Ok(()) } else { Err(ConfigError { key, beside, problem: problem.to_owned() }) }
}

impl Config {
    /// Checks everything that the types let pass.
    ///
    /// # Errors
    /// The first setting that cannot stand.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.check_names()?;
        self.check_connector()?;
        self.check_lifetimes()?;
        self.check_tokens()?;
        self.check_amounts()?;
        self.check_limits()?;
        self.check_server()?;
        self.exemptions()?;
        self.web()?;
        Ok(())
    }

    fn check_names(&self) -> Result<(), ConfigError> {
        let rule =
            "must begin with a letter or `_` and go on with at most 62 letters, digits or `_`";
        for (key, name) in [
            ("auth_table", &self.auth_table),
            ("token_table", &self.token_table),
            ("token_field", &self.token_field),
            ("session_table", &self.session_table),
        ] {
            check(is_identifier(name), key, rule)?;
        }
        let own = ["auth_events", "auth_superseded_tokens", "auth_devices", "adyton_migrations"];
        let tables = [&self.auth_table, &self.token_table, &self.session_table];
        let mut names: Vec<String> = tables.iter().map(|name| name.to_lowercase()).collect();
        names.extend(own.map(str::to_owned));
        names.sort();
        let distinct = names.windows(2).all(|pair| pair[0] != pair[1]);
        let tables = &["auth_table", "token_table"];
        among(distinct, tables, "session_table", "each table needs a name of its own")?;
        let free = !RESERVED.iter().any(|column| self.token_field.eq_ignore_ascii_case(column));
        let problem = "is the name of another column of the token table or of the user table";
        check(free, "token_field", problem)?;
        self.check_user_columns(rule)
    }

    fn check_user_columns(&self, rule: &str) -> Result<(), ConfigError> {
        for (at, column) in self.user_columns.iter().enumerate() {
            check(is_identifier(column), "user_columns", rule)?;
            let lower = column.to_lowercase();
            let secret = ["password", "secret", "token", "recovery"].iter();
            let secret = secret.clone().any(|word| lower.contains(word))
                || self.token_field.eq_ignore_ascii_case(column);
            check(!secret, "user_columns", "must not name a column that holds a secret")?;
            let shown =
                ["id", "name", "email", "created_at", "updated_at", "rowid", "oid", "_rowid_"]
                    .contains(&lower.as_str());
            let double =
                self.user_columns[..at].iter().any(|other| other.eq_ignore_ascii_case(column));
            check(!shown && !double, "user_columns", "names a column that is shown already")?;
        }
        Ok(())
    }

    fn check_connector(&self) -> Result<(), ConfigError> {
        self.connector.place().map(drop)
    }

    fn check_lifetimes(&self) -> Result<(), ConfigError> {
        for (key, lifetime) in [
            ("token_expiration", self.token_expiration),
            ("refresh_token_expiration", self.refresh_token_expiration),
            ("session_max_age", self.session_max_age),
            ("session_idle", self.session_idle),
            ("server.header_timeout", self.server.header_timeout),
            ("server.body_timeout", self.server.body_timeout),
            ("server.idle_timeout", self.server.idle_timeout),
        ] {
            check(lifetime > Lifetime::ZERO, key, "must be at least one second")?;
        }
        among(
            self.refresh_token_expiration >= self.token_expiration,
            &["token_expiration"],
            "refresh_token_expiration",
            "must not be below `token_expiration`, or no refresh would ever come in time",
        )?;
        among(
            self.refresh_token_expiration <= self.session_max_age,
            &["session_max_age"],
            "refresh_token_expiration",
            "must not be above `session_max_age`, which ends the session whatever its use",
        )?;
        // The default is cut to a lower limit; a value of one's own above it is a mistake.
        let idle = self.session_idle;
        among(
            idle == Self::default().session_idle || idle <= self.session_max_age,
            &["session_max_age"],
            "session_idle",
            "must not be above `session_max_age`, which ends the session whatever its use",
        )?;
        check(self.rotation_grace.seconds() <= 300, "rotation_grace", "must be 0 to 300 seconds")?;
        let max = self.personal_token_max_expiration;
        check(
            max != Some(Lifetime::ZERO),
            "personal_token_max_expiration",
            "must be at least one second; leave it out for no bound",
        )?;
        // The default of 90 days is cut to a lower bound; a value of one's own above it is a mistake.
        let own = self.personal_token_expiration;
        let stands = own == Self::default().personal_token_expiration
            || max.is_none_or(|max| own > Lifetime::ZERO && own <= max);
        among(
            stands,
            &["personal_token_max_expiration"],
            "personal_token_expiration",
            "must be above 0 and not above `personal_token_max_expiration`",
        )
    }

    fn check_tokens(&self) -> Result<(), ConfigError> {
        let header = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        check(
            !self.token_header.is_empty() && self.token_header.bytes().all(header),
            "token_header",
            "must be the name of an HTTP header",
        )?;
        let taken = [
            "cookie",
            "host",
            "content-type",
            "content-length",
            "content-encoding",
            "transfer-encoding",
            "connection",
            "upgrade",
            "accept",
            "origin",
            "user-agent",
        ];
        let taken = taken.iter().any(|name| self.token_header.eq_ignore_ascii_case(name));
        check(
            !taken,
            "token_header",
            "has a meaning of its own in HTTP; take `Authorization` or one of your own",
        )?;
        let word = |byte: u8| byte.is_ascii_graphic();
        check(
            self.prefix.bytes().all(word),
            "prefix",
            "must be one word of printable ASCII, or empty",
        )?;
        if let Err(error) = Abilities::parse(&self.token_abilities) {
            return check(false, "token_abilities", &error.to_string());
        }
        let kind = self.tokenable_type.as_str();
        let good = (1..=255).contains(&kind.len()) && !kind.chars().any(char::is_control);
        check(good, "tokenable_type", "must have 1 to 255 characters")
    }

    fn check_amounts(&self) -> Result<(), ConfigError> {
        check(
            (1..=1024).contains(&self.password.min_length),
            "password.min_length",
            "must be 1 to 1024",
        )?;
        let threads = self.hashing.threads.is_none_or(|threads| (1..=256).contains(&threads));
        check(threads, "hashing.threads", "must be 1 to 256; leave it out for one a core")?;
        check((1..=100_000).contains(&self.hashing.queue), "hashing.queue", "must be 1 to 100000")?;
        check(self.sessions_per_user > 0, "sessions_per_user", "must be at least 1")?;
        check(self.tokens_per_user > 0, "tokens_per_user", "must be at least 1")?;
        let absurd = self.cache.max_bytes > 1 << 40;
        check(!absurd, "cache.max_bytes", "must be at most 1 TiB; 0 switches the cache off")
    }

    fn check_limits(&self) -> Result<(), ConfigError> {
        let RateLimiting { max_attempts, decay_minutes, store, .. } = &self.rate_limiting;
        check(*max_attempts > 0, "rate_limiting.max_attempts", "must be at least 1")?;
        let year = (1..=525_600).contains(decay_minutes);
        check(year, "rate_limiting.decay_minutes", "must be 1 to 525600")?;
        let scheme = store.split_once("://").map(|(scheme, _)| scheme);
        let known = store == "memory" || scheme.is_some_and(|scheme| REDIS.contains(&scheme));
        let problem = "must be `memory` or the URL of a Redis: `redis://`, `rediss://` with TLS, \
            `redis+cluster://` or `rediss+cluster://`";
        check(known, "rate_limiting.store", problem)?;
        self.rate_limiting.rates().map(|_| ())
    }

    fn check_server(&self) -> Result<(), ConfigError> {
        check(
            is_path(&self.server.base_path),
            "server.base_path",
            "must be a path such as `/api/auth`, without a slash at its end",
        )?;
        let probes = ["/healthz", "/readyz"].contains(&self.server.base_path.as_str());
        check(!probes, "server.base_path", "must not be the path of a probe")?;
        let same = self.server.listen.port() != 0
            && self.server.metrics_listen == Some(self.server.listen);
        among(
            !same,
            &["server.listen"],
            "server.metrics_listen",
            "must be another address than `server.listen`",
        )?;
        self.check_pages()
    }

    /// Pages have a place of their own.
    fn check_pages(&self) -> Result<(), ConfigError> {
        let (pages, key) = (&self.pages.path, "pages.path");
        let problem = "must be a path such as `/account`, without a slash at its end";
        check(is_path(pages), key, problem)?;
        let base = &self.server.base_path;
        let within = |path: &str, other: &str| {
            path.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let apart = !self.pages.enabled || !within(pages, base) && !within(base, pages);
        among(
            apart,
            &["server.base_path"],
            key,
            "must be neither above nor below `server.base_path`",
        )?;
        let taken = ["/healthz", "/readyz", "/login", "/logout", "/register"];
        let sanctum = ["/sanctum/csrf-cookie", "/api/user"];
        let taken = [&taken[..], &sanctum].concat();
        check(!taken.contains(&pages.as_str()), key, "must not be the path of an endpoint")
    }
}

/// Whether a text is a path from the root, of plain letters, that no proxy writes anew.
#[must_use]
fn is_path(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.len() > 1
        && path.starts_with('/')
        && !path.ends_with('/')
        && !path.contains("//")
        && path.bytes().all(plain)
        && !path.split('/').any(|part| part == "." || part == "..")
}

/// Whether a name can stand for a table or column: it is quoted as well, but never escaped.
#[must_use]
fn is_identifier(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let [first, rest @ ..] = name.as_bytes() else { return false };
    !name.to_lowercase().starts_with("sqlite_")
        && letter(*first)
        && rest.len() <= 62
        && rest.iter().all(|b| letter(*b) || b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn problem(toml: &str) -> Option<&'static str> {
        let config: Config = toml::from_str(toml).unwrap();
        config.validate().err().map(|error| error.key)
    }

    #[test]
    fn the_default_is_valid() {
        assert_eq!(Config::default().validate(), Ok(()));
        let written = toml::to_string(&Config::default()).unwrap();
        assert_eq!(problem(&written), None);
    }

    #[test]
    fn both_spellings_are_one_key() {
        let snake: Config =
            toml::from_str("token_expiration = \"15m\"\nserver.base_path = \"/auth\"").unwrap();
        let camel: Config =
            toml::from_str("tokenExpiration = 900\nserver.basePath = \"/auth\"").unwrap();
        assert_eq!(snake, camel);
        assert!(toml::from_str::<Config>("token_expiration = 1\ntokenExpiration = 1").is_err());
        assert!(toml::from_str::<Config>("token_expirations = 1").is_err());
        assert!(toml::from_str::<Config>("token_expiration = -1").is_err());
    }

    #[test]
    fn a_protection_may_be_switched_off() {
        for toml in ["csrf_protection = false", "device_binding = 'off'", "pages.enabled = false"] {
            assert_eq!(problem(toml), None, "{toml}");
        }
    }

    #[test]
    fn limits_are_free_and_any_address_may_be_listened_on() {
        for toml in [
            "rate_limiting.max_attempts = 50\nrate_limiting.decay_minutes = 10",
            "rate_limiting.limits = { tokens = '1/1s', loginAddress = '1000/1d' }",
            "rate_limiting.store = 'redis://:secret@127.0.0.1:6379/0'",
            "rate_limiting.store = 'rediss+cluster://a,b,c'",
            "server.listen = '0.0.0.0:80'",
            "server.listen = '[::]:80'\nrate_limiting.enabled = false",
        ] {
            assert_eq!(problem(toml), None, "{toml}");
        }
    }

    #[test]
    fn contradictions_are_named() {
        for (toml, key) in [
            ("auth_table = 'a b'", "auth_table"),
            ("auth_table = 'Auth_Events'", "session_table"),
            ("token_field = 'abilities'", "token_field"),
            ("user_columns = ['password']", "user_columns"),
            ("user_columns = ['plan', 'PLAN']", "user_columns"),
            ("user_columns = ['email']", "user_columns"),
            ("connector.url = 'sqlite://x'\nconnector.options.path = 'y'", "connector.url"),
            ("connector.url = 'postgres://x'", "connector.url"),
            ("connector.name = 'mysql'\nconnector.url = 'postgres://x/y'", "connector.url"),
            ("refresh_token_expiration = 60", "refresh_token_expiration"),
            ("session_max_age = '1d'", "refresh_token_expiration"),
            ("token_expiration = 0", "token_expiration"),
            ("rotation_grace = 301", "rotation_grace"),
            ("personal_token_max_expiration = 0", "personal_token_max_expiration"),
            (
                "personal_token_max_expiration = '1d'\npersonal_token_expiration = '2d'",
                "personal_token_expiration",
            ),
            ("token_header = 'X Token'", "token_header"),
            ("token_header = 'Cookie'", "token_header"),
            ("prefix = 'two words'", "prefix"),
            ("token_abilities = ['**']", "token_abilities"),
            ("tokenable_type = ''", "tokenable_type"),
            ("password.min_length = 0", "password.min_length"),
            ("hashing.threads = 0", "hashing.threads"),
            ("hashing.queue = 0", "hashing.queue"),
            ("tokens_per_user = 0", "tokens_per_user"),
            ("no_auth_routes = ['/public']", "no_auth_routes"),
            ("server.base_path = '/api/'", "server.base_path"),
            ("server.base_path = '/{x}'", "server.base_path"),
            ("server.public_url = 'app.example.com'", "server.public_url"),
            ("connector.name = 'mysql'", "connector.options.database"),
            ("rate_limiting.max_attempts = 0", "rate_limiting.max_attempts"),
            ("rate_limiting.decay_minutes = 0", "rate_limiting.decay_minutes"),
            ("rate_limiting.decay_minutes = 525601", "rate_limiting.decay_minutes"),
            ("rate_limiting.store = 'redis:127.0.0.1'", "rate_limiting.store"),
            ("rate_limiting.store = 'http://127.0.0.1'", "rate_limiting.store"),
            ("rate_limiting.store = 'disk'", "rate_limiting.store"),
            ("rate_limiting.limits.tokens = '0/1m'", "rate_limiting.limits.tokens"),
            ("rate_limiting.limits.login_address = '30'", "rate_limiting.limits.login_address"),
            ("rate_limiting.limits.login_account = '20/h'", "rate_limiting.limits.login_account"),
            ("rate_limiting.limits.register = ''", "rate_limiting.limits.register"),
            ("rate_limiting.limits.refresh = '-1/1m'", "rate_limiting.limits.refresh"),
            (
                "rate_limiting.enabled = false\nrate_limiting.limits.password = '5/0m'",
                "rate_limiting.limits.password",
            ),
            ("token_field = 'Email'", "token_field"),
            ("token_field = 'password'", "token_field"),
            ("user_columns = ['two_factor_secret']", "user_columns"),
            ("user_columns = ['rowid']", "user_columns"),
            ("connector.url = 'sqlite::memory:'", "connector.url"),
            ("connector.url = 'sqlite://a?mode=rwc'", "connector.url"),
            ("connector.url = 'sqlite://'", "connector.url"),
            ("token_header = 'Connection'", "token_header"),
            ("session_idle = '91d'", "session_idle"),
            ("allowed_origins = ['https://a.example/']", "allowed_origins"),
            ("cookie_domain = 'example.com'", "cookie_domain"),
            ("server.trusted_proxies = ['proxy']", "server.trusted_proxies"),
            ("pages.path = '/'", "pages.path"),
            ("pages.path = 'account'", "pages.path"),
            ("pages.path = '/a/../b'", "pages.path"),
            ("pages.path = '/{x}'", "pages.path"),
            ("pages.path = '/api/auth/account'", "pages.path"),
            ("pages.path = '/api'", "pages.path"),
            ("pages.path = '/readyz'", "pages.path"),
            ("server.base_path = '/healthz'", "server.base_path"),
            ("server.metrics_listen = '127.0.0.1:8000'", "server.metrics_listen"),
            ("pages.path = '/sanctum/csrf-cookie'", "pages.path"),
            ("pages.path = '/api/user'\nserver.base_path = '/auth'", "pages.path"),
        ] {
            assert_eq!(problem(toml), Some(key), "{toml}");
        }
    }

    proptest! {
        #[test]
        fn no_value_of_any_option_panics(
            at in 0..crate::config::OPTIONS.len(),
            value in "(-?[0-9]{1,20}|true|false|'[^'\n]{0,80}'|\\['[^'\n]{0,70}'\\])",
        ) {
            let key = crate::config::OPTIONS[at].key;
            if let Ok(config) = toml::from_str::<Config>(&format!("{key} = {value}")) {
                let _ = config.validate();
            }
        }
    }
}
