//! From options to a running engine. The only place here that names a store.

use crate::Adyton;
use crate::hooks::{self, Hook};
use adyton_core::auth::Shared;
use adyton_core::clock::{Clock, SystemClock};
use adyton_core::config::{CacheMode, ConfigError};
use adyton_core::event::Event;
use adyton_core::store::{Store, UserStore, WithUsers};
#[cfg(feature = "redis")]
use adyton_core::throttle::Fallback;
use adyton_core::throttle::ThrottleStore;
use adyton_core::{Auth, Config, Error};
use std::fmt;
use std::sync::Arc;

/// Builds an [`Adyton`].
///
/// ```
/// use adyton::{Adyton, Config, core::{config::Lifetime, store::MemoryStore}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), adyton::BuildError> {
/// let mut config = Config::default();
/// config.token_expiration = Lifetime::from_seconds(900);
/// let auth = Adyton::builder().config(config).store(MemoryStore::new()).build().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
#[must_use]
pub struct Builder {
    config: Config,
    store: Option<Arc<dyn Store>>,
    users: Option<Arc<dyn UserStore>>,
    clock: Option<Arc<dyn Clock>>,
    throttle: Option<Arc<dyn ThrottleStore>>,
    hooks: Vec<Hook>,
    migrates: bool,
}

impl Builder {
    /// Where the database is: `sqlite://app.sqlite3`, which is created when missing,
    /// `postgres://user:password@host/database` or `mysql://user:password@host/database`.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.config.connector.url = Some(url.into());
        self.config.connector.name = None;
        self.config.connector.options = None;
        self
    }

    /// Every option at once. A later [`url`](Self::url) takes the place of its connector.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// A store of the app's own in place of the built-in one.
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Users of the app's own: they are found, made and changed there, and nowhere else.
    pub fn users(mut self, users: impl UserStore) -> Self {
        self.users = Some(Arc::new(users));
        self
    }

    /// A clock of the app's own, for tests.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// A place of the app's own where attempts are counted, in that of `rate_limiting.store`. One
    /// that fails is an outage, unless it stands in a
    /// [`Fallback`](adyton_core::throttle::Fallback).
    pub fn throttle(mut self, throttle: impl ThrottleStore) -> Self {
        self.throttle = Some(Arc::new(throttle));
        self
    }

    /// Calls this with each event, in order: with changes after their commit, with refusals one by
    /// one. May be said several times.
    ///
    /// A hook runs beside the sign-ins, on a thread that may block. One that panics is logged and
    /// called again for the next event. While it is more than 1,024 events behind, further ones are
    /// lost to it, and at the end of the process nobody waits for it: what must not be lost stands
    /// in the table `auth_events`.
    ///
    /// ```
    /// use adyton::{Adyton, EventKind, UserId};
    /// use tokio::sync::mpsc;
    ///
    /// # fn send_mail(to: &str, text: &str) {}
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), adyton::BuildError> {
    /// let (new_devices, mut mails) = mpsc::unbounded_channel::<UserId>();
    /// let auth = Adyton::builder()
    /// #   .store(adyton::core::store::MemoryStore::new())
    ///     .on_event(move |event| {
    ///         if event.event == EventKind::NewDevice && let Some(user) = event.user_id {
    ///             let _ = new_devices.send(user);
    ///         }
    ///     })
    ///     .build()
    ///     .await?;
    ///
    /// tokio::spawn(async move {
    ///     while let Some(id) = mails.recv().await {
    ///         if let Ok(user) = auth.find_user(id).await {
    ///             send_mail(&user.email, "You have signed in on a new device. Was it you?");
    ///         }
    ///     }
    /// });
    /// # Ok(()) }
    /// ```
    pub fn on_event(mut self, hook: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.hooks.push(Arc::new(hook));
        self
    }

    /// Brings the tables of a server up to date too, if they are not. Of several nodes that start at
    /// once one does it and the others wait; nodes of an older version may meet tables that they do not
    /// know.
    pub fn migrate(mut self) -> Self {
        self.migrates = true;
        self
    }

    /// Opens the database, connects to what nodes share, and starts the work in the background, on the
    /// tokio runtime that this is called in. The tables of a SQLite file are brought up to date;
    /// those of a server must be, by `adyton migrate`, unless [`migrate`](Self::migrate) was said.
    ///
    /// # Errors
    /// A configuration that cannot stand, or a database that cannot be opened or migrated. A Redis
    /// that does not answer is none: limits are this node's own until it does.
    pub async fn build(self) -> Result<Adyton, BuildError> {
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock::default()));
        let mut config = self.config;
        config.validate().map_err(Error::from)?;
        let store = match self.store {
            Some(store) => store,
            None => open(&mut config, &*clock, self.migrates).await?,
        };
        let store = match self.users {
            Some(users) => Arc::new(WithUsers::new(users, store)),
            None => store,
        };
        let mut shared = connect_shared(&config).await?;
        shared.throttle = self.throttle.or(shared.throttle);
        let auth = Auth::sharing(config, store, clock, shared)?;
        tokio::spawn(auth.maintain());
        if !self.hooks.is_empty() {
            tokio::spawn(hooks::run(auth.listen(), self.hooks));
        }
        Ok(Adyton::new(auth))
    }
}

