//! Two at once. Where a race has a decisive moment, a call is held there; elsewhere many are run.

use crate::world::{Actor, PASSWORD, Response, World};
use adyton::UserId;
use axum::body::{Body, Bytes, HttpBody};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use http_body::Frame;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Starts a call that goes on by itself.
fn start(actor: &Actor, method: Method, path: &str, body: Value) -> JoinHandle<Response> {
    let (actor, path) = (actor.clone(), path.to_owned());
    tokio::spawn(async move { actor.call(method, &path, Some(body)).await })
}

fn start_refresh(actor: &Actor) -> JoinHandle<Response> {
    start(actor, Method::POST, "/refresh", json!({ "refreshToken": actor.refresh }))
}

fn registration(email: &str) -> Value {
    json!({ "name": "Ada", "email": email, "password": PASSWORD })
}

#[tokio::test]
async fn one_email_registered_twice_at_once_is_one_user() {
    let world = World::new().await;
    let holds = [
        world.store.hold_next("find_account_by_email"),
        world.store.hold_next("find_account_by_email"),
    ];
    let calls = ["ada@example.com", "ADA@example.com"]
        .map(|email| start(&world.anonymous(), Method::POST, "/register", registration(email)));
    // Both have seen that the e-mail is free.
    for hold in &holds {
        hold.reached().await;
    }
    holds.iter().for_each(super::store::Hold::release);
    let mut statuses = Vec::new();
    for call in calls {
        let response = call.await.unwrap();
        statuses.push(response.status);
        if response.status == 422 {
            response.invalid("email");
        }
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 422]);
    assert_eq!(world.auth.list_users(UserId(0), 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn one_email_taken_twice_at_once_is_one_users() {
    let world = World::new().await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let holds = [world.store.hold_next("update_user"), world.store.hold_next("update_user")];
    let body = json!({ "email": "new@example.com", "currentPassword": PASSWORD });
    let calls = [&ada, &bob].map(|actor| start(actor, Method::PATCH, "/user", body.clone()));
    for hold in &holds {
        hold.reached().await;
    }
    holds.iter().for_each(super::store::Hold::release);
    let mut statuses = Vec::new();
    for call in calls {
        statuses.push(call.await.unwrap().status);
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 422]);
}

#[tokio::test]
async fn a_refresh_that_began_before_a_logout_gets_nothing_after_it() {
    for at in ["find_session", "find_user", "may_sign_in", "rotate"] {
        let world = World::new().await;
        let ada = world.user("ada").await;
        let hold = world.store.hold_next(at);
        let refresh = start_refresh(&ada);
        hold.reached().await;
        ada.post("/logout", json!({})).await.expect(204);
        hold.release();
        refresh.await.unwrap().refused(401, "session_revoked");
        assert!(!ada.is_in().await, "{at}");
    }
}

#[tokio::test]
async fn a_replay_that_began_before_a_logout_gets_dead_tokens_at_most() {
    for at in ["find_session", "find_user"] {
        let world = World::new().await;
        let ada = world.user("ada").await;
        let next = ada.refreshed().await;
        let hold = world.store.hold_next(at);
        let replay = start_refresh(&ada);
        hold.reached().await;
        next.post("/logout", json!({})).await.expect(204);
        hold.release();
        let response = replay.await.unwrap();
        if response.status == 200 {
            assert_eq!(response["token"], next.token);
        }
        assert!(!next.is_in().await);
        next.refresh().await.refused(401, "session_revoked");
    }
}

#[tokio::test]
async fn a_logout_that_began_before_a_refresh_ends_what_the_refresh_gave() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let hold = world.store.hold_next("revoke_sessions");
    let logout = start(&ada, Method::POST, "/logout", json!({}));
    hold.reached().await;
    let next = ada.refreshed().await;
    assert!(next.is_in().await);
    hold.release();
    logout.await.unwrap().expect(204);
    assert!(!next.is_in().await && !ada.is_in().await);
    next.refresh().await.refused(401, "session_revoked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn logout_against_refresh_leaves_nobody_in() {
    let world = World::new().await;
    let owner = world.token_user(&[]).await;
    for round in 0..40 {
        let ada = world.session_of(owner.id).await;
        let logout = |actor: &Actor| start(actor, Method::POST, "/logout", json!({}));
        let (refresh, logout) = if round % 2 == 0 {
            let refresh = start_refresh(&ada);
            (refresh, logout(&ada))
        } else {
            let logout = logout(&ada);
            (start_refresh(&ada), logout)
        };
        let refreshed = refresh.await.unwrap();
        logout.await.unwrap().expect(204);
        assert!(!ada.is_in().await);
        ada.refresh().await.refused(401, "session_revoked");
        if refreshed.status == 200 {
            let next = ada.of(&refreshed);
            assert!(!next.is_in().await, "round {round}");
            next.refresh().await.refused(401, "session_revoked");
        } else {
            refreshed.refused(401, "session_revoked");
        }
    }
}

#[tokio::test]
async fn a_refresh_that_began_before_a_password_change_gets_nothing_after_it() {
    for at in ["find_session", "rotate"] {
        let world = World::new().await;
        let ada = world.user("ada").await;
        let thief = world.session_of(ada.id).await;
        let hold = world.store.hold_next(at);
        let refresh = start_refresh(&thief);
        hold.reached().await;
        let body = json!({ "currentPassword": PASSWORD, "password": "another horse 2" });
        ada.call(Method::PUT, "/user/password", Some(body)).await.expect(204);
        hold.release();
        refresh.await.unwrap().refused(401, "session_revoked");
        assert!(!thief.is_in().await && ada.is_in().await);
    }
}

#[tokio::test]
async fn a_password_change_that_began_before_a_refresh_ends_what_it_gave() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let thief = world.session_of(ada.id).await;
    let hold = world.store.hold_next("change_password");
    let body = json!({ "currentPassword": PASSWORD, "password": "another horse 2" });
    let change = start(&ada, Method::PUT, "/user/password", body);
    hold.reached().await;
    let next = thief.refreshed().await;
    assert!(next.is_in().await);
    hold.release();
    change.await.unwrap().expect(204);
    assert!(!next.is_in().await && !thief.is_in().await);
    next.refresh().await.refused(401, "session_revoked");
}

