//! GET, PATCH and DELETE `/user`.

use crate::store::Mode;
use crate::world::{Actor, PASSWORD, Response, World};
use adyton::core::config::CacheMode;
use adyton::core::event::EventKind;
use adyton::core::store::{TokenStore, UserStore};
use http::Method;
use serde_json::{Value, json};

async fn patch(actor: &Actor, body: Value) -> Response {
    actor.call(Method::PATCH, "/user", Some(body)).await
}

async fn delete(actor: &Actor, body: Value) -> Response {
    actor.call(Method::DELETE, "/user", Some(body)).await
}

#[tokio::test]
async fn a_user_is_shown_by_the_columns_of_the_table() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let now = world.now().to_string();
    let shown = ada.get("/user").await.expect(200);
    let row = json!({ "id": ada.id, "name": "ada", "email": "ada@example.com",
                      "created_at": now, "updated_at": now });
    assert_eq!(shown.json, row);
    let personal = world.token_of(ada.id, &[]).await;
    assert_eq!(personal.get("/user").await.expect(200).json, row, "no ability is needed");
}

#[tokio::test]
async fn reading_writes_nothing() {
    // On every database, also those that do not tell of the changes of others.
    let world = World::with(|config| config.cache.enabled = CacheMode::Exclusive).await;
    let ada = world.user("ada").await;
    let before = world.store.calls("find_token");
    for _ in 0..20 {
        ada.get("/user").await.expect(200);
        ada.get("/session").await.expect(200);
    }
    let writes = ["touch", "record", "rotate", "revoke_sessions", "update_user", "insert_token"];
    for method in writes {
        assert_eq!(world.store.calls(method), 0, "{method}");
    }
    assert_eq!(world.store.calls("find_token") - before, 1, "the cache answers the rest");
}

#[tokio::test]
async fn a_name_changes_at_once_and_needs_no_password() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    ada.get("/user").await.expect(200);
    world.clock.advance(5);
    let changed = patch(&ada, json!({ "name": "Ada Lovelace" })).await.expect(200);
    assert_eq!(changed["name"], "Ada Lovelace");
    assert_eq!(changed["updated_at"], world.now().to_string());
    assert_eq!(ada.get("/user").await.expect(200).json, changed.json);
    assert_eq!(world.count(EventKind::UserUpdated).await, 1);
}

#[tokio::test]
async fn nothing_to_change_is_no_change() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    for body in [json!({}), json!({ "name": null, "email": null }), json!({ "password": "x" })] {
        assert_eq!(patch(&ada, body).await.expect(200)["name"], "ada");
    }
    assert_eq!(world.store.calls("update_user"), 0);
}

#[tokio::test]
async fn an_email_changes_with_the_password_alone() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    world.user("grace").await;
    for password in [json!(null), json!(""), json!("wrong horse 1"), json!("x\0"), json!(7)] {
        let body = json!({ "email": "new@example.com", "currentPassword": password });
        patch(&ada, body).await.invalid("currentPassword");
    }
    patch(&ada, json!({ "email": "new@example.com" })).await.invalid("currentPassword");
    let taken = json!({ "email": "Grace@Example.com", "currentPassword": PASSWORD });
    patch(&ada, taken).await.invalid("email");
    assert_eq!(ada.get("/user").await["email"], "ada@example.com");

    let new = json!({ "email": " New@Example.com ", "current_password": PASSWORD });
    assert_eq!(patch(&ada, new).await.expect(200)["email"], "new@example.com");
    assert!(ada.is_in().await);
    for (email, status) in [("ada@example.com", 401), ("NEW@example.com", 200)] {
        let body = json!({ "email": email, "password": PASSWORD });
        world.anonymous().post("/login", body).await.expect(status);
    }
    let own = json!({ "email": "NEW@example.com", "currentPassword": PASSWORD });
    patch(&ada, own).await.expect(200);
}

#[tokio::test]
async fn what_cannot_be_a_name_or_an_email_is_refused() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    for (field, value) in [
        ("name", json!("")),
        ("name", json!(" \t")),
        ("name", json!("a\0")),
        ("name", json!("a\nb")),
        ("name", json!("é".repeat(256))),
        ("name", json!(1)),
        ("email", json!("")),
        ("email", json!("ada")),
        ("email", json!("a\0@example.com")),
        ("email", json!(["ada@example.com"])),
        ("email", json!(format!("{}@example.com", "a".repeat(300)))),
    ] {
        let body = json!({ "currentPassword": PASSWORD, field: value });
        patch(&ada, body).await.invalid(field);
    }
    assert_eq!(world.store.calls("update_user"), 0);
}

#[tokio::test]
async fn a_deleted_account_takes_every_credential_along() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let grace = world.user("grace").await;
    let phone = world.session_of(ada.id).await;
    let replaced = world.session_of(ada.id).await;
    let replacing = replaced.refreshed().await;
    let personal = world.token_of(ada.id, &["*"]).await;
    for actor in [&ada, &phone, &replaced, &replacing, &personal] {
        assert!(actor.is_in().await);
    }
    delete(&ada, json!({ "password": PASSWORD })).await.expect(204);
    for actor in [&ada, &phone, &replaced, &replacing, &personal] {
        actor.get("/user").await.refused(401, "token_invalid");
    }
    for actor in [&ada, &phone, &replaced, &replacing] {
        actor.refresh().await.refused(401, "token_invalid");
        actor.post("/logout", json!({ "refreshToken": actor.refresh })).await.expect(204);
    }
    let login = json!({ "email": "ada@example.com", "password": PASSWORD });
    world.anonymous().post("/login", login).await.refused(401, "invalid_credentials");
    assert!(grace.is_in().await);
    assert_eq!(world.count(EventKind::UserDeleted).await, 1);
    assert!(world.store.find_user(ada.id).await.unwrap().is_none());
    assert!(world.store.list_tokens(ada.id).await.unwrap().is_empty());
}

#[tokio::test]
async fn ids_of_the_deleted_are_never_given_again() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let personal = world.token_of(ada.id, &["*"]).await;
    let number = personal.get("/tokens").await["tokens"][0]["id"].as_i64().unwrap();
    delete(&ada, json!({ "password": PASSWORD })).await.expect(204);
    let again = world.user("ada").await;
    assert!(again.id > ada.id);
    let token = again.post("/tokens", json!({ "name": "T" })).await.expect(201);
    assert!(token["accessToken"]["id"].as_i64().unwrap() > number);
    assert!(!ada.is_in().await && !personal.is_in().await);
}

#[tokio::test]
async fn deletion_asks_for_the_password() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    for password in [
        json!(null),
        json!(""),
        json!("wrong horse 1"),
        json!(7),
        json!(format!("{PASSWORD}\0")),
        json!("x".repeat(1025)),
    ] {
        delete(&ada, json!({ "password": password })).await.invalid("password");
    }
    ada.delete("/user").await.invalid("password");
    delete(&ada, json!({ "currentPassword": PASSWORD })).await.invalid("password");
    assert!(ada.is_in().await);
    assert_eq!(world.store.calls("delete_account"), 0);
}

#[tokio::test]
async fn a_deletion_whose_answer_is_lost_has_happened_for_the_cache_too() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    assert!(ada.is_in().await);
    world.store.set(Mode::Deaf);
    let response = delete(&ada, json!({ "password": PASSWORD })).await;
    response.refused(503, "store_unavailable");
    assert!(!ada.is_in().await);
}
