//! Removing what has had its time.

use super::Auth;
use crate::clock::Timestamp;
use crate::config::Lifetime;
use crate::error::Error;
use crate::store::Pruned;
use tokio::time::sleep;

/// Rows of each table in one transaction: short enough that nobody waits behind it.
const BATCH: u32 = 100;

impl Auth {
    /// Deletes what expired or was revoked more than `hours` ago, and events older than
    /// `event_retention`, batch by batch, and tells of each. After a batch it rests for as long as
    /// that took, so that the database has at least half of its time for everybody else.
    ///
    /// # Errors
    /// [`Error::Store`]; what earlier batches removed stays removed.
    pub async fn prune(
        &self,
        hours: u64,
        mut progress: impl FnMut(Pruned) + Send,
    ) -> Result<Pruned, Error> {
        let (before, mut sum) = (self.hours_ago(hours), Pruned::default());
        loop {
            let batch = self.prune_batch(before).await?;
            if batch.total() == 0 {
                return Ok(sum);
            }
            sum += batch;
            progress(sum);
        }
    }

    pub(super) fn hours_ago(&self, hours: u64) -> Timestamp {
        self.now().minus(hours.saturating_mul(3600))
    }

    /// One batch and the rest after it; nothing when there is nothing left.
    pub(super) async fn prune_batch(&self, before: Timestamp) -> Result<Pruned, Error> {
        let begun = self.0.clock.monotonic();
        let mut batch = self.0.store.prune(before, BATCH).await?;
        batch.events = self.prune_events().await?;
        if batch.total() > 0 {
            sleep(self.0.clock.monotonic().saturating_sub(begun)).await;
        }
        Ok(batch)
    }

    /// One batch of the events that were kept for as long as `event_retention` says.
    async fn prune_events(&self) -> Result<u64, Error> {
        let kept = self.config().event_retention;
        if kept == Lifetime::ZERO {
            return Ok(0);
        }
        Ok(self.0.store.prune_events(self.now().minus(kept.seconds()), BATCH).await?)
    }
}
