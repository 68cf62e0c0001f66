//! Any method on `/verify`: what a reverse proxy is told of a request. The forms of paths that match
//! no exemption are in the unit tests of `route_pattern.rs`; nginx and Caddy are in `adyton-server`.

use crate::store::Mode;
use crate::world::{Actor, BASE, Response, World};
use adyton::core::session::Guard;
use adyton::{Client, Config, SignInOptions};
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::header::{COOKIE, HOST};
use http::{HeaderName, HeaderValue, Method};
use serde_json::json;
use std::net::SocketAddr;

const PROXY: &str = "10.0.0.1:1";
const STRANGER: &str = "198.51.100.1:1";

/// Behind a trusted proxy, with a page that everybody may see.
fn behind_a_proxy(config: &mut Config) {
    config.server.trusted_proxies = vec!["10.0.0.0/8".into()];
    config.no_auth_routes =
        vec!["GET:/public".into(), "POST:/hooks/[name]".into(), "*:/files/[...path]".into()];
}

/// A question about somebody's request, by whoever has this address.
struct Question<'a> {
    of: &'a Actor,
    peer: &'a str,
    method: Method,
    query: &'a str,
    headers: Vec<(&'a str, &'a str)>,
}

impl<'a> Question<'a> {
    fn about(of: &'a Actor) -> Self {
        Self { of, peer: PROXY, method: Method::GET, query: "", headers: Vec::new() }
    }

    fn from(self, peer: &'a str) -> Self {
        Self { peer, ..self }
    }

    fn by(self, method: Method) -> Self {
        Self { method, ..self }
    }

    fn requiring(self, query: &'a str) -> Self {
        Self { query, ..self }
    }

    fn with(mut self, name: &'a str, value: &'a str) -> Self {
        self.headers.push((name, value));
        self
    }

    fn forwarding(self, method: &'a str, uri: &'a str) -> Self {
        self.with("x-forwarded-method", method).with("x-forwarded-uri", uri)
    }

