//! What a million buckets cost, measured in a process of its own.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

use adyton_core::clock::Timestamp;
use adyton_core::secret::Hash;
use adyton_core::throttle::{Bucket, MemoryThrottle, Taking, ThrottleStore};

/// Resident memory of this process in bytes, by pages of 4 KiB.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

fn bucket(number: u64) -> Bucket {
    Bucket { limit: "test", key: Hash::of(&number.to_string()), most: 5, period: 3_600 }
}

#[tokio::test]
#[cfg_attr(debug_assertions, ignore = "slow unless optimised: `scripts/test --full` runs it")]
async fn a_million_keys_and_any_more_stay_under_64_mb() {
    let (throttle, now) = (MemoryThrottle::new().unwrap(), Timestamp::from_unix(1_800_000_000));
    let before = resident();
    let take = async |number| throttle.take(&[bucket(number)], now).await.unwrap();
    for number in 0..1_000_000 {
        assert!(matches!(take(number).await, Taking::Taken(_)));
    }
    let million = resident().saturating_sub(before);
    let mut kept = 0;
    for number in (0..1_000_000).step_by(1_000) {
        let Taking::Taken(taken) = take(number).await else { continue };
        kept += usize::from(taken[0].left == 3);
    }
    assert_eq!(kept, 1_000, "none of a million is forgotten");
    for number in 1_000_000..2_500_000 {
        take(number).await;
    }
    let full = resident().saturating_sub(before);
    println!("a million keys: {} KiB, full: {} KiB", million >> 10, full >> 10);
    assert!(million > 12 << 20, "they are there: {million} bytes");
    assert!(million.max(full) < 64_000_000, "{million} bytes, {full} when full");
}
