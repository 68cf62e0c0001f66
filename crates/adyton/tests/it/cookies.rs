//! Cookie sessions: how they begin, what they are worth, how they end.

use crate::browser::{Browser, Page};
use crate::world::{PASSWORD, World};
use adyton::core::config::{Lifetime, SessionGuard};
use adyton::core::event::EventKind;
use http::Method;
use serde_json::json;

const HOUR: u64 = 3600;

#[tokio::test]
async fn a_page_signs_up_with_a_cookie_and_no_secret_is_in_the_body() {
    let world = World::new().await;
    let mut ada = Browser::new(&world);
    let body = json!({ "name": "Ada", "email": "ada@example.com", "password": PASSWORD });
    let answer = ada.post("/register", body).await.expect(201);
    let members: Vec<_> = answer.json.as_object().unwrap().keys().collect();
    assert_eq!(members, ["guard", "newDevice", "sessionId", "user"]);
    assert_eq!(answer["guard"], "session");
    let line = answer.set_cookie("adyton_session");
    assert!(line.contains("HttpOnly; SameSite=Lax; Path=/"), "{line}");
    assert!(!line.contains("Max-Age") && !line.contains("Secure"), "{line}");
    assert!(ada.session().unwrap().starts_with("ads_"));

    let current = ada.get("/session").await.expect(200);
    assert_eq!((&current["guard"], &current["user"]["name"]), (&json!("session"), &json!("Ada")));
    assert_eq!(current["abilities"], json!(["*"]));
    assert_eq!(current["session"]["id"], answer["sessionId"]);
    assert_eq!(current["session"]["current"], true);
    assert_eq!(ada.get("/sessions").await["sessions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_guard_follows_from_where_the_request_comes() {
    let world = World::with(|config| {
        config.server.public_url = Some("https://app.example.com".into());
        config.allowed_origins =
            vec!["https://admin.example.com".into(), "https://partner.test".into()];
    })
    .await;
    let mut setup = Browser::new(&world).on(Page::Silent);
    let body = json!({ "name": "Ada", "email": "ada@example.com", "password": PASSWORD });
    assert_eq!(setup.post("/register", body).await.expect(201)["guard"], "token");

    let says = |name, value: &str| Page::Says(vec![(name, value.to_owned())]);
    for (page, guard) in [
        (Page::Own, "session"),
        (Page::of("https://app.example.com"), "session"),
        (Page::of("https://admin.example.com"), "session"),
        (Page::of("https://partner.test"), "token"),
        (Page::of("https://evil.test"), "token"),
        (says("sec-fetch-site", "none"), "token"),
        (says("sec-fetch-site", "same-site"), "token"),
        (Page::Silent, "token"),
    ] {
        let mut browser = Browser::new(&world).on(page.clone());
        let answer = browser.login("ada").await.expect(200);
        assert_eq!(answer["guard"], guard, "{page:?}");
        assert_eq!(browser.session().is_some(), guard == "session", "{page:?}");
    }

    let wants = |guard| json!({ "email": "ada@example.com", "password": PASSWORD, "guard": guard });
    let mut partner = Browser::new(&world).on(Page::of("https://partner.test"));
    partner.post("/login", wants("session")).await.invalid("guard");
    let mut own = Browser::new(&world);
    assert_eq!(own.post("/login", wants("token")).await.expect(200)["guard"], "token");
    own.post("/login", wants("cookie")).await.invalid("guard");
    let mut silent = Browser::new(&world).on(Page::Silent);
    silent.post("/login", wants("session")).await.refused(403, "csrf_failed");
}

#[tokio::test]
async fn only_the_configured_guard_may_be_used() {
    let tokens = World::with(|config| config.session_guard = SessionGuard::Token).await;
    let mut ada = Browser::registered(&tokens, "ada").await;
    assert!(ada.jar.is_empty(), "{:?}", ada.jar);
    let wants = |guard| json!({ "email": "ada@example.com", "password": PASSWORD, "guard": guard });
    ada.post("/login", wants("session")).await.invalid("guard");

    let cookies = tokens.again(|config| config.session_guard = SessionGuard::Session).await;
    let mut ada = ada.before(&cookies);
    assert_eq!(ada.login("ada").await.expect(200)["guard"], "session");
    assert!(ada.is_in().await);
    ada.post("/login", wants("token")).await.invalid("guard");
    let mut script = ada.on(Page::Silent);
    script.jar.clear();
    script.login("ada").await.refused(403, "csrf_failed");

    let mut ignored = ada.before(&tokens);
    assert!(!ignored.is_in().await, "where cookies are off they are ignored");
    ignored.get("/user").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn the_cookie_is_new_at_each_sign_in_and_the_old_session_ends() {
    let world = World::new().await;
    let mut ada = Browser::registered(&world, "ada").await;
    let mut thief = ada.clone();
    assert!(thief.is_in().await);
    let planted = ada.session().unwrap().to_owned();
    ada.login("ada").await.expect(200);
    assert_ne!(ada.session().unwrap(), planted);
    assert!(ada.is_in().await && !thief.is_in().await);
    assert_eq!(ada.get("/sessions").await["sessions"].as_array().unwrap().len(), 1);
    let events = world.events().await;
    let ended = events.iter().find(|event| event.event == EventKind::SessionRevoked).unwrap();
    assert_eq!(ended.reason.as_deref(), Some("signed_in_again"));

    // Also when it is somebody else who signs in there.
    let mut grace = Browser::registered(&world, "grace").await;
    grace.jar = ada.jar.clone();
    grace.login("grace").await.expect(200);
    assert!(!ada.is_in().await && grace.is_in().await);

    // A value that the client brings along is never adopted.
    let mut fixed = Browser::new(&world);
    fixed.jar.insert("adyton_session".into(), planted.clone());
    fixed.login("ada").await.expect(200);
    assert_ne!(fixed.session().unwrap(), planted);
}

#[tokio::test]
async fn signing_out_ends_the_session_and_removes_the_cookie() {
    let world = World::new().await;
    let mut ada = Browser::registered(&world, "ada").await;
    let mut copy = ada.clone();
    let answer = ada.post("/logout", json!({})).await.expect(204);
    assert!(answer.set_cookie("adyton_session").contains("Max-Age=0"));
    assert!(ada.session().is_none());
    copy.get("/user").await.refused(401, "session_revoked");
    assert_eq!(copy.get("/session").await["reason"], "session_revoked");
    copy.post("/logout", json!({})).await.expect(204);
    ada.call(Method::POST, "/logout", None).await.expect(204);
}

#[tokio::test]
async fn a_cookie_lives_while_it_is_used_and_no_longer_than_a_session_may() {
    let world = World::with(|config| {
        config.session_idle = Lifetime::from_seconds(2 * HOUR);
        config.refresh_token_expiration = Lifetime::from_seconds(10 * HOUR);
        config.session_max_age = Lifetime::from_seconds(12 * HOUR);
    })
    .await;
    let mut idle = Browser::registered(&world, "idle").await;
    let mut busy = Browser::registered(&world, "busy").await;
    let mut remembered = Browser::new(&world);
    let body = json!({ "email": "idle@example.com", "password": PASSWORD, "remember": true });
    let answer = remembered.post("/login", body).await.expect(200);
    assert!(answer.set_cookie("adyton_session").contains("Max-Age=43200"));

    for _ in 0..7 {
        world.clock.advance(HOUR + HOUR / 2);
        assert!(busy.is_in().await);
        world.auth.flush().await.unwrap();
    }
    idle.get("/user").await.refused(401, "session_expired");
    remembered.get("/user").await.refused(401, "session_expired");
    world.clock.advance(HOUR + HOUR / 2);
    busy.get("/user").await.refused(401, "session_expired");
}

#[tokio::test]
async fn the_idle_limit_is_exclusive_and_moves_with_uses_that_are_not_written_down_yet() {
    let world = World::with(|config| config.session_idle = Lifetime::from_seconds(600)).await;
    let mut ada = Browser::registered(&world, "ada").await;
    world.clock.advance(599);
    assert!(ada.is_in().await);
    world.clock.advance(599);
    assert!(ada.is_in().await, "an earlier use counts, although no row says so yet");
    world.clock.advance(600);
    ada.get("/user").await.refused(401, "session_expired");
    world.auth.flush().await.unwrap();
    ada.get("/user").await.refused(401, "session_expired");
}

#[tokio::test]
async fn a_shorter_configured_life_counts_for_older_cookies() {
    let world = World::new().await;
    let ada = Browser::registered(&world, "ada").await;
    world.clock.advance(601);
    let stricter = world.again(|config| config.session_idle = Lifetime::from_seconds(600)).await;
    ada.before(&stricter).get("/user").await.refused(401, "session_expired");
    assert!(ada.before(&world).is_in().await);
}

#[tokio::test]
async fn abilities_bind_cookies_too() {
    let world = World::new().await;
    let mut ada = Browser::registered(&world, "ada").await;
    let body = json!({
        "email": "ada@example.com", "password": PASSWORD, "abilities": ["orders:read", "orders:list"],
    });
    ada.post("/login", body).await.expect(200);
    let refused = ada.get("/tokens").await.refused(403, "missing_ability");
    assert_eq!(refused["missing"], json!(["account"]));
    ada.visit(Method::GET, "/orders", None).await.expect(200);
    let credential = ada.visit(Method::GET, "/credential", None).await.expect(200);
    assert_eq!((&credential["reads"], &credential["personal"]), (&json!(true), &json!(null)));
}

#[tokio::test]
async fn an_explicit_token_wins_over_the_cookie() {
    let world = World::new().await;
    let mut ada = Browser::registered(&world, "ada").await;
    let limited = world.token_of(adyton::UserId(1), &["orders:read"]).await;
    ada.token = limited.token.clone();
    ada.get("/tokens").await.refused(403, "missing_ability");
    ada.token = "adt_junk".into();
    ada.get("/user").await.refused(401, "token_invalid");
    // Beside a token only that one's session ends, and the cookie stays.
    ada.token = limited.token;
    let answer = ada.post("/logout", json!({})).await.expect(204);
    assert!(answer.cookies().is_empty(), "{answer:?}");
    ada.token.clear();
    assert!(ada.is_in().await);
    for nothing in ["null", "undefined"] {
        ada.token = nothing.into();
        assert!(ada.is_in().await, "{nothing} is no token: the cookie counts");
    }
}

#[tokio::test]
async fn what_is_not_a_token_does_not_switch_the_csrf_check_off() {
    let world = World::new().await;
    let ada = Browser::registered(&world, "ada").await;
    for scheme in ["Basic YTpi", "", "null", "Bearer undefined"] {
        let mut evil = ada.on(Page::evil());
        let body = json!({ "name": "x" });
        let answer = evil.with_header("authorization", scheme, Method::POST, "/tokens", body).await;
        answer.refused(403, "csrf_failed");
    }
}

#[tokio::test]
async fn two_session_cookies_are_none() {
    let world = World::new().await;
    let mut ada = Browser::registered(&world, "ada").await;
    let own = ada.session().unwrap().to_owned();
    let double = format!("{own}; adyton_session={own}");
    ada.jar.insert("adyton_session".into(), double);
    ada.get("/user").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn other_secrets_are_no_cookies_and_a_cookie_is_no_token() {
    let world = World::new().await;
    let mut ada = Browser::registered(&world, "ada").await;
    let cookie = ada.session().unwrap().to_owned();
    let user = world.user("grace").await;
    for secret in [&user.token, &user.refresh, "ads_x", "%00", &"a".repeat(4000)] {
        let mut wrong = Browser::new(&world);
        wrong.jar.insert("adyton_session".into(), secret.to_owned());
        wrong.get("/user").await.refused(401, "token_invalid");
        assert_eq!(wrong.get("/session").await["user"], json!(null));
    }
    assert!(!user.with_token(&cookie).is_in().await);
    user.anonymous_refresh(&cookie).await.refused(401, "token_invalid");
    let hash = adyton::core::secret::Hash::of(&cookie).to_hex();
    ada.jar.insert("adyton_session".into(), hash);
    assert!(!ada.is_in().await);
}

#[tokio::test]
async fn whatever_ends_a_session_ends_its_cookie_at_once() {
    let world = World::new().await;
    let mut here = Browser::registered(&world, "ada").await;
    let sign_in = async || {
        let mut there = Browser::new(&world);
        let answer = there.login("ada").await.expect(200);
        assert!(there.is_in().await);
        (there, answer.text("sessionId"))
    };
    let (mut there, id) = sign_in().await;
    here.delete(&format!("/sessions/{id}")).await.expect(204);
    there.get("/user").await.refused(401, "session_revoked");

    let (mut there, _) = sign_in().await;
    here.delete("/sessions").await.expect(204);
    assert!(!there.is_in().await && here.is_in().await);

    let (mut there, _) = sign_in().await;
    let change = json!({ "currentPassword": PASSWORD, "password": "another horse 2" });
    here.call(Method::PUT, "/user/password", Some(change)).await.expect(204);
    assert!(!there.is_in().await && here.is_in().await);

    let deletion = json!({ "password": "another horse 2" });
    here.call(Method::DELETE, "/user", Some(deletion)).await.expect(204);
    assert!(!here.is_in().await);
}

#[tokio::test]
async fn a_cookie_that_is_worth_nothing_any_more_goes() {
    let world = World::new().await;
    let mut ada = Browser::registered(&world, "ada").await;
    let mut there = Browser::new(&world);
    let elsewhere = there.login("ada").await.expect(200).text("sessionId");
    let answer = ada.delete(&format!("/sessions/{elsewhere}")).await.expect(204);
    assert!(answer.cookies().is_empty(), "another session's end is no business of this cookie");
    let own = ada.get("/session").await["session"]["id"].as_str().unwrap().to_owned();
    ada.delete(&format!("/sessions/{own}")).await.expect(204);
    assert!(ada.session().is_none());
    ada.login("ada").await.expect(200);
    let deletion = json!({ "password": PASSWORD });
    ada.call(Method::DELETE, "/user", Some(deletion)).await.expect(204);
    assert!(ada.session().is_none());
}

#[tokio::test]
async fn a_guest_makes_no_row_and_gets_no_session() {
    let world = World::new().await;
    let mut guest = Browser::new(&world);
    guest.get("/user").await.refused(401, "unauthenticated");
    assert_eq!(guest.get("/session").await.expect(200)["user"], json!(null));
    guest.login("nobody").await.refused(401, "invalid_credentials");
    guest.get("/csrf-cookie").await.expect(204);
    assert_eq!(guest.jar.keys().collect::<Vec<_>>(), ["XSRF-TOKEN"]);
    assert_eq!(world.store.calls("sign_in") + world.store.calls("open_session"), 0);
}

#[tokio::test]
async fn an_old_browser_gets_a_token_with_its_session_and_a_guests_one_after_it() {
    let world = World::new().await;
    world.user("ada").await;
    let mut ada = Browser::new(&world).on(Page::Silent);
    ada.echoes_xsrf = true;
    ada.get("/csrf-cookie").await.expect(204);
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "guard": "session" });
    for _ in 0..2 {
        let guests = ada.jar["XSRF-TOKEN"].clone();
        ada.post("/login", body.clone()).await.expect(200);
        assert_ne!(ada.jar["XSRF-TOKEN"], guests);
        ada.call(Method::PATCH, "/user", Some(json!({ "name": "Ada" }))).await.expect(200);
        ada.post("/logout", json!({})).await.expect(204);
    }
}

#[tokio::test]
async fn a_dead_cookie_makes_a_guest_where_guests_are_welcome() {
    let world = World::new().await;
    let mut ada = Browser::registered(&world, "ada").await;
    let mut copy = ada.clone();
    ada.post("/logout", json!({})).await.expect(204);
    assert_eq!(copy.visit(Method::GET, "/guest", None).await.expect(200).body, "guest");
    copy.visit(Method::GET, "/whoami", None).await.refused(401, "session_revoked");
}

#[tokio::test]
async fn no_cookie_counts_on_a_host_that_nobody_has_named() {
    let world = World::new().await;
    let mut ada = Browser::registered(&world, "ada").await;
    ada.host = "app.example";
    ada.get("/user").await.refused(401, "unauthenticated");
    let refused = ada.login("ada").await.refused(403, "csrf_failed");
    assert_eq!(refused["reason"], "public_url_missing");
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "guard": "token" });
    assert_eq!(ada.post("/login", body).await.expect(200)["guard"], "token");
    for host in ["localhost", "app.localhost:5173", "127.8.0.1", "[::1]:8000"] {
        ada.host = host;
        assert!(ada.is_in().await, "{host}");
    }
}

