//! The engine: one use case a file, each a method of [`Auth`].
//!
//! A use case checks what it was given, asks the rules, and has the store write what they decided
//! in one transaction. It knows no HTTP, and it makes no policy: that is in the rules.

mod authenticate;
mod begin;
mod devices;
mod events;
mod flights;
mod import;
mod limits;
mod login;
mod logout;
mod maintain;
mod password;
mod prune;
mod recall;
mod refresh;
mod register;
mod sessions;
mod tokens;
mod turns;
mod users;

pub use crate::audit::Listener;
pub use authenticate::Principal;
pub use begin::{Secrets, SessionCookie, SignIn, Tokens};
pub use import::ImportedUser;
pub use login::{Credentials, SignInOptions};
pub use logout::Presentation;
pub use register::Registration;
pub use sessions::SessionInfo;
pub use tokens::{CreatedToken, NewPersonalToken, TokenInfo};
pub use users::ProfileChange;

use crate::ability::Abilities;
use crate::audit::Audit;
use crate::cache::TokenCache;
use crate::channel::Channel;
use crate::clock::{Clock, Timestamp};
use crate::config::{CacheMode, Config};
use crate::device::Client;
use crate::error::Error;
use crate::event::{Event, EventKind};
use crate::password::{Decoy, Hasher, PasswordPolicy};
use crate::store::{Store, StoreError, Timed, Touches};
use crate::throttle::ThrottleStore;
use crate::user::UserId;
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// What several nodes have in common beside the database.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Shared {
    /// Where attempts are counted; in the memory of each node if there is none.
    pub throttle: Option<Arc<dyn ThrottleStore>>,
    /// How nodes tell each other of changes where `cache.enabled` is `"exclusive"`; otherwise the
    /// database does. Without it there must be one node.
    pub channel: Option<Arc<dyn Channel>>,
}

/// Which there are.
impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Shared");
        shown.field("throttle", &self.throttle.is_some());
        shown.field("channel", &self.channel.is_some()).finish()
    }
}

/// The engine. Clones are one and the same; the last one dropped ends its threads. It runs on Tokio,
/// with its timer.
#[derive(Clone)]
pub struct Auth(Arc<Inner>);

struct Inner {
    config: Config,
    /// `token_abilities`, read.
    abilities: Abilities,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// The latest time told, as [`Auth::now`] keeps it.
    latest: AtomicI64,
    hasher: Hasher,
    policy: PasswordPolicy,
    decoy: RwLock<Decoy>,
    cache: TokenCache,
    touches: Mutex<Touches>,
    audit: Audit,
    throttle: limits::Throttle,
    turns: turns::Turns,
    flights: flights::Flights,
    channel: Option<Arc<dyn Channel>>,
    /// Whether it has anything in common with other nodes.
    shares: bool,
}

impl Auth {
    /// An engine over a store. It does nothing by itself until [`maintain`](Self::maintain) runs.
    ///
    /// # Errors
    /// A configuration that cannot stand; a system without threads or randomness.
    pub fn new(
        config: Config,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        Self::sharing(config, store, clock, Shared::default())
    }

