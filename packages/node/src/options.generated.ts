// Generated from crates/adyton-core/src/config/reference.rs:
// ADYTON_TEST_UPDATE=1 cargo test -p adyton-server --test it generated

/** A length of time: whole seconds, or a number with a unit (`"15m"`, `"12h"`, `"30d"`). */
export type Duration = number | string;

/** Every option; what is left out stands at its default. */
export interface AuthOptions {
  /** Table of users; may be an existing one. Default: `"users"`. */
  authTable?: string;
  /** Table of access tokens; may be an existing one. Default: `"personal_access_tokens"`. */
  tokenTable?: string;
  /** Column of `tokenTable` that holds the hash, and column of `authTable` that `migrate --import-plaintext-tokens` reads. Default: `"token"`. */
  tokenField?: string;
  /** Table of signed-in devices. Default: `"auth_sessions"`. */
  sessionTable?: string;
  /** Further columns of `authTable` that a `user` shows. Default: `[]`. */
  userColumns?: string[];
  /** Owner type written to `tokenTable`; `"App\\Models\\User"` beside Laravel. Default: `"user"`. */
  tokenableType?: string;
  /** Routes that need no credential at `/verify`, `"METHOD:/path/[param]"`; `*` as method; `[...rest]` at the end for all that follows. Default: `[]`. */
  noAuthRoutes?: string[];
  /** Header that carries the token. Default: `"Authorization"`. */
  tokenHeader?: string;
  /** Word before the token in that header, matched without case; empty for none. Default: `"Bearer"`. */
  prefix?: string;
  /** Life of the access token issued at sign-in (seconds, or "15m", "12h", "30d"). Default: `3600`. */
  tokenExpiration?: Duration;
  /** Life of the refresh token, counted from each rotation. Default: `2592000`. */
  refreshTokenExpiration?: Duration;
  /** Life of a personal access token when its creator names none; 0 for no end. Default: `7776000`. */
  personalTokenExpiration?: Duration;
  /** Upper bound on the life of a personal access token, counted from its `created_at`; as Sanctum's `expiration` it holds for tokens that Laravel makes, too. */
  personalTokenMaxExpiration?: Duration | null;
  /** Absolute limit of a session, whatever its use. Default: `7776000`. */
  sessionMaxAge?: Duration;
  /** Idle limit of a cookie session without `remember`; not above `sessionMaxAge`. Default: `7200`. */
  sessionIdle?: Duration;
  /** Replace the refresh token at every refresh. Default: `true`. */
  tokenRotation?: boolean;
  /** Seconds (0 to 300) in which a replaced refresh token still gets the same answer. Default: `30`. */
  rotationGrace?: Duration;
  /** Abilities of a token issued at sign-in; a sign-in may ask for fewer, never for more. Default: `["*"]`. */
  tokenAbilities?: string[];
  /** CSRF checks on requests authenticated by cookie; `false` is for tests, and warned of. Default: `true`. */
  csrfProtection?: boolean;
  /** `"token"`, `"session"` (cookie) or `"both"`. Default: `"both"`. */
  sessionGuard?: "token" | "session" | "both";
  /** Other front ends, as full origins (`https://app.example.com`); the own origin is always first-party. Default: `[]`. */
  allowedOrigins?: string[];
  /** Parent domain to share cookies with subdomains; needs `server.publicUrl`. */
  cookieDomain?: string | null;
  /** `"off"`, `"log"` or `"enforce"`: what a refresh from another device gets. Default: `"log"`. */
  deviceBinding?: "off" | "log" | "enforce";
  /** Live sessions per user; one more ends the longest idle. Default: `50`. */
  sessionsPerUser?: number;
  /** Personal access tokens per user; one more is refused with 409. Default: `100`. */
  tokensPerUser?: number;
  /** How long events are kept in `auth_events`; 0 for ever. Default: `7776000`. */
  eventRetention?: Duration;
  connector?: {
    /** `"sqlite"`, `"postgresql"` or `"mysql"` (MariaDB too); may be left out beside a URL. Default: `"sqlite"`. */
    name?: "sqlite" | "postgresql" | "mysql" | null;
    /** The same as one URL, instead of `connector.options`: `postgres://user:password@host/database?ssl_mode=verify-full`, `mysql://…`, `sqlite://path`. */
    url?: string | null;
    options?: {
      /** `path` of the database. */
      path?: string | null;
      /** `host` of the database. */
      host?: string | null;
      /** `port` of the database. */
      port?: number | null;
      /** `user` of the database. */
      user?: string | null;
      /** `password` of the database. */
      password?: string | null;
      /** `database` of the database. */
      database?: string | null;
      /** `ssl_mode` of the database. */
      sslMode?: "disable" | "prefer" | "require" | "verify-ca" | "verify-full" | null;
      /** `ssl_root_cert` of the database. */
      sslRootCert?: string | null;
      /** `max_connections` of the database. */
      maxConnections?: number | null;
      /** `connect_timeout` of the database. */
      connectTimeout?: Duration | null;
      /** `statement_timeout` of the database. */
      statementTimeout?: Duration | null;
    };
  };
  rateLimiting?: {
    /** Limits on attempts; hashing is bounded either way. Default: `true`. */
    enabled?: boolean;
    /** Failed sign-ins for one e-mail from one address. Default: `5`. */
    maxAttempts?: number;
    /** Length of that window in minutes, fixed from the first failure. Default: `1`. */
    decayMinutes?: number;
    /** `memory`, or the URL of a Redis or Valkey that all nodes share: `redis://user:password@host:6379/0`, `rediss://` with TLS, `redis+cluster://host:port,host:port`. Default: `"memory"`. */
    store?: string;
    limits?: {
      /** Failed sign-ins from one address, over all e-mails: `"count/period"`. Default: `"30/1m"`. */
      loginAddress?: string;
      /** Failed sign-ins for one e-mail, over all addresses; a known device has its own. Default: `"20/1h"`. */
      loginAccount?: string;
      /** Sign-ups from one address. Default: `"20/1h"`. */
      register?: string;
      /** Rotations of one session. Default: `"60/1m"`. */
      refresh?: string;
      /** Wrong passwords typed in one session: change of password or e-mail, deletion of the account. Default: `"5/15m"`. */
      password?: string;
      /** Personal tokens that a user makes. Default: `"20/1h"`. */
      tokens?: string;
    };
  };
  password?: {
    /** Fewest characters of a password. Default: `8`. */
    minLength?: number;
    /** Store argon2id in place of an older hash at sign-in; off beside Laravel. Default: `true`. */
    rehash?: boolean;
  };
  hashing?: {
    /** Threads that hash passwords, 19 MiB each while they work; one a core when absent. */
    threads?: number | null;
    /** Hashes that may wait; one more is told 503. Default: `64`. */
    queue?: number;
  };
  cache?: {
    /** Verified tokens in memory: `true` where the database tells of others' changes, `false`, or `"exclusive"` when nobody but Adyton writes to it: one node, or several with a Redis in `rateLimiting.store`. Default: `true`. */
    enabled?: boolean | "exclusive";
    /** Upper bound on its memory; 0 switches it off. Default: `67108864`. */
    maxBytes?: number;
  };
  server?: {
    /** Address of `adyton serve`. Default: `"127.0.0.1:8000"`. Only `adyton serve` uses it. */
    listen?: string;
    /** Where the endpoints live. Default: `"/api/auth"`. */
    basePath?: string;
    /** The URL that people see, scheme and host only; `https` turns `Secure` and `__Host-` cookies on. Without it cookies work on localhost alone. */
    publicUrl?: string | null;
    /** Addresses and networks (`10.0.0.0/8`) of proxies, whose `X-Forwarded-For` or `Forwarded` counts; the rightmost other address is the client. At `/verify` their `X-Forwarded-Method` and `X-Forwarded-Uri` count. Default: `[]`. */
    trustedProxies?: string[];
    /** Address of a listener of its own for Prometheus (GET /metrics); keep it from the public. Only `adyton serve` uses it. */
    metricsListen?: string | null;
    /** Longest wait for a request's head. Default: `10`. Only `adyton serve` uses it. */
    headerTimeout?: Duration;
    /** Longest wait for a request's body. Default: `10`. */
    bodyTimeout?: Duration;
    /** Longest silence of a connection between requests. Default: `75`. Only `adyton serve` uses it. */
    idleTimeout?: Duration;
  };
  pages?: {
    /** Account pages of the binary: sign in, devices, tokens, password. Default: `true`. Only `adyton serve` uses it. */
    enabled?: boolean;
    /** Where they are. Default: `"/account"`. Only `adyton serve` uses it. */
    path?: string;
  };
  compat?: {
    /** Accept tokens that Laravel Sanctum issued; on by itself where `tokenTable` was adopted. */
    sanctumTokens?: boolean | null;
    /** Accept tokens of any shape, as an import brings them. Default: `false`. */
    importedTokens?: boolean;
    /** Serve Sanctum's own routes too, answer a failed CSRF check with 419, and set `XSRF-TOKEN` on every answer to a page. Default: `false`. */
    sanctum?: boolean;
  };
}

