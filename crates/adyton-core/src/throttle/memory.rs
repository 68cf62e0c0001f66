//! Buckets in the memory of one process, bounded whatever its callers do.
//!
//! A bucket is 16 bytes: 64 bits of its key's hash under a secret of this process, its count and
//! its end. It lies in one of [`SHARDS`] lists, each under a lock of its own and with at most
//! [`MOST`] buckets: two million in all, 34 MB. The secret keeps anybody from aiming at the list,
//! or at the 64 bits, of somebody else's bucket.
//!
//! A full list first drops what has ended, then the bucket with the fewest attempts, of several the
//! one that ends soonest: what is forgotten forgives the fewest attempts. So whoever wants `n`
//! attempts forgotten that an account has used up must first spend more than `n` attempts on each
//! of two million other keys within one window. Under a flood of that size new buckets do not last;
//! those that are nearly used up, which are the ones that matter, do.

use super::{Bucket, Taken, Taking, ThrottleStore};
use crate::clock::Timestamp;
use crate::secret::{EntropyError, Hash, process_secret};
use crate::store::StoreError;
use async_trait::async_trait;
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

const SHARDS: usize = 4096;
/// Buckets in a list: short enough to be read from end to end in less than a microsecond.
const MOST: usize = 512;

#[derive(Clone, Copy)]
struct Entry {
    key: u64,
    used: u32,
    /// Seconds since [`MemoryThrottle::began`], exclusive.
    ends: u32,
}

/// Buckets in memory, for one node.
pub struct MemoryThrottle {
    secret: [u8; 32],
    /// The first time that it was told; 32 bits of seconds count from here.
    began: OnceLock<i64>,
    shards: Box<[Mutex<Vec<Entry>>]>,
    most: usize,
}

impl MemoryThrottle {
    /// No buckets yet; memory is taken as they come.
    ///
    /// # Errors
    /// [`EntropyError`] when the system has no randomness to give.
    pub fn new() -> Result<Self, EntropyError> {
        Self::bounded(SHARDS, MOST)
    }

    fn bounded(shards: usize, most: usize) -> Result<Self, EntropyError> {
        Ok(Self {
            secret: process_secret()?,
            began: OnceLock::new(),
            shards: (0..shards).map(|_| Mutex::default()).collect(),
            most,
        })
    }

    fn place(&self, key: &Hash) -> u64 {
        let digest = Sha256::new().chain_update(self.secret).chain_update(key.as_bytes());
        digest.finalize().iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    }

    fn shard_of(&self, place: u64) -> usize {
        (place % self.shards.len() as u64) as usize
    }

    fn lock(&self, shard: usize) -> MutexGuard<'_, Vec<Entry>> {
        self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn began(&self, now: Timestamp) -> i64 {
        *self.began.get_or_init(|| now.unix())
    }

    fn seconds(&self, at: Timestamp) -> u32 {
        let since = at.unix().saturating_sub(self.began(at)).max(0);
        u32::try_from(since).unwrap_or(u32::MAX)
    }

    fn timestamp(&self, seconds: u32, now: Timestamp) -> Timestamp {
        Timestamp::from_unix(self.began(now).saturating_add(seconds.into()))
    }

    fn take_all(&self, buckets: &[Bucket], now: Timestamp) -> Taking {
        let seconds = self.seconds(now);
        let places: Vec<u64> = buckets.iter().map(|bucket| self.place(&bucket.key)).collect();
        // In one order everywhere, so that no two callers wait for each other.
        let mut shards: Vec<usize> = places.iter().map(|place| self.shard_of(*place)).collect();
        shards.sort_unstable();
        shards.dedup();
        let mut held: Vec<_> = shards.iter().map(|shard| self.lock(*shard)).collect();
        let list_of = |place: u64| shards.partition_point(|shard| *shard < self.shard_of(place));

        let full = buckets.iter().zip(&places).filter_map(|(bucket, place)| {
            let ends = full_until(&held[list_of(*place)], *place, bucket, seconds)?;
            Some((*bucket, ends))
        });
        if let Some((bucket, ends)) = full.max_by_key(|(_, ends)| *ends) {
            return Taking::Full(bucket, self.timestamp(ends, now));
        }
        let taken = buckets.iter().zip(&places).map(|(bucket, place)| {
            let entry = add_one(&mut held[list_of(*place)], *place, bucket, seconds, self.most);
            Taken {
                bucket: *bucket,
                left: bucket.most.saturating_sub(entry.used),
                resets_at: self.timestamp(entry.ends, now),
            }
        });
        Taking::Taken(taken.collect())
    }
}

fn full_until(list: &[Entry], place: u64, bucket: &Bucket, now: u32) -> Option<u32> {
    let entry = list.iter().find(|entry| entry.key == place && entry.ends > now)?;
    (entry.used >= bucket.most).then_some(entry.ends)
}

fn add_one(list: &mut Vec<Entry>, place: u64, bucket: &Bucket, now: u32, most: usize) -> Entry {
    let period = u32::try_from(bucket.period).unwrap_or(u32::MAX);
    let first = Entry { key: place, used: 1, ends: now.saturating_add(period) };
    if let Some(entry) = list.iter_mut().find(|entry| entry.key == place) {
        let lives = entry.ends > now;
        *entry = if lives { Entry { used: entry.used + 1, ..*entry } } else { first };
        return *entry;
    }
    // What has ended goes before more memory is taken.
    if list.len() == list.capacity().min(most) {
        list.retain(|entry| entry.ends > now);
    }
    if list.len() < most {
        list.push(first);
    } else if let Some(least) = list.iter_mut().min_by_key(|entry| (entry.used, entry.ends)) {
        *least = first;
    }
    first
}

#[async_trait]
impl ThrottleStore for MemoryThrottle {
    async fn take(&self, buckets: &[Bucket], now: Timestamp) -> Result<Taking, StoreError> {
        Ok(self.take_all(buckets, now))
    }

    async fn full_until(
        &self,
        bucket: &Bucket,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let (place, seconds) = (self.place(&bucket.key), self.seconds(now));
        let ends = full_until(&self.lock(self.shard_of(place)), place, bucket, seconds);
        Ok(ends.map(|ends| self.timestamp(ends, now)))
    }

    async fn give_back(&self, taken: &[Taken]) -> Result<(), StoreError> {
        for one in taken {
            let (place, ends) = (self.place(&one.bucket.key), self.seconds(one.resets_at));
            let mut list = self.lock(self.shard_of(place));
            let found = list.iter().position(|entry| entry.key == place && entry.ends == ends);
            let Some(at) = found else { continue };
            list[at].used -= 1;
            if list[at].used == 0 {
                list.swap_remove(at);
            }
        }
        Ok(())
    }

    async fn clear(&self, bucket: &Bucket) -> Result<(), StoreError> {
        let place = self.place(&bucket.key);
        self.lock(self.shard_of(place)).retain(|entry| entry.key != place);
        Ok(())
    }
}

impl fmt::Debug for MemoryThrottle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryThrottle").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
