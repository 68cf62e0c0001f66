//! Which other origins' pages may read our answers (THREATS, "CSRF, CORS").

use crate::world::{BASE, Response, World};
use http::{HeaderName, Method};

const SPA: &str = "https://spa.example.com";

async fn world() -> World {
    World::with(|config| {
        config.server.public_url = Some("https://app.example".into());
        config.allowed_origins =
            vec!["HTTPS://spa.example.com:443".into(), "https://b.example".into()];
        config.token_header = "X-Api-Key".into();
    })
    .await
}

async fn call(world: &World, method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = world.anonymous().request(method, &format!("{BASE}{path}"));
    for (name, value) in headers {
        request.headers_mut().append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    world.anonymous().send(request).await
}

async fn preflight(world: &World, origin: &str, method: &str) -> Response {
    let asks = [("origin", origin), ("access-control-request-method", method)];
    call(world, Method::OPTIONS, "/user", &asks).await.expect(200)
}

/// The members of a list in a header, in order.
fn list(response: &Response, name: &str) -> Vec<String> {
    let values = response.headers.get_all(name).iter().map(|value| value.to_str().unwrap());
    let values = values.flat_map(|value| value.split(','));
    let mut list: Vec<_> = values.map(|value| value.trim().to_lowercase()).collect();
    list.sort();
    list
}

#[tokio::test]
async fn an_allowed_origin_is_told_what_it_may_do() {
    let world = world().await;
    let response = preflight(&world, SPA, "PATCH").await;
    assert_eq!(response.header("access-control-allow-origin"), SPA);
    assert_eq!(response.header("access-control-allow-credentials"), "true");
    assert_eq!(
        list(&response, "access-control-allow-methods"),
        ["delete", "get", "patch", "post", "put"]
    );
    assert_eq!(
        list(&response, "access-control-allow-headers"),
        ["accept", "content-type", "x-api-key", "x-device-id", "x-requested-with", "x-xsrf-token"]
    );
    assert_eq!(response.header("access-control-max-age"), "600");
    assert!(response.body.is_empty());
}

#[tokio::test]
async fn an_allowed_origin_reads_answers_and_errors() {
    let world = world().await;
    for (path, status) in [("/session", 200), ("/user", 401), ("/nothing", 404)] {
        let response = call(&world, Method::GET, path, &[("origin", SPA)]).await.expect(status);
        assert_eq!(response.header("access-control-allow-origin"), SPA);
        assert_eq!(response.header("access-control-allow-credentials"), "true");
        assert_eq!(
            list(&response, "access-control-expose-headers"),
            [
                "retry-after",
                "www-authenticate",
                "x-ratelimit-limit",
                "x-ratelimit-remaining",
                "x-ratelimit-reset"
            ]
        );
        let vary = list(&response, "vary");
        for name in ["authorization", "cookie", "origin", "x-api-key"] {
            assert!(vary.contains(&name.to_owned()), "{vary:?}");
        }
    }
}

#[tokio::test]
async fn nobody_else_is_told_anything() {
    let world = world().await;
    for origin in [
        "https://evil.example",
        "null",
        "http://spa.example.com",
        "https://spa.example.com.evil",
        "https://spa.example.com:8443",
        "https://sub.spa.example.com",
        "*",
        "https://b.example/",
        "HTTPS://SPA.EXAMPLE.COM",
        "https://app.example",
    ] {
        let answer = call(&world, Method::GET, "/session", &[("origin", origin)]).await.expect(200);
        for response in [preflight(&world, origin, "PATCH").await, answer] {
            assert_eq!(response.header("access-control-allow-origin"), "", "{origin}");
        }
    }
}

#[tokio::test]
async fn without_allowed_origins_there_is_no_cors() {
    let world = World::new().await;
    let asks = [("origin", SPA), ("access-control-request-method", "GET")];
    call(&world, Method::OPTIONS, "/user", &asks).await.refused(405, "method_not_allowed");
    let response = call(&world, Method::GET, "/session", &[("origin", SPA)]).await.expect(200);
    let cors = response.headers.keys().find(|name| name.as_str().starts_with("access-control"));
    assert_eq!(cors, None);
}
