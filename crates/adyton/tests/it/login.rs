//! POST `/login`.

use crate::world::{Actor, PASSWORD, Response, World};
use adyton::core::event::EventKind;
use adyton::core::store::UserStore;
use adyton::core::user::StoredPassword;
use axum::extract::ConnectInfo;
use http::Method;
use http::header::{CONTENT_TYPE, USER_AGENT};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;

async fn login(world: &World, change: Value) -> Response {
    let mut body = json!({ "email": "ada@example.com", "password": PASSWORD });
    body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    world.anonymous().post("/login", body).await
}

#[tokio::test]
async fn the_right_password_signs_in() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    for email in ["ada@example.com", "ADA@example.com", " ada@example.com\n"] {
        let response = login(&world, json!({ "email": email })).await.expect(200);
        assert_eq!(response["user"]["id"], json!(ada.id));
        assert_eq!(response["expiresIn"], 3600);
        assert!(world.anonymous().of(&response).is_in().await);
    }
    assert!(ada.is_in().await, "another sign-in ends none");
    assert_eq!(world.count(EventKind::AuthnLoginSuccess).await, 3);
}

#[tokio::test]
async fn each_sign_in_gets_secrets_of_its_own() {
    let world = World::new().await;
    world.user("ada").await;
    let (one, two) = (login(&world, json!({})).await, login(&world, json!({})).await);
    for field in ["token", "refreshToken", "sessionId"] {
        assert_ne!(one.text(field), two.text(field));
    }
}

#[tokio::test]
async fn nobody_learns_whether_a_user_exists() {
    let world = World::with(|config| config.rate_limiting.max_attempts = 19).await;
    let ada = world.user("ada").await;
    let empty = world.user("empty").await;
    let stored = StoredPassword::new(String::new());
    assert!(world.store.set_password(empty.id, None, stored, world.now()).await.unwrap());
    let wrong = login(&world, json!({ "password": "wrong horse 1" })).await;
    let mut wrong = wrong.refused(401, "invalid_credentials");
    wrong.headers.remove("x-ratelimit-remaining");
    for credentials in [
        json!({ "email": "nobody@example.com" }),
        json!({ "email": "nobody@example.com", "password": "wrong horse 1" }),
        json!({ "email": "empty@example.com" }),
        json!({ "email": "empty@example.com", "password": "x" }),
        json!({ "password": PASSWORD.to_uppercase() }),
        json!({ "password": format!("{PASSWORD} ") }),
        json!({ "password": format!(" {PASSWORD}") }),
        json!({ "password": "x" }),
        json!({ "password": "x".repeat(1024) }),
    ] {
        let mut response = login(&world, credentials).await;
        assert_eq!((response.status, &response.body), (401, &wrong.body));
        assert!(response.headers.remove("x-ratelimit-remaining").is_some());
        assert_eq!(response.headers, wrong.headers);
    }
    world.auth.flush().await.unwrap();
    let failures = world.events().await.into_iter();
    let failures: u32 = failures
        .filter(|event| event.event == EventKind::AuthnLoginFail)
        .map(|event| event.count)
        .sum();
    assert_eq!(failures, 10);
    assert!(ada.is_in().await);
}

#[tokio::test]
async fn an_unknown_email_costs_a_hash_like_a_known_one() {
    let world = World::with(|config| {
        config.rate_limiting.max_attempts = 8;
        config.hashing.threads = Some(1);
        config.hashing.queue = 1;
    })
    .await;
    let attempts = (0..8).map(|_| {
        let actor = world.anonymous();
        tokio::spawn(async move {
            let body = json!({ "email": "nobody@example.com", "password": PASSWORD });
            actor.post("/login", body).await.status
        })
    });
    let mut shed = 0;
    for attempt in attempts.collect::<Vec<_>>() {
        let status = attempt.await.unwrap();
        assert!(matches!(status, 401 | 503), "{status}");
        shed += usize::from(status == 503);
    }
    assert!(shed >= 4, "eight attempts that all hash do not fit into a queue of one: {shed}");
}

