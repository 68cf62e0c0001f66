//! The extractors and layers, on a host app's own routes.

use crate::store::Mode;
use crate::world::World;
use adyton::core::config::CacheMode;
use http::Method;
use http::header::AUTHORIZATION;
use serde_json::json;

const GUARDED: [&str; 4] = ["/whoami", "/credential", "/orders", "/reports"];
const OPTIONAL: [&str; 2] = ["/guest", "/guest-credential"];

#[tokio::test]
async fn the_anonymous_pass_where_a_guest_may() {
    let world = World::new().await;
    for path in GUARDED {
        world.anonymous().visit(path).await.refused(401, "unauthenticated");
    }
    assert_eq!(world.anonymous().visit("/guest").await.expect(200).body, "guest");
    assert_eq!(world.anonymous().visit("/guest-credential").await.expect(200).json, json!(false));
    world.anonymous().visit("/public").await.expect(200);
}

#[tokio::test]
async fn a_bad_credential_is_401_for_an_option_too() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    for path in GUARDED.iter().chain(&OPTIONAL) {
        ada.with_token("nonsense").visit(path).await.refused(401, "token_invalid");
    }
    ada.with_token("nonsense").visit("/public").await.expect(200);
    for value in ["Basic x", "", "null"] {
        let mut request = world.anonymous().request(Method::GET, "/guest");
        request.headers_mut().insert(AUTHORIZATION, value.parse().unwrap());
        assert_eq!(world.anonymous().send(request).await.expect(200).body, "guest");
    }
    world.clock.advance(3600);
    for path in GUARDED.iter().chain(&OPTIONAL) {
        ada.visit(path).await.refused(401, "token_expired");
    }
}

#[tokio::test]
async fn a_doubled_header_is_malformed() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    for path in GUARDED.iter().chain(&OPTIONAL) {
        let mut request = ada.request(Method::GET, path);
        request.headers_mut().append(AUTHORIZATION, "Bearer x".parse().unwrap());
        ada.send(request).await.refused(400, "malformed_request");
    }
}

#[tokio::test]
async fn the_signed_in_are_known() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    assert_eq!(ada.visit("/whoami").await.expect(200).body, "ada");
    assert_eq!(ada.visit("/guest").await.expect(200).body, "ada");
    let credential = ada.visit("/credential").await.expect(200);
    assert_eq!(
        credential.json,
        json!({ "user": ada.id, "abilities": ["*"], "personal": null, "session": ada.session,
                "reads": true })
    );
    let personal = world.token_of(ada.id, &["orders:write"]).await;
    let credential = personal.visit("/credential").await.expect(200);
    assert!(credential["personal"].is_i64());
    assert_eq!((&credential["session"], &credential["reads"]), (&json!(null), &json!(false)));
}

#[tokio::test]
async fn all_abilities_or_any() {
    let world = World::new().await;
    let owner = world.token_user(&[]).await;
    for (abilities, orders, reports) in [
        (vec!["*"], 200, 200),
        (vec!["orders:read", "orders:list"], 200, 200),
        (vec!["orders:read"], 403, 200),
        (vec!["reports:read"], 403, 200),
        (vec!["account"], 403, 403),
        (vec!["orders"], 403, 403),
        (vec![], 403, 403),
    ] {
        let actor = world.token_of(owner.id, &abilities).await;
        assert_eq!(actor.visit("/orders").await.status, orders, "{abilities:?}");
        assert_eq!(actor.visit("/reports").await.status, reports, "{abilities:?}");
    }
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let world = World::new().await;
    let owner = world.token_user(&["orders:list"]).await;
    let response = owner.visit("/orders").await.refused(403, "missing_ability");
    assert_eq!(response["missing"], json!(["orders:read"]));
    let response = owner.visit("/reports").await.refused(403, "missing_ability");
    assert_eq!(response["missing"], json!(["orders:read", "reports:read"]));
    assert!(response.header("www-authenticate").contains("insufficient_scope"));
}

#[tokio::test]
async fn a_route_without_the_layer_fails_closed_and_says_nothing() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    for path in ["/bare/user", "/bare/guest", "/bare/token", "/bare/guest-token", "/bare/orders"] {
        for actor in [&ada, &world.anonymous()] {
            let response = actor.visit(path).await.refused(500, "internal_error");
            assert!(!response.body.contains("layer"), "{response:?}");
        }
    }
}

#[tokio::test]
async fn a_failing_store_is_503_and_signs_nobody_out() {
    let world = World::with(|config| config.cache.enabled = CacheMode::Off).await;
    let ada = world.user("ada").await;
    world.store.set(Mode::Down);
    for path in GUARDED.iter().chain(&OPTIONAL) {
        ada.visit(path).await.refused(503, "store_unavailable");
    }
    world.store.set(Mode::Up);
    for path in GUARDED.iter().chain(&OPTIONAL) {
        ada.visit(path).await.expect(200);
    }
}

#[tokio::test]
async fn a_request_is_authenticated_once_and_only_where_somebody_asks() {
    let world = World::with(|config| config.cache.enabled = CacheMode::Off).await;
    let ada = world.user("ada").await;
    let before = world.store.calls("find_token");
    ada.visit("/public").await.expect(200);
    assert_eq!(world.store.calls("find_token"), before);
    ada.visit("/orders").await.expect(200);
    assert_eq!(world.store.calls("find_token"), before + 1);
}

#[tokio::test]
async fn a_signed_out_user_is_out_everywhere() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    for path in GUARDED.iter().chain(&OPTIONAL) {
        ada.visit(path).await.expect(200);
    }
    ada.post("/logout", json!({})).await.expect(204);
    for path in GUARDED.iter().chain(&OPTIONAL) {
        ada.visit(path).await.refused(401, "token_invalid");
    }
}

#[tokio::test]
async fn an_edition_lasts_until_something_of_the_caller_changes() {
    let world = World::with(|config| config.cache.enabled = CacheMode::Exclusive).await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let edition = async |token: &str| world.auth.authenticate(token).await.unwrap().edition();
    let first = edition(&ada.token).await;
    assert_eq!(edition(&ada.token).await, first);
    assert_ne!(edition(&bob.token).await, first);

    ada.call(Method::PATCH, "/user", Some(json!({ "name": "Ada L." }))).await.expect(200);
    let renamed = edition(&ada.token).await;
    assert_ne!(renamed, first);

    world.clock.advance(61);
    assert_ne!(
        edition(&ada.token).await,
        renamed,
        "it was used once more, which its session tells"
    );
}
