//! What goes on in the background: uses are written down, salts erased, refusals counted, the decoy
//! kept like the hashes that are stored, and beside all this old rows are pruned.

use super::{Auth, Inner};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::password::Decoy;
use crate::store::{StoreError, Touches};
use std::error::Error as _;
use std::sync::{Arc, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// Salts are erased at most so long after their grace.
const TICK: Duration = Duration::from_secs(1);
/// Ticks between two flushes.
const FLUSH: u64 = 10;
/// Ticks between two looks at the stored hashes.
const HOUR: u64 = 3_600;
/// From the end of a pruning to the next.
const PRUNED_EVERY: Duration = Duration::from_secs(3_600);
/// What expired longer ago than this many hours is pruned.
const PRUNED_AFTER: u64 = 24;
/// Stored hashes that are looked at for the decoy.
const SAMPLE: u32 = 100;

impl Auth {
    /// Works until every handle is gone. A step that fails is logged and comes again.
    pub fn maintain(&self) -> impl Future<Output = ()> + Send + 'static {
        let (ticks, pruning) = (tick(Arc::downgrade(&self.0)), prune(Arc::downgrade(&self.0)));
        async move {
            tokio::select! {
                () = ticks => (),
                () = pruning => (),
            }
        }
    }

    /// Writes down everything that is only in memory: to be called before the end.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn flush(&self) -> Result<(), Error> {
        // One that fails does not keep the other from being written.
        let (refusals, uses) = (self.write_refusals(None).await, self.flush_touches().await);
        Ok(refusals.and(uses)?)
    }

    /// Looks at the stored hashes, so that an unknown e-mail costs what most others cost.
    ///
    /// # Errors
    /// [`Error::Store`]; the decoy then stays as it was.
    pub async fn sample_passwords(&self) -> Result<(), Error> {
        let decoy = Decoy::after(&self.0.store.sample_passwords(SAMPLE).await?)?;
        *self.0.decoy.write().unwrap_or_else(PoisonError::into_inner) = decoy;
        Ok(())
    }

    async fn step(&self, tick: u64) {
        report("erase salts", self.erase_salts().await);
        if tick.is_multiple_of(FLUSH) {
            self.observe();
            report("write down uses", self.flush_touches().await);
            report("write down refusals", self.write_refusals(Some(self.now())).await);
        }
        if tick.is_multiple_of(HOUR) {
            report("look at the stored hashes", self.sample_passwords().await);
        }
    }

    /// Erases what replays were derived from once their grace has ended.
    async fn erase_salts(&self) -> Result<u64, StoreError> {
        let grace = self.config().rotation_grace.seconds();
        self.0.store.erase_salts(self.now().plus(1).minus(grace)).await
    }

    /// Writes the refusals of minutes that are over; all of them for `None`. What a failing store
    /// does not take waits for the next time.
    async fn write_refusals(&self, over_at: Option<Timestamp>) -> Result<(), StoreError> {
        let refusals = self.0.audit.take(over_at);
        if refusals.is_empty() {
            return Ok(());
        }
        let written = self.0.store.record(refusals.clone()).await;
        written.inspect_err(|_| self.0.audit.put_back(refusals))
    }

    async fn flush_touches(&self) -> Result<(), StoreError> {
        let touches = std::mem::take(&mut *self.lock_touches());
        if touches.is_empty() {
            return Ok(());
        }
        let written = self.0.store.touch(touches.clone()).await;
        written.inspect_err(|_| self.lock_touches().put_back(touches))
    }

    pub(super) fn lock_touches(&self) -> MutexGuard<'_, Touches> {
        let Inner { touches, .. } = &*self.0;
        touches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn tick(inner: Weak<Inner>) {
    let mut ticks = every(TICK);
    for tick in 0.. {
        ticks.tick().await;
        let Some(inner) = inner.upgrade() else { return };
        Auth(inner).step(tick).await;
    }
}

/// Holds no handle from one batch to the next: there may be many.
async fn prune(inner: Weak<Inner>) {
    let mut hours = every(PRUNED_EVERY);
    loop {
        hours.tick().await;
        let mut before = None;
        loop {
            let Some(auth) = inner.upgrade().map(Auth) else { return };
            let before = *before.get_or_insert_with(|| auth.hours_ago(PRUNED_AFTER));
            let batch = auth.prune_batch(before).await;
            if !batch.as_ref().is_ok_and(|batch| batch.total() > 0) {
                report("prune", batch);
                break;
            }
        }
    }
}

fn every(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

fn report<T, E: Into<Error>>(what: &str, outcome: Result<T, E>) {
    if let Err(error) = outcome.map_err(Into::into) {
        let causes = std::iter::successors(error.source(), |&cause| cause.source());
        let causes = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
        tracing::warn!(%error, causes, "could not {what}; it will be tried again");
    }
}
