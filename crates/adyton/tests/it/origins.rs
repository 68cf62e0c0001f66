//! What is our own origin, and what follows where nobody has said (CONTRACT 7, "CSRF, cookies").

use crate::world::{BASE, Response, World};
use http::Method;
use http::header::{COOKIE, HOST, ORIGIN};

/// A request that changes something, with a cookie, from a page of this origin.
async fn post(world: &World, host: &str, origin: &str) -> Response {
    let mut request = world.anonymous().request(Method::POST, "/web");
    let headers = request.headers_mut();
    headers.insert(HOST, host.parse().unwrap());
    headers.insert(ORIGIN, origin.parse().unwrap());
    headers.insert(COOKIE, "adyton_session=ads_x".parse().unwrap());
    world.anonymous().send(request).await
}

async fn ask(world: &World, host: &str) -> Response {
    let mut request = world.anonymous().request(Method::GET, &format!("{BASE}/csrf-cookie"));
    request.headers_mut().insert(HOST, host.parse().unwrap());
    world.anonymous().send(request).await
}

#[tokio::test]
async fn without_a_public_url_only_this_machine_is_our_own() {
    let world = World::new().await;
    for host in [
        "localhost",
        "localhost:8000",
        "LOCALHOST:8000",
        "app.localhost:3000",
        "127.0.0.1:8000",
        "127.1.2.3",
        "[::1]:8000",
    ] {
        let response = post(&world, host, &format!("http://{host}")).await;
        assert_eq!(response.status, 200, "{host}: {response:?}");
        ask(&world, host).await.expect(204).set_cookie("XSRF-TOKEN");
        for origin in ["http://evil.localhost", "http://localhost:1", "null"] {
            let response = post(&world, host, origin).await.refused(403, "csrf_failed");
            assert_eq!(response["reason"], "foreign_origin", "{host} {origin}");
        }
    }
}

#[tokio::test]
async fn on_any_other_host_no_cookie_counts_and_none_is_set() {
    let world = World::new().await;
    for host in [
        "app.example",
        "192.168.0.5:8000",
        "localhost.evil.example",
        "notlocalhost",
        "[::2]",
        "0.0.0.0",
        "localhost:x",
        "evil@localhost",
    ] {
        // The cookie is ignored, so nothing was done in anybody's name.
        let response = post(&world, host, &format!("http://{host}")).await.expect(200);
        assert!(response.cookies().is_empty(), "{host}: {response:?}");
        let response = ask(&world, host).await.refused(403, "csrf_failed");
        assert_eq!(response["reason"], "public_url_missing", "{host}");
        assert!(response.cookies().is_empty());
    }
}

#[tokio::test]
async fn the_public_url_is_our_own_whatever_the_host_says() {
    let url = |config: &mut adyton::Config| {
        config.server.public_url = Some("http://App.Example:80".into());
    };
    let world = World::with(url).await;
    for host in ["app.example", "evil.example", "localhost"] {
        post(&world, host, "http://app.example").await.expect(200);
        for origin in ["http://evil.example", "http://localhost", "https://app.example"] {
            post(&world, host, origin).await.refused(403, "csrf_failed");
        }
        ask(&world, host).await.expect(204);
    }
}