#[tokio::test]
async fn an_outage_signs_nobody_out() {
    let world = World::new().await;
    let ada = Browser::registered(&world, "ada").await;
    world.store.set(crate::store::Mode::Down);
    let other_node = world.again(|_| ()).await;
    let mut ada = ada.before(&other_node);
    let answer = ada.get("/user").await.refused(503, "store_unavailable");
    assert!(answer.cookies().is_empty());
    ada.post("/logout", json!({})).await.refused(503, "store_unavailable");
    assert!(ada.session().is_some());
    world.store.set(crate::store::Mode::Up);
    assert!(ada.is_in().await);
}

/// What ends the session of a browser that is signed in elsewhere.
#[derive(Clone, Copy, Debug)]
enum End {
    Logout,
    SignInOverIt,
    ByItsId,
    AllOthers,
    PasswordChange,
    PasswordByTheOperator,
    Deletion,
    RemovalByTheOperator,
    MoreSessionsThanAllowed,
}

/// Does so, at the node of `copy` and `other`.
async fn end(how: End, world: &World, copy: &mut Browser, other: &mut Browser, id: &str) {
    let user = adyton::UserId(1);
    let client = adyton::Client::default();
    match how {
        End::Logout => drop(copy.post("/logout", json!({})).await.expect(204)),
        End::SignInOverIt => drop(copy.login("ada").await.expect(200)),
        End::ByItsId => drop(other.delete(&format!("/sessions/{id}")).await.expect(204)),
        End::AllOthers => drop(other.delete("/sessions").await.expect(204)),
        End::PasswordChange => {
            let change = json!({ "currentPassword": PASSWORD, "password": "another horse 2" });
            other.call(Method::PUT, "/user/password", Some(change)).await.expect(204);
        }
        End::PasswordByTheOperator => {
            world.auth.set_password(user, "another horse 2", false).await.unwrap();
        }
        End::Deletion => {
            let deletion = json!({ "password": PASSWORD });
            other.call(Method::DELETE, "/user", Some(deletion)).await.expect(204);
        }
        End::RemovalByTheOperator => world.auth.remove_user(user, &client).await.unwrap(),
        End::MoreSessionsThanAllowed => {
            world.clock.advance(60);
            assert!(other.is_in().await);
            drop(Browser::new(world).login("ada").await.expect(200));
        }
    }
}

