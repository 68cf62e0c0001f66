//! What all endpoints have in common (CONTRACT 3). The shape of every single answer is checked
//! where it arrives: see `Response::check_conventions`.

use crate::store::Mode;
use crate::world::{Actor, BASE, PASSWORD, Response, World};
use adyton::Config;
use axum::body::Body;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Version};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Every operation, what the anonymous get from it, and whether it needs the ability `account`.
const OPERATIONS: [(&str, &str, u16, bool); 19] = [
    ("POST", "/register", 422, false),
    ("POST", "/login", 422, false),
    ("POST", "/refresh", 422, false),
    ("POST", "/logout", 204, false),
    ("GET", "/user", 401, false),
    ("PATCH", "/user", 401, true),
    ("DELETE", "/user", 401, true),
    ("PUT", "/user/password", 401, true),
    ("GET", "/session", 200, false),
    // Nobody has said that this host is ours.
    ("GET", "/csrf-cookie", 403, false),
    ("GET", "/sessions", 401, true),
    ("DELETE", "/sessions", 401, true),
    ("DELETE", "/sessions/{id}", 401, true),
    ("GET", "/tokens", 401, true),
    ("POST", "/tokens", 401, true),
    ("DELETE", "/tokens/{id}", 401, true),
    ("GET", "/verify", 401, false),
    ("GET", "/openapi.json", 200, false),
    ("HEAD", "/user", 401, false),
];

/// The operations that read a body.
const WITH_BODY: [(&str, &str); 8] = [
    ("POST", "/register"),
    ("POST", "/login"),
    ("POST", "/refresh"),
    ("POST", "/logout"),
    ("PATCH", "/user"),
    ("DELETE", "/user"),
    ("PUT", "/user/password"),
    ("POST", "/tokens"),
];

fn method(name: &str) -> Method {
    name.parse().unwrap()
}

/// A body sent as it stands.
async fn raw(actor: &Actor, operation: (&str, &str), media_type: &str, body: Vec<u8>) -> Response {
    let mut request = actor.request(method(operation.0), &format!("{BASE}{}", operation.1));
    if !media_type.is_empty() {
        request.headers_mut().insert(CONTENT_TYPE, media_type.parse().unwrap());
    }
    *request.body_mut() = Body::from(body);
    actor.send(request).await
}

const JSON: &str = "application/json";

#[test]
fn every_operation_of_the_document_stands_in_the_table() {
    let document: Value = serde_json::from_str(&adyton::openapi(&Config::default())).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let described: BTreeSet<(String, &str)> = paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            methods.map(move |method| (method.to_uppercase(), path.as_str()))
        })
        .filter(|(method, _)| ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&&**method))
        .collect();
    let tested = OPERATIONS.iter().filter(|(method, ..)| *method != "HEAD");
    let tested: BTreeSet<(String, &str)> =
        tested.map(|(method, path, ..)| ((*method).to_owned(), *path)).collect();
    assert_eq!(described, tested);
}

#[test]
fn every_operation_with_a_body_is_sent_bad_ones() {
    let document: Value = serde_json::from_str(&adyton::openapi(&Config::default())).unwrap();
    let with_body = |(method, path, ..): &&(&str, &str, u16, bool)| {
        document["paths"][path][method.to_lowercase()]["requestBody"].is_object()
    };
    let described: BTreeSet<_> =
        OPERATIONS.iter().filter(with_body).map(|(method, path, ..)| (*method, *path)).collect();
    assert_eq!(described, BTreeSet::from(WITH_BODY));
}

#[tokio::test]
async fn the_anonymous_get_what_the_table_says() {
    let world = World::new().await;
    for (name, path, status, _) in OPERATIONS {
        let path = path.replace("{id}", "1");
        let response = world.anonymous().call(method(name), &path, None).await;
        assert_eq!(response.status, status, "{name} {path}: {response:?}");
        if status == 401 && name != "HEAD" {
            response.refused(401, "unauthenticated");
        }
    }
}

#[tokio::test]
async fn a_token_that_is_not_valid_is_refused_wherever_one_is_asked_for() {
    let world = World::new().await;
    let guest = world.anonymous().with_token("adt_nonsense");
    for (name, path, _, _) in OPERATIONS.iter().filter(|(_, _, status, _)| *status == 401) {
        let response = guest.call(method(name), &path.replace("{id}", "1"), None).await;
        if *name != "HEAD" {
            let response = response.refused(401, "token_invalid");
            assert!(response.header("www-authenticate").contains("invalid_token"));
        }
    }
}

