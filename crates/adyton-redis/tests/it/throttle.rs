//! The promises of the port, and those between two nodes.

use crate::world::{Server, connect, given, prefix, shared};
use adyton_core::clock::Timestamp;
use adyton_core::secret::Hash;
use adyton_core::testing::throttling;
use adyton_core::throttle::{Bucket, Taking, ThrottleStore};
use adyton_redis::{Redis, RedisOptions};

const START: Timestamp = Timestamp::from_unix(1_800_000_000);

fn bucket(name: &str, most: u32, period: u64) -> Bucket {
    Bucket { limit: "test", key: Hash::of(name), most, period }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_does_what_every_store_of_attempts_does() {
    let Some(url) = given("ADYTON_TEST_REDIS_URL") else { return };
    throttling::run(|| async { connect(&url, &prefix()).await.throttle() }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_at_once_on_two_nodes_get_no_further_than_the_limit() {
    let Some(url) = given("ADYTON_TEST_REDIS_URL") else { return };
    let prefix = prefix();
    let nodes = [connect(&url, &prefix).await, connect(&url, &prefix).await];
    let buckets = [bucket("ada", 5, 60), bucket("any", 1000, 60)];
    let tries: Vec<_> = (0..100)
        .map(|at| {
            let throttle = nodes[at % 2].throttle();
            tokio::spawn(async move { throttle.take(&buckets, START).await.unwrap() })
        })
        .collect();
    let mut passed = 0;
    for one in tries {
        passed += usize::from(matches!(one.await.unwrap(), Taking::Taken(_)));
    }
    assert_eq!(passed, 5);
    let throttle = nodes[0].throttle();
    assert_eq!(throttle.full_until(&buckets[0], START).await.unwrap(), Some(START.plus(60)));
    throttle.clear(&buckets[0]).await.unwrap();
    assert_eq!(nodes[1].throttle().full_until(&buckets[0], START).await.unwrap(), None);
}

#[tokio::test]
async fn services_with_prefixes_of_their_own_share_nothing() {
    let (Some(one), Some(other)) = (shared().await, shared().await) else { return };
    let ada = bucket("ada", 1, 60);
    for redis in [one, other] {
        assert!(matches!(redis.throttle().take(&[ada], START).await.unwrap(), Taking::Taken(_)));
    }
}

#[tokio::test]
async fn no_key_stays_for_ever_and_none_tells_an_email() {
    let Some(server) = Server::start() else { return };
    let throttle = Redis::connect(&server.url()).await.unwrap().throttle();
    throttle.take(&[bucket("ada@example.com", 5, 60)], START).await.unwrap();
    let keys = server.command(&["KEYS", "*"]);
    assert!(keys.lines().count() >= 2, "{keys}");
    for key in keys.lines() {
        assert!(key.starts_with("{adyton}:") && !key.contains("ada@"), "{key}");
        let life: i64 = server.command(&["PTTL", key]).trim().parse().unwrap();
        assert!((1..=121_000).contains(&life), "{key} lives for {life} ms");
    }
}

#[tokio::test]
async fn a_server_that_forgets_its_scripts_is_told_them_again() {
    let Some(server) = Server::start() else { return };
    let throttle = Redis::connect(&server.url()).await.unwrap().throttle();
    for left in [4, 3] {
        server.command(&["SCRIPT", "FLUSH"]);
        let taken = throttle.take(&[bucket("ada", 5, 60)], START).await.unwrap();
        let Taking::Taken(taken) = taken else { panic!("it is not full") };
        assert_eq!(taken[0].left, left);
    }
}

#[tokio::test]
async fn it_speaks_tls_and_believes_nobody_else() {
    let Some(url) = given("ADYTON_TEST_REDIS_TLS_URL") else { return };
    let Some(authority) = given("ADYTON_TEST_CA") else { return };
    let options = RedisOptions::default().prefix(prefix());
    let pem = std::fs::read(authority).unwrap();
    let redis = Redis::connect_with(&url, options.clone().authorities(pem)).await.unwrap();
    assert!(redis.is_reachable());
    let ada = bucket("ada", 1, 60);
    assert!(matches!(redis.throttle().take(&[ada], START).await.unwrap(), Taking::Taken(_)));
    let strict = Redis::connect_with(&url, options).await.unwrap();
    assert!(!strict.is_reachable(), "the system does not know this authority");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_takes_from_several_buckets_at_once_too() {
    let Some(server) = Server::start_cluster() else { return };
    let url = server.url().replace("redis://", "redis+cluster://");
    throttling::run(|| async { connect(&url, &prefix()).await.throttle() }).await;
}