#[tokio::test]
async fn whatever_ends_a_session_ends_its_cookie_on_every_node() {
    for how in [
        End::Logout,
        End::SignInOverIt,
        End::ByItsId,
        End::AllOthers,
        End::PasswordChange,
        End::PasswordByTheOperator,
        End::Deletion,
        End::RemovalByTheOperator,
        End::MoreSessionsThanAllowed,
    ] {
        let few = |config: &mut adyton::Config| config.sessions_per_user = 2;
        let here = World::with(few).await;
        let mut browser = Browser::new(&here);
        let body = json!({ "name": "Ada", "email": "ada@example.com", "password": PASSWORD });
        let id = browser.post("/register", body).await.expect(201).text("sessionId");
        let mut other = Browser::new(&here);
        other.login("ada").await.expect(200);
        let there = here.again(few).await;
        let (mut copy, mut elsewhere) = (browser.clone(), browser.before(&there));
        // Both nodes have it in memory.
        assert!(browser.is_in().await && elsewhere.is_in().await);
        end(how, &here, &mut copy, &mut other, &id).await;
        assert!(!browser.is_in().await, "{how:?}: at once on the node that did it");
        here.clock.advance(1);
        assert!(!elsewhere.is_in().await, "{how:?}: on the other when its lease has run out");
    }
}

#[tokio::test]
async fn a_guest_gets_no_cookie_but_the_token_for_signing_in() {
    let world = World::new().await;
    let mut guest = Browser::new(&world);
    for (method, path) in [
        (Method::GET, "/user"),
        (Method::GET, "/session"),
        (Method::GET, "/sessions"),
        (Method::POST, "/logout"),
        (Method::DELETE, "/tokens/1"),
        (Method::GET, "/verify"),
        (Method::GET, "/nowhere"),
        (Method::GET, "/openapi.json"),
    ] {
        guest.call(method, path, None).await;
    }
    let no_one = json!({ "email": "ada", "password": "x" });
    guest.post("/register", no_one.clone()).await.expect(422);
    guest.post("/login", no_one).await.expect(422);
    guest.login("nobody").await.expect(401);
    assert_eq!(guest.jar.keys().collect::<Vec<_>>(), ["XSRF-TOKEN"]);
    // One that says nothing of a page gets none at all.
    let mut script = Browser::new(&world).on(Page::Silent);
    for path in ["/user", "/session", "/nowhere"] {
        script.get(path).await;
    }
    script.login("nobody").await.expect(401);
    assert!(script.jar.is_empty(), "{:?}", script.jar);
}
