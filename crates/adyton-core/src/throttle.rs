//! Limits on attempts: fixed windows, counted from the first attempt.
//!
//! An attempt is taken from its buckets before it is made, from all of them or from none, so that
//! a hundred tries at once get no further than a hundred in a row. What turns out to be no attempt,
//! or no failure where failures are limited, is given back. A refused attempt counts nowhere and
//! prolongs nothing. Which limits there are stands in `limits`; where their buckets are kept is
//! behind [`ThrottleStore`]. Nothing here waits, and nothing slows an answer down.

mod fallback;
mod limits;
mod memory;

pub use fallback::Fallback;
pub(crate) use limits::{Limits, block};
pub use memory::MemoryThrottle;

use crate::clock::Timestamp;
use crate::secret::Hash;
use crate::store::StoreError;
use async_trait::async_trait;

/// A limit that is used up, as its caller is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// Attempts that a window lets through.
    pub limit: u32,
    /// Seconds until the window ends, at least one.
    pub retry_after: u64,
    /// When the window ends.
    pub resets_at: Timestamp,
}

/// What counts the attempts of somebody at something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The limit's name, for the audit.
    pub limit: &'static str,
    /// Whose attempts at what: the same on every node.
    pub key: Hash,
    /// Attempts that a window lets through, at least one.
    pub most: u32,
    /// Length of the window in seconds, at least one.
    pub period: u64,
}

/// One attempt that was taken from a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// From which.
    pub bucket: Bucket,
    /// How many more it has in this window.
    pub left: u32,
    /// When the window ends: the attempt can be given back to this window only.
    pub resets_at: Timestamp,
}

/// What came of taking an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taking {
    /// It was taken from each bucket, in their order.
    Taken(Vec<Taken>),
    /// It was taken from none, because this one is used up until then; of several, the one that is
    /// so for the longest.
    Full(Bucket, Timestamp),
}

/// Where buckets are kept: [`MemoryThrottle`], or a store that several nodes share.
///
/// A window begins with the first attempt that is taken and ends `period` seconds later, whatever
/// happens in between. Each method is atomic. [`crate::testing::throttling`] shows whether a store
/// does so.
#[async_trait]
pub trait ThrottleStore: Send + Sync + 'static {
    /// Takes one attempt from each of these buckets, or from none if any of them is used up.
    async fn take(&self, buckets: &[Bucket], now: Timestamp) -> Result<Taking, StoreError>;

    /// Until when a bucket is used up; `None` while it has attempts left. Nothing is taken.
    async fn full_until(
        &self,
        bucket: &Bucket,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError>;

    /// Gives attempts back, each to the window that it was taken from. A window whose last attempt
    /// is given back is as if it had never begun; one that has ended stays as it is.
    async fn give_back(&self, taken: &[Taken]) -> Result<(), StoreError>;

    /// Forgets every attempt of this bucket.
    async fn clear(&self, bucket: &Bucket) -> Result<(), StoreError>;

    /// Whether it is what it was set up to be. `false` where it only makes do: one that several
    /// nodes should share, but each counts for itself.
    fn is_whole(&self) -> bool {
        true
    }
}
