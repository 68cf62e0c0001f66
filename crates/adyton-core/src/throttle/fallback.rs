//! A store that several nodes share, with one of this node's own for as long as that is away.
//!
//! The shared store is asked for everything. What it cannot answer is counted here, so that nobody
//! is kept from signing in, and a limit is as many times as wide as there are nodes. What was used
//! up here stays so until its window ends, also when the shared store is back; what was not is
//! forgotten then, and what was counted there before the loss counts there again. So whoever tries
//! on over a loss or a return gets one more window of each node, and no more.

use super::{Bucket, MemoryThrottle, Taken, Taking, ThrottleStore};
use crate::clock::Timestamp;
use crate::secret::EntropyError;
use crate::store::StoreError;
use async_trait::async_trait;
use std::fmt;
use std::sync::Arc;

/// Buckets that several nodes share, or this node's own for as long as that fails.
pub struct Fallback {
    shared: Arc<dyn ThrottleStore>,
    own: MemoryThrottle,
}

impl Fallback {
    /// Over a store that fails at once rather than keep its callers waiting.
    ///
    /// # Errors
    /// [`EntropyError`] when the system has no randomness to give.
    pub fn new(shared: impl ThrottleStore) -> Result<Self, EntropyError> {
        Ok(Self { shared: Arc::new(shared), own: MemoryThrottle::new()? })
    }

    /// A store that knows of its loss has told the log by itself.
    fn tell(&self, error: &StoreError) {
        if self.shared.is_whole() {
            tracing::warn!(%error, "an attempt is counted on this node alone");
        }
    }

    /// The bucket that was used up here and stays so for the longest.
    async fn full_here(
        &self,
        buckets: &[Bucket],
        now: Timestamp,
    ) -> Result<Option<(Bucket, Timestamp)>, StoreError> {
        let mut full: Option<(Bucket, Timestamp)> = None;
        for bucket in buckets {
            let until = self.own.full_until(bucket, now).await?;
            if let Some(until) = until
                && full.is_none_or(|(_, longest)| until >= longest)
            {
                full = Some((*bucket, until));
            }
        }
        Ok(full)
    }
}

#[async_trait]
impl ThrottleStore for Fallback {
    async fn take(&self, buckets: &[Bucket], now: Timestamp) -> Result<Taking, StoreError> {
        if let Some((bucket, until)) = self.full_here(buckets, now).await? {
            return Ok(Taking::Full(bucket, until));
        }
        match self.shared.take(buckets, now).await {
            Ok(taking) => Ok(taking),
            Err(error) => {
                self.tell(&error);
                self.own.take(buckets, now).await
            }
        }
    }

    async fn full_until(
        &self,
        bucket: &Bucket,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let here = self.own.full_until(bucket, now).await?;
        Ok(here.max(self.shared.full_until(bucket, now).await.unwrap_or_default()))
    }

    /// The end of a window tells whose it was.
    async fn give_back(&self, taken: &[Taken]) -> Result<(), StoreError> {
        // What the shared store does not hear of counts.
        let _ = self.shared.give_back(taken).await;
        self.own.give_back(taken).await
    }

    async fn clear(&self, bucket: &Bucket) -> Result<(), StoreError> {
        let _ = self.shared.clear(bucket).await;
        self.own.clear(bucket).await
    }

    fn is_whole(&self) -> bool {
        self.shared.is_whole()
    }
}

