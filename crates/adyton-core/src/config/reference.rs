//! What each option means, in words: the source of `adyton config init` and of the reference.

/// One option for the reference.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct OptionDoc {
    /// The key, with dots.
    pub key: &'static str,
    /// What stands there by default, as TOML; empty for none.
    pub default: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

const fn option(key: &'static str, default: &'static str, meaning: &'static str) -> OptionDoc {
    OptionDoc { key, default, meaning }
}

/// Every option. A test holds this list and [`Config`](super::Config) together.
#[rustfmt::skip]
pub const OPTIONS: &[OptionDoc] = &[
    option("auth_table", r#""users""#, "table of users; may be an existing one"),
    option("token_table", r#""personal_access_tokens""#, "table of access tokens; may be an existing one"),
    option("token_field", r#""token""#, "column of `token_table` that holds the hash, and column of `auth_table` that `migrate --import-plaintext-tokens` reads"),
    option("session_table", r#""auth_sessions""#, "table of signed-in devices"),
    option("user_columns", "[]", "further columns of `auth_table` that a `user` shows"),
    option("tokenable_type", r#""user""#, r#"owner type written to `token_table`; `"App\\Models\\User"` beside Laravel"#),
    option("no_auth_routes", "[]", r#"routes that need no credential at `/verify`, `"METHOD:/path/[param]"`; `*` as method; `[...rest]` at the end for all that follows"#),
    option("token_header", r#""Authorization""#, "header that carries the token"),
    option("prefix", r#""Bearer""#, "word before the token in that header, matched without case; empty for none"),
    option("token_expiration", "3600", "life of the access token issued at sign-in (seconds, or \"15m\", \"12h\", \"30d\")"),
    option("refresh_token_expiration", "2592000", "life of the refresh token, counted from each rotation"),
    option("personal_token_expiration", "7776000", "life of a personal access token when its creator names none; 0 for no end"),
    option("personal_token_max_expiration", "", "upper bound on the life of a personal access token, counted from its `created_at`; as Sanctum's `expiration` it holds for tokens that Laravel makes, too"),
    option("session_max_age", "7776000", "absolute limit of a session, whatever its use"),
    option("session_idle", "7200", "idle limit of a cookie session without `remember`; not above `session_max_age`"),
    option("token_rotation", "true", "replace the refresh token at every refresh"),
    option("rotation_grace", "30", "seconds (0 to 300) in which a replaced refresh token still gets the same answer"),
    option("token_abilities", r#"["*"]"#, "abilities of a token issued at sign-in; a sign-in may ask for fewer, never for more"),
    option("csrf_protection", "true", "CSRF checks on requests authenticated by cookie; `false` is for tests, and warned of"),
    option("session_guard", r#""both""#, r#"`"token"`, `"session"` (cookie) or `"both"`"#),
    option("allowed_origins", "[]", "other front ends, as full origins (`https://app.example.com`); the own origin is always first-party"),
    option("cookie_domain", "", "parent domain to share cookies with subdomains; needs `server.public_url`"),
    option("device_binding", r#""log""#, r#"`"off"`, `"log"` or `"enforce"`: what a refresh from another device gets"#),
    option("sessions_per_user", "50", "live sessions per user; one more ends the longest idle"),
    option("tokens_per_user", "100", "personal access tokens per user; one more is refused with 409"),
    option("event_retention", "7776000", "how long events are kept in `auth_events`; 0 for ever"),
    option("connector.name", r#""sqlite""#, r#"`"sqlite"`, `"postgresql"` or `"mysql"` (MariaDB too); may be left out beside a URL"#),
    option("connector.options", r#"{ path = "./data/adyton.sqlite3" }"#, "where the database is: `path` for SQLite; else `host` (a path is a socket), `port`, `user`, `password`, `database`, `ssl_mode` (`disable`, `prefer`, `require`, `verify-ca`, `verify-full`), `ssl_root_cert`, `max_connections` (10), `connect_timeout` (5), `statement_timeout` (10)"),
    option("connector.url", "", "the same as one URL, instead of `connector.options`: `postgres://user:password@host/database?ssl_mode=verify-full`, `mysql://…`, `sqlite://path`"),
    option("rate_limiting.enabled", "true", "limits on attempts; hashing is bounded either way"),
    option("rate_limiting.max_attempts", "5", "failed sign-ins for one e-mail from one address"),
    option("rate_limiting.decay_minutes", "1", "length of that window in minutes, fixed from the first failure"),
    option("rate_limiting.store", r#""memory""#, "`memory`, or the URL of a Redis or Valkey that all nodes share: `redis://user:password@host:6379/0`, `rediss://` with TLS, `redis+cluster://host:port,host:port`"),
    option("rate_limiting.limits.login_address", r#""30/1m""#, "failed sign-ins from one address, over all e-mails: `\"count/period\"`"),
    option("rate_limiting.limits.login_account", r#""20/1h""#, "failed sign-ins for one e-mail, over all addresses; a known device has its own"),
    option("rate_limiting.limits.register", r#""20/1h""#, "sign-ups from one address"),
    option("rate_limiting.limits.refresh", r#""60/1m""#, "rotations of one session"),
    option("rate_limiting.limits.password", r#""5/15m""#, "wrong passwords typed in one session: change of password or e-mail, deletion of the account"),
    option("rate_limiting.limits.tokens", r#""20/1h""#, "personal tokens that a user makes"),
    option("password.min_length", "8", "fewest characters of a password"),
    option("password.rehash", "true", "store argon2id in place of an older hash at sign-in; off beside Laravel"),
    option("hashing.threads", "", "threads that hash passwords, 19 MiB each while they work; one a core when absent"),
    option("hashing.queue", "64", "hashes that may wait; one more is told 503"),
    option("cache.enabled", "true", r#"verified tokens in memory: `true` where the database tells of others' changes, `false`, or `"exclusive"` when nobody but Adyton writes to it: one node, or several with a Redis in `rate_limiting.store`"#),
    option("cache.max_bytes", "67108864", "upper bound on its memory; 0 switches it off"),
    option("server.listen", r#""127.0.0.1:8000""#, "address of `adyton serve`"),
    option("server.base_path", r#""/api/auth""#, "where the endpoints live"),
    option("server.public_url", "", "the URL that people see, scheme and host only; `https` turns `Secure` and `__Host-` cookies on. Without it cookies work on localhost alone"),
    option("server.trusted_proxies", "[]", "addresses and networks (`10.0.0.0/8`) of proxies, whose `X-Forwarded-For` or `Forwarded` counts; the rightmost other address is the client. At `/verify` their `X-Forwarded-Method` and `X-Forwarded-Uri` count"),
    option("server.metrics_listen", "", "address of a listener of its own for Prometheus (GET /metrics); keep it from the public"),
    option("server.header_timeout", "10", "longest wait for a request's head"),
    option("server.body_timeout", "10", "longest wait for a request's body"),
    option("server.idle_timeout", "75", "longest silence of a connection between requests"),
    option("pages.enabled", "true", "account pages of the binary: sign in, devices, tokens, password"),
    option("pages.path", r#""/account""#, "where they are"),
    option("compat.sanctum_tokens", "", "accept tokens that Laravel Sanctum issued; on by itself where `token_table` was adopted"),
    option("compat.imported_tokens", "false", "accept tokens of any shape, as an import brings them"),
    option("compat.sanctum", "false", "serve Sanctum's own routes too, answer a failed CSRF check with 419, and set `XSRF-TOKEN` on every answer to a page"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    /// Every key of a table with its value, tables with the words `options` and lists whole.
    fn leaves(prefix: &str, table: &toml::Table) -> Vec<(String, toml::Value)> {
        let leaf = |(key, value): (&String, &toml::Value)| {
            let key = format!("{prefix}{key}");
            match value {
                toml::Value::Table(table) if key != "connector.options" => {
                    leaves(&format!("{key}."), table)
                }
                value => vec![(key, value.clone())],
            }
        };
        table.iter().flat_map(leaf).collect()
    }

    #[test]
    fn the_list_has_every_option_with_its_default() {
        let file: String = OPTIONS
            .iter()
            .filter(|o| !o.default.is_empty())
            .map(|o| format!("{} = {}\n", o.key, o.default))
            .collect();
        let mut documented: Config = toml::from_str(&file).unwrap();
        assert_eq!(documented.connector.sqlite_path(), Config::default().connector.sqlite_path());
        assert_eq!(documented.connector.driver(), Config::default().connector.driver());
        (documented.connector.options, documented.connector.name) = (None, None);
        assert_eq!(documented, Config::default());
        for (key, _) in leaves("", &toml::Table::try_from(Config::default()).unwrap()) {
            assert!(OPTIONS.iter().any(|option| option.key == key), "{key} is not documented");
        }
        for option in OPTIONS.iter().filter(|option| option.default.is_empty()) {
            let unknown = toml::from_str::<Config>(&format!("{} = []", option.key)).unwrap_err();
            assert!(!unknown.to_string().contains("unknown field"), "{}", option.key);
        }
    }
}
