//! The codes of findings: stable, since programs tell findings apart by them.

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something does not work, or is open to others.
    Error,
    /// It works, and is weaker or other than it was probably meant to be.
    Warning,
    /// Something to know.
    Note,
}

impl Level {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// A kind of finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Code {
    /// Its name.
    pub name: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What it says.
    pub meaning: &'static str,
    /// What to do.
    pub advice: &'static str,
}

macro_rules! codes {
    ($($id:ident: $name:literal, $level:ident, $meaning:literal, $advice:literal;)*) => {
        $(pub(super) const $id: Code = Code {
            name: $name,
            level: Level::$level,
            meaning: $meaning,
            advice: $advice,
        };)*

        /// Every code, for the reference.
        pub const CODES: &[Code] = &[$($id),*];
    };
}

codes! {
    CONFIGURATION_INVALID: "configuration_invalid", Error,
        "the configuration cannot stand; nothing else was looked at",
        "mend the key that is named; `adyton config check` looks again";
    COOKIE_REFUSED: "cookie_refused", Error,
        "a cookie that a browser would refuse, and why",
        "make `server.public_url` the https URL that people see, and `cookie_domain` a parent of its host, or none";
    PUBLIC_URL_MISSING: "public_url_missing", Warning,
        "others can reach the server, and it does not know by which URL: cookies are ignored",
        "set `server.public_url` to the URL that people see";
    PUBLIC_URL_PLAIN: "public_url_plain", Error,
        "passwords and cookies travel unencrypted",
        "put a proxy with TLS in front, and make `server.public_url` an https URL";
    PUBLIC_URL_UNREACHABLE: "public_url_unreachable", Error,
        "nobody answers at the public URL",
        "see whether the name leads to the proxy, the proxy runs, and a firewall lets it through";
    PUBLIC_URL_REDIRECTS: "public_url_redirects", Warning,
        "the public URL leads elsewhere",
        "make `server.public_url` the URL that it leads to";
    PUBLIC_URL_FOREIGN: "public_url_foreign", Error,
        "what answers at the public URL is not this server",
        "have the proxy pass `server.base_path` and `/healthz` on unchanged";
    TLS_NOT_CHECKED: "tls_not_checked", Note,
        "the public URL takes connections; what it answers over TLS was not looked at",
        "open it in a browser: certificate, redirects and answers are not looked at here";
    SERVER_NOT_RUNNING: "server_not_running", Note,
        "nobody listens at `server.listen`",
        "start it with `adyton serve`, then look again";
    SERVER_NOT_READY: "server_not_ready", Error,
        "the server runs and cannot do its work",
        "`/readyz` says what is missing, and the log why";
    SERVER_DEGRADED: "server_degraded", Warning,
        "the server runs without the Redis that nodes share: limits are this node's own, the cache may be off",
        "see whether the Redis of `rate_limiting.store` runs and takes writes; the log has the cause";
    PROXY_UNTRUSTED: "proxy_untrusted", Warning,
        "there seems to be a proxy, and none is trusted: all clients look like one, and share its limits",
        "name the proxy's address in `server.trusted_proxies`";
    PROXY_UNRECOGNISED: "proxy_unrecognised", Warning,
        "a request through the public URL did not come from a trusted proxy, or the proxy replaced `X-Request-Id`",
        "compare the address that the proxy connects from with `server.trusted_proxies`";
    PROXIES_ANYBODY: "proxies_anybody", Error,
        "whoever connects may claim any address: limits by address are worth nothing",
        "name the addresses of the proxies alone in `server.trusted_proxies`";
    CSRF_OFF: "csrf_off", Warning,
        "other sites can make a signed-in browser send requests",
        "leave `csrf_protection` on, or set `session_guard = \"token\"`";
    RATE_LIMITS_OFF: "rate_limits_off", Warning,
        "passwords can be guessed as fast as they can be hashed",
        "leave `rate_limiting.enabled` on";
    METRICS_PUBLIC: "metrics_public", Warning,
        "metrics are served on an address that may be public",
        "bind `server.metrics_listen` to a loopback or private address";
    CONFIGURATION_READABLE: "configuration_readable", Error,
        "other users of this machine can read the configuration, and it holds a password",
        "chmod 600 the file";
    DATABASE_READABLE: "database_readable", Error,
        "other users of this machine can read or write the database",
        "chmod 600 the file";
    FOLDER_OPEN: "folder_open", Warning,
        "other users of this machine can look into the database's folder",
        "give the database a folder of its own, with chmod 700";
    FOLDER_NOT_WRITABLE: "folder_not_writable", Error,
        "nothing can be written beside the database: the disk is full, or the folder is not ours",
        "make room on the disk, or give the folder to the user that the server runs as";
    DATABASE_MISSING: "database_missing", Note,
        "there is no database yet",
        "`adyton serve` or `adyton migrate` makes it";
    DATABASE_UNREACHABLE: "database_unreachable", Error,
        "the database cannot be read",
        "mend what it says; of a file see whether it is one, and who may read it";
    DATABASE_SHARED: "database_shared", Error,
        "another Adyton, which calls its tables otherwise, uses this database",
        "give each a database of its own by `connector.url`, or have the unused table forgotten as the finding says";
    SCHEMA_NEWER: "schema_newer", Error,
        "a newer version has migrated the database, and this one does not start on it",
        "see `adyton --version` where it was migrated, and install that version or a later one here";
    SCHEMA_OUTDATED: "schema_outdated", Warning,
        "tables are missing or older than this version",
        "run `adyton migrate`; `adyton serve` does so by itself on SQLite";
    TRIGGERS_MISSING: "triggers_missing", Note,
        "verified tokens are not kept in memory: nobody would tell this server of changes by others",
        "run `adyton migrate --with-triggers`";
    CLOCK_BEHIND: "clock_behind", Error,
        "the system's clock is behind what the database has seen: credentials live too long",
        "set the clock, and keep it by NTP";
    CLOCK_SKEWED: "clock_skewed", Warning,
        "the clock here and that behind the public URL differ by more than a minute",
        "keep both by NTP";
}
