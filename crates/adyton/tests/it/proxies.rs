//! The client behind proxies (THREATS, "client address"), as its session shows it: cut to /24.
//! Every form of the headers is in the unit tests of `forwarded.rs`.

use crate::world::{BASE, PASSWORD, World};
use axum::extract::ConnectInfo;
use http::header::CONTENT_TYPE;
use http::{HeaderName, Method};
use serde_json::json;
use std::net::SocketAddr;

/// The network of the session that somebody opens who comes from this peer with these headers.
async fn network(world: &World, name: &str, peer: &str, headers: &[(&str, &str)]) -> String {
    let email = format!("{name}@example.com");
    let body = json!({ "name": name, "email": email, "password": PASSWORD });
    let mut request = world.anonymous().request(Method::POST, &format!("{BASE}/register"));
    *request.body_mut() = body.to_string().into();
    request.headers_mut().insert(CONTENT_TYPE, "application/json".parse().unwrap());
    for (name, value) in headers {
        request.headers_mut().append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    request.extensions_mut().insert(ConnectInfo::<SocketAddr>(peer.parse().unwrap()));
    let user = world.anonymous().of(&world.anonymous().send(request).await.expect(201));
    user.get("/sessions").await.expect(200)["sessions"][0]["ipAddress"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn only_a_trusted_proxy_is_believed() {
    let world = World::with(|config| {
        config.server.trusted_proxies = vec!["10.0.0.0/8".into(), "192.0.2.1".into()];
    })
    .await;
    let list = [("x-forwarded-for", "198.51.100.9, 203.0.113.7, 192.0.2.1")];
    assert_eq!(network(&world, "a", "10.0.0.1:1", &list).await, "203.0.113.0");
    assert_eq!(network(&world, "b", "[::ffff:10.0.0.1]:1", &list).await, "203.0.113.0");
    assert_eq!(network(&world, "c", "198.51.100.1:1", &list).await, "198.51.100.0");
    let lines = [("x-real-ip", "203.0.113.7")];
    assert_eq!(network(&world, "d", "10.0.0.1:1", &lines).await, "10.0.0.0");
    let lines = [("forwarded", "for=\"203.0.113.7:80\", for=192.0.2.1")];
    assert_eq!(network(&world, "e", "10.0.0.1:1", &lines).await, "203.0.113.0");
    let lines = [("x-forwarded-for", "nonsense")];
    assert_eq!(network(&world, "f", "10.0.0.1:1", &lines).await, "10.0.0.0");
}

#[tokio::test]
async fn without_trusted_proxies_nobody_is() {
    let world = World::new().await;
    let lines = [("x-forwarded-for", "203.0.113.7"), ("forwarded", "for=203.0.113.7")];
    assert_eq!(network(&world, "a", "127.0.0.1:1", &lines).await, "127.0.0.0");
}