/// A hash that cannot be computed would be answered a hundred times faster, and tell who exists. On a
/// busy machine the quickest of a few is slow too: there are more then.
#[tokio::test]
async fn an_unusable_hash_costs_as_much_as_a_usable_one() {
    let world = World::with(|config| config.rate_limiting.enabled = false).await;
    world.user("ada").await;
    let imported = world.user("imported").await;
    let stored = StoredPassword::new("!locked".to_owned());
    assert!(world.store.set_password(imported.id, None, stored, world.now()).await.unwrap());
    let attempt = async |name: &str| {
        let email = format!("{name}@example.com");
        let begun = tokio::time::Instant::now();
        login(&world, json!({ "email": email, "password": "wrong" })).await.expect(401);
        begun.elapsed()
    };
    let (mut usable, mut unusable) = (Duration::MAX, Duration::MAX);
    for round in 0..30 {
        usable = usable.min(attempt("ada").await);
        unusable = unusable.min(attempt("imported").await);
        if round >= 2 && unusable > usable / 3 {
            return;
        }
    }
    panic!("{unusable:?} against {usable:?}");
}

#[tokio::test]
async fn a_disabled_user_is_refused_like_a_wrong_password() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    world.store.disable(ada.id);
    let right = login(&world, json!({})).await.refused(401, "invalid_credentials");
    let wrong = login(&world, json!({ "password": "wrong horse 1" })).await;
    assert_eq!(right.body, wrong.body);
    let asked = world.store.calls("may_sign_in");
    assert_eq!(asked, 1, "asked after the password, and only then");
}

#[tokio::test]
async fn what_is_missing_or_of_a_wrong_type_is_named() {
    let world = World::new().await;
    world.user("ada").await;
    let response = world.anonymous().post("/login", json!({})).await;
    let response = response.refused(422, "validation_failed");
    assert_eq!(response["errors"]["email"], json!(["is required"]));
    assert_eq!(response["errors"]["password"], json!(["is required"]));
    for (field, value) in [
        ("email", json!(null)),
        ("email", json!("")),
        ("email", json!("ada")),
        ("email", json!("ada\0@example.com")),
        ("email", json!(format!("{}@example.com", "a".repeat(250)))),
        ("password", json!(null)),
        ("password", json!("")),
        ("password", json!(format!("{PASSWORD}\0"))),
        ("password", json!("x".repeat(1025))),
        ("remember", json!("yes")),
        ("remember", json!(1)),
        ("deviceName", json!(7)),
        ("deviceName", json!("x".repeat(129))),
        ("deviceName", json!("a\nb")),
        ("guard", json!("both")),
        ("guard", json!(true)),
        ("abilities", json!("*")),
        ("abilities", json!({ "0": "*" })),
        ("abilities", json!([1])),
        ("abilities", json!(["orders", null])),
    ] {
        login(&world, json!({ field: value })).await.invalid(field);
    }
}

#[tokio::test]
async fn what_may_be_left_out_may_be_null() {
    let world = World::new().await;
    world.user("ada").await;
    let nothing = json!({ "remember": null, "deviceName": null, "guard": null, "abilities": null });
    let response = login(&world, nothing).await.expect(200);
    assert_eq!(response["abilities"], json!(["*"]));
    let token = json!({ "remember": true, "deviceName": "  ", "guard": "token" });
    let response = login(&world, token).await.expect(200);
    let current = world.anonymous().of(&response).get("/session").await;
    assert_eq!(current["session"]["deviceName"], json!(null), "blanks are no name");
}

#[tokio::test]
async fn a_sign_in_may_ask_for_fewer_abilities_and_never_for_more() {
    let allowed = ["account", "orders:read", "orders:write"];
    let world = World::with(|config| {
        config.token_abilities = allowed.map(str::to_owned).to_vec();
    })
    .await;
    world.user("ada").await;
    assert_eq!(login(&world, json!({})).await.expect(200)["abilities"], json!(allowed));
    for fewer in [json!(["orders:read"]), json!([]), json!(["orders:write", "account"])] {
        let response = login(&world, json!({ "abilities": fewer })).await.expect(200);
        assert_eq!(response["abilities"], fewer);
        let current = world.anonymous().of(&response).get("/session").await.expect(200);
        assert_eq!(current["abilities"], fewer);
    }
    for more in [
        json!(["*"]),
        json!(["orders:read", "*"]),
        json!(["orders"]),
        json!(["orders:*"]),
        json!(["orders:delete"]),
        json!(["ORDERS:READ"]),
        json!(["orders:read "]),
        json!([""]),
        json!(vec!["orders:read"; 65].into_iter().chain(["x"]).collect::<Vec<_>>()),
    ] {
        login(&world, json!({ "abilities": more })).await.invalid("abilities");
    }
}