/** Every key that holds a value, with dots. */
export const optionKeys = [
  "authTable",
  "tokenTable",
  "tokenField",
  "sessionTable",
  "userColumns",
  "tokenableType",
  "noAuthRoutes",
  "tokenHeader",
  "prefix",
  "tokenExpiration",
  "refreshTokenExpiration",
  "personalTokenExpiration",
  "personalTokenMaxExpiration",
  "sessionMaxAge",
  "sessionIdle",
  "tokenRotation",
  "rotationGrace",
  "tokenAbilities",
  "csrfProtection",
  "sessionGuard",
  "allowedOrigins",
  "cookieDomain",
  "deviceBinding",
  "sessionsPerUser",
  "tokensPerUser",
  "eventRetention",
  "connector.name",
  "connector.options.path",
  "connector.options.host",
  "connector.options.port",
  "connector.options.user",
  "connector.options.password",
  "connector.options.database",
  "connector.options.sslMode",
  "connector.options.sslRootCert",
  "connector.options.maxConnections",
  "connector.options.connectTimeout",
  "connector.options.statementTimeout",
  "connector.url",
  "rateLimiting.enabled",
  "rateLimiting.maxAttempts",
  "rateLimiting.decayMinutes",
  "rateLimiting.store",
  "rateLimiting.limits.loginAddress",
  "rateLimiting.limits.loginAccount",
  "rateLimiting.limits.register",
  "rateLimiting.limits.refresh",
  "rateLimiting.limits.password",
  "rateLimiting.limits.tokens",
  "password.minLength",
  "password.rehash",
  "hashing.threads",
  "hashing.queue",
  "cache.enabled",
  "cache.maxBytes",
  "server.listen",
  "server.basePath",
  "server.publicUrl",
  "server.trustedProxies",
  "server.metricsListen",
  "server.headerTimeout",
  "server.bodyTimeout",
  "server.idleTimeout",
  "pages.enabled",
  "pages.path",
  "compat.sanctumTokens",
  "compat.importedTokens",
  "compat.sanctum",
] as const;
