//! GET and DELETE `/sessions`, DELETE `/sessions/{id}`.

use crate::store::Mode;
use crate::world::{Actor, World};
use adyton::core::event::EventKind;
use serde_json::json;

async fn ids(actor: &Actor) -> Vec<String> {
    let list = actor.get("/sessions").await.expect(200);
    let sessions = list["sessions"].as_array().unwrap();
    sessions.iter().map(|session| session["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_own_live_sessions_are_listed_latest_first() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let grace = world.user("grace").await;
    world.clock.advance(10);
    let phone = world.session_of(ada.id).await;
    world.clock.advance(10);
    let ended = world.session_of(ada.id).await;
    ended.post("/logout", json!({})).await.expect(204);

    let list = ada.get("/sessions").await.expect(200);
    assert_eq!(ids(&ada).await, [phone.session.as_str(), ada.session.as_str()]);
    assert_eq!(list["sessions"][0]["current"], false);
    assert_eq!(list["sessions"][1]["current"], true);
    let fields: Vec<_> = list["sessions"][0].as_object().unwrap().keys().cloned().collect();
    let mut expected = ["id", "deviceName", "userAgent", "ipAddress", "createdAt", "lastSeenAt"]
        .into_iter()
        .chain(["expiresAt", "current"])
        .collect::<Vec<_>>();
    expected.sort_unstable();
    assert_eq!(fields, expected);
    assert_eq!(ids(&grace).await, [grace.session.as_str()]);
}

#[tokio::test]
async fn a_refreshed_session_is_the_same_session() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let next = ada.refreshed().await;
    assert_eq!(ids(&next).await, [ada.session.as_str()]);
    world.clock.advance(31 * 86_400);
    let later = world.session_of(ada.id).await;
    assert_eq!(ids(&later).await, [later.session.as_str()], "expired ones are not listed");
}

#[tokio::test]
async fn one_session_can_be_ended_the_own_too() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let phone = world.session_of(ada.id).await;
    assert!(phone.is_in().await);
    ada.delete(&format!("/sessions/{}", phone.session)).await.expect(204);
    phone.get("/user").await.refused(401, "token_invalid");
    phone.refresh().await.refused(401, "session_revoked");
    assert!(ada.is_in().await);
    ada.delete(&format!("/sessions/{}", phone.session)).await.refused(404, "not_found");
    assert_eq!(world.count(EventKind::SessionRevoked).await, 1);
    ada.delete(&format!("/sessions/{}", ada.session)).await.expect(204);
    assert!(!ada.is_in().await);
}

#[tokio::test]
async fn anothers_session_is_not_there() {
    let world = World::new().await;
    let (ada, grace) = (world.user("ada").await, world.user("grace").await);
    let unknown = ada.delete("/sessions/0000000000000000000000").await;
    let unknown = unknown.refused(404, "not_found");
    let theirs = ada.delete(&format!("/sessions/{}", grace.session)).await;
    assert_eq!((theirs.status, &theirs.body), (404, &unknown.body));
    assert_eq!(theirs.headers, unknown.headers);
    assert!(grace.is_in().await);
    for id in
        ["1", "2", "%00", "%ff", "%2e%2e", "'%20or%201=1", &ada.session.to_lowercase(), "x%0d%0ay"]
    {
        ada.delete(&format!("/sessions/{id}")).await.refused(404, "not_found");
    }
    ada.delete(&format!("/sessions/{}", "a".repeat(5000))).await.refused(404, "not_found");
    assert!(ada.is_in().await);
}

#[tokio::test]
async fn all_others_can_be_ended_at_once() {
    let world = World::new().await;
    let (ada, grace) = (world.user("ada").await, world.user("grace").await);
    let others = [world.session_of(ada.id).await, world.session_of(ada.id).await];
    let personal = world.token_of(ada.id, &["*"]).await;
    for other in &others {
        assert!(other.is_in().await);
    }
    ada.delete("/sessions").await.expect(204);
    for other in &others {
        assert!(!other.is_in().await);
        other.refresh().await.refused(401, "session_revoked");
    }
    assert!(ada.is_in().await && grace.is_in().await && personal.is_in().await);
    ada.delete("/sessions").await.expect(204);

    personal.delete("/sessions").await.expect(204);
    assert!(!ada.is_in().await, "a personal token has no session to spare");
    assert!(personal.is_in().await);
}

#[tokio::test]
async fn nobody_is_told_204_while_the_store_refuses_writes() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let phone = world.session_of(ada.id).await;
    world.store.set(Mode::ReadOnly);
    ada.delete("/sessions").await.refused(503, "store_unavailable");
    let path = format!("/sessions/{}", phone.session);
    ada.delete(&path).await.refused(503, "store_unavailable");
    assert!(phone.is_in().await);
}

#[tokio::test]
async fn a_use_shows_before_it_is_written_down() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    world.clock.advance(300);
    ada.get("/user").await.expect(200);
    let seen = world.now().to_string();
    for _ in 0..2 {
        assert_eq!(ada.get("/sessions").await["sessions"][0]["lastSeenAt"], seen);
        world.auth.flush().await.unwrap();
    }
}
