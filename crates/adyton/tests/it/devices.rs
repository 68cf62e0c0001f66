//! Devices: known by a secret, told apart by what stays the same, and what a refresh from another
//! one gets.

use crate::browser::Browser;
use crate::world::{Actor, BASE, PASSWORD, Response, World};
use adyton::core::config::DeviceBinding;
use adyton::core::device::MOST_KNOWN;
use adyton::core::event::EventKind;
use adyton::core::secret::{Kind, PlainText};
use adyton::{Client, SignInOptions};
use http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Method};
use serde_json::{Value, json};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
const UPDATED: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0";
const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 \
                      (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1";

/// What a client tells of itself; empty for nothing.
#[derive(Clone, Copy, Default)]
struct Telling<'a> {
    agent: &'a str,
    language: &'a str,
    device: &'a str,
}

const LAPTOP: Telling<'_> = Telling { agent: FIREFOX, language: "de-DE,de;q=0.9", device: "" };
const PHONE: Telling<'_> = Telling { agent: IPHONE, language: "de-DE", device: "" };

impl<'a> Telling<'a> {
    fn with(self, device: &'a str) -> Self {
        Self { device, ..self }
    }

    async fn post(self, actor: &Actor, path: &str, body: Value) -> Response {
        let mut request = actor.request(Method::POST, &format!("{BASE}{path}"));
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let device = http::HeaderName::from_static("x-device-id");
        for (name, value) in
            [(USER_AGENT, self.agent), (ACCEPT_LANGUAGE, self.language), (device, self.device)]
        {
            if !value.is_empty() {
                headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
        }
        *request.body_mut() = body.to_string().into();
        actor.send(request).await
    }

    async fn login(self, world: &World, name: &str) -> Response {
        let body = json!({ "email": format!("{name}@example.com"), "password": PASSWORD });
        self.post(&world.anonymous(), "/login", body).await.expect(200)
    }

    async fn refresh(self, world: &World, token: &str) -> Response {
        self.post(&world.anonymous(), "/refresh", json!({ "refreshToken": token })).await
    }
}

/// Whether a sign-in went on with the secret that it presented.
fn was_known(signed_in: &Response) -> bool {
    match &signed_in["deviceSecret"] {
        Value::Null => true,
        Value::String(secret) => {
            assert!(PlainText::parse(Kind::Device, secret).is_some(), "{secret}");
            false
        }
        other => panic!("no secret: {other}"),
    }
}

#[tokio::test]
async fn a_device_is_known_by_its_secret_whatever_it_looks_like() {
    let world = World::new().await;
    world.user("ada").await;
    let first = LAPTOP.login(&world, "ada").await;
    assert_eq!((&first["newDevice"], was_known(&first)), (&json!(true), false));
    let secret = first.text("deviceSecret");
    let again = PHONE.with(&secret).login(&world, "ada").await;
    assert_eq!((&again["newDevice"], was_known(&again)), (&json!(false), true));
    assert!(!again.body.contains("deviceSecret"), "{again:?}");

    let told = world.events().await;
    let told: Vec<_> = told.iter().filter(|event| event.event == EventKind::NewDevice).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].session_id.as_deref(), first["sessionId"].as_str());
    assert_eq!(told[0].user_id, Some(world.anonymous().of(&first).id));
}

#[tokio::test]
async fn a_device_that_looks_like_a_known_one_is_not_new_but_gets_a_secret() {
    let world = World::new().await;
    world.user("ada").await;
    LAPTOP.login(&world, "ada").await;
    for (telling, new) in [
        (Telling { agent: UPDATED, ..LAPTOP }, false),
        (Telling { language: "de-de,en;q=0.1", ..LAPTOP }, false),
        (Telling { language: "en", ..LAPTOP }, true),
        (PHONE, true),
        (Telling::default(), true),
    ] {
        let signed_in = telling.login(&world, "ada").await;
        assert_eq!((&signed_in["newDevice"], was_known(&signed_in)), (&json!(new), false));
    }
    assert_eq!(world.count(EventKind::NewDevice).await, 4);
}

#[tokio::test]
async fn nobody_chooses_what_a_device_is_known_by() {
    let world = World::new().await;
    world.user("ada").await;
    world.user("grace").await;
    let adas = LAPTOP.login(&world, "ada").await.text("deviceSecret");
    let drawn = PlainText::draw(Kind::Device).unwrap();
    for planted in [adas.as_str(), drawn.expose()] {
        for _ in 0..2 {
            let signed_in = LAPTOP.with(planted).login(&world, "grace").await;
            assert!(!was_known(&signed_in), "never adopted, not even the second time");
            assert_ne!(signed_in["deviceSecret"], planted);
        }
    }
    assert!(was_known(&LAPTOP.with(&adas).login(&world, "ada").await), "still hers");
}

