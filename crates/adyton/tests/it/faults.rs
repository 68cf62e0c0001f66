//! An outage is 503 and signs nobody out; what is full sheds.

use crate::store::{Mode, TestStore};
use crate::world::{Actor, PASSWORD, Response, World};
use adyton::Adyton;
use adyton::core::config::CacheMode;
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// Every endpoint that asks the store something, with a call that is right.
fn calls(ada: &Actor) -> Vec<(Method, String, Value)> {
    let call = |method, path: &str, body| (method, path.to_owned(), body);
    let email = json!({ "email": "new@example.com", "currentPassword": PASSWORD });
    let register = json!({ "name": "B", "email": "b@example.com", "password": PASSWORD });
    let login = json!({ "email": "ada@example.com", "password": PASSWORD });
    let password = json!({ "currentPassword": PASSWORD, "password": "another horse 2" });
    let session = format!("/sessions/{}", ada.session);
    vec![
        call(Method::POST, "/register", register),
        call(Method::POST, "/login", login),
        call(Method::POST, "/refresh", json!({ "refreshToken": ada.refresh })),
        call(Method::GET, "/user", json!({})),
        call(Method::PATCH, "/user", json!({ "name": "A" })),
        call(Method::PATCH, "/user", email),
        call(Method::PATCH, "/user", json!({})),
        call(Method::GET, "/session", json!({})),
        call(Method::GET, "/sessions", json!({})),
        call(Method::GET, "/tokens", json!({})),
        call(Method::POST, "/tokens", json!({ "name": "T" })),
        call(Method::DELETE, "/tokens/1", json!({})),
        call(Method::DELETE, "/sessions", json!({})),
        call(Method::PUT, "/user/password", password),
        call(Method::DELETE, &session, json!({})),
        call(Method::POST, "/logout", json!({})),
        call(Method::POST, "/logout", json!({ "refreshToken": ada.refresh })),
        call(Method::DELETE, "/user", json!({ "password": PASSWORD })),
    ]
}

/// What none of the calls may be while the store fails.
fn is_outage(response: Response) {
    let response = response.refused(503, "store_unavailable");
    assert!(!response.body.contains("unplugged"), "{response:?}");
}

#[tokio::test]
async fn an_outage_is_503_everywhere_and_over_when_it_is_over() {
    let world = World::with(|config| config.cache.enabled = CacheMode::Off).await;
    let ada = world.user("ada").await;
    world.store.set(Mode::Down);
    for (method, path, body) in calls(&ada) {
        is_outage(ada.call(method, &path, Some(body)).await);
    }
    world.anonymous().get("/session").await.expect(200);
    world.anonymous().get("/user").await.refused(401, "unauthenticated");
    world.store.set(Mode::Up);
    assert!(ada.is_in().await);
    let next = ada.refreshed().await;
    assert!(next.is_in().await);
}

#[tokio::test]
async fn while_only_reads_are_answered_no_change_is_claimed() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let token = ada.post("/tokens", json!({ "name": "T" })).await.expect(201);
    world.store.set(Mode::ReadOnly);
    for (method, path, body) in calls(&ada) {
        let changes = method != Method::GET && body != json!({}) || method == Method::DELETE;
        let path = if path == "/tokens/1" {
            format!("/tokens/{}", token["accessToken"]["id"])
        } else {
            path
        };
        let response = ada.call(method, &path, Some(body)).await;
        if changes || path == "/logout" {
            is_outage(response);
        } else {
            response.expect(200);
        }
    }
    world.store.set(Mode::Up);
    assert!(ada.is_in().await);
    assert!(ada.refreshed().await.is_in().await);
    let list = ada.get("/tokens").await.expect(200);
    assert_eq!(list["tokens"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_panic_in_a_change_is_503_and_leaves_the_engine_whole() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    world.store.set(Mode::PanicsIn("rotate"));
    ada.refresh().await.refused(503, "store_unavailable");
    world.store.set(Mode::Up);
    assert!(ada.refreshed().await.is_in().await);
}

#[tokio::test]
async fn uses_and_refusals_survive_an_outage_while_they_wait() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    world.clock.advance(120);
    assert!(ada.is_in().await);
    let login = json!({ "email": "ada@example.com", "password": "wrong horse 1" });
    world.anonymous().post("/login", login).await.refused(401, "invalid_credentials");
    world.store.set(Mode::ReadOnly);
    assert!(world.auth.flush().await.is_err());
    world.store.set(Mode::Up);
    world.auth.flush().await.unwrap();
    let kind = adyton::core::event::EventKind::AuthnLoginFail;
    assert_eq!(world.count(kind).await, 1, "the failed sign-in is not forgotten");
    let seen = world.auth.find_session(&ada.session).await.unwrap().last_seen_at;
    assert_eq!(seen, world.now(), "nor is the use");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_hash_queue_sheds_and_everything_else_goes_on() {
    let world = World::with(|config| {
        config.hashing.threads = Some(1);
        config.hashing.queue = 1;
    })
    .await;
    let ada = world.user("ada").await;
    let attempts: Vec<_> = (0..24)
        .map(|at| {
            let ada = ada.clone();
            tokio::spawn(async move {
                let password = json!({ "currentPassword": PASSWORD, "password": PASSWORD });
                let (method, path, body) = match at % 4 {
                    0 => (Method::POST, "/login", json!({ "email": "x@y.z", "password": "x" })),
                    1 => (Method::PUT, "/user/password", password),
                    2 => (Method::DELETE, "/user", json!({ "password": "wrong horse 1" })),
                    _ => (
                        Method::POST,
                        "/register",
                        json!({ "name": "B", "email": format!("b{at}@y.z"), "password": PASSWORD }),
                    ),
                };
                ada.call(method, path, Some(body)).await
            })
        })
        .collect();
    for _ in 0..50 {
        ada.get("/user").await.expect(200);
    }
    let next = ada.refreshed().await;
    assert!(next.is_in().await);
    let mut shed = 0;
    for attempt in attempts {
        let response = attempt.await.unwrap();
        if response.status == 503 {
            response.refused(503, "overloaded");
            shed += 1;
        } else {
            assert!([201, 204, 401, 422, 429].contains(&response.status), "{response:?}");
        }
    }
    assert!(shed >= 12, "{shed}");
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    world.anonymous().post("/login", body).await.expect(200);
}

#[tokio::test]
async fn a_long_pruning_keeps_nothing_else_from_being_done() {
    let store = TestStore::new().await;
    let hold = store.hold_next("prune");
    let auth = Adyton::builder().store(store.clone()).build().await.unwrap();
    hold.reached().await;
    let before = store.calls("erase_salts");
    let goes_on = async {
        while store.calls("erase_salts") < before + 2 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), goes_on).await.expect("it waits for the pruning");
    hold.release();
    drop(auth);
}