#[tokio::test]
async fn nothing_but_a_star_is_a_star() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    for like in ["**", " *", "* ", "＊", "*\u{200b}", "*,account", "\"*\"", "%2a"] {
        login(&world, json!({ "abilities": [like] })).await.invalid("abilities");
        let body = json!({ "name": "T", "abilities": [like] });
        ada.post("/tokens", body).await.invalid("abilities");
    }
    let many: Vec<String> = (0..65).map(|number| format!("a{number}")).collect();
    login(&world, json!({ "abilities": many })).await.invalid("abilities");
    login(&world, json!({ "abilities": many[..64] })).await.expect(200);
}

#[tokio::test]
async fn no_abilities_are_none() {
    let world = World::new().await;
    world.user("ada").await;
    let response = login(&world, json!({ "abilities": [] })).await.expect(200);
    let ada = world.anonymous().of(&response);
    ada.get("/user").await.expect(200);
    ada.get("/tokens").await.refused(403, "missing_ability");
    ada.visit("/orders").await.refused(403, "missing_ability");
}

async fn from(actor: &Actor, agent: &str, peer: [u8; 4]) -> Response {
    let mut request = actor.request(Method::POST, "/api/auth/login");
    request.headers_mut().insert(CONTENT_TYPE, "application/json".parse().unwrap());
    request
        .headers_mut()
        .insert(USER_AGENT, http::HeaderValue::from_bytes(agent.as_bytes()).unwrap());
    request.headers_mut().insert("x-forwarded-for", "203.0.113.9".parse().unwrap());
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from((peer, 4711))));
    *request.body_mut() =
        json!({ "email": "ada@example.com", "password": PASSWORD }).to_string().into();
    actor.send(request).await.expect(200)
}

#[tokio::test]
async fn a_device_is_new_once_and_known_by_its_connection() {
    let world = World::new().await;
    world.user("ada").await;
    let first = from(&world.anonymous(), "Netscape/4 (é)", [192, 0, 2, 77]).await;
    let again = from(&world.anonymous(), "Netscape/4 (é)", [192, 0, 2, 77]).await;
    assert_eq!((&first["newDevice"], &again["newDevice"]), (&json!(true), &json!(false)));
    let current = world.anonymous().of(&first).get("/session").await;
    assert_eq!(current["session"]["userAgent"], "Netscape/4 (é)");
    assert_eq!(current["session"]["ipAddress"], "192.0.2.0", "cut, and nobody's header");
}

#[tokio::test]
async fn one_session_too_many_ends_the_longest_idle() {
    let world = World::with(|config| config.sessions_per_user = 2).await;
    let first = world.user("ada").await;
    world.clock.advance(120);
    let second = world.anonymous().of(&login(&world, json!({})).await.expect(200));
    world.clock.advance(120);
    assert!(first.is_in().await, "it is used now: the second is the longest idle");
    world.auth.flush().await.unwrap();
    let third = world.anonymous().of(&login(&world, json!({})).await.expect(200));
    assert!(!second.is_in().await);
    second.refresh().await.refused(401, "session_revoked");
    assert!(first.is_in().await && third.is_in().await);
}

#[tokio::test]
async fn an_older_hash_is_replaced_where_that_is_configured() {
    // Laravel's `Hash::make('password')`.
    let laravel = "$2y$10$92IXUNpkjO0rOQ5byMi.Ye4oKoEa3Ro9llC/.og/at2.uheWG/igi";
    for rehash in [true, false] {
        let world = World::with(|config| config.password.rehash = rehash).await;
        let ada = world.user("ada").await;
        let stored = StoredPassword::new(laravel.to_owned());
        world.store.set_password(ada.id, None, stored, world.now()).await.unwrap();
        login(&world, json!({ "password": "Password" })).await.refused(401, "invalid_credentials");
        for _ in 0..2 {
            login(&world, json!({ "password": "password" })).await.expect(200);
        }
        let account = world.store.find_account(ada.id).await.unwrap().unwrap();
        let stored = account.password.unwrap();
        assert_eq!(stored.as_str().starts_with("$argon2id$"), rehash);
        assert!(ada.is_in().await, "a rehash is no password change");
    }
}

#[tokio::test]
async fn a_credential_beside_the_password_changes_nothing() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let grace = world.user("grace").await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let response = grace.post("/login", body.clone()).await.expect(200);
    assert_eq!(response["user"]["id"], json!(ada.id));
    grace.with_token("nonsense").post("/login", body).await.expect(200);
    assert!(grace.is_in().await);
}
