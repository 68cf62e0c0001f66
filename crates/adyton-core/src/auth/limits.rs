//! Limits at work: an attempt is taken before it is made, and given back if it was none.

use super::Auth;
use crate::config::RateLimiting;
use crate::device::Client;
use crate::error::Error;
use crate::event::{Event, EventKind};
use crate::store::StoreError;
use crate::throttle::{Bucket, Exceeded, Limits, MemoryThrottle, Taken, Taking, ThrottleStore};
use crate::user::UserId;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The limits and where their buckets are.
pub(super) struct Throttle {
    /// None where they are switched off.
    limits: Option<Limits>,
    store: Arc<dyn ThrottleStore>,
    /// Whether the log has been told that nobody knows the clients' addresses.
    warned: AtomicBool,
}

impl Throttle {
    /// Without a store of the caller's, buckets are in memory.
    pub(super) fn new(
        config: &RateLimiting,
        store: Option<Arc<dyn ThrottleStore>>,
    ) -> Result<Self, Error> {
        let limits = Limits::read(config)?;
        let store = match store {
            Some(store) => store,
            None => Arc::new(MemoryThrottle::new()?),
        };
        Ok(Self { limits, store, warned: AtomicBool::new(false) })
    }

    /// Whether they are counted where they should be.
    pub(super) fn is_whole(&self) -> bool {
        self.limits.is_none() || self.store.is_whole()
    }
}

/// An attempt that was taken. Dropped, it counts, also when its caller goes away meanwhile: what
/// it was for may still be going on, and whoever leaves early gets no further try for it.
#[must_use = "an attempt that succeeds has to be cleared or given back"]
pub(super) struct Attempt<'a> {
    taken: Vec<Taken>,
    client: &'a Client,
}

impl Auth {
    /// Takes an attempt from the buckets that `wanted` names. Whose it is goes to the audit.
    pub(super) async fn attempt<'a>(
        &self,
        wanted: impl FnOnce(&Limits, Option<IpAddr>) -> Vec<Bucket>,
        user: Option<UserId>,
        client: &'a Client,
    ) -> Result<Attempt<'a>, Error> {
        let buckets = match &self.0.throttle.limits {
            Some(limits) => wanted(limits, self.address_of(client)),
            None => Vec::new(),
        };
        if buckets.is_empty() {
            return Ok(Attempt { taken: Vec::new(), client });
        }
        match self.0.throttle.store.take(&buckets, self.now()).await? {
            Taking::Full(bucket, until) => {
                let mut event = Event::new(EventKind::ExcessRateLimitExceeded, self.now());
                event.user_id = user;
                self.refused(event.reason(bucket.limit), client);
                Err(Error::TooManyAttempts(self.exceeded(&bucket, until)))
            }
            Taking::Taken(taken) => {
                client.quota.note(tightest(&taken));
                Ok(Attempt { taken, client })
            }
        }
    }

    /// An attempt that was not made, or that is none of those which the limit counts.
    pub(super) async fn give_back(&self, attempt: Attempt<'_>) {
        self.undo(attempt, &[]).await;
    }

    /// An attempt that succeeded where failures count: what a success clears is cleared, and other
    /// buckets get this one back.
    pub(super) async fn succeeded(&self, attempt: Attempt<'_>) {
        self.undo(attempt, &Limits::CLEARED).await;
    }

    async fn undo(&self, attempt: Attempt<'_>, cleared: &[&str]) {
        let Attempt { mut taken, client } = attempt;
        let mut outcome = Ok(());
        for one in &mut taken {
            let clear = cleared.contains(&one.bucket.limit);
            outcome = outcome.and(match clear {
                true => self.0.throttle.store.clear(&one.bucket).await,
                false => self.0.throttle.store.give_back(&[*one]).await,
            });
            one.left = if clear { one.bucket.most } else { one.left + 1 };
        }
        client.quota.note(tightest(&taken));
        report(outcome);
    }

    /// A failed sign-in: the one that used a bucket up is told to the audit.
    pub(super) fn note_lock(&self, attempt: &Attempt<'_>, user: Option<UserId>) {
        for full in attempt.taken.iter().filter(|one| one.left == 0) {
            let mut event = Event::new(EventKind::AuthnLoginLock, self.now());
            event.user_id = user;
            self.refused(event.reason(full.bucket.limit), attempt.client);
        }
    }

    /// Refuses an address that has presented too many tokens which nobody knows.
    pub(super) async fn check_token_misses(&self, address: Option<IpAddr>) -> Result<(), Error> {
        let Some(bucket) = self.token_misses(address) else { return Ok(()) };
        match self.0.throttle.store.full_until(&bucket, self.now()).await? {
            None => Ok(()),
            Some(until) => {
                let event = Event::new(EventKind::ExcessRateLimitExceeded, self.now());
                self.refused(event.reason(bucket.limit), &Client::at(address));
                Err(Error::TooManyAttempts(self.exceeded(&bucket, until)))
            }
        }
    }

    /// Counts one. It is counted after the look-up: a client that presents many good tokens at once
    /// must not be held up by itself, and guessing at tokens gains nothing by being parallel.
    pub(super) async fn count_token_miss(&self, address: Option<IpAddr>) {
        if let Some(bucket) = self.token_misses(address) {
            report(self.0.throttle.store.take(&[bucket], self.now()).await.map(|_| ()));
        }
    }

    fn token_misses(&self, address: Option<IpAddr>) -> Option<Bucket> {
        let limits = self.0.throttle.limits.as_ref()?;
        limits.token_misses(self.address_of(&Client::at(address)))
    }

    /// The client's address. Nobody is told twice that there is none.
    fn address_of(&self, client: &Client) -> Option<IpAddr> {
        if client.address.is_none() && !self.0.throttle.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "no address of a client is known: limits by address are off (serve with \
                 `into_make_service_with_connect_info`, or fill in `Client::address`)"
            );
        }
        client.address
    }

    fn exceeded(&self, bucket: &Bucket, resets_at: crate::clock::Timestamp) -> Exceeded {
        let retry_after = resets_at.seconds_after(self.now()).max(1);
        Exceeded { limit: bucket.most, retry_after, resets_at }
    }
}

/// Limit and rest of the bucket that has the least left.
fn tightest(taken: &[Taken]) -> Option<(u32, u32)> {
    let least = taken.iter().min_by_key(|one| (one.left, one.bucket.most))?;
    Some((least.bucket.most, least.left))
}

/// An attempt that could not be given back counts: the safe side.
fn report(outcome: Result<(), StoreError>) {
    if let Err(error) = outcome {
        tracing::warn!(%error, "a limit could not be brought up to date");
    }
}
