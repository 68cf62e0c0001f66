use super::*;
use crate::testing::throttling;
use std::collections::HashSet;
use std::sync::Arc;
use std::thread;

const START: Timestamp = Timestamp::from_unix(1_800_000_000);

fn bucket(name: &str, most: u32, period: u64) -> Bucket {
    Bucket { limit: "test", key: Hash::of(name), most, period }
}

fn taken(throttle: &MemoryThrottle, buckets: &[Bucket], now: Timestamp) -> Option<Vec<Taken>> {
    match throttle.take_all(buckets, now) {
        Taking::Taken(taken) => Some(taken),
        Taking::Full(..) => None,
    }
}

fn kept(throttle: &MemoryThrottle) -> usize {
    throttle.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_does_what_every_store_of_attempts_does() {
    throttling::run(|| async { MemoryThrottle::new().unwrap() }).await;
}

#[test]
fn a_hundred_at_once_get_no_further_than_a_hundred_in_a_row() {
    let throttle = Arc::new(MemoryThrottle::new().unwrap());
    let buckets = [bucket("ada", 5, 60), bucket("wide", 7, 60), bucket("any", 1000, 60)];
    let run = |buckets: Vec<Bucket>| {
        let throttle = Arc::clone(&throttle);
        thread::spawn(move || {
            (0..25).filter(|_| taken(&throttle, &buckets, START).is_some()).count()
        })
    };
    let threads: Vec<_> = (0..8)
        .map(|at| {
            // Some in another order: none waits for ever.
            let mut buckets = buckets.to_vec();
            buckets.rotate_left(at % 3);
            run(buckets)
        })
        .collect();
    let passed: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!(passed, 5);
    assert_eq!(taken(&throttle, &buckets[1..], START).unwrap()[0].left, 1);
}

#[tokio::test]
async fn an_empty_window_takes_no_memory() {
    let (throttle, ada) = (MemoryThrottle::new().unwrap(), bucket("ada", 2, 60));
    let first = taken(&throttle, &[ada], START).unwrap();
    throttle.give_back(&first).await.unwrap();
    assert_eq!(kept(&throttle), 0);
}

#[test]
fn it_is_bounded_and_forgets_what_has_ended_first() {
    let throttle = MemoryThrottle::bounded(4, 8).unwrap();
    for n in 0..1_000 {
        taken(&throttle, &[bucket(&n.to_string(), 5, 60)], START);
    }
    assert_eq!(kept(&throttle), 32);
    let long = bucket("long", 5, 3_600);
    taken(&throttle, &[long], START);
    for n in 0..32 {
        taken(&throttle, &[bucket(&format!("later {n}"), 5, 60)], START.plus(60));
    }
    assert_eq!(taken(&throttle, &[long], START.plus(60)).unwrap()[0].left, 3);
}

#[test]
fn a_flood_of_keys_does_not_reset_a_bucket_that_is_used() {
    let throttle = MemoryThrottle::bounded(4, 8).unwrap();
    let account = bucket("the account", 20, 60);
    for _ in 0..20 {
        assert!(taken(&throttle, &[account], START).is_some());
    }
    for n in 0..10_000 {
        // Each key of the flood costs its sender some attempts.
        for _ in 0..n % 5 {
            taken(&throttle, &[bucket(&n.to_string(), 5, 3_600)], START.plus(1));
        }
    }
    assert!(taken(&throttle, &[account], START.plus(2)).is_none());
}

#[test]
fn among_equals_the_one_that_ends_soonest_goes() {
    let throttle = MemoryThrottle::bounded(1, 2).unwrap();
    let (soon, late) = (bucket("soon", 5, 60), bucket("late", 5, 90));
    taken(&throttle, &[late], START);
    taken(&throttle, &[soon], START);
    taken(&throttle, &[bucket("new", 5, 99)], START);
    assert_eq!(taken(&throttle, &[late], START).unwrap()[0].left, 3);
}

#[test]
fn nobody_can_tell_where_a_bucket_lies() {
    let places: HashSet<u64> =
        (0..8).map(|_| MemoryThrottle::new().unwrap().place(&Hash::of("ada"))).collect();
    assert_eq!(places.len(), 8);
}

#[test]
fn times_far_off_and_before_the_first_do_not_wrap() {
    let throttle = MemoryThrottle::new().unwrap();
    let ada = bucket("ada", 1, u64::MAX);
    let taken_at = taken(&throttle, &[ada], START).unwrap()[0].resets_at;
    assert!(taken_at > START.plus(100 * 365 * 86_400));
    assert!(taken(&throttle, &[ada], START.minus(50)).is_none());
}