#[tokio::test]
async fn what_is_no_device_secret_is_as_good_as_none() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let mistyped = LAPTOP.login(&world, "ada").await.text("deviceSecret").replace("add_", "adt_");
    for junk in ["x", "add_", &mistyped, &ada.token, &ada.refresh, "é", &"a".repeat(5000)] {
        assert!(!was_known(&LAPTOP.with(junk).login(&world, "ada").await), "{junk}");
    }
}

#[tokio::test]
async fn a_device_secret_signs_nobody_in() {
    let world = World::new().await;
    world.user("ada").await;
    let secret = LAPTOP.login(&world, "ada").await.text("deviceSecret");
    let thief = world.anonymous().with_token(&secret);
    thief.get("/user").await.refused(401, "token_invalid");
    thief.anonymous_refresh(&secret).await.refused(401, "token_invalid");
    let wrong = json!({ "email": "ada@example.com", "password": "wrong horse 1" });
    let refused = LAPTOP.with(&secret).post(&world.anonymous(), "/login", wrong).await;
    refused.refused(401, "invalid_credentials");
}

#[tokio::test]
async fn a_sign_up_has_a_device_and_nobody_is_told() {
    let world = World::new().await;
    let body = json!({ "name": "Ada", "email": "ada@example.com", "password": PASSWORD });
    let registered = LAPTOP.post(&world.anonymous(), "/register", body).await.expect(201);
    assert_eq!((&registered["newDevice"], was_known(&registered)), (&json!(true), false));
    assert_eq!(world.count(EventKind::NewDevice).await, 0);
    let secret = registered.text("deviceSecret");
    assert!(was_known(&PHONE.with(&secret).login(&world, "ada").await));
}

#[tokio::test]
async fn a_device_stays_known_after_all_but_the_end_of_its_account() {
    let world = World::new().await;
    world.user("ada").await;
    let laptop = LAPTOP.login(&world, "ada").await;
    let (ada, secret) = (world.anonymous().of(&laptop), laptop.text("deviceSecret"));
    ada.post("/logout", json!({})).await.expect(204);
    let back = PHONE.with(&secret).login(&world, "ada").await;
    assert!(was_known(&back), "signed out, and known");
    let ada = ada.of(&back);
    let new = json!({ "currentPassword": PASSWORD, "password": "another horse 2",
                      "revokeTokens": true });
    ada.call(Method::PUT, "/user/password", Some(new)).await.expect(204);
    let login = json!({ "email": "ada@example.com", "password": "another horse 2" });
    let back = PHONE.with(&secret).post(&world.anonymous(), "/login", login).await.expect(200);
    assert!(was_known(&back), "with another password, and known");
    let password = json!({ "password": "another horse 2" });
    ada.of(&back).call(Method::DELETE, "/user", Some(password)).await.expect(204);
    world.user("ada").await;
    let stranger = PHONE.with(&secret).login(&world, "ada").await;
    assert_eq!((&stranger["newDevice"], was_known(&stranger)), (&json!(true), false));
}

#[tokio::test]
async fn a_device_is_listed_by_a_name_that_people_can_read() {
    let world = World::new().await;
    world.user("ada").await;
    let junk = "\u{1f980}/\u{202e}1";
    let named = json!({ "email": "ada@example.com", "password": PASSWORD, "deviceName": "Mine" });
    PHONE.post(&world.anonymous(), "/login", named).await.expect(200);
    for telling in [Telling { agent: junk, ..PHONE }, PHONE, Telling::default()] {
        world.clock.advance(1);
        telling.login(&world, "ada").await;
    }
    world.clock.advance(1);
    let ada = world.anonymous().of(&LAPTOP.login(&world, "ada").await);
    let listed = ada.get("/sessions").await.expect(200);
    let listed = listed["sessions"].as_array().unwrap();
    let shown: Vec<_> = listed.iter().map(|s| (&s["deviceName"], &s["userAgent"])).collect();
    let null = Value::Null;
    let expected = [
        (&json!("Firefox on Linux"), &json!(FIREFOX)),
        (&null, &null),
        (&json!("Safari on iPhone"), &json!(IPHONE)),
        (&json!("Unknown client"), &json!(junk)),
        (&json!("Mine"), &json!(IPHONE)),
    ];
    assert_eq!(shown[..5], expected);
    let mut members: Vec<_> = listed[0].as_object().unwrap().keys().collect();
    members.sort();
    let contract =
        "createdAt current deviceName expiresAt id ipAddress lastSeenAt userAgent".split(' ');
    assert!(members.into_iter().eq(contract), "{listed:?}");
}