    async fn ask(self) -> Response {
        let uri = format!("{BASE}/verify{}", self.query);
        let mut request = self.of.request(self.method, &uri);
        for (name, value) in self.headers {
            let name: HeaderName = name.parse().unwrap();
            // A cookie counts on a host of ours.
            if name == COOKIE {
                request.headers_mut().insert(HOST, HeaderValue::from_static("localhost"));
            }
            request.headers_mut().append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        if !self.peer.is_empty() {
            let peer: SocketAddr = self.peer.parse().unwrap();
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        self.of.send(request).await
    }
}

#[track_caller]
fn identity(response: Response) -> [String; 3] {
    let response = response.expect(200);
    assert_eq!(response.body, "");
    ["x-auth-user-id", "x-auth-user-email", "x-auth-abilities"].map(|name| {
        let mut values = response.headers.get_all(name).iter();
        let value = values.next().unwrap_or_else(|| panic!("no {name} in {response:?}"));
        assert_eq!(values.next(), None);
        value.to_str().unwrap().to_owned()
    })
}

#[track_caller]
fn is_a_guest(response: Response) {
    assert_eq!(identity(response), ["", "", ""]);
}

/// The cookie of a session of this user.
async fn cookie_of(world: &World, of: &Actor) -> String {
    let options = SignInOptions { guard: Some(Guard::Session), ..SignInOptions::default() };
    let signed_in = world.auth.sign_in_as(of.id, &options, &Client::default()).await.unwrap();
    format!("adyton_session={}", signed_in.cookie().unwrap().secret.expose())
}

#[tokio::test]
async fn whoever_is_signed_in_is_named() {
    let world = World::with(behind_a_proxy).await;
    let ada = world.user("ada").await;
    let id = ada.id.to_string();
    for question in [
        Question::about(&ada).forwarding("GET", "/orders"),
        Question::about(&ada).from(STRANGER),
        Question::about(&ada).from(""),
    ] {
        assert_eq!(identity(question.ask().await), [&id, "ada@example.com", "*"]);
    }
    let token = world.token_of(ada.id, &["orders:read", "orders:list"]).await;
    let told = identity(Question::about(&token).ask().await);
    assert_eq!(told, [&id, "ada@example.com", "orders:read,orders:list"]);
    let nothing = world.token_of(ada.id, &[]).await;
    assert_eq!(identity(Question::about(&nothing).ask().await), [&id, "ada@example.com", ""]);
}

#[tokio::test]
async fn every_method_asks_the_same_question() {
    let world = World::with(behind_a_proxy).await;
    let ada = world.user("ada").await;
    let guest = world.anonymous();
    for method in
        ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE", "x"]
    {
        let method: Method = method.parse().unwrap();
        let told = identity(Question::about(&ada).by(method.clone()).ask().await);
        assert_eq!(told[1], "ada@example.com", "{method}");
        let refused = Question::about(&guest).by(method.clone()).ask().await;
        assert_eq!(refused.status, 401, "{method}");
    }
}

#[tokio::test]
async fn a_preflight_is_a_request_like_any_other() {
    let world = World::with(|config| {
        behind_a_proxy(config);
        config.server.public_url = Some("https://app.example.com".into());
        config.allowed_origins = vec!["https://admin.example.com".into()];
    })
    .await;
    let ada = world.user("ada").await;
    let guest = world.anonymous();
    for actor in [&ada, &guest] {
        let question = Question::about(actor).by(Method::OPTIONS);
        let question = question.with("origin", "https://admin.example.com");
        let question = question.with("access-control-request-method", "DELETE");
        let response = question.forwarding("OPTIONS", "/orders").ask().await;
        assert_eq!(response.header("access-control-allow-origin"), "");
        if actor.token.is_empty() {
            response.refused(401, "unauthenticated");
        } else {
            assert_eq!(identity(response)[1], "ada@example.com");
        }
    }
}

#[tokio::test]
async fn the_body_is_not_read() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let mut request = ada.request(Method::POST, &format!("{BASE}/verify"));
    request.headers_mut().insert("content-length", HeaderValue::from_static("99999999"));
    *request.body_mut() = never();
    ada.send(request).await.expect(200);
}

/// A body of which nothing ever arrives.
fn never() -> Body {
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
    Body::new(Never)
}

#[tokio::test]
async fn the_anonymous_and_the_unknown_are_refused() {
    let world = World::with(behind_a_proxy).await;
    let guest = world.anonymous();
    let ada = world.user("ada").await;
    for question in [Question::about(&guest).forwarding("GET", "/orders"), Question::about(&guest)]
    {
        let refused = question.ask().await.refused(401, "unauthenticated");
        assert_eq!(refused.header("x-auth-user-id"), "");
    }
    for token in ["nonsense", &ada.refresh] {
        let bad = guest.with_token(token);
        let refused = Question::about(&bad).forwarding("GET", "/orders").ask().await;
        refused.refused(401, "token_invalid");
    }
    world.clock.advance(3600);
    Question::about(&ada).ask().await.refused(401, "token_expired");
    ada.post("/logout", json!({})).await.expect(204);
    Question::about(&ada).ask().await.refused(401, "token_invalid");
}

#[tokio::test]
async fn all_abilities_that_are_asked_for_are_needed() {
    let world = World::with(behind_a_proxy).await;
    let reader = world.token_user(&["orders:read", "orders:list"]).await;
    for query in
        ["?abilities=orders:read", "?abilities=orders:read,orders:list", "?abilities=orders%3Aread"]
    {
        Question::about(&reader).requiring(query).ask().await.expect(200);
    }
    let query = "?abilities=orders:read,orders:write,admin&x=1";
    let refused = Question::about(&reader).requiring(query).ask().await;
    let refused = refused.refused(403, "missing_ability");
    assert_eq!(refused["missing"], json!(["orders:write", "admin"]));
    Question::about(&reader).requiring("?abilities=*").ask().await.refused(403, "missing_ability");
    let all = world.token_user(&["*"]).await;
    Question::about(&all).requiring("?abilities=*").ask().await.expect(200);
    Question::about(&all).requiring("?abilities=Server:Update").ask().await.expect(200);
    let guest = world.anonymous();
    let question = Question::about(&guest).requiring("?abilities=orders:read");
    question.ask().await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_query_that_asks_for_something_else_than_meant_is_refused() {
    let world = World::with(behind_a_proxy).await;
    let all = world.token_user(&["*"]).await;
    for query in [
        "?abilities",
        "?abilities=",
        "?abilities=,",
        "?abilities=a,,b",
        "?abilities=a,",
        "?abilities=%20",
        "?abilities=a&abilities=b",
        "?abilities=a&abilities=a",
        "?x=1&abilities=a&abilit%69es=b",
    ] {
        let response = Question::about(&all).requiring(query).ask().await;
        response.refused(400, "malformed_request");
    }
    Question::about(&all).requiring("?ability=x").ask().await.expect(200);
}

#[tokio::test]
async fn everybody_passes_on_a_route_without_authentication() {
    let world = World::with(behind_a_proxy).await;
    let guest = world.anonymous();
    for (method, uri) in [
        ("GET", "/public"),
        ("HEAD", "/public"),
        ("GET", "/public?next=//evil/../x"),
        ("POST", "/hooks/stripe"),
        ("DELETE", "/files/a/b"),
    ] {
        is_a_guest(Question::about(&guest).forwarding(method, uri).ask().await);
    }
    // No method is none of those that are named; `*` names all.
    is_a_guest(Question::about(&guest).with("x-forwarded-uri", "/files/a").ask().await);
    for (method, uri) in [
        ("POST", "/public"),
        ("get", "/public"),
        ("GET, GET", "/public"),
        ("", "/public"),
        ("GET", "/public/"),
        ("GET", "/orders"),
        ("GET", "/public/../orders"),
        ("GET", "/files/..%2forders"),
        ("GET", "/files/../orders"),
        ("GET", "/files/a/%2e%2e/%2E./orders"),
        ("GET", "/files/./orders"),
        ("GET", "/files//orders"),
        ("GET", "/files/\u{e9}"),
        ("GET", "/public, /public"),
        ("GET", ""),
    ] {
        let response = Question::about(&guest).forwarding(method, uri).ask().await;
        response.refused(401, "unauthenticated");
    }
    let question = Question::about(&guest).with("x-forwarded-uri", "/public");
    question.ask().await.refused(401, "unauthenticated");
    let question = Question::about(&guest).with("x-forwarded-method", "GET");
    question.ask().await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_signed_in_user_is_named_there_too_and_a_stale_credential_makes_a_guest() {
    let world = World::with(behind_a_proxy).await;
    let ada = world.user("ada").await;
    let reader = world.token_of(ada.id, &["orders:read"]).await;
    let told = identity(Question::about(&ada).forwarding("GET", "/public").ask().await);
    assert_eq!(told[1], "ada@example.com");
    let question = Question::about(&reader).requiring("?abilities=admin");
    let told = identity(question.forwarding("GET", "/public").ask().await);
    assert_eq!(told[2], "orders:read");
    let guest = world.anonymous();
    let question = Question::about(&guest).requiring("?abilities=admin");
    is_a_guest(question.forwarding("GET", "/public").ask().await);

    let bad = guest.with_token("nonsense");
    is_a_guest(Question::about(&bad).forwarding("GET", "/public").ask().await);
    world.clock.advance(3600);
    is_a_guest(Question::about(&ada).forwarding("GET", "/public").ask().await);
}

#[tokio::test]
async fn an_outage_signs_nobody_out() {
    let world = World::with(behind_a_proxy).await;
    let ada = world.user("ada").await;
    world.store.set(Mode::Down);
    for uri in ["/orders", "/public"] {
        let unknown = world.anonymous().with_token(&ada.token);
        let response = Question::about(&unknown).forwarding("GET", uri).ask().await;
        response.refused(503, "store_unavailable");
    }
    let guest = world.anonymous();
    is_a_guest(Question::about(&guest).forwarding("GET", "/public").ask().await);
    world.store.set(Mode::Up);
}

#[tokio::test]
async fn only_a_trusted_proxy_is_believed() {
    let world = World::with(behind_a_proxy).await;
    let guest = world.anonymous();
    for peer in [STRANGER, "127.0.0.1:1", "[::1]:1", ""] {
        let response = Question::about(&guest).from(peer).forwarding("GET", "/public").ask().await;
        response.refused(401, "unauthenticated");
        // Nor does the address that it claims to stand before make it one.
        let question = Question::about(&guest).from(peer).with("x-forwarded-for", "10.0.0.1");
        question.forwarding("GET", "/public").ask().await.refused(401, "unauthenticated");
    }
    is_a_guest(
        Question::about(&guest)
            .from("[::ffff:10.0.0.1]:1")
            .forwarding("GET", "/public")
            .ask()
            .await,
    );
    let alone = World::with(|config| config.no_auth_routes = vec!["*:/[...all]".into()]).await;
    let guest = alone.anonymous();
    let response = Question::about(&guest).forwarding("GET", "/public").ask().await;
    response.refused(401, "unauthenticated");
}

#[tokio::test]
async fn doubled_headers_are_refused_whoever_sends_them() {
    let world = World::with(behind_a_proxy).await;
    let ada = world.user("ada").await;
    let guest = world.anonymous();
    for actor in [&ada, &guest] {
        for peer in [PROXY, STRANGER, ""] {
            for (name, value) in [("x-forwarded-method", "GET"), ("x-forwarded-uri", "/public")] {
                let question = Question::about(actor).from(peer).forwarding("GET", "/public");
                let refused = question.with(name, value).ask().await;
                refused.refused(401, "unauthenticated");
            }
        }
    }
    // A doubled token is malformed, as everywhere.
    let question = Question::about(&ada).with("authorization", "Bearer x");
    question.ask().await.refused(400, "malformed_request");
}

#[tokio::test]
async fn a_cookie_is_checked_for_the_method_that_the_proxy_tells() {
    let world = World::with(behind_a_proxy).await;
    let ada = world.user("ada").await;
    let cookie = cookie_of(&world, &ada).await;
    let guest = world.anonymous();
    let question = |method: &'static str| {
        let question = Question::about(&guest).with("cookie", &cookie);
        question.with("x-forwarded-method", method).with("x-forwarded-uri", "/orders")
    };
    let evil = ("origin", "https://evil.example");
    for method in ["GET", "HEAD", "OPTIONS", "TRACE"] {
        let told = identity(question(method).with(evil.0, evil.1).ask().await);
        assert_eq!(told[1], "ada@example.com", "{method}");
    }
    for method in ["POST", "PUT", "DELETE", "PURGE", "get", "", "GET, GET"] {
        let refused = question(method).with(evil.0, evil.1).ask().await;
        refused.refused(403, "csrf_failed");
        let question = question(method).with("sec-fetch-site", "same-origin");
        assert_eq!(identity(question.ask().await)[1], "ada@example.com", "{method}");
    }
    // The proxy asks with GET, whatever it asks about; without its word that is no safe method.
    let unknown = Question::about(&guest).with("cookie", &cookie).with(evil.0, evil.1);
    unknown.ask().await.refused(403, "csrf_failed");
}

#[tokio::test]
async fn from_a_stranger_the_method_of_the_request_counts_for_a_cookie() {
    let world = World::with(behind_a_proxy).await;
    let ada = world.user("ada").await;
    let cookie = cookie_of(&world, &ada).await;
    let guest = world.anonymous();
    let question = |own: Method, forwarded: &'static str| {
        let question = Question::about(&guest).from(STRANGER).by(own).with("cookie", &cookie);
        question.with("origin", "https://evil.example").with("x-forwarded-method", forwarded)
    };
    question(Method::POST, "GET").ask().await.refused(403, "csrf_failed");
    assert_eq!(identity(question(Method::GET, "POST").ask().await)[1], "ada@example.com");
}

#[tokio::test]
async fn what_fails_the_check_is_a_guest_on_a_public_route() {
    let world = World::with(behind_a_proxy).await;
    let ada = world.user("ada").await;
    let cookie = cookie_of(&world, &ada).await;
    let guest = world.anonymous();
    let question = Question::about(&guest).with("cookie", &cookie);
    let question = question.with("origin", "https://evil.example");
    is_a_guest(question.forwarding("POST", "/hooks/x").ask().await);
}

#[tokio::test]
async fn a_failed_check_is_403_beside_sanctums_routes_too() {
    let world = World::with(|config| {
        behind_a_proxy(config);
        config.compat.sanctum = true;
    })
    .await;
    let ada = world.user("ada").await;
    let cookie = cookie_of(&world, &ada).await;
    let guest = world.anonymous();
    let question = Question::about(&guest).with("cookie", &cookie);
    let question = question.with("origin", "https://evil.example").forwarding("POST", "/orders");
    question.ask().await.refused(403, "csrf_failed");
}

#[tokio::test]
async fn no_cookie_is_set() {
    let world = World::with(behind_a_proxy).await;
    let ada = world.user("ada").await;
    let cookie = cookie_of(&world, &ada).await;
    let guest = world.anonymous();
    for uri in ["/orders", "/public"] {
        for cookie in [cookie.as_str(), "adyton_session=x", "a=b"] {
            let question = Question::about(&guest).with("cookie", cookie);
            let question = question.with("sec-fetch-site", "same-origin");
            let response = question.forwarding("GET", uri).ask().await;
            assert_eq!(response.cookies(), Vec::<&str>::new(), "{uri} {response:?}");
        }
    }
}

#[tokio::test]
async fn a_token_alone_counts_beside_a_cookie() {
    let world = World::with(behind_a_proxy).await;
    let ada = world.user("ada").await;
    let cookie = cookie_of(&world, &ada).await;
    let reader = world.token_of(ada.id, &["orders:read"]).await;
    let told = identity(Question::about(&reader).with("cookie", &cookie).ask().await);
    assert_eq!(told[2], "orders:read");
    let bad = reader.with_token("nonsense");
    let refused = Question::about(&bad).with("cookie", &cookie).ask().await;
    refused.refused(401, "token_invalid");
}

#[tokio::test]
async fn identity_headers_of_a_client_count_for_nothing() {
    let world = World::with(behind_a_proxy).await;
    let ada = world.user("ada").await;
    let reader = world.token_of(ada.id, &["orders:read"]).await;
    let claiming = |of, peer| {
        let question = Question::about(of).from(peer);
        question
            .with("x-auth-user-id", "4711")
            .with("x-auth-user-email", "root@example.com")
            .with("x-auth-abilities", "*")
            .with("x-real-ip", "10.0.0.1")
    };
    let guest = world.anonymous();
    for peer in [PROXY, STRANGER] {
        claiming(&guest, peer).ask().await.refused(401, "unauthenticated");
        let told = identity(claiming(&reader, peer).ask().await);
        assert_eq!(told, [ada.id.to_string().as_str(), "ada@example.com", "orders:read"]);
        let more = claiming(&reader, peer).requiring("?abilities=admin").ask().await;
        more.refused(403, "missing_ability");
    }
    is_a_guest(claiming(&guest, PROXY).forwarding("GET", "/public").ask().await);
    let by_a_stranger = claiming(&guest, STRANGER).forwarding("GET", "/public").ask().await;
    by_a_stranger.refused(401, "unauthenticated");
}
