//! A server that dies, hangs, is full or comes late.

use crate::world::{Server, wait_for};
use adyton_core::clock::Timestamp;
use adyton_core::secret::Hash;
use adyton_core::throttle::{Bucket, Taking, ThrottleStore};
use adyton_redis::{Redis, RedisThrottle};
use std::time::{Duration, Instant};

const START: Timestamp = Timestamp::from_unix(1_800_000_000);

async fn take(throttle: &RedisThrottle) -> Option<Taking> {
    let ada = Bucket { limit: "test", key: Hash::of("ada"), most: 1000, period: 60 };
    throttle.take(&[ada], START).await.ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_is_used_again_when_it_is_back() {
    let Some(mut server) = Server::start() else { return };
    let redis = Redis::connect(&server.url()).await.unwrap();
    let throttle = redis.throttle();
    assert!(take(&throttle).await.is_some() && redis.is_reachable() && throttle.is_whole());
    server.kill9();
    wait_for("the loss, while nobody asks", || !redis.is_reachable());
    let start = Instant::now();
    for _ in 0..100 {
        assert!(take(&throttle).await.is_none());
    }
    assert!(start.elapsed() < Duration::from_millis(250), "nobody waits: {:?}", start.elapsed());
    assert!(!throttle.is_whole());
    server.again();
    wait_for("the connection", || redis.is_reachable());
    assert!(take(&throttle).await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_is_waited_for_once_and_not_for_long() {
    let Some(server) = Server::start() else { return };
    let redis = Redis::connect(&server.url()).await.unwrap();
    let throttle = redis.throttle();
    server.signal("STOP");
    let start = Instant::now();
    for _ in 0..100 {
        assert!(take(&throttle).await.is_none());
    }
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    server.signal("CONT");
    wait_for("the connection", || redis.is_reachable());
    assert!(take(&throttle).await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_comes_late_or_hangs_at_the_start_is_no_error() {
    let Some(mut server) = Server::start() else { return };
    server.signal("STOP");
    let start = Instant::now();
    let hanging = Redis::connect(&server.url()).await.unwrap();
    assert!(!hanging.is_reachable());
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    server.kill9();
    let late = Redis::connect(&server.url()).await.unwrap();
    assert!(!late.is_reachable() && take(&late.throttle()).await.is_none());
    server.again();
    for redis in [hanging, late] {
        wait_for("the connection", || redis.is_reachable());
        assert!(take(&redis.throttle()).await.is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_takes_no_writes_counts_as_lost() {
    let Some(server) = Server::start() else { return };
    let redis = Redis::connect(&server.url()).await.unwrap();
    for (wrong, right) in [
        ("CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0"),
        ("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"),
    ] {
        server.command(&wrong.split(' ').collect::<Vec<_>>());
        assert!(take(&redis.throttle()).await.is_none(), "{wrong}");
        assert!(!redis.is_reachable(), "{wrong}");
        std::thread::sleep(Duration::from_millis(1_500));
        assert!(!redis.is_reachable(), "a connection alone is not enough: {wrong}");
        server.command(&right.split(' ').collect::<Vec<_>>());
        wait_for("the connection", || redis.is_reachable());
        assert!(take(&redis.throttle()).await.is_some());
    }
}