/// Without what is the app's own, of which nothing is known.
impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Opens the built-in store. Beside tables that were there before, Sanctum's own tokens are accepted
/// unless an option says otherwise.
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
async fn open(
    config: &mut Config,
    clock: &dyn Clock,
    migrates: bool,
) -> Result<Arc<dyn Store>, BuildError> {
    let store = adyton_sql::SqlStore::open(config).await?;
    match store.prepare(clock.now()).await {
        Err(adyton_sql::SqlError::NotMigrated) if migrates => {
            store.migrate(clock.now()).await?;
        }
        prepared => prepared?,
    }
    if config.compat.sanctum_tokens.is_none() {
        config.compat.sanctum_tokens = Some(store.adopted_token_table().await?);
    }
    Ok(Arc::new(store))
}

#[cfg(not(any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
async fn open(_: &mut Config, _: &dyn Clock, _: bool) -> Result<Arc<dyn Store>, BuildError> {
    Err(BuildError::NoStore)
}

/// Connects to what several nodes have in common beside the database, for engines that are put
/// together by hand: see [`Auth::sharing`]. One that nothing is shared with gets nothing.
///
/// # Errors
/// Those of [`check_shared`]; a system without randomness.
pub async fn connect_shared(config: &Config) -> Result<Shared, BuildError> {
    check_shared(config).map_err(Error::from)?;
    let needed = config.rate_limiting.enabled || config.cache.enabled == CacheMode::Exclusive;
    match config.rate_limiting.redis_url() {
        Some(url) if needed => Ok(connect(url).await?),
        _ => Ok(Shared::default()),
    }
}

/// Whether what nodes share has an address that can be one, which [`Config::validate`] cannot tell;
/// nothing is connected to.
///
/// # Errors
/// `rate_limiting.store` is no URL of a Redis, or this was built without the feature `redis`.
pub fn check_shared(config: &Config) -> Result<(), ConfigError> {
    config.rate_limiting.redis_url().map_or(Ok(()), |url| check(url).map_err(no_redis))
}

fn no_redis(problem: String) -> ConfigError {
    ConfigError::new("rate_limiting.store", problem)
}

#[cfg(feature = "redis")]
fn check(url: &str) -> Result<(), String> {
    adyton_redis::Redis::check(url).map_err(|error| error.to_string())
}

#[cfg(feature = "redis")]
async fn connect(url: &str) -> Result<Shared, Error> {
    let redis = adyton_redis::Redis::connect(url).await;
    let redis = redis.map_err(|error| no_redis(error.to_string()))?;
    let mut shared = Shared::default();
    shared.throttle = Some(Arc::new(Fallback::new(redis.throttle())?));
    shared.channel = Some(Arc::new(redis.channel()));
    Ok(shared)
}

#[cfg(not(feature = "redis"))]
fn check(_: &str) -> Result<(), String> {
    Err("needs the feature `redis`, without which this was built".to_owned())
}

#[cfg(not(feature = "redis"))]
async fn connect(_: &str) -> Result<Shared, Error> {
    Ok(Shared::default())
}

/// Why an [`Adyton`] could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The configuration cannot stand, or the system lacks threads or randomness.
    #[error(transparent)]
    Engine(#[from] Error),
    /// The database cannot be opened or migrated.
    #[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
    #[error(transparent)]
    Sql(#[from] adyton_sql::SqlError),
    /// The crate was built without a store, and none was given.
    #[error(
        "built without a database: take one of the features `sqlite`, `postgres` and `mysql`, or give a store with `Builder::store`"
    )]
    NoStore,
}
