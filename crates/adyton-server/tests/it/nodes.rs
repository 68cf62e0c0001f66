//! Several servers on one database that tells nobody of changes, with a Redis between them.

use crate::metrics::{LISTEN, Metrics};
use crate::redis::{Redis, wait_for};
use crate::world::{PASSWORD, Place, Server};
use reqwest::Method;
use std::time::{Duration, Instant};

/// How late a node may be.
const LATE: Duration = Duration::from_millis(100);

fn place(redis: &Redis) -> Place {
    let url = redis.url();
    Place::with(&format!("cache.enabled = \"exclusive\"\nrate_limiting.store = \"{url}\""))
}

fn serve(place: &Place) -> Server {
    place.serve_with(&[LISTEN])
}

/// Uses a token for a moment: how many times it was verified from memory.
async fn hits(server: &Server, token: &str) -> f64 {
    let before = Metrics::of(server).await.value("adyton_cache_hits_total");
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(300) {
        assert_eq!(server.user(token).await, 200);
    }
    Metrics::of(server).await.value("adyton_cache_hits_total") - before
}

/// Goes on with a token that was revoked before now, until a node has refused it for a while.
async fn is_refused(server: &Server, token: &str) {
    let revoked = Instant::now();
    while revoked.elapsed() < Duration::from_millis(500) {
        let asked = revoked.elapsed();
        let status = server.user(token).await;
        assert!(status == 401 || asked < LATE, "{status} after {asked:?}");
    }
}

async fn log_out(server: &Server, token: &str) {
    let request = server.request(Method::POST, "/logout").bearer_auth(token);
    assert_eq!(request.send().await.unwrap().status(), 204);
}

async fn sign_in(server: &Server) -> String {
    let answer = server.login("ada@example.com", PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.token()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_revoked_on_one_node_is_refused_on_the_others_within_100_ms() {
    let Some(redis) = Redis::start() else { return };
    let place = place(&redis);
    let (a, b) = (serve(&place), serve(&place));
    a.register("ada@example.com").await;
    for _ in 0..3 {
        let token = sign_in(&a).await;
        assert!(hits(&b, &token).await > 1.0, "b remembers it");
        log_out(&a, &token).await;
        is_refused(&b, &token).await;
        assert_eq!(a.user(&token).await, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_obeyed_within_100_ms_too() {
    let Some(mut redis) = Redis::start() else { return };
    let place = place(&redis);
    let server = serve(&place);
    let id = server.register("ada@example.com").await.body["user"]["id"].clone();
    let token = sign_in(&server).await;
    assert!(hits(&server, &token).await > 1.0);
    place.done(&format!("session revoke --user {id}"));
    is_refused(&server, &token).await;

    redis.kill9();
    let warned = place.adyton("user list").assert().success();
    let told = String::from_utf8(warned.get_output().stderr.clone()).unwrap();
    assert!(told.starts_with("warning: the Redis of `rate_limiting.store`"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_nothing_is_verified_from_memory_and_nothing_revoked_comes_back_with_it() {
    let Some(mut redis) = Redis::start() else { return };
    let place = place(&redis);
    let (a, b) = (serve(&place), serve(&place));
    a.register("ada@example.com").await;
    let (token, other) = (sign_in(&a).await, sign_in(&a).await);
    assert!(hits(&b, &token).await > 1.0 && hits(&b, &other).await > 1.0);

    redis.kill9();
    for server in [&a, &b] {
        wait_for(server, "unreachable").await;
    }
    tokio::time::sleep(LATE).await;
    assert_eq!(hits(&b, &other).await, 0.0, "nobody tells b of changes");
    log_out(&a, &token).await;
    assert_eq!(b.user(&token).await, 401, "at once");
    assert_eq!(b.user(&other).await, 200, "sign-in and tokens go on");

    redis.again();
    for server in [&a, &b] {
        wait_for(server, "ok").await;
    }
    assert!(hits(&b, &other).await > 1.0, "on again without a restart");
    assert_eq!(b.user(&token).await, 401);
}