#[tokio::test]
async fn the_name_of_a_device_carries_no_header() {
    let world = World::new().await;
    world.user("ada").await;
    for name in ["a\r\nSet-Cookie: a=b", "a\nb", "a\u{0}", "a\u{7f}", "a\u{85}b", "\u{1b}[31m"] {
        let login = json!({ "email": "ada@example.com", "password": PASSWORD, "deviceName": name });
        LAPTOP.post(&world.anonymous(), "/login", login).await.invalid("deviceName");
        let register = json!({ "name": "B", "email": "b@example.com", "password": PASSWORD,
                               "deviceName": name });
        LAPTOP.post(&world.anonymous(), "/register", register).await.invalid("deviceName");
    }
}

/// A session of the laptop, its refresh token and the device's secret.
async fn laptop(world: &World) -> (Actor, String) {
    let signed_in = LAPTOP.login(world, "ada").await;
    (world.anonymous().of(&signed_in), signed_in.text("deviceSecret"))
}

async fn bound(binding: DeviceBinding) -> World {
    let world = World::with(|config| config.device_binding = binding).await;
    world.user("ada").await;
    world
}

#[tokio::test]
async fn a_refresh_from_the_same_device_is_let_through() {
    let world = bound(DeviceBinding::Enforce).await;
    let (mut ada, secret) = laptop(&world).await;
    for same in [
        LAPTOP,
        LAPTOP.with(&secret),
        LAPTOP.with("junk"),
        Telling { agent: UPDATED, ..LAPTOP },
        Telling { language: "DE-DE, en", ..LAPTOP },
    ] {
        let renewed = same.refresh(&world, &ada.refresh).await.expect(200);
        assert_eq!(
            (&renewed["newDevice"], &renewed["deviceSecret"]),
            (&json!(false), &Value::Null)
        );
        ada = ada.of(&renewed);
    }
    world.auth.flush().await.unwrap();
    assert_eq!(world.count(EventKind::DeviceMismatch).await, 0);
}

#[tokio::test]
async fn a_refresh_from_another_device_gets_what_is_configured() {
    for binding in [DeviceBinding::Off, DeviceBinding::Log, DeviceBinding::Enforce] {
        let world = bound(binding).await;
        let (mut ada, _) = laptop(&world).await;
        let (_, other) = laptop(&world).await;
        let unknown = PlainText::draw(Kind::Device).unwrap();
        let others = [
            PHONE,
            Telling { language: "fr", ..LAPTOP },
            Telling { language: "", ..LAPTOP },
            Telling { agent: "", ..LAPTOP },
            Telling::default(),
            LAPTOP.with(&other),
            LAPTOP.with(unknown.expose()),
        ];
        for other in others {
            let response = other.refresh(&world, &ada.refresh).await;
            if binding == DeviceBinding::Enforce {
                response.refused(401, "device_mismatch");
                assert!(ada.is_in().await, "the session stays");
            } else {
                ada = ada.of(&response.expect(200));
            }
        }
        ada = ada.of(&LAPTOP.refresh(&world, &ada.refresh).await.expect(200));
        assert!(ada.is_in().await);
        world.auth.flush().await.unwrap();
        let told = world.events().await;
        let told = told.iter().filter(|event| event.event == EventKind::DeviceMismatch);
        let told: Vec<_> = told.map(|event| (event.reason.as_deref(), event.count)).collect();
        if binding == DeviceBinding::Off {
            assert!(told.is_empty(), "{told:?}");
        } else {
            assert_eq!(told.len(), 2, "{told:?}");
            assert!(told.contains(&(Some("fingerprint"), 5)), "{told:?}");
            assert!(told.contains(&(Some("device_secret"), 2)), "{told:?}");
        }
    }
}

#[tokio::test]
async fn a_replay_goes_to_the_same_device_only_and_reuse_stays_reuse() {
    let world = bound(DeviceBinding::Enforce).await;
    let (ada, _) = laptop(&world).await;
    let next = LAPTOP.refresh(&world, &ada.refresh).await.expect(200);
    PHONE.refresh(&world, &ada.refresh).await.refused(401, "device_mismatch");
    let replayed = LAPTOP.refresh(&world, &ada.refresh).await.expect(200);
    assert_eq!(replayed["refreshToken"], next["refreshToken"]);
    world.clock.advance(30);
    PHONE.refresh(&world, &ada.refresh).await.refused(401, "refresh_token_reused");
    LAPTOP.refresh(&world, &next.text("refreshToken")).await.refused(401, "session_revoked");
}

