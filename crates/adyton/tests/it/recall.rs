//! `GET /user` past the router: what is answered there, and what is left to the router. That the two agree is checked of
//! every request that any test sends, in `Actor::send`.

use crate::browser::{Browser, Page};
use crate::world::{Actor, BASE, PASSWORD, World};
use adyton::Recall;
use adyton::core::config::CacheMode;
use axum::body::Body;
use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::{HeaderValue, Method, Request, Version};
use serde_json::json;

/// One whose cache answers on every database, also on those that do not tell of the changes of others.
async fn caching() -> World {
    World::with(|config| config.cache.enabled = CacheMode::Exclusive).await
}

/// A request that the router has answered.
async fn known(world: &World) -> (Recall, Actor, Request<Body>) {
    let ada = world.user("ada").await;
    ada.get("/user").await.expect(200);
    let request = ada.request(Method::GET, &format!("{BASE}/user"));
    (Recall::of(&world.auth).unwrap(), ada, request)
}

#[tokio::test]
async fn a_token_in_memory_is_answered_without_the_router() {
    let world = caching().await;
    let (recall, _, request) = known(&world).await;
    let looked_up = world.store.calls("find_token");
    assert_eq!(recall.answer(&request).unwrap().status(), 200);
    assert_eq!(world.store.calls("find_token"), looked_up);
}

#[tokio::test]
async fn a_cookie_in_memory_is_answered_with_the_token_that_the_page_lacks() {
    let world = caching().await;
    let recall = Recall::of(&world.auth).unwrap();
    let mut ada = Browser::registered(&world, "ada").await;
    ada.get("/user").await.expect(200);
    let answer = recall.answer(&ada.request(Method::GET, &format!("{BASE}/user"))).unwrap();
    assert!(!answer.headers().contains_key("set-cookie"));

    ada.jar.remove("XSRF-TOKEN");
    let answer = recall.answer(&ada.request(Method::GET, &format!("{BASE}/user"))).unwrap();
    let line = answer.headers()["set-cookie"].to_str().unwrap();
    assert!(line.starts_with("XSRF-TOKEN="), "{line}");

    // A host that nobody has said is ours.
    ada.host = "evil.example";
    assert!(recall.answer(&ada.request(Method::GET, &format!("{BASE}/user"))).is_none());
}

#[tokio::test]
async fn what_is_revoked_is_not_recalled() {
    let world = caching().await;
    let (recall, ada, request) = known(&world).await;
    ada.post("/logout", json!({})).await.expect(204);
    assert!(recall.answer(&request).is_none());

    let mut grace = Browser::registered(&world, "grace").await;
    grace.get("/user").await.expect(200);
    let request = grace.request(Method::GET, &format!("{BASE}/user"));
    assert!(recall.answer(&request).is_some());
    world.anonymous().of(&login(&world, "grace").await).delete("/sessions").await.expect(204);
    assert!(recall.answer(&request).is_none());
}

async fn login(world: &World, name: &str) -> crate::world::Response {
    let body = json!({ "email": format!("{name}@example.com"), "password": PASSWORD });
    world.anonymous().post("/login", body).await.expect(200)
}

#[tokio::test]
async fn what_has_expired_is_not_recalled() {
    // Moving the clock does not end a lease here.
    let world = caching().await;
    let (recall, ada, request) = known(&world).await;
    let life = world.auth.config().token_expiration.seconds();
    world.clock.advance(life - 1);
    ada.get("/user").await.expect(200);
    assert!(recall.answer(&request).is_some());
    world.clock.advance(1);
    assert!(recall.answer(&request).is_none());
}

#[tokio::test]
async fn what_is_asked_otherwise_is_left_to_the_router() {
    let world = caching().await;
    let (recall, ada, request) = known(&world).await;
    assert!(recall.answer(&request).is_some());
    let left = |change: &dyn Fn(&mut Request<Body>)| {
        let mut request = ada.request(Method::GET, &format!("{BASE}/user"));
        change(&mut request);
        assert!(recall.answer(&request).is_none(), "{request:?}");
    };
    for method in [Method::HEAD, Method::POST, Method::PATCH, Method::DELETE, Method::OPTIONS] {
        left(&|request| *request.method_mut() = method.clone());
    }
    for path in ["/api/auth/user/", "/api/auth//user", "/API/auth/user", "/user", "/api/auth/users"]
    {
        left(&|request| *request.uri_mut() = path.parse().unwrap());
    }
    let nobodys = HeaderValue::from_static("other.example");
    left(&|request| {
        request.headers_mut().append(HOST, nobodys.clone());
    });
    left(&|request| {
        request.headers_mut().remove(HOST);
    });
    left(&|request| {
        request.headers_mut().remove(HOST);
        *request.version_mut() = Version::HTTP_2;
    });
    let once_more = request.headers()[AUTHORIZATION].clone();
    left(&|request| {
        request.headers_mut().append(AUTHORIZATION, once_more.clone());
    });
    left(&|request| {
        request.headers_mut().remove(AUTHORIZATION);
    });
    for other in ["Basic abc", "Bearer", "Bearer null", "Bearer adt_unknown"] {
        let other = HeaderValue::from_static(other);
        left(&|request| {
            request.headers_mut().insert(AUTHORIZATION, other.clone());
        });
    }
}

#[tokio::test]
async fn where_other_origins_may_read_the_router_answers_all() {
    let world = World::with(|config| {
        config.allowed_origins = vec!["https://spa.example.com".into()];
    })
    .await;
    assert!(Recall::of(&world.auth).is_none());
    // Without such, an `Origin` is no reason to say anything else.
    let world = caching().await;
    let (recall, _, mut request) = known(&world).await;
    request.headers_mut().insert(ORIGIN, HeaderValue::from_static("https://evil.example"));
    assert!(recall.answer(&request).is_some());
    let mut ada = Browser::new(&world);
    ada.page = Page::evil();
    ada.get("/user").await.expect(401);
}