#[tokio::test]
async fn managing_the_account_needs_its_ability() {
    let world = World::new().await;
    let orders = world.token_user(&["orders:read"]).await;
    let account = world.token_of(orders.id, &["account"]).await;
    let similar = world.token_of(orders.id, &["account:read", "accounts"]).await;
    let nothing = world.token_of(orders.id, &[]).await;
    // Whoever may sign out would be gone for the rest; the other one asks for no credential.
    let apart = ["/logout", "/csrf-cookie"];
    let operations = OPERATIONS.iter().filter(|(_, path, ..)| !apart.contains(path));
    for (name, path, _, needs_account) in operations {
        let path = path.replace("{id}", "999");
        for actor in [&orders, &similar, &nothing] {
            let response = actor.call(method(name), &path, None).await;
            if *needs_account {
                let response = response.refused(403, "missing_ability");
                assert_eq!(response["missing"], json!(["account"]));
                assert!(response.header("www-authenticate").contains("insufficient_scope"));
            } else {
                assert_ne!(response.status, 403, "{name} {path}: {response:?}");
            }
        }
        let response = account.call(method(name), &path, None).await;
        assert!(![401, 403].contains(&response.status), "{name} {path}: {response:?}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_plain_json_object_is_refused_everywhere() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let nested = format!("{{\"x\":{}{}}}", "[".repeat(60_000 / 2), "]".repeat(60_000 / 2));
    let bodies: [&[u8]; 17] = [
        b"[]",
        b"[\"Ada\", \"ada@example.com\"]",
        b"null",
        b"7",
        b"\"{}\"",
        b"{",
        b"{}{}",
        b"{} x",
        b" ",
        b"{'name': 1}",
        b"{\"name\":\"\xff\xfe\"}",
        b"{\"name\":\"\\ud800\"}",
        b"{\"name\":\"a\nb\"}",
        b"\xef\xbb\xbf{}",
        b"name=Ada&email=ada@example.com",
        b"{\"x\":1,\"x\":1}",
        nested.as_bytes(),
    ];
    for operation in WITH_BODY {
        for body in bodies {
            let response = raw(&ada, operation, JSON, body.to_vec()).await;
            response.refused(400, "malformed_request");
        }
    }
    assert!(ada.is_in().await);
}

#[tokio::test]
async fn a_member_that_stands_twice_is_refused_in_either_spelling() {
    let world = World::new().await;
    let twice = br#"{"email":"ada@example.com","password":"a","password":"b"}"#;
    let response = raw(&world.anonymous(), ("POST", "/login"), JSON, twice.to_vec()).await;
    response.refused(400, "malformed_request");
    let escaped = br#"{"email":"ada@example.com","password":"a","p\u0061ssword":"b"}"#;
    let response = raw(&world.anonymous(), ("POST", "/login"), JSON, escaped.to_vec()).await;
    response.refused(400, "malformed_request");
    let both = json!({ "refreshToken": "a", "refresh_token": "b" });
    world.anonymous().post("/refresh", both).await.invalid("refreshToken");
    let null = json!({ "refreshToken": null, "refresh_token": "b" });
    world.anonymous().post("/refresh", null).await.invalid("refreshToken");
}

#[tokio::test]
async fn only_plain_json_is_a_media_type() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    for operation in WITH_BODY {
        for media_type in [
            "",
            "text/plain",
            "text/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/jsonp",
            "application/json+x",
            "application/problem+json",
            "application/json; charset=latin1",
            "application/json, text/plain",
        ] {
            let response = raw(&ada, operation, media_type, b"{}".to_vec()).await;
            response.refused(415, "unsupported_media_type");
        }
        let mut request = ada.request(method(operation.0), &format!("{BASE}{}", operation.1));
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        request.headers_mut().append(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        *request.body_mut() = Body::from("{}");
        ada.send(request).await.refused(415, "unsupported_media_type");
        for encoding in ["gzip", "br", "identity", ""] {
            let mut request = ada.request(method(operation.0), &format!("{BASE}{}", operation.1));
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
            request.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
            *request.body_mut() = Body::from("{}");
            ada.send(request).await.refused(415, "unsupported_media_type");
        }
    }
    assert!(ada.is_in().await);
}

#[tokio::test]
async fn utf_8_may_be_named_as_the_charset() {
    let world = World::new().await;
    for media_type in [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "application/json; charset=\"utf-8\"",
    ] {
        let body = b"{}".to_vec();
        let response = raw(&world.anonymous(), ("POST", "/login"), media_type, body).await;
        response.refused(422, "validation_failed");
    }
}

#[tokio::test]
async fn a_body_has_at_most_64_kib() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let sized = |size: usize| format!("{{\"x\":\"{}\"}}", "a".repeat(size - 8)).into_bytes();
    for operation in WITH_BODY {
        let response = raw(&ada, operation, JSON, sized(65 << 10)).await;
        response.refused(413, "payload_too_large");
    }
    let login = ("POST", "/login");
    raw(&ada, login, JSON, sized(64 << 10)).await.refused(422, "validation_failed");
    raw(&ada, login, JSON, sized((64 << 10) + 1)).await.refused(413, "payload_too_large");
    raw(&ada, login, "text/plain", sized(10 << 20)).await.refused(413, "payload_too_large");
}

#[tokio::test]
async fn a_body_that_is_announced_too_long_is_not_read() {
    let world = World::new().await;
    let mut request = world.anonymous().request(Method::POST, &format!("{BASE}/login"));
    request.headers_mut().insert("content-length", HeaderValue::from_static("65537"));
    *request.body_mut() = Body::new(Never);
    world.anonymous().send(request).await.refused(413, "payload_too_large");
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_given_up() {
    let world = World::with(|config| {
        config.server.body_timeout = adyton::core::config::Lifetime::from_seconds(1);
    })
    .await;
    let mut request = world.anonymous().request(Method::POST, &format!("{BASE}/login"));
    *request.body_mut() = Body::new(Never);
    world.anonymous().send(request).await.refused(408, "request_timeout");
}

/// A body of which nothing ever arrives.
struct Never;

impl axum::body::HttpBody for Never {
    type Data = axum::body::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Self::Data>, Self::Error>>> {
        std::task::Poll::Pending
    }
}

#[tokio::test]
async fn no_body_means_an_empty_object() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    for (operation, status) in WITH_BODY.into_iter().zip([422, 422, 422, 204, 200, 422, 422, 422]) {
        let actor = if operation.1 == "/logout" { world.anonymous() } else { ada.clone() };
        let response = raw(&actor, operation, "", Vec::new()).await;
        assert_eq!(response.status, status, "{operation:?} {response:?}");
    }
}

#[tokio::test]
async fn a_body_on_an_endpoint_without_one_changes_nothing() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    raw(&ada, ("GET", "/user"), "text/plain", vec![0xff; 100]).await.expect(200);
    raw(&ada, ("DELETE", "/tokens/999"), JSON, b"[".to_vec()).await.refused(404, "not_found");
}

#[tokio::test]
async fn a_wrong_type_is_told_by_the_fields_name_and_never_by_its_value() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    for (operation, field) in [
        (("POST", "/register"), "password"),
        (("POST", "/register"), "passwordConfirmation"),
        (("POST", "/login"), "password"),
        (("POST", "/refresh"), "refreshToken"),
        (("POST", "/logout"), "refreshToken"),
        (("PATCH", "/user"), "currentPassword"),
        (("DELETE", "/user"), "password"),
        (("PUT", "/user/password"), "currentPassword"),
        (("PUT", "/user/password"), "password"),
    ] {
        for secret in [
            json!(8_675_309_123_u64),
            json!(["8675309123"]),
            json!({ "8675309123": "8675309123" }),
            json!(8_675_309_123.5),
        ] {
            let mut body = json!({ "email": "ada@example.com", "name": "Ada" });
            body[field] = secret;
            let response = ada.call(method(operation.0), operation.1, Some(body)).await;
            assert_eq!(response["errors"][field], json!(["must be a string"]), "{response:?}");
            assert!(!response.body.contains("8675309123"), "{response:?}");
        }
    }
    assert!(ada.is_in().await);
}

