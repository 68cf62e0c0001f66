//! What every [`ThrottleStore`] has to do alike, one rule each.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use adyton_core::{testing::throttling, throttle::MemoryThrottle};
//!
//! throttling::run(|| async { MemoryThrottle::new().unwrap() }).await;
//! # });
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test suite")]

use crate::clock::Timestamp;
use crate::secret::Hash;
use crate::throttle::{Bucket, Taken, Taking, ThrottleStore};
use std::future::Future;
use std::sync::Arc;

const START: Timestamp = Timestamp::from_unix(1_800_000_000);

/// Runs every rule, each on a store of its own that `new_store` makes: fresh and empty.
///
/// # Panics
/// At the first rule that is broken.
pub async fn run<S, F, Fut>(new_store: F)
where
    S: ThrottleStore,
    F: Fn() -> Fut,
    Fut: Future<Output = S>,
{
    a_window_is_fixed_from_its_first_attempt(&new_store().await).await;
    an_attempt_is_taken_from_all_buckets_or_from_none(&new_store().await).await;
    what_is_given_back_was_never_taken(&new_store().await).await;
    nothing_is_given_back_to_the_next_window(&new_store().await).await;
    one_bucket_is_cleared_and_asked_without_the_others(&new_store().await).await;
    a_bucket_that_stands_twice_counts_twice(&new_store().await).await;
    a_window_may_be_longer_than_time(&new_store().await).await;
    many_at_once_get_no_further_than_many_in_a_row(Arc::new(new_store().await)).await;
}

fn bucket(name: &str, most: u32, period: u64) -> Bucket {
    Bucket { limit: "test", key: Hash::of(name), most, period }
}

async fn take(store: &dyn ThrottleStore, buckets: &[Bucket], now: Timestamp) -> Taking {
    store.take(buckets, now).await.unwrap()
}

/// The attempts that were taken, if they were.
async fn taken(
    store: &dyn ThrottleStore,
    buckets: &[Bucket],
    now: Timestamp,
) -> Option<Vec<Taken>> {
    match take(store, buckets, now).await {
        Taking::Taken(taken) => Some(taken),
        Taking::Full(..) => None,
    }
}

/// What is left of a bucket after one more attempt.
async fn left(store: &dyn ThrottleStore, bucket: Bucket, now: Timestamp) -> u32 {
    taken(store, &[bucket], now).await.unwrap()[0].left
}

async fn a_window_is_fixed_from_its_first_attempt(store: &dyn ThrottleStore) {
    let (ada, ends) = (bucket("ada", 3, 60), START.plus(60));
    for (after, left) in [(0, 2), (30, 1), (59, 0)] {
        let taken = taken(store, &[ada], START.plus(after)).await.unwrap();
        assert_eq!((taken[0].bucket, taken[0].left, taken[0].resets_at), (ada, left, ends));
    }
    for _ in 0..9 {
        let blocked = take(store, &[ada], START.plus(59)).await;
        assert_eq!(blocked, Taking::Full(ada, ends), "and it prolongs nothing");
    }
    let next = taken(store, &[ada], ends).await.unwrap();
    assert_eq!((next[0].left, next[0].resets_at), (2, ends.plus(60)), "none was carried over");
    assert!(taken(store, &[bucket("bob", 3, 60)], START).await.is_some());
}

async fn an_attempt_is_taken_from_all_buckets_or_from_none(store: &dyn ThrottleStore) {
    let (wide, narrow, long) = (bucket("w", 9, 60), bucket("n", 2, 60), bucket("l", 2, 90));
    for _ in 0..2 {
        let all = taken(store, &[wide, narrow, long], START).await.unwrap();
        let buckets: Vec<Bucket> = all.iter().map(|one| one.bucket).collect();
        assert_eq!(buckets, [wide, narrow, long], "in their order");
    }
    for _ in 0..5 {
        let full = Taking::Full(long, START.plus(90));
        assert_eq!(take(store, &[wide, narrow, long], START).await, full, "the longest is told");
    }
    assert_eq!(left(store, wide, START).await, 6);
    assert_eq!(taken(store, &[], START).await, Some(Vec::new()));
}

async fn what_is_given_back_was_never_taken(store: &dyn ThrottleStore) {
    let ada = bucket("ada", 2, 60);
    let first = taken(store, &[ada], START).await.unwrap();
    store.give_back(&first).await.unwrap();
    let later = taken(store, &[ada], START.plus(30)).await.unwrap();
    assert_eq!(later[0].resets_at, START.plus(90), "an empty window is none");

    let last = taken(store, &[ada], START.plus(30)).await.unwrap();
    assert!(taken(store, &[ada], START.plus(30)).await.is_none());
    store.give_back(&last).await.unwrap();
    assert_eq!(left(store, ada, START.plus(30)).await, 0);
    store.give_back(&[]).await.unwrap();
}

async fn nothing_is_given_back_to_the_next_window(store: &dyn ThrottleStore) {
    let ada = bucket("ada", 2, 60);
    let early = taken(store, &[ada], START).await.unwrap();
    assert_eq!(left(store, ada, START.plus(60)).await, 1);
    store.give_back(&early).await.unwrap();
    assert_eq!(left(store, ada, START.plus(60)).await, 0);
    store.clear(&ada).await.unwrap();
    store.give_back(&early).await.unwrap();
    assert_eq!(left(store, ada, START.plus(60)).await, 1, "nor to none");
}

async fn one_bucket_is_cleared_and_asked_without_the_others(store: &dyn ThrottleStore) {
    let (ada, bob) = (bucket("ada", 1, 60), bucket("bob", 1, 60));
    assert_eq!(store.full_until(&ada, START).await.unwrap(), None);
    assert!(taken(store, &[ada, bob], START).await.is_some());
    assert_eq!(store.full_until(&ada, START).await.unwrap(), Some(START.plus(60)));
    assert_eq!(store.full_until(&ada, START.plus(60)).await.unwrap(), None);
    store.clear(&ada).await.unwrap();
    assert_eq!(store.full_until(&ada, START).await.unwrap(), None);
    assert!(store.full_until(&bob, START).await.unwrap().is_some());
}

async fn a_bucket_that_stands_twice_counts_twice(store: &dyn ThrottleStore) {
    let ada = bucket("ada", 5, 60);
    assert!(taken(store, &[ada, ada], START).await.is_some());
    assert_eq!(left(store, ada, START).await, 2);
}

async fn a_window_may_be_longer_than_time(store: &dyn ThrottleStore) {
    let ada = bucket("ada", 1, u64::MAX);
    let ends = taken(store, &[ada], START).await.unwrap()[0].resets_at;
    assert!(ends > START.plus(100 * 365 * 86_400));
    assert!(taken(store, &[ada], START.plus(86_400)).await.is_none());
}

async fn many_at_once_get_no_further_than_many_in_a_row(store: Arc<impl ThrottleStore>) {
    let (ada, any) = (bucket("ada", 5, 60), bucket("any", 1000, 60));
    let tries: Vec<_> = (0..100)
        .map(|at| {
            // Some in another order.
            let buckets = if at % 2 == 0 { [ada, any] } else { [any, ada] };
            let store = Arc::clone(&store);
            tokio::spawn(async move { taken(&*store, &buckets, START).await.is_some() })
        })
        .collect();
    let mut passed = 0;
    for one in tries {
        passed += usize::from(one.await.unwrap());
    }
    assert_eq!(passed, 5);
    assert_eq!(left(&*store, any, START).await, 994);
}
