//! GET `/session`.

use crate::world::World;
use http::Method;
use http::header::AUTHORIZATION;
use serde_json::json;

#[tokio::test]
async fn a_guest_is_no_error() {
    let world = World::new().await;
    let response = world.anonymous().get("/session").await.expect(200);
    assert_eq!(response.json, json!({ "user": null }));
    let mut basic = world.anonymous().request(Method::GET, "/api/auth/session");
    basic.headers_mut().insert(AUTHORIZATION, "Basic YWRhOng=".parse().unwrap());
    let response = world.anonymous().send(basic).await.expect(200);
    assert_eq!(response.json, json!({ "user": null }));
}

#[tokio::test]
async fn a_bad_credential_is_told_why() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    for token in ["nonsense", &ada.refresh] {
        let response = ada.with_token(token).get("/session").await.expect(200);
        assert_eq!(response.json, json!({ "user": null, "reason": "token_invalid" }));
    }
    world.clock.advance(3600);
    let response = ada.get("/session").await.expect(200);
    assert_eq!(response.json, json!({ "user": null, "reason": "token_expired" }));
}

#[tokio::test]
async fn a_session_is_shown_with_its_credential() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let begun = world.now();
    world.clock.advance(90);
    ada.get("/user").await.expect(200);
    let shown = ada.get("/session").await.expect(200);
    let user = ada.get("/user").await.expect(200).json;
    assert_eq!(
        shown.json,
        json!({
            "user": user, "guard": "token", "abilities": ["*"],
            "expiresAt": begun.plus(3600).to_string(),
            "session": {
                "id": ada.session, "deviceName": null, "userAgent": null, "ipAddress": null,
                "createdAt": begun.to_string(), "lastSeenAt": begun.plus(90).to_string(),
                "expiresAt": begun.plus(30 * 86_400).to_string(), "current": true,
            },
        })
    );
}

#[tokio::test]
async fn a_personal_token_has_no_session() {
    let world = World::new().await;
    let personal = world.token_user(&["orders:read"]).await;
    let shown = personal.get("/session").await.expect(200);
    assert_eq!(shown["session"], json!(null));
    assert_eq!(shown["abilities"], json!(["orders:read"]));
    assert_eq!(shown["expiresAt"], world.now().plus(90 * 86_400).to_string());
    assert_eq!(shown["user"]["id"], json!(personal.id));
}

#[tokio::test]
async fn a_token_that_never_expires_says_so() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let token = ada.post("/tokens", json!({ "name": "T", "expiresIn": null })).await.expect(201);
    let shown = ada.with_token(&token.text("token")).get("/session").await.expect(200);
    assert!(shown.json.as_object().unwrap().contains_key("expiresAt"));
    assert_eq!(shown["expiresAt"], json!(null));
}