#[tokio::test]
async fn both_spellings_of_a_field_are_read() {
    let world = World::new().await;
    let register = |email: &str, confirmation: &str, device: &str| {
        json!({ "name": "A", "email": email, "password": PASSWORD,
                confirmation: PASSWORD, device: "Phone" })
    };
    let camel = register("a@example.com", "passwordConfirmation", "deviceName");
    let snake = register("b@example.com", "password_confirmation", "device_name");
    for body in [camel, snake] {
        let actor = world.anonymous();
        let actor = actor.of(&actor.post("/register", body).await.expect(201));
        let current = actor.get("/session").await.expect(200);
        assert_eq!(current["session"]["deviceName"], "Phone");
        actor.post("/refresh", json!({ "refresh_token": actor.refresh })).await.expect(200);
        let token = json!({ "name": "T", "expires_in": 60 });
        let token = actor.post("/tokens", token).await.expect(201);
        let end = world.now().plus(60).to_string();
        assert_eq!(token["accessToken"]["expiresAt"], end);
    }
    let wrong = json!({ "name": "A", "email": "c@example.com", "password": PASSWORD,
                        "password_confirmation": "another horse 2" });
    world.anonymous().post("/register", wrong).await.invalid("passwordConfirmation");
}

#[tokio::test]
async fn what_nobody_asks_for_changes_nothing() {
    let world = World::new().await;
    let victim = world.user("victim").await;
    let extra = json!({
        "id": victim.id, "user_id": victim.id, "userId": victim.id, "tokenable_id": victim.id,
        "tokenableId": victim.id, "created_at": "2001-01-01T00:00:00Z", "is_admin": true,
        "createdAt": "2001-01-01T00:00:00Z", "updated_at": "2001-01-01T00:00:00Z",
        "token": "adt_x", "role": "admin", "isAdmin": true, "sessionId": victim.session,
    });
    let with = |own: Value| {
        let mut body = extra.clone();
        body.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        body
    };
    let now = world.now().to_string();
    let is_ada = |user: &Value| {
        assert_ne!(user["id"], json!(victim.id));
        let columns: Vec<_> = user.as_object().unwrap().keys().cloned().collect();
        assert_eq!(columns, ["created_at", "email", "id", "name", "updated_at"]);
        assert_eq!((&user["created_at"], &user["updated_at"]), (&json!(now), &json!(now)));
    };
    let ada = world.anonymous();
    let own = json!({ "name": "Ada", "email": "ada@example.com", "password": PASSWORD });
    let registered = ada.post("/register", with(own)).await.expect(201);
    is_ada(&registered["user"]);
    let own = json!({ "email": "ada@example.com", "password": PASSWORD });
    is_ada(&ada.post("/login", with(own)).await.expect(200)["user"]);
    let ada = ada.of(&registered);
    let renewed = ada.post("/refresh", with(json!({ "refreshToken": ada.refresh }))).await;
    is_ada(&renewed.expect(200)["user"]);
    is_ada(&ada.call(Method::PATCH, "/user", Some(with(json!({})))).await.expect(200).json);
    is_ada(&ada.call(Method::PATCH, "/user", Some(with(json!({ "name": "Ada" })))).await.json);

    let body = with(json!({ "name": "T" }));
    let token = ada.post("/tokens", body).await.expect(201);
    assert_ne!(token["token"], "adt_x");
    assert_eq!(token["accessToken"]["createdAt"], now);
    is_ada(&ada.with_token(&token.text("token")).get("/user").await.expect(200).json);
    assert_eq!(victim.get("/tokens").await.expect(200)["tokens"], json!([]));
    ada.post("/logout", with(json!({}))).await.expect(204);
    assert!(victim.is_in().await);
}