impl fmt::Debug for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fallback").field("whole", &self.is_whole()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Hash;
    use crate::testing::throttling;
    use std::sync::atomic::{AtomicBool, Ordering};

    const START: Timestamp = Timestamp::from_unix(1_800_000_000);

    /// A store that can be switched off.
    #[derive(Clone)]
    struct Switch(Arc<(MemoryThrottle, AtomicBool)>);

    impl Switch {
        fn new() -> Self {
            Self(Arc::new((MemoryThrottle::new().unwrap(), AtomicBool::new(true))))
        }

        fn set(&self, on: bool) {
            self.0.1.store(on, Ordering::SeqCst);
        }

        fn store(&self) -> Result<&MemoryThrottle, StoreError> {
            if self.is_whole() { Ok(&self.0.0) } else { Err(StoreError::new("unplugged")) }
        }
    }

    #[async_trait]
    impl ThrottleStore for Switch {
        async fn take(&self, buckets: &[Bucket], now: Timestamp) -> Result<Taking, StoreError> {
            self.store()?.take(buckets, now).await
        }

        async fn full_until(
            &self,
            bucket: &Bucket,
            now: Timestamp,
        ) -> Result<Option<Timestamp>, StoreError> {
            self.store()?.full_until(bucket, now).await
        }

        async fn give_back(&self, taken: &[Taken]) -> Result<(), StoreError> {
            self.store()?.give_back(taken).await
        }

        async fn clear(&self, bucket: &Bucket) -> Result<(), StoreError> {
            self.store()?.clear(bucket).await
        }

        fn is_whole(&self) -> bool {
            self.0.1.load(Ordering::SeqCst)
        }
    }

    fn bucket(name: &str) -> Bucket {
        Bucket { limit: "test", key: Hash::of(name), most: 2, period: 60 }
    }

    /// How many of ten tries get through.
    async fn passed(node: &Fallback, bucket: Bucket, now: Timestamp) -> usize {
        let mut passed = 0;
        for _ in 0..10 {
            passed +=
                usize::from(matches!(node.take(&[bucket], now).await.unwrap(), Taking::Taken(_)));
        }
        passed
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn with_and_without_the_shared_store_it_does_what_every_one_does() {
        for on in [true, false] {
            throttling::run(|| async {
                let shared = Switch::new();
                shared.set(on);
                Fallback::new(shared).unwrap()
            })
            .await;
        }
    }

    #[tokio::test]
    async fn two_nodes_share_a_limit_and_each_has_its_own_while_the_store_is_lost() {
        let (shared, ada) = (Switch::new(), bucket("ada"));
        let nodes =
            [Fallback::new(shared.clone()).unwrap(), Fallback::new(shared.clone()).unwrap()];
        assert_eq!(passed(&nodes[0], ada, START).await, 2);
        assert_eq!(passed(&nodes[1], ada, START).await, 0);
        shared.set(false);
        for node in &nodes {
            assert!(!node.is_whole());
            assert_eq!(passed(node, ada, START).await, 2);
            assert!(node.full_until(&ada, START).await.unwrap().is_some());
        }
    }

    #[tokio::test]
    async fn what_was_used_up_without_the_store_stays_so_when_it_is_back() {
        let (shared, ada) = (Switch::new(), bucket("ada"));
        let node = Fallback::new(shared.clone()).unwrap();
        shared.set(false);
        assert_eq!(passed(&node, ada, START).await, 2);
        shared.set(true);
        let full = Taking::Full(ada, START.plus(60));
        assert_eq!(node.take(&[bucket("bob"), ada], START.plus(1)).await.unwrap(), full);
        assert_eq!(passed(&node, bucket("bob"), START.plus(1)).await, 2, "none was taken of it");
        assert_eq!(passed(&node, ada, START.plus(60)).await, 2, "until its window ends");
    }

    #[tokio::test]
    async fn what_is_given_back_or_cleared_is_so_in_both() {
        let (shared, ada) = (Switch::new(), bucket("ada"));
        let node = Fallback::new(shared.clone()).unwrap();
        shared.set(false);
        let Taking::Taken(taken) = node.take(&[ada], START).await.unwrap() else { panic!("full") };
        shared.set(true);
        node.give_back(&taken).await.unwrap();
        shared.set(false);
        assert_eq!(passed(&node, ada, START).await, 2);
        shared.set(true);
        node.clear(&ada).await.unwrap();
        assert_eq!(passed(&node, ada, START).await, 2);
    }
}
