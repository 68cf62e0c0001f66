//! Events: what they say of a request, and the hooks that are told of them.

use crate::world::{PASSWORD, World};
use adyton::core::event::Outcome;
use adyton::core::store::MemoryStore;
use adyton::{
    Adyton, Client, Credentials, Event, EventKind, Registration, RequestId, SignInOptions,
};
use axum::extract::ConnectInfo;
use http::Method;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

/// A request as a server hands it over: with its peer's address and an id.
async fn call(
    actor: &crate::world::Actor,
    id: &str,
    method: Method,
    path: &str,
    body: Value,
) -> u16 {
    let mut request = actor.request(method, path);
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 77], 4711))));
    request.extensions_mut().insert(RequestId(id.into()));
    request.headers_mut().insert(CONTENT_TYPE, "application/json".parse().unwrap());
    *request.body_mut() = body.to_string().into();
    actor.send(request).await.status
}

#[tokio::test]
async fn an_event_says_which_request_it_was_and_from_where() {
    let world = World::new().await;
    let credentials = |password: &str| json!({ "email": "ada@example.com", "password": password });
    let sign_up = json!({ "name": "Ada", "email": "ada@example.com", "password": PASSWORD });
    let nobody = world.anonymous();
    let api = |path: &str| format!("/api/auth{path}");
    call(&nobody, "sign-up", Method::POST, &api("/register"), sign_up).await;
    call(&nobody, "good", Method::POST, &api("/login"), credentials(PASSWORD)).await;
    call(&nobody, "bad", Method::POST, &api("/login"), credentials("wrong")).await;
    let ada = world.auth.find_user_by_email("ada@example.com").await.unwrap().id;
    let limited = world.session_with(ada, &["orders:write"]).await;
    let refused = call(&limited, "lacks", Method::GET, &api("/tokens"), json!({})).await;
    assert_eq!(refused, 403);
    assert_eq!(call(&limited, "layer", Method::GET, "/orders", json!({})).await, 403);
    let token = world.token_of(ada, &["*"]).await;
    call(&token, "others", Method::DELETE, &api("/sessions"), json!({})).await;
    let change =
        json!({ "currentPassword": PASSWORD, "password": "another horse 2", "revokeTokens": true });
    assert_eq!(call(&token, "change", Method::PUT, &api("/user/password"), change).await, 204);

    world.auth.flush().await.unwrap();
    use EventKind::{AuthnLoginSuccess, NewDevice, SessionCreated};
    let events = world.events().await;
    for (id, kinds) in [
        ("sign-up", vec![EventKind::SessionCreated, EventKind::UserCreated]),
        ("good", vec![NewDevice, SessionCreated, AuthnLoginSuccess]),
        ("bad", vec![EventKind::AuthnLoginFail]),
        ("lacks", vec![EventKind::AuthzFail]),
        ("others", vec![EventKind::SessionRevoked; 3]),
        ("change", vec![EventKind::AuthnTokenRevoked, EventKind::AuthnPasswordChange]),
    ] {
        let found: Vec<_> =
            events.iter().filter(|event| event.request_id.as_deref() == Some(id)).collect();
        assert_eq!(found.iter().map(|event| event.event).collect::<Vec<_>>(), kinds, "{id}");
        for event in found {
            assert_eq!(event.network.as_deref(), Some("192.0.2.0"), "{event:?}");
            assert_eq!(event.user_id, Some(ada), "{event:?}");
        }
    }
    let lacks = events.iter().find(|event| event.event == EventKind::AuthzFail).unwrap();
    assert_eq!(lacks.count, 2, "those of one minute are one row, of the first request");
    assert_eq!(lacks.session_id.as_ref(), Some(&limited.session));
}

#[test]
fn what_was_refused_is_a_failure() {
    let failed = EventKind::ALL.iter().filter(|kind| kind.outcome() == Outcome::Failure);
    let failed: Vec<_> = failed.map(|kind| kind.as_str()).collect();
    assert_eq!(
        failed,
        [
            "authn_login_fail",
            "authn_login_lock",
            "authn_token_reuse",
            "session_expired",
            "device_mismatch",
            "authz_fail",
            "excess_rate_limit_exceeded",
            "malicious_csrf"
        ]
    );
}

/// Somebody who has just registered on an engine with these hooks.
async fn registered(builder: adyton::Builder) -> Adyton {
    let auth = builder.store(MemoryStore::new()).build().await.unwrap();
    let registration = Registration {
        name: "Ada".into(),
        email: "ada@example.com".into(),
        password: PASSWORD.into(),
        ..Registration::default()
    };
    auth.register(registration, &Client::default()).await.unwrap();
    auth
}

async fn login(auth: &Adyton, password: &str) -> bool {
    let credentials = Credentials {
        email: "ada@example.com".into(),
        password: password.into(),
        options: SignInOptions::default(),
    };
    auth.login(credentials, &Client::default()).await.is_ok()
}

/// Waits until a hook was told of so many events.
async fn told(events: &Mutex<Vec<Event>>, count: usize) -> Vec<EventKind> {
    for _ in 0..500 {
        if events.lock().unwrap().len() >= count {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let events = events.lock().unwrap();
    assert_eq!(events.len(), count, "{events:?}");
    events.iter().map(|event| event.event).collect()
}

#[tokio::test]
async fn a_hook_is_told_of_every_change_and_every_refusal_in_order() {
    let seen = Arc::<Mutex<Vec<Event>>>::default();
    let hook = Arc::clone(&seen);
    let builder = Adyton::builder().on_event(move |event| hook.lock().unwrap().push(event.clone()));
    let auth = registered(builder).await;
    for _ in 0..3 {
        assert!(!login(&auth, "wrong").await);
    }
    let ada = auth.find_user_by_email("ada@example.com").await.unwrap().id;
    auth.set_password(ada, "another horse 2", true).await.unwrap();
    let kinds = told(&seen, 7).await;
    assert_eq!(kinds[..2], [EventKind::UserCreated, EventKind::SessionCreated]);
    assert_eq!(kinds[2..5], [EventKind::AuthnLoginFail; 3], "each, although one row counts them");
    assert_eq!(kinds[5..], [EventKind::AuthnPasswordChange, EventKind::SessionRevoked]);
}

#[tokio::test]
async fn a_hook_that_hangs_or_panics_breaks_nothing() {
    let seen = Arc::<Mutex<Vec<Event>>>::default();
    let hook = Arc::clone(&seen);
    let (release, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let builder = Adyton::builder()
        .on_event(|_| panic!("on purpose"))
        .on_event(move |_| assert!(held.lock().unwrap().recv().is_err()))
        .on_event(move |event| hook.lock().unwrap().push(event.clone()));
    let auth = registered(builder).await;
    assert!(login(&auth, PASSWORD).await, "while a hook hangs");
    assert_eq!(seen.lock().unwrap().len(), 0);
    drop(release);
    let kinds = told(&seen, 5).await;
    let signed_in = [EventKind::AuthnLoginSuccess, EventKind::SessionCreated];
    assert_eq!(kinds[2..4], signed_in);
    assert_eq!(kinds[4], EventKind::NewDevice);
}