#[tokio::test]
async fn abilities_are_not_for_registration_nor_refresh_to_choose() {
    let world = World::with(|config| config.token_abilities = vec!["orders:read".into()]).await;
    let body = json!({ "name": "Ada", "email": "ada@example.com", "password": PASSWORD,
                       "abilities": ["*"] });
    let registered = world.anonymous().post("/register", body).await.expect(201);
    assert_eq!(registered["abilities"], json!(["orders:read"]));
    let body = json!({ "refreshToken": registered["refreshToken"], "abilities": ["*"] });
    let renewed = world.anonymous().post("/refresh", body).await.expect(200);
    assert_eq!(renewed["abilities"], json!(["orders:read"]));
}

#[tokio::test]
async fn a_wrong_method_is_told_which_are_right() {
    let world = World::new().await;
    for (path, name, allowed) in [
        ("/register", "GET", vec!["POST"]),
        ("/login", "GET", vec!["POST"]),
        ("/logout", "GET", vec!["POST"]),
        ("/refresh", "PUT", vec!["POST"]),
        ("/user", "POST", vec!["DELETE", "GET", "HEAD", "PATCH"]),
        ("/user/password", "POST", vec!["PUT"]),
        ("/session", "DELETE", vec!["GET", "HEAD"]),
        ("/sessions", "POST", vec!["DELETE", "GET", "HEAD"]),
        ("/sessions/x", "GET", vec!["DELETE"]),
        ("/tokens", "DELETE", vec!["GET", "HEAD", "POST"]),
        ("/tokens/1", "PATCH", vec!["DELETE"]),
        ("/openapi.json", "POST", vec!["GET", "HEAD"]),
        ("/user", "BREW", vec!["DELETE", "GET", "HEAD", "PATCH"]),
    ] {
        let response = world.anonymous().call(method(name), path, None).await;
        let response = response.refused(405, "method_not_allowed");
        let mut allow: Vec<_> = response.header("allow").split(',').map(str::trim).collect();
        allow.sort_unstable();
        assert_eq!(allow, allowed, "{name} {path}");
    }
}