#[tokio::test]
async fn what_a_session_does_not_know_cannot_differ() {
    let world = bound(DeviceBinding::Enforce).await;
    let silent = Telling::default().login(&world, "ada").await;
    let ada = world.anonymous().of(&silent);
    let ada = ada.of(&LAPTOP.refresh(&world, &ada.refresh).await.expect(200));
    let ada = ada.of(&PHONE.refresh(&world, &ada.refresh).await.expect(200));
    let (_, other) = laptop(&world).await;
    PHONE.with(&other).refresh(&world, &ada.refresh).await.refused(401, "device_mismatch");
    PHONE.with(&silent.text("deviceSecret")).refresh(&world, &ada.refresh).await.expect(200);
}

#[tokio::test]
async fn a_forgotten_device_still_refreshes_its_session() {
    let world = World::with(|config| {
        config.device_binding = DeviceBinding::Enforce;
        config.sessions_per_user = 1000;
    })
    .await;
    world.user("ada").await;
    let (ada, secret) = laptop(&world).await;
    world.clock.advance(1);
    for _ in 0..MOST_KNOWN {
        let options = SignInOptions::default();
        world.auth.sign_in_as(ada.id, &options, &Client::default()).await.unwrap();
    }
    LAPTOP.with(&secret).refresh(&world, &ada.refresh).await.expect(200);
    assert!(!was_known(&LAPTOP.with(&secret).login(&world, "ada").await));
}

const STRANGER: &str = "192.0.2.66";

/// A sign-in as this user with this password from this address.
async fn guess(
    world: &World,
    from: &str,
    telling: Telling<'_>,
    name: &str,
    word: &str,
) -> Response {
    let body = json!({ "email": format!("{name}@example.com"), "password": word });
    telling.post(&world.anonymous().at(from), "/login", body).await
}

/// Fails from one address until nobody there may try any e-mail, and from more of them until
/// nobody anywhere may try this one.
async fn fill_every_bucket(world: &World, name: &str) {
    for number in 0..20 {
        let from = format!("192.0.2.{}", 66 + number / 5);
        guess(world, &from, PHONE, name, "wrong").await.expect(401);
    }
    for number in 0..25 {
        guess(world, STRANGER, PHONE, &format!("user{number}"), "wrong").await.expect(401);
    }
    for from in [STRANGER, "198.51.100.1"] {
        guess(world, from, PHONE, name, PASSWORD).await.refused(429, "too_many_attempts");
    }
    guess(world, STRANGER, PHONE, "another", "wrong").await.refused(429, "too_many_attempts");
}

#[tokio::test]
async fn nobody_locks_an_owner_out_of_a_known_device() {
    let world = World::new().await;
    world.user("ada").await;
    let secret = LAPTOP.login(&world, "ada").await.text("deviceSecret");
    let mut browser = Browser::new(&world).at(STRANGER);
    browser.login("ada").await.expect(200);
    browser.post("/logout", json!({})).await.expect(204);
    fill_every_bucket(&world, "ada").await;

    // In the stranger's own network too, by header and by cookie, and as often as they like.
    for from in [STRANGER, "192.0.2.67", "203.0.113.7"] {
        for _ in 0..3 {
            guess(&world, from, LAPTOP.with(&secret), "ada", PASSWORD).await.expect(200);
        }
    }
    for _ in 0..3 {
        browser.login("ada").await.expect(200);
    }
    // Which gives the stranger no further try.
    for from in [STRANGER, "192.0.2.67", "198.51.100.1"] {
        guess(&world, from, PHONE, "ada", PASSWORD).await.refused(429, "too_many_attempts");
    }
    // Who sits before the device may guess as often as anybody, and shuts no other device out.
    for _ in 0..5 {
        let telling = LAPTOP.with(&secret);
        guess(&world, STRANGER, telling, "ada", "wrong").await.refused(401, "invalid_credentials");
    }
    let locked = guess(&world, "203.0.113.7", LAPTOP.with(&secret), "ada", PASSWORD).await;
    locked.refused(429, "too_many_attempts");
    browser.login("ada").await.expect(200);
}

#[tokio::test]
async fn a_device_of_somebody_else_opens_no_bucket() {
    let world = World::new().await;
    world.user("ada").await;
    world.user("eve").await;
    let known = LAPTOP.login(&world, "eve").await.text("deviceSecret");
    let drawn: Vec<_> = (0..6).map(|_| PlainText::draw(Kind::Device).unwrap()).collect();
    let mut answers = Vec::new();
    for secret in drawn.iter().map(PlainText::expose).chain([known.as_str(); 3]) {
        let telling = LAPTOP.with(secret);
        answers.push(guess(&world, STRANGER, telling, "ada", "wrong").await.status);
    }
    assert_eq!(answers, [401, 401, 401, 401, 401, 429, 429, 429, 429]);
    for secret in [&known, drawn[0].expose()] {
        let telling = LAPTOP.with(secret);
        guess(&world, STRANGER, telling, "ada", PASSWORD).await.refused(429, "too_many_attempts");
    }
}
