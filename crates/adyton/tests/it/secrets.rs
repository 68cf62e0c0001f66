//! No secret leaves by the log, by an event, by a list or by `Debug`.

use crate::browser::Browser;
use crate::store::Mode;
use crate::world::{LOGGING, PASSWORD, Response, World};
use adyton::core::secret::Hash;
use adyton::core::session::Guard;
use adyton::core::store::UserStore;
use adyton::core::user::StoredPassword;
use adyton::{NewPersonalToken, SignInOptions};
use http::Method;
use serde_json::json;
use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock};
use tracing_subscriber::filter::LevelFilter;

const NEW: &str = "another horse of hers 2";
const WRONG: &str = "a wrong horse of theirs 3";

/// Everything that the process logs, at every level, from whatever thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn start() -> Self {
        static LOG: OnceLock<Log> = OnceLock::new();
        LOG.get_or_init(|| {
            let log = Self::default();
            let writer = log.clone();
            tracing_subscriber::fmt()
                .with_max_level(LevelFilter::TRACE)
                .with_writer(move || writer.clone())
                .with_ansi(false)
                .init();
            log
        })
        .clone()
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// What nobody but its owner may see, by name.
#[derive(Default)]
struct Secrets(Vec<(&'static str, String)>);

impl Secrets {
    fn add(&mut self, name: &'static str, text: &str) {
        self.0.push((name, text.to_owned()));
        self.0.push((name, Hash::of(text).to_hex()));
    }

    fn add_pair(&mut self, response: &Response) {
        self.add("access token", &response.text("token"));
        self.add("refresh token", &response.text("refreshToken"));
        if let Some(secret) = response["deviceSecret"].as_str() {
            self.add("device secret", secret);
        }
    }

    #[track_caller]
    fn are_not_in(&self, text: &str, place: &str) {
        for (name, secret) in &self.0 {
            // The middle of it is enough, whatever is cut or quoted.
            let part = &secret[secret.len() / 4..secret.len() / 4 * 3];
            assert!(!text.contains(part), "{name} in {place}");
        }
    }
}

#[tokio::test]
async fn no_secret_is_in_the_log_nor_in_an_event_nor_in_a_list() {
    let _alone = LOGGING.lock().await;
    let log = Log::start();
    let world = World::new().await;
    let (mut secrets, mut shown) = (Secrets::default(), String::new());
    for password in [PASSWORD, NEW, WRONG] {
        secrets.add("password", password);
    }
    let login = |password: &str| json!({ "email": "ada@example.com", "password": password });

    let ada = world.user("ada").await;
    secrets.add("access token", &ada.token);
    secrets.add("refresh token", &ada.refresh);
    let signed_in = world.anonymous().post("/login", login(PASSWORD)).await.expect(200);
    secrets.add_pair(&signed_in);
    let phone = ada.of(&signed_in);
    for refused in [
        world.anonymous().post("/login", login(WRONG)).await,
        world.anonymous().post("/register", json!({ "password": WRONG, "email": 1 })).await,
        world.anonymous().post("/login", json!({ "password": [WRONG], "email": WRONG })).await,
        ada.with_token(&ada.refresh).get("/user").await,
        ada.anonymous_refresh(&ada.token).await,
        ada.get(&format!("/tokens/{}", phone.token)).await,
        ada.get(&format!("/user?token={}", phone.token)).await,
        ada.delete(&format!("/sessions/{}", phone.refresh)).await,
    ] {
        shown += &refused.body;
    }
    let renewed = phone.refresh().await.expect(200);
    secrets.add_pair(&renewed);
    world.clock.advance(30);
    shown += &phone.refresh().await.refused(401, "refresh_token_reused").body;
    let token = ada.post("/tokens", json!({ "name": "T" })).await.expect(201);
    secrets.add("personal token", &token.text("token"));
    let personal = ada.with_token(&token.text("token"));
    let limited = ada.post("/tokens", json!({ "name": "L", "abilities": [] })).await.expect(201);
    secrets.add("limited token", &limited.text("token"));
    shown += &ada.with_token(&limited.text("token")).get("/tokens").await.expect(403).body;
    for path in ["/user", "/session", "/sessions", "/tokens", "/openapi.json"] {
        shown += &personal.get(path).await.expect(200).body;
        shown += &ada.get(path).await.expect(200).body;
    }
    for mode in [Mode::Down, Mode::ReadOnly, Mode::Deaf] {
        world.store.set(mode);
        let body = json!({ "refreshToken": ada.refresh });
        shown += &world.anonymous().post("/logout", body).await.expect(503).body;
        shown += &world.anonymous().post("/login", login(PASSWORD)).await.expect(503).body;
        world.store.set(Mode::Up);
    }
    let stored = world.store.find_account(ada.id).await.unwrap().unwrap().password.unwrap();
    secrets.add("stored password", stored.as_str());
    let change = json!({ "currentPassword": PASSWORD, "password": NEW });
    personal.call(Method::PUT, "/user/password", Some(change)).await.expect(204);
    let stored = world.store.find_account(ada.id).await.unwrap().unwrap().password.unwrap();
    secrets.add("stored password", stored.as_str());
    let delete = json!({ "password": NEW });
    personal.call(Method::DELETE, "/user", Some(delete)).await.expect(204);
    world.auth.flush().await.unwrap();

    let log = log.text();
    for event in ["authn_login_success", "authn_token_reuse", "user_deleted", "unplugged"] {
        assert!(log.contains(event), "the log is not what was captured: no {event}");
    }
    secrets.are_not_in(&log, "the log");
    assert!(shown.contains("\"tokens\"") && shown.contains("refresh_token_reused"));
    secrets.are_not_in(&shown, "an answer");
    let events = world.events().await;
    let events = format!("{events:?}") + &serde_json::to_string(&events).unwrap();
    assert!(events.contains("user_deleted"));
    secrets.are_not_in(&events, "an event");
}

#[tokio::test]
async fn debug_shows_no_secret() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let mut secrets = Secrets::default();
    secrets.add("password", PASSWORD);
    secrets.add("access token", &ada.token);
    secrets.add("refresh token", &ada.refresh);

    let client = adyton::Client::default();
    let signed_in = world.auth.refresh(&ada.refresh, &client).await.unwrap();
    secrets.add("access token", signed_in.tokens().unwrap().token.expose());
    secrets.add("refresh token", signed_in.tokens().unwrap().refresh_token.expose());
    let by = world.auth.authenticate(signed_in.tokens().unwrap().token.expose()).await.unwrap();
    let new = NewPersonalToken { name: "T".into(), ..NewPersonalToken::default() };
    let created = world.auth.create_token(ada.id, new, None, &client).await.unwrap();
    secrets.add("personal token", created.token.expose());
    let actor = adyton::testing::acting_as(&world.auth, ada.id, ["a"]).await.unwrap();
    secrets.add("actor's token", actor.token());
    let account = world.store.find_account(ada.id).await.unwrap().unwrap();
    secrets.add("stored password", account.password.as_ref().unwrap().as_str());
    let session = world.auth.find_session(&ada.session).await.unwrap();
    secrets.0.push(("salt", session.salt.unwrap().to_hex()));
    secrets.0.push(("previous", session.previous.unwrap().to_hex()));
    let wrong = world.auth.refresh(&ada.token, &client).await.unwrap_err();

    for shown in [
        format!("{:?}", world.auth),
        format!("{signed_in:?}"),
        format!("{by:?}"),
        format!("{created:?}"),
        format!("{account:?}"),
        format!("{session:?}"),
        format!("{wrong:?} {wrong}"),
        format!("{:?}", world.auth.list_tokens(ada.id, Some(&by)).await.unwrap()),
        format!("{:?}", world.auth.list_sessions(ada.id, Some(&by)).await.unwrap()),
        format!("{:?}", StoredPassword::new(account.password.unwrap().as_str().to_owned())),
        format!("{actor:?}"),
    ] {
        secrets.are_not_in(&shown, &shown);
    }
}

#[tokio::test]
async fn debug_shows_no_secret_of_a_browser() {
    let world = World::new().await;
    let mut ada = Browser::registered(&world, "ada").await;
    let options = SignInOptions { guard: Some(Guard::Session), ..SignInOptions::default() };
    let client = adyton::Client::default();
    let signed_in = world.auth.sign_in_as(adyton::UserId(1), &options, &client).await.unwrap();
    let mut secrets = Secrets::default();
    let cookie = signed_in.cookie().unwrap();
    secrets.add("cookie", cookie.secret.expose());
    secrets.add("device secret", signed_in.device_secret.as_ref().unwrap().expose());
    let by = world.auth.authenticate_cookie(cookie.secret.expose()).await.unwrap();
    // What a handler of the app logs of its caller.
    let shown = ada.visit(Method::GET, "/web/browser", None).await.expect(200).body;
    assert!(shown.contains("Firefox"), "{shown}");
    for (name, value) in &ada.jar {
        secrets.add("cookie of the jar", value);
        assert!(!shown.contains(value), "{name} in {shown}");
    }
    for shown in [shown, format!("{signed_in:?}"), format!("{by:?}")] {
        secrets.are_not_in(&shown, &shown);
    }
}