#[tokio::test]
async fn a_method_cannot_be_overridden() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    for header in ["x-http-method-override", "x-http-method", "x-method-override"] {
        let mut request = ada.request(Method::GET, &format!("{BASE}/sessions?_method=DELETE"));
        request.headers_mut().insert(header, HeaderValue::from_static("DELETE"));
        ada.send(request).await.expect(200);
    }
    let body = json!({ "_method": "DELETE", "password": PASSWORD });
    ada.post("/user", body).await.refused(405, "method_not_allowed");
}

#[tokio::test]
async fn an_unknown_path_is_a_problem_too() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    for path in [
        "/",
        "/users",
        "/user/",
        "/user//",
        "/USER",
        "/user/passwords",
        "/tokens/1/2",
        "/%75ser/x",
        "/../user",
        "/sessions/",
        "/tokens/",
    ] {
        for name in ["GET", "POST", "DELETE"] {
            let response = ada.call(method(name), path, None).await;
            response.refused(404, "not_found");
        }
    }
}

#[tokio::test]
async fn the_base_path_itself_is_no_endpoint() {
    let world = World::new().await;
    let response = world.anonymous().visit(BASE).await;
    assert_eq!(response.status, 404);
    assert_eq!(response.header("cache-control"), "no-store");
}

#[tokio::test]
async fn another_base_path_moves_every_endpoint() {
    let world = World::with(|config| config.server.base_path = "/auth".into()).await;
    let ada = world.token_user(&["*"]).await;
    ada.visit("/auth/user").await.expect(200);
    assert_eq!(ada.send(ada.request(Method::GET, "/elsewhere")).await.status, 404);
}

#[tokio::test]
async fn a_request_names_one_host() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    for (name, path, ..) in OPERATIONS.iter().filter(|(name, ..)| *name != "HEAD") {
        let uri = format!("{BASE}{}", path.replace("{id}", "1"));
        let mut none = ada.request(method(name), &uri);
        none.headers_mut().remove(HOST);
        ada.send(none).await.refused(400, "malformed_request");
        let mut two = ada.request(method(name), &uri);
        two.headers_mut().append(HOST, HeaderValue::from_static("evil.example"));
        ada.send(two).await.refused(400, "malformed_request");
    }
    assert!(ada.is_in().await, "nothing was done");
    for (version, status) in [
        (Version::HTTP_10, 400),
        (Version::HTTP_11, 400),
        (Version::HTTP_2, 200),
        (Version::HTTP_3, 200),
    ] {
        let mut absolute = ada.request(Method::GET, "http://app.example/api/auth/user");
        *absolute.version_mut() = version;
        absolute.headers_mut().remove(HOST);
        ada.send(absolute).await.expect(status);
    }
    let mut none = ada.request(Method::GET, "/api/auth/user");
    *none.version_mut() = Version::HTTP_2;
    none.headers_mut().remove(HOST);
    ada.send(none).await.refused(400, "malformed_request");
}

#[tokio::test]
async fn a_panic_is_one_callers_problem_and_says_nothing() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    world.store.set(Mode::PanicsIn("find_token"));
    let response = ada.get("/user").await.refused(500, "internal_error");
    assert!(!response.body.contains("purpose"), "{response:?}");
    world.store.set(Mode::Up);
    assert!(ada.is_in().await);
}

#[tokio::test]
async fn head_is_get_without_its_body() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let response = ada.call(Method::HEAD, "/user", None).await.expect(200);
    assert_eq!(response.body, "");
}

#[tokio::test]
async fn whatever_varies_with_a_header_of_ones_own_says_so() {
    let world = World::with(|config| {
        config.token_header = "X-Api-Key".into();
        config.prefix = String::new();
    })
    .await;
    let response = world.anonymous().get("/session").await.expect(200);
    let vary: Vec<_> = response.headers.get_all("vary").iter().collect();
    assert!(format!("{vary:?}").to_lowercase().contains("x-api-key"), "{response:?}");
}