#[tokio::test]
async fn the_own_session_can_be_refreshed_while_its_password_changes() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let hold = world.store.hold_next("change_password");
    let body = json!({ "currentPassword": PASSWORD, "password": "another horse 2" });
    let change = start(&ada, Method::PUT, "/user/password", body);
    hold.reached().await;
    let next = ada.refreshed().await;
    hold.release();
    change.await.unwrap().expect(204);
    assert!(next.is_in().await);
}

#[tokio::test]
async fn a_sign_in_that_began_before_a_password_change_is_refused_after_it() {
    for at in ["find_account_by_email", "may_sign_in", "sign_in"] {
        let world = World::new().await;
        let ada = world.user("ada").await;
        let hold = world.store.hold_next(at);
        let body = json!({ "email": "ada@example.com", "password": PASSWORD });
        let login = start(&world.anonymous(), Method::POST, "/login", body);
        hold.reached().await;
        let body = json!({ "currentPassword": PASSWORD, "password": "another horse 2" });
        ada.call(Method::PUT, "/user/password", Some(body)).await.expect(204);
        hold.release();
        login.await.unwrap().refused(401, "invalid_credentials");
    }
}

#[tokio::test]
async fn of_two_password_changes_at_once_one_is_told_that_it_came_late() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let phone = world.session_of(ada.id).await;
    let body = |new: &str| json!({ "currentPassword": PASSWORD, "password": new });
    let hold = world.store.hold_next("change_password");
    let late = start(&phone, Method::PUT, "/user/password", body("a thief's horse 3"));
    hold.reached().await;
    ada.call(Method::PUT, "/user/password", Some(body("another horse 2"))).await.expect(204);
    hold.release();
    late.await.unwrap().invalid("currentPassword");
    assert!(ada.is_in().await && !phone.is_in().await);
    let login = json!({ "email": "ada@example.com", "password": "another horse 2" });
    world.anonymous().post("/login", login).await.expect(200);
}

#[tokio::test]
async fn a_look_up_that_began_before_a_logout_is_not_remembered() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let hold = world.store.hold_next("find_token");
    let slow = start(&ada, Method::GET, "/user", json!({}));
    hold.reached().await;
    ada.post("/logout", json!({})).await.expect(204);
    hold.release();
    // Its own answer may be the one of the moment at which it looked.
    let status = slow.await.unwrap().status;
    assert!([200, 401].contains(&status), "{status}");
    for _ in 0..3 {
        ada.get("/user").await.refused(401, "token_invalid");
    }
}

#[tokio::test]
async fn a_slow_use_does_not_bring_a_session_back() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    world.clock.advance(120);
    assert!(ada.is_in().await);
    let hold = world.store.hold_next("touch");
    let flush = tokio::spawn({
        let auth = world.auth.clone();
        async move { auth.flush().await.unwrap() }
    });
    hold.reached().await;
    let body = json!({ "password": PASSWORD });
    ada.call(Method::DELETE, "/user", Some(body)).await.expect(204);
    hold.release();
    flush.await.unwrap();
    assert!(!ada.is_in().await);
    ada.refresh().await.refused(401, "token_invalid");
}

#[tokio::test]
async fn a_refresh_against_the_deletion_of_its_user_gets_nothing() {
    for at in ["find_session", "find_user", "rotate"] {
        let world = World::new().await;
        let ada = world.user("ada").await;
        let phone = world.session_of(ada.id).await;
        let hold = world.store.hold_next(at);
        let refresh = start_refresh(&phone);
        hold.reached().await;
        let body = json!({ "password": PASSWORD });
        ada.call(Method::DELETE, "/user", Some(body)).await.expect(204);
        hold.release();
        refresh.await.unwrap().refused(401, "token_invalid");
        assert!(!phone.is_in().await);
    }
}

