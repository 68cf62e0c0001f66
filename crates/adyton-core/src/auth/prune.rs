//! Removing what has had its time.

use super::Auth;
use crate::error::Error;
use crate::store::Pruned;

/// Rows of each table in one transaction: short enough that nobody waits behind it.
const BATCH: u32 = 1_000;

impl Auth {
    /// Deletes what expired or was revoked more than `hours` ago, batch by batch, and tells of each.
    ///
    /// # Errors
    /// [`Error::Store`]; what earlier batches removed stays removed.
    pub async fn prune(
        &self,
        hours: u64,
        mut progress: impl FnMut(Pruned) + Send,
    ) -> Result<Pruned, Error> {
        let before = self.now().minus(hours.saturating_mul(3600));
        let mut sum = Pruned::default();
        loop {
            let batch = self.0.store.prune(before, BATCH).await?;
            if batch.total() == 0 {
                return Ok(sum);
            }
            sum += batch;
            progress(sum);
        }
    }
}