    /// The same for one of several nodes.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    pub fn sharing(
        config: Config,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        shared: Shared,
    ) -> Result<Self, Error> {
        config.validate()?;
        let exclusive = config.cache.enabled == CacheMode::Exclusive;
        let channel = shared.channel.filter(|_| exclusive);
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let threads = config.hashing.threads.unwrap_or_else(cores);
        Ok(Self(Arc::new(Inner {
            // Validation has read them before.
            abilities: Abilities::parse(&config.token_abilities).unwrap_or(Abilities::none()),
            hasher: Hasher::start(threads, config.hashing.queue).map_err(Error::Threads)?,
            policy: PasswordPolicy::new(config.password.min_length),
            decoy: RwLock::new(Decoy::after(&[])?),
            cache: TokenCache::new(&config.cache, channel.is_some()),
            latest: AtomicI64::new(i64::MIN),
            touches: Mutex::default(),
            audit: Audit::default(),
            shares: shared.throttle.is_some() || channel.is_some(),
            channel,
            throttle: limits::Throttle::new(&config.rate_limiting, shared.throttle)?,
            turns: turns::Turns::new(threads, &config.hashing),
            flights: flights::Flights::default(),
            store: Arc::new(Timed(store)),
            clock,
            config,
        })))
    }

    /// The configuration that it works by.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// [`Error::Store`] when it does not.
    pub async fn ping(&self) -> Result<(), Error> {
        Ok(self.0.store.ping().await?)
    }

    /// Whether what this node has in common with others, beside the database, is within its reach;
    /// `None` if there is nothing of that kind. Out of reach, limits are this node's own, and the
    /// cache is off if it needs to hear of other nodes.
    #[must_use]
    pub fn reaches_shared(&self) -> Option<bool> {
        let heard = |inner: &Inner| inner.channel.as_ref().is_none_or(|it| it.is_reachable());
        self.0.shares.then(|| self.0.throttle.is_whole() && heard(&self.0))
    }

    /// Sets the metrics that are states rather than happenings: to be called before they are read.
    /// [`maintain`](Self::maintain) does so every ten seconds.
    pub fn observe(&self) {
        self.0.cache.observe();
        self.0.hasher.observe();
        let lost = self.reaches_shared() == Some(false);
        metrics::gauge!("adyton_shared_lost").set(if lost { 1.0 } else { 0.0 });
    }

    /// Whether as many passwords wait to be hashed as may: one more is told to come again.
    #[must_use]
    pub fn is_saturated(&self) -> bool {
        self.0.hasher.is_full()
    }

    /// The present: never before the latest one told, so that a clock that jumps back revives
    /// nothing. It goes on from there at half the pace until the clock has caught up: if it stood
    /// still, a limit that is used up would stay so for as long as the clock was set back.
    ///
    /// Kept is the greatest of 2 × clock − passed time, in milliseconds: half of that and of the
    /// time that has passed by now is the clock at that moment, and half of what has passed since.
    pub(crate) fn now(&self) -> Timestamp {
        let now = self.0.clock.now().unix();
        let passed = self.0.clock.monotonic().as_millis();
        let passed = i64::try_from(passed).unwrap_or(i64::MAX / 2);
        let mark = (now * 2_000).saturating_sub(passed);
        // Only what is later is written: all cores read this for each request.
        let latest = self.0.latest.load(Ordering::Relaxed);
        let mark = match mark > latest {
            true => self.0.latest.fetch_max(mark, Ordering::Relaxed).max(mark),
            false => latest,
        };
        Timestamp::from_unix(now.max(mark.saturating_add(passed) / 2_000))
    }

    /// Runs a change to its end even if the caller goes away meanwhile, and has every node forget
    /// what its cache holds of the user whose affairs it changes before anybody is told.
    async fn change<T, F>(
        &self,
        user: impl Into<Option<UserId>>,
        change: F,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let (inner, user) = (Arc::clone(&self.0), user.into());
        let task = tokio::spawn(async move {
            let outcome = change.await;
            // Also after an error: whether it was committed is then not known.
            if let Some(user) = user {
                inner.forget(user).await;
            }
            outcome
        });
        task.await.map_err(StoreError::new)?
    }

    /// Counts and logs a request that failed the CSRF check at the door.
    #[doc(hidden)] // for the doors of `adyton` alone
    pub fn csrf_refused(&self, reason: &'static str, client: &Client) {
        self.refused(Event::new(EventKind::MaliciousCsrf, self.now()).reason(reason), client);
    }

    /// Counts a refusal and tells of it.
    fn refused(&self, event: Event, client: &Client) {
        self.0.audit.refused(event.by(client));
    }

    /// Tells of a change whose event the store has written.
    fn changed(&self, event: &Event) {
        self.0.audit.changed(event);
    }

    fn decoy(&self) -> Decoy {
        self.0.decoy.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Inner {
    /// Has every node forget what it holds of a user.
    async fn forget(&self, user: UserId) {
        self.cache.forget(user);
        if let Some(channel) = &self.channel
            && let Err(error) = channel.announce(user).await
        {
            // The channel has told of its loss, and tries again.
            tracing::debug!(%error, user = user.0, "other nodes hear late of a change");
        }
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").finish_non_exhaustive()
    }
}