#[tokio::test]
async fn a_sign_in_against_the_deletion_of_its_user_gets_nothing() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let hold = world.store.hold_next("sign_in");
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let login = start(&world.anonymous(), Method::POST, "/login", body);
    hold.reached().await;
    let body = json!({ "password": PASSWORD });
    ada.call(Method::DELETE, "/user", Some(body)).await.expect(204);
    hold.release();
    login.await.unwrap().refused(401, "invalid_credentials");
}

#[tokio::test]
async fn a_token_made_while_its_user_is_deleted_opens_nothing() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let hold = world.store.hold_next("insert_token");
    let create = start(&ada, Method::POST, "/tokens", json!({ "name": "T" }));
    hold.reached().await;
    let body = json!({ "password": PASSWORD });
    ada.call(Method::DELETE, "/user", Some(body)).await.expect(204);
    hold.release();
    let response = create.await.unwrap();
    if response.status == 201 {
        assert!(!ada.with_token(&response.text("token")).is_in().await);
    }
}

#[tokio::test]
async fn a_token_asked_for_by_a_session_that_has_ended_meanwhile_opens_nothing() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let thief = world.session_of(ada.id).await;
    let hold = world.store.hold_next("insert_token");
    let create = start(&thief, Method::POST, "/tokens", json!({ "name": "T" }));
    hold.reached().await;
    let body = json!({ "currentPassword": PASSWORD, "password": "another horse 2",
                       "revokeTokens": true });
    ada.call(Method::PUT, "/user/password", Some(body)).await.expect(204);
    hold.release();
    let response = create.await.unwrap();
    if response.status == 201 {
        assert!(!ada.with_token(&response.text("token")).is_in().await);
    }
}

#[tokio::test]
async fn an_email_change_that_began_before_a_password_change_is_refused_after_it() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let thief = world.session_of(ada.id).await;
    let hold = world.store.hold_next("update_user");
    let body = json!({ "email": "thief@example.com", "currentPassword": PASSWORD });
    let theft = start(&thief, Method::PATCH, "/user", body);
    hold.reached().await;
    let body = json!({ "currentPassword": PASSWORD, "password": "another horse 2" });
    ada.call(Method::PUT, "/user/password", Some(body)).await.expect(204);
    hold.release();
    theft.await.unwrap();
    assert_eq!(ada.get("/user").await.expect(200)["email"], "ada@example.com");
}

#[tokio::test]
async fn a_deletion_that_began_before_a_password_change_deletes_nothing_after_it() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let thief = world.session_of(ada.id).await;
    let hold = world.store.hold_next("delete_account");
    let theft = start(&thief, Method::DELETE, "/user", json!({ "password": PASSWORD }));
    hold.reached().await;
    let body = json!({ "currentPassword": PASSWORD, "password": "another horse 2" });
    ada.call(Method::PUT, "/user/password", Some(body)).await.expect(204);
    hold.release();
    theft.await.unwrap().invalid("password");
    assert!(ada.is_in().await);
}

#[tokio::test]
async fn a_change_goes_on_when_its_caller_leaves() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    assert!(ada.is_in().await);
    let hold = world.store.hold_next("revoke_sessions");
    let logout = start(&ada, Method::POST, "/logout", json!({}));
    hold.reached().await;
    logout.abort();
    assert!(logout.await.unwrap_err().is_cancelled());
    hold.release();
    for _ in 0..200 {
        if !ada.is_in().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("the logout was dropped with its caller");
}

/// A body that arrives when it is let go.
struct Late {
    text: Option<Bytes>,
    released: oneshot::Receiver<()>,
}

impl HttpBody for Late {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.text.is_none() {
            return Poll::Ready(None);
        }
        let _ = ready!(Pin::new(&mut self.released).poll(cx));
        Poll::Ready(self.text.take().map(|text| Ok(Frame::data(text))))
    }
}

#[tokio::test]
async fn a_credential_that_is_ended_while_its_body_trickles_in_changes_nothing() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    for (method, path, body) in [
        (Method::PATCH, "/user", json!({ "name": "Mallory" })),
        (
            Method::PUT,
            "/user/password",
            json!({ "currentPassword": PASSWORD, "password": "another horse 2" }),
        ),
        (Method::DELETE, "/user", json!({ "password": PASSWORD })),
    ] {
        for thief in [world.session_of(ada.id).await, world.token_of(ada.id, &["*"]).await] {
            let (release, released) = oneshot::channel();
            let text = Some(Bytes::from(body.to_string()));
            let mut request = thief.request(method.clone(), &format!("/api/auth{path}"));
            request
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.body_mut() = Body::new(Late { text, released });
            let theft = tokio::spawn({
                let thief = thief.clone();
                async move { thief.send(request).await }
            });
            // It is let in, and then waits for its body.
            tokio::task::yield_now().await;
            thief.post("/logout", json!({})).await.expect(204);
            release.send(()).unwrap();
            theft.await.unwrap().refused(401, "token_invalid");
        }
    }
    assert_eq!(ada.get("/user").await.expect(200)["name"], "ada");
}
