//! POST `/register`.

use crate::world::{PASSWORD, Response, World};
use adyton::core::event::EventKind;
use serde_json::{Value, json};

async fn register(world: &World, change: Value) -> Response {
    let mut body = json!({ "name": "Ada", "email": "ada@example.com", "password": PASSWORD });
    body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    world.anonymous().post("/register", body).await
}

#[tokio::test]
async fn who_registers_is_signed_in() {
    let world = World::new().await;
    let response = register(&world, json!({})).await.expect(201);
    let now = world.now();
    assert_eq!(
        response["user"],
        json!({ "id": 1, "name": "Ada", "email": "ada@example.com",
                "created_at": now.to_string(), "updated_at": now.to_string() })
    );
    assert_eq!(response["guard"], "token");
    assert_eq!(response["tokenType"], "Bearer");
    assert_eq!(response["abilities"], json!(["*"]));
    assert_eq!(response["expiresIn"], 3600);
    assert_eq!(response["expiresAt"], now.plus(3600).to_string());
    assert_eq!(response["refreshExpiresAt"], now.plus(30 * 86_400).to_string());
    assert_eq!(response["newDevice"], true);
    for (field, prefix) in [("token", "adt_"), ("refreshToken", "adr_")] {
        let text = response.text(field);
        assert!(text.starts_with(prefix) && text.len() == 53, "{text}");
    }
    let ada = world.anonymous().of(&response);
    assert_eq!(ada.get("/user").await.expect(200).json, response["user"]);
    assert_eq!(ada.get("/session").await.expect(200)["session"]["id"], response["sessionId"]);
    assert_eq!(world.count(EventKind::UserCreated).await, 1);
    assert_eq!(world.count(EventKind::SessionCreated).await, 1);
}

#[tokio::test]
async fn an_email_is_stored_in_one_form_and_taken_in_every_form() {
    let world = World::new().await;
    let response = register(&world, json!({ "email": " \tAda@Example.COM\n" })).await.expect(201);
    assert_eq!(response["user"]["email"], "ada@example.com");
    for taken in ["ada@example.com", "ADA@EXAMPLE.COM", " ada@example.com "] {
        let response = register(&world, json!({ "email": taken })).await.invalid("email");
        assert_eq!(response["errors"]["email"], json!(["has already been taken"]));
    }
    assert_eq!(world.auth.list_users(adyton::UserId(0), 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let world = World::new().await;
    let response = world.anonymous().post("/register", json!({})).await;
    let response = response.refused(422, "validation_failed");
    let required = json!(["is required"]);
    assert_eq!(response["errors"]["name"], required);
    assert_eq!(response["errors"]["password"], required);
    assert_eq!(response["errors"]["email"], required);
    for field in ["name", "email", "password"] {
        for value in [json!(null), json!("")] {
            register(&world, json!({ field: value })).await.invalid(field);
        }
        for value in [json!(1), json!(true), json!(["Ada"]), json!({ "a": 1 })] {
            let response = register(&world, json!({ field: value })).await;
            let problems = &response["errors"][field];
            assert_eq!(problems[0], "must be a string", "{response:?}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_a_name_an_email_or_a_device_is_refused() {
    let world = World::new().await;
    for (field, value) in [
        ("name", "   ".to_owned()),
        ("name", "a\0b".to_owned()),
        ("name", "a\r\nSet-Cookie: x".to_owned()),
        ("name", "a\u{1b}[31m".to_owned()),
        ("name", "a\u{85}".to_owned()),
        ("name", "é".repeat(256)),
        ("email", "   ".to_owned()),
        ("email", "ada".to_owned()),
        ("email", "ada@".to_owned()),
        ("email", "ada@b@example.com".to_owned()),
        ("email", "ada\0@example.com".to_owned()),
        ("email", "a da@example.com".to_owned()),
        ("email", "ada@example.com\r\nBcc: x@example.com".to_owned()),
        ("email", "Ada <ada@example.com>".to_owned()),
        ("email", "\"ada@home\"@example.com".to_owned()),
        ("email", format!("{}@example.com", "a".repeat(243))),
        ("email", format!("ada@{}.com", "a".repeat(300))),
        ("deviceName", "é".repeat(129)),
        ("deviceName", "a\r\nb".to_owned()),
        ("deviceName", "a\0".to_owned()),
        ("guard", "cookie".to_owned()),
        ("guard", String::new()),
        ("passwordConfirmation", "another horse 2".to_owned()),
        ("passwordConfirmation", String::new()),
    ] {
        register(&world, json!({ field: value })).await.invalid(field);
    }
    assert!(world.auth.list_users(adyton::UserId(0), 10).await.unwrap().is_empty());
    assert_eq!(world.store.calls("sign_in"), 0);
}

#[tokio::test]
async fn what_is_just_short_enough_is_taken() {
    let world = World::new().await;
    let long = json!({ "name": "é".repeat(255), "deviceName": "é".repeat(128),
                       "password": "é".repeat(512), "guard": "token",
                       "email": format!("{}@{}.com", "a".repeat(64), "b".repeat(60)) });
    let response = register(&world, long).await.expect(201);
    assert_eq!(response["user"]["name"], "é".repeat(255));
}

#[tokio::test]
async fn weak_passwords_are_refused_and_others_taken_as_typed() {
    let world = World::new().await;
    for weak in ["short77", "password", "PASSWORD", "12345678", "a\0bcdefgh", &"a".repeat(1025)] {
        register(&world, json!({ "password": weak })).await.invalid("password");
    }
    let typed = "  пароль\u{7}\t🐎 ";
    register(&world, json!({ "password": typed, "passwordConfirmation": typed })).await.expect(201);
    for (password, status) in [(typed, 200), (typed.trim(), 401)] {
        let body = json!({ "email": "ada@example.com", "password": password });
        world.anonymous().post("/login", body).await.expect(status);
    }
}

#[tokio::test]
async fn a_configured_length_counts() {
    let world = World::with(|config| config.password.min_length = 20).await;
    let response = register(&world, json!({})).await.invalid("password");
    assert_eq!(response["errors"]["password"], json!(["must have at least 20 characters"]));
}
