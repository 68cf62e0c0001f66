//! PUT `/user/password`.

use crate::store::Mode;
use crate::world::{Actor, PASSWORD, Response, World};
use adyton::core::event::EventKind;
use http::Method;
use serde_json::{Value, json};

const NEW: &str = "another horse 2";

async fn change(actor: &Actor, more: Value) -> Response {
    let mut body = json!({ "currentPassword": PASSWORD, "password": NEW });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    actor.call(Method::PUT, "/user/password", Some(body)).await
}

async fn login(world: &World, password: &str) -> Response {
    let body = json!({ "email": "ada@example.com", "password": password });
    world.anonymous().post("/login", body).await
}

#[tokio::test]
async fn every_other_session_ends_and_the_own_goes_on() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let grace = world.user("grace").await;
    let phone = world.session_of(ada.id).await;
    let replaced = world.session_of(ada.id).await;
    let replacing = replaced.refreshed().await;
    let personal = world.token_of(ada.id, &["*"]).await;
    for actor in [&phone, &replaced, &replacing] {
        assert!(actor.is_in().await);
    }
    change(&ada, json!({})).await.expect(204);
    for actor in [&phone, &replaced, &replacing] {
        actor.get("/user").await.refused(401, "token_invalid");
        actor.refresh().await.refused(401, "session_revoked");
    }
    assert!(ada.is_in().await && ada.refreshed().await.is_in().await);
    assert!(personal.is_in().await && grace.is_in().await);
    login(&world, PASSWORD).await.refused(401, "invalid_credentials");
    login(&world, NEW).await.expect(200);
    assert_eq!(world.count(EventKind::AuthnPasswordChange).await, 1);
}

#[tokio::test]
async fn personal_tokens_go_too_if_asked() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let grace = world.user("grace").await;
    let personal = world.token_of(ada.id, &["*"]).await;
    let hers = world.token_of(grace.id, &["*"]).await;
    assert!(personal.is_in().await);
    change(&ada, json!({ "revokeTokens": true })).await.expect(204);
    personal.get("/user").await.refused(401, "token_invalid");
    assert!(ada.is_in().await && hers.is_in().await);
}

#[tokio::test]
async fn by_a_personal_token_every_session_ends() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let personal = world.token_of(ada.id, &["account"]).await;
    change(&personal, json!({})).await.expect(204);
    assert!(!ada.is_in().await);
    assert!(personal.is_in().await);
}

#[tokio::test]
async fn a_wrong_password_is_a_fault_of_its_field_and_never_401() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let phone = world.session_of(ada.id).await;
    for wrong in [
        json!(null),
        json!(""),
        json!("wrong horse 1"),
        json!(format!("{PASSWORD} ")),
        json!("x\0"),
        json!("x".repeat(1025)),
        json!(5),
        json!([PASSWORD]),
    ] {
        change(&ada, json!({ "currentPassword": wrong })).await.invalid("currentPassword");
    }
    for weak in [json!(null), json!(""), json!("short77"), json!("password"), json!("abc\0defgh")] {
        change(&ada, json!({ "password": weak })).await.invalid("password");
    }
    change(&ada, json!({ "password": "é".repeat(513) })).await.invalid("password");
    change(&ada, json!({ "revokeTokens": "yes" })).await.invalid("revokeTokens");
    assert!(phone.is_in().await);
    assert_eq!(world.store.calls("change_password"), 0);
    login(&world, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_change_that_the_store_refuses_changes_nothing() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let phone = world.session_of(ada.id).await;
    world.store.set(Mode::ReadOnly);
    change(&ada, json!({})).await.refused(503, "store_unavailable");
    world.store.set(Mode::Up);
    assert!(phone.is_in().await);
    login(&world, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_has_happened_for_the_cache_too() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let phone = world.session_of(ada.id).await;
    assert!(phone.is_in().await);
    world.store.set(Mode::Deaf);
    change(&ada, json!({})).await.refused(503, "store_unavailable");
    assert!(!phone.is_in().await);
}
