//! Limits on attempts (CONTRACT 4.5 and 7), each by its own story.

use crate::store::Mode;
use crate::world::{Actor, LOGGING, PASSWORD, Response, World};
use adyton::core::event::EventKind;
use adyton::core::store::{EventFilter, EventStore};
use adyton::{NewPersonalToken, Registration};
use http::Method;
use serde_json::{Value, json};
use std::io::Write;
use std::sync::{Arc, Mutex};

const WRONG: &str = "wrong horse 1";

async fn login(actor: &Actor, email: &str, password: &str) -> Response {
    actor.post("/login", json!({ "email": email, "password": password })).await
}

async fn wrong_login(actor: &Actor, email: &str) -> Response {
    login(actor, email, WRONG).await
}

/// What the headers say of a limit: how many, how many are left.
fn quota(response: &Response) -> (u32, u32) {
    let number = |name| response.header(name).parse().unwrap();
    (number("x-ratelimit-limit"), number("x-ratelimit-remaining"))
}

/// The answer, which is a refusal until this many seconds from now.
#[track_caller]
fn blocked(world: &World, response: Response, limit: u32, seconds: u64) {
    let response = response.refused(429, "too_many_attempts");
    assert_eq!(quota(&response), (limit, 0));
    assert_eq!(response.header("retry-after"), seconds.to_string());
    let reset = world.now().plus(seconds).unix().to_string();
    assert_eq!(response.header("x-ratelimit-reset"), reset);
}

/// The reasons of the events of a kind, each with its count, sorted.
async fn reasons(world: &World, kind: EventKind) -> Vec<(String, u32)> {
    world.auth.flush().await.unwrap();
    let events = world.store.list_events(EventFilter::latest(1000)).await.unwrap().into_iter();
    let events = events.filter(|event| event.event == kind);
    let mut reasons: Vec<_> =
        events.map(|event| (event.reason.unwrap_or_default().into_owned(), event.count)).collect();
    reasons.sort();
    reasons
}

#[tokio::test]
async fn five_wrong_passwords_a_minute_and_no_sixth_try() {
    let world = World::new().await;
    world.user("ada").await;
    let ada = world.anonymous().at("192.0.2.1");
    for left in [4, 3, 2, 1, 0] {
        let response = wrong_login(&ada, "ada@example.com").await;
        let response = response.refused(401, "invalid_credentials");
        assert_eq!(quota(&response), (5, left));
        world.clock.advance(10);
    }
    for _ in 0..3 {
        // The right password is no way past it, and asking prolongs nothing.
        blocked(&world, login(&ada, "ada@example.com", PASSWORD).await, 5, 10);
    }
    wrong_login(&ada, "bob@example.com").await.expect(401);
    wrong_login(&ada.at("192.0.2.2"), "ada@example.com").await.expect(401);
    world.clock.advance(9);
    blocked(&world, login(&ada, "ada@example.com", PASSWORD).await, 5, 1);
    world.clock.advance(1);
    login(&ada, "ada@example.com", PASSWORD).await.expect(200);
    let excess = reasons(&world, EventKind::ExcessRateLimitExceeded).await;
    assert_eq!(excess.iter().map(|(_, count)| count).sum::<u32>(), 4);
    assert!(excess.iter().all(|(reason, _)| reason == "login"), "{excess:?}");
    let locks = reasons(&world, EventKind::AuthnLoginLock).await;
    assert_eq!(locks, [("login".to_owned(), 1)], "told once");
}

#[tokio::test]
async fn nobody_learns_by_a_limit_whether_a_user_exists() {
    let world = World::new().await;
    world.user("ada").await;
    for email in ["ada@example.com", "nobody@example.com"] {
        for left in [4, 3, 2, 1, 0] {
            let response = wrong_login(&world.anonymous().at("192.0.2.1"), email).await;
            assert_eq!((response.status, quota(&response)), (401, (5, left)), "{email}");
        }
        let response = wrong_login(&world.anonymous().at("192.0.2.1"), email).await;
        blocked(&world, response, 5, 60);
    }
}

#[tokio::test]
async fn a_success_clears_what_its_own_address_has_failed() {
    let world = World::new().await;
    world.user("ada").await;
    let (home, attacker) =
        (world.anonymous().at("192.0.2.1"), world.anonymous().at("198.51.100.1"));
    for _ in 0..4 {
        for actor in [&home, &attacker] {
            wrong_login(actor, "ada@example.com").await.expect(401);
        }
    }
    let response = login(&home, "ada@example.com", PASSWORD).await.expect(200);
    assert_eq!(quota(&response), (5, 5), "the limits as the next attempt meets them");
    assert_eq!(quota(&wrong_login(&home, "ada@example.com").await), (5, 4));
    wrong_login(&attacker, "ada@example.com").await.expect(401);
    wrong_login(&attacker, "ada@example.com").await.expect(429);
}

#[tokio::test]
async fn a_hundred_wrong_logins_at_once_hash_five() {
    let world = World::new().await;
    world.user("ada").await;
    let guest = world.anonymous().at("192.0.2.1");
    let attempts: Vec<_> = (0..100)
        .map(|_| {
            let guest = guest.clone();
            tokio::spawn(async move { wrong_login(&guest, "ada@example.com").await.status })
        })
        .collect();
    let mut statuses = Vec::new();
    for attempt in attempts {
        statuses.push(attempt.await.unwrap());
    }
    let of = |status| statuses.iter().filter(|other| **other == status).count();
    assert_eq!((of(401), of(429)), (5, 95), "{statuses:?}");
    assert_eq!(world.store.calls("find_account_by_email"), 6, "the sign-up's is one of them");
}

#[tokio::test]
async fn spellings_of_an_email_share_a_bucket() {
    let world = World::new().await;
    world.user("ada").await;
    let guest = world.anonymous().at("192.0.2.1");
    for email in [
        "ada@example.com",
        "ADA@EXAMPLE.COM",
        "  ada@example.com\n",
        "\u{ff41}da@example.com",
        "aD\u{ff21}@example.com",
    ] {
        wrong_login(&guest, email).await.expect(401);
    }
    wrong_login(&guest, "Ada@Example.com").await.expect(429);
    let twice = r#"{"email":"x@example.com","email":"ada@example.com","password":"x"}"#;
    let mut request = guest.request(Method::POST, "/api/auth/login");
    request.headers_mut().insert("content-type", "application/json".parse().unwrap());
    *request.body_mut() = twice.into();
    guest.send(request).await.refused(400, "malformed_request");
}

#[tokio::test]
async fn an_ipv6_customer_is_one_client_and_a_mapped_address_is_ipv4() {
    let world = World::new().await;
    let from = |address: &str| world.anonymous().at(address);
    for host in 1..=5 {
        let address = format!("2001:db8:1:2:{host}::{host}");
        wrong_login(&from(&address), "ada@example.com").await.expect(401);
    }
    wrong_login(&from("2001:db8:1:2::ffff"), "ada@example.com").await.expect(429);
    wrong_login(&from("2001:db8:1:3::1"), "ada@example.com").await.expect(401);
    for address in ["192.0.2.7", "::ffff:192.0.2.7", "192.0.2.7", "::ffff:192.0.2.7", "192.0.2.7"] {
        wrong_login(&from(address), "bob@example.com").await.expect(401);
    }
    wrong_login(&from("::ffff:192.0.2.7"), "bob@example.com").await.expect(429);
    wrong_login(&from("192.0.2.8"), "bob@example.com").await.expect(401);
}

#[tokio::test]
async fn an_address_has_thirty_failures_over_all_emails() {
    let world = World::new().await;
    world.user("ada").await;
    let guest = world.anonymous().at("192.0.2.1");
    for number in 0..30 {
        if number % 10 == 0 {
            login(&guest, "ada@example.com", PASSWORD).await.expect(200);
        }
        wrong_login(&guest, &format!("user{number}@example.com")).await.expect(401);
    }
    blocked(&world, wrong_login(&guest, "another@example.com").await, 30, 60);
    wrong_login(&guest.at("192.0.2.2"), "another@example.com").await.expect(401);
    let locks = reasons(&world, EventKind::AuthnLoginLock).await;
    assert_eq!(locks, [("login_address".to_owned(), 1)]);
    world.clock.advance(60);
    wrong_login(&guest, "another@example.com").await.expect(401);
}

#[tokio::test]
async fn an_account_has_twenty_failures_over_all_addresses() {
    let world = World::new().await;
    world.user("ada").await;
    let from = |number: usize| world.anonymous().at(&format!("198.51.100.{number}"));
    for number in 1..=20 {
        if number % 5 == 0 {
            login(&from(100), "ada@example.com", PASSWORD).await.expect(200);
        }
        wrong_login(&from(number), "ada@example.com").await.expect(401);
    }
    blocked(&world, wrong_login(&from(21), "ada@example.com").await, 20, 3_600);
    wrong_login(&from(21), "bob@example.com").await.expect(401);
    world.clock.advance(3_600);
    wrong_login(&from(21), "ada@example.com").await.expect(401);
}

#[tokio::test]
async fn what_never_came_to_comparing_passwords_costs_nothing() {
    let world = World::with(|config| {
        config.rate_limiting.max_attempts = 2;
        config.hashing.threads = Some(1);
        config.hashing.queue = 1;
    })
    .await;
    world.user("ada").await;
    let guest = world.anonymous().at("192.0.2.1");
    world.store.set(Mode::Down);
    for _ in 0..5 {
        wrong_login(&guest, "ada@example.com").await.expect(503);
    }
    world.store.set(Mode::Up);
    for body in [json!({}), json!({ "email": "ada@example.com" }), json!({ "email": "ada" })] {
        let response = guest.post("/login", body).await.expect(422);
        assert_eq!(response.header("x-ratelimit-limit"), "", "nothing was asked");
    }
    // A queue that is full: what is shed is given back.
    let busy: Vec<_> = (0..12)
        .map(|number| {
            let other = guest.at(&format!("198.51.100.{number}"));
            tokio::spawn(async move { wrong_login(&other, "bob@example.com").await.status })
        })
        .collect();
    for one in busy {
        one.await.unwrap();
    }
    for _ in 0..2 {
        wrong_login(&guest, "ada@example.com").await.expect(401);
    }
    wrong_login(&guest, "ada@example.com").await.expect(429);
}

#[tokio::test]
async fn a_login_that_is_shed_is_given_back() {
    let world = World::with(|config| {
        config.rate_limiting.max_attempts = 50;
        config.hashing.threads = Some(1);
        config.hashing.queue = 1;
    })
    .await;
    let guest = world.anonymous().at("192.0.2.1");
    let attempts: Vec<_> = (0..20)
        .map(|_| {
            let guest = guest.clone();
            tokio::spawn(async move { wrong_login(&guest, "ada@example.com").await.status })
        })
        .collect();
    let mut hashed = 0;
    for attempt in attempts {
        hashed += u32::from(attempt.await.unwrap() == 401);
    }
    assert!((1..20).contains(&hashed), "{hashed}");
    let next = wrong_login(&guest, "ada@example.com").await.expect(401);
    assert_eq!(quota(&next), (20, 20 - hashed - 1), "the account's is the tightest");
}

/// Whoever knows a password is under no limit of failures, and could have all hashing to themselves.
#[tokio::test]
async fn one_address_has_half_of_the_queue_at_most() {
    let world = World::with(|config| {
        config.hashing.threads = Some(1);
        config.hashing.queue = 20;
    })
    .await;
    let ada = world.user("ada").await;
    let mut sessions = Vec::new();
    for _ in 0..8 {
        sessions.push(world.session_of(ada.id).await.at("192.0.2.1"));
    }
    let ask = json!({ "currentPassword": PASSWORD, "password": PASSWORD });
    let flood: Vec<_> = (0..40)
        .map(|number| {
            let (session, ask) = (sessions[number % 8].clone(), ask.clone());
            tokio::spawn(async move {
                session.call(Method::PUT, "/user/password", Some(ask)).await.status
            })
        })
        .collect();
    // Until all of them wait for a thread, or were told to come again.
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    wrong_login(&world.anonymous().at("192.0.2.2"), "bob@example.com").await.expect(401);
    let mut shed = 0;
    for one in flood {
        shed += usize::from(one.await.unwrap() == 503);
    }
    // All but one that runs and ten that wait; where a store is slow some are done before the last
    // ones come. A queue of twenty for one address would shed nineteen.
    assert!(shed >= 24, "{shed}");
}

#[tokio::test]
async fn a_login_whose_client_leaves_counts() {
    let world = World::with(|config| config.rate_limiting.max_attempts = 1).await;
    world.user("ada").await;
    let guest = world.anonymous().at("192.0.2.1");
    let hold = world.store.hold_next("find_account_by_email");
    let left = {
        let guest = guest.clone();
        tokio::spawn(async move { login(&guest, "ada@example.com", PASSWORD).await })
    };
    hold.reached().await;
    left.abort();
    assert!(left.await.is_err());
    login(&guest, "ada@example.com", PASSWORD).await.expect(429);
}

#[tokio::test]
async fn an_address_signs_up_twenty_times_an_hour() {
    let world = World::new().await;
    let guest = world.anonymous().at("192.0.2.1");
    let register = async |actor: &Actor, number: u32| {
        let body = json!({ "name": "Ada", "email": format!("a{number}@example.com"),
                           "password": PASSWORD });
        actor.post("/register", body).await
    };
    world.store.set(Mode::Down);
    register(&guest, 0).await.expect(503);
    world.store.set(Mode::Up);
    guest.post("/register", json!({ "name": "Ada" })).await.expect(422);
    for left in (10..20).rev() {
        assert_eq!(quota(&register(&guest, left).await.expect(201)), (20, left));
    }
    for left in (0..10).rev() {
        let taken = register(&guest, 10).await;
        assert_eq!(quota(&taken), (20, left), "who asks whether an e-mail is taken is limited too");
        taken.invalid("email");
    }
    blocked(&world, register(&guest, 99).await, 20, 3_600);
    register(&guest.at("192.0.2.2"), 98).await.expect(201);
    world.clock.advance(3_600);
    register(&guest, 99).await.expect(201);
    let excess = reasons(&world, EventKind::ExcessRateLimitExceeded).await;
    assert_eq!(excess, [("register".to_owned(), 1)]);
}

/// Whoever is signed in could else ask of any number of people whether they are here.
#[tokio::test]
async fn a_new_email_is_asked_for_as_a_sign_up_is() {
    let world = World::new().await;
    let (ada, _bob) = (world.user("ada").await, world.user("bob").await);
    let ask = async |actor: &Actor, email: &str| {
        let change = json!({ "email": email, "currentPassword": PASSWORD });
        actor.call(Method::PATCH, "/user", Some(change)).await
    };
    let ada = ada.at("192.0.2.7");
    for _ in 0..10 {
        ask(&ada, "bob@example.com").await.invalid("email");
    }
    for number in 0..10 {
        ask(&ada, &format!("ada{number}@example.com")).await.expect(200);
    }
    blocked(&world, ask(&ada, "bob@example.com").await, 20, 3_600);
    let sign_up = json!({ "name": "C", "email": "c@example.com", "password": PASSWORD });
    blocked(&world, ada.post("/register", sign_up).await, 20, 3_600);
    // A name asks nothing, and neither does a wrong password.
    ada.call(Method::PATCH, "/user", Some(json!({ "name": "Ada" }))).await.expect(200);
    let wrong = json!({ "email": "bob@example.com", "currentPassword": WRONG });
    ada.call(Method::PATCH, "/user", Some(wrong)).await.invalid("currentPassword");
    ask(&ada.at("192.0.2.8"), "ada@example.com").await.expect(200);
}

#[tokio::test]
async fn a_session_rotates_sixty_times_a_minute_and_a_replay_is_no_rotation() {
    let world = World::with(|config| config.rate_limiting.limits.refresh = "6/1m".into()).await;
    let mut ada = world.user("ada").await;
    let other = world.session_of(ada.id).await;
    for left in (1..6).rev() {
        let response = ada.refresh().await.expect(200);
        assert_eq!(quota(&response), (6, left));
        for _ in 0..3 {
            let replayed = ada.refresh().await.expect(200);
            assert_eq!(replayed["refreshToken"], response["refreshToken"]);
            assert_eq!(replayed.header("x-ratelimit-limit"), "", "it is not limited");
        }
        ada = ada.of(&response);
    }
    world.store.set(Mode::Down);
    ada.refresh().await.expect(503);
    world.store.set(Mode::ReadOnly);
    ada.refresh().await.expect(503);
    world.store.set(Mode::Up);
    let last = ada.refreshed().await;
    blocked(&world, last.refresh().await, 6, 60);
    ada.refresh().await.expect(200);
    other.refresh().await.expect(200);
    world.clock.advance(60);
    assert!(last.refreshed().await.is_in().await, "the session lives on");
    assert_eq!(
        reasons(&world, EventKind::ExcessRateLimitExceeded).await,
        [("refresh".to_owned(), 1)]
    );
}

#[tokio::test]
async fn a_session_types_five_wrong_passwords_wherever_one_is_asked_for() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let other = world.session_of(ada.id).await;
    let change = |password: &str| json!({ "currentPassword": password, "password": PASSWORD });
    let email = |password: &str| json!({ "email": "ada@example.org", "currentPassword": password });
    let wrong: [(Method, &str, Value); 5] = [
        (Method::PUT, "/user/password", change(WRONG)),
        (Method::PATCH, "/user", email(WRONG)),
        (Method::DELETE, "/user", json!({ "password": WRONG })),
        (Method::PUT, "/user/password", change("x")),
        (Method::PATCH, "/user", email("x")),
    ];
    // The right one clears what was typed wrongly before.
    for (method, path, body) in wrong[..4].iter().cloned() {
        ada.call(method, path, Some(body)).await.expect(422);
    }
    let right = ada.call(Method::PATCH, "/user", Some(email(PASSWORD))).await.expect(200);
    assert_eq!(quota(&right), (5, 5));
    for ((method, path, body), left) in wrong.into_iter().zip([4, 3, 2, 1, 0]) {
        let response = ada.call(method, path, Some(body)).await.expect(422);
        assert_eq!(quota(&response), (5, left));
    }
    let ends = 900;
    for (method, path, body) in [
        (Method::PUT, "/user/password", change(PASSWORD)),
        (Method::PATCH, "/user", email(PASSWORD)),
        (Method::DELETE, "/user", json!({ "password": PASSWORD })),
    ] {
        blocked(&world, ada.call(method, path, Some(body)).await, 5, ends);
    }
    ada.call(Method::PATCH, "/user", Some(json!({ "name": "A" }))).await.expect(200);
    let unmade = ada.call(Method::PUT, "/user/password", Some(json!({}))).await.expect(422);
    assert_eq!(unmade.header("x-ratelimit-limit"), "");
    other.call(Method::PATCH, "/user", Some(email(PASSWORD))).await.expect(200);
    world.clock.advance(ends);
    ada.call(Method::PUT, "/user/password", Some(change(PASSWORD))).await.expect(204);
}

#[tokio::test]
async fn one_personal_token_more_is_no_more_passwords() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    for number in 0..6 {
        let token = world.token_of(ada.id, &["account"]).await;
        let response =
            token.call(Method::DELETE, "/user", Some(json!({ "password": WRONG }))).await;
        assert_eq!(response.status, if number < 5 { 422 } else { 429 });
    }
    ada.call(Method::DELETE, "/user", Some(json!({ "password": PASSWORD }))).await.expect(204);
}

#[tokio::test]
async fn a_user_makes_twenty_tokens_an_hour_and_the_host_app_any_number() {
    let world = World::new().await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let create = async |actor: &Actor| actor.post("/tokens", json!({ "name": "T" })).await;
    let mut token = String::new();
    for left in (0..20).rev() {
        let response = create(&ada).await.expect(201);
        assert_eq!(quota(&response), (20, left));
        token = response.text("token");
        ada.post("/tokens", json!({ "name": "" })).await.expect(422);
    }
    blocked(&world, create(&ada).await, 20, 3_600);
    create(&ada.with_token(&token)).await.expect(429);
    create(&bob).await.expect(201);
    let new = NewPersonalToken { name: "T".into(), ..NewPersonalToken::default() };
    world.auth.create_token(ada.id, new, None, &adyton::Client::default()).await.unwrap();
    world.clock.advance(3_600);
    create(&world.session_of(ada.id).await).await.expect(201);
}

#[tokio::test]
async fn a_token_beyond_the_cap_is_not_counted() {
    let world = World::with(|config| config.tokens_per_user = 1).await;
    let ada = world.user("ada").await;
    let create = async || ada.post("/tokens", json!({ "name": "T" })).await;
    let id = create().await.expect(201)["accessToken"]["id"].clone();
    for _ in 0..25 {
        create().await.refused(409, "limit_reached");
    }
    ada.delete(&format!("/tokens/{id}")).await.expect(204);
    assert_eq!(quota(&create().await.expect(201)), (20, 18));
}

#[tokio::test]
async fn sixty_unknown_tokens_of_other_issuers_a_minute() {
    for imported in [false, true] {
        let world = World::with(|config| {
            config.compat.sanctum_tokens = Some(!imported);
            config.compat.imported_tokens = imported;
        })
        .await;
        let ada = world.user("ada").await;
        let unknown = |number: u32| format!("{number:048}");
        let from = |address: &str, token: &str| world.anonymous().at(address).with_token(token);
        for number in 0..60 {
            let path = if number % 2 == 0 { "/user" } else { "/tokens" };
            let response = from("192.0.2.1", &unknown(number)).get(path).await;
            response.refused(401, "token_invalid");
        }
        for path in ["/user", "/session", "/tokens"] {
            let response = from("192.0.2.1", &unknown(99)).get(path).await;
            blocked(&world, response, 60, 60);
        }
        from("192.0.2.2", &unknown(99)).get("/user").await.expect(401);
        assert!(from("192.0.2.1", &ada.token).is_in().await, "ours have a checksum");
        from("192.0.2.1", "adt_nonsense").get("/user").await.expect(401);
        world.clock.advance(60);
        from("192.0.2.1", &unknown(99)).get("/user").await.expect(401);
        let excess = reasons(&world, EventKind::ExcessRateLimitExceeded).await;
        assert_eq!(excess, [("token_misses".to_owned(), 3)]);
    }
}

#[tokio::test]
async fn good_tokens_of_other_issuers_are_not_counted() {
    let world = World::with(|config| {
        config.compat.imported_tokens = true;
        config.cache.enabled = adyton::core::config::CacheMode::Off;
    })
    .await;
    let ada = world.user("ada").await;
    let secret = "an-imported-token-of-somebody";
    let token = adyton::core::store::TokenIssue {
        user_id: ada.id,
        token: adyton::core::token::NewToken {
            name: "old".into(),
            hash: adyton::core::secret::Hash::of(secret),
            abilities: adyton::Abilities::all(),
            expires_at: None,
        },
        by: None,
        limit: 10,
        now: world.now(),
        event: adyton::core::event::Event::new(EventKind::AuthnTokenCreated, world.now()),
    };
    adyton::core::store::TokenStore::insert_token(&world.store, token).await.unwrap();
    let known = world.anonymous().at("192.0.2.1").with_token(secret);
    for _ in 0..70 {
        assert!(known.is_in().await);
    }
    known.with_token("an-imported-token-of-nobody").get("/user").await.expect(401);
}

#[tokio::test]
async fn switched_off_nothing_is_limited_but_hashing() {
    let world = World::with(|config| {
        config.rate_limiting.enabled = false;
        config.rate_limiting.max_attempts = 1;
        config.rate_limiting.limits.register = "1/1h".into();
        config.rate_limiting.limits.refresh = "1/1h".into();
        config.rate_limiting.limits.password = "1/1h".into();
        config.rate_limiting.limits.tokens = "1/1h".into();
    })
    .await;
    let guest = world.anonymous().at("192.0.2.1");
    for number in 0..3 {
        let response = wrong_login(&guest, "ada@example.com").await.expect(401);
        assert_eq!(response.header("x-ratelimit-limit"), "");
        let body = json!({ "name": "A", "email": format!("a{number}@example.com"),
                           "password": PASSWORD });
        let actor = guest.of(&guest.post("/register", body).await.expect(201));
        let actor = actor.refreshed().await.refreshed().await;
        for _ in 0..2 {
            actor.post("/tokens", json!({ "name": "T" })).await.expect(201);
            actor
                .call(Method::DELETE, "/user", Some(json!({ "password": WRONG })))
                .await
                .expect(422);
        }
    }
}

#[tokio::test]
async fn without_an_address_the_limits_by_address_are_off_and_the_others_are_not() {
    let world = World::new().await;
    for number in 0..40 {
        wrong_login(&world.anonymous(), &format!("user{number}@example.com")).await.expect(401);
    }
    for _ in 0..4 {
        wrong_login(&world.anonymous(), "user0@example.com").await.expect(401);
    }
    wrong_login(&world.anonymous(), "user0@example.com").await.expect(429);
}

#[tokio::test]
async fn an_address_that_is_missing_is_told_once() {
    let log = Arc::<Mutex<Vec<u8>>>::default();
    let writer = Arc::clone(&log);
    let subscriber = tracing_subscriber::fmt().with_writer(move || Lines(Arc::clone(&writer)));
    let _alone = LOGGING.lock().await;
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    let world = World::new().await;
    let told = || {
        let log = String::from_utf8(log.lock().unwrap().clone()).unwrap();
        log.matches("no address of a client is known").count()
    };
    wrong_login(&world.anonymous().at("192.0.2.1"), "ada@example.com").await.expect(401);
    assert_eq!(told(), 0);
    for _ in 0..3 {
        wrong_login(&world.anonymous(), "ada@example.com").await.expect(401);
        assert_eq!(told(), 1);
    }
}

struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn what_is_left_is_told_beside_other_refusals_and_never_where_nothing_is_limited() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    for path in ["/user", "/session", "/sessions", "/tokens"] {
        assert_eq!(ada.get(path).await.expect(200).header("x-ratelimit-limit"), "");
    }
    assert_eq!(ada.post("/logout", json!({})).await.expect(204).header("x-ratelimit-limit"), "");
    let operator = Registration {
        name: "B".into(),
        email: "b@example.com".into(),
        password: PASSWORD.into(),
        ..Registration::default()
    };
    for _ in 0..30 {
        let again = world.auth.create_user(&operator).await;
        assert!(!matches!(again, Err(adyton::Error::TooManyAttempts(_))), "operators are free");
    }
}

#[tokio::test]
async fn no_spelling_of_the_path_or_the_body_is_another_bucket() {
    let world = World::new().await;
    world.user("ada").await;
    let guest = world.anonymous().at("192.0.2.1");
    let compared = world.store.calls("find_account_by_email");
    let send = async |path: &str, body: &str| {
        let mut request = guest.request(Method::POST, path);
        request.headers_mut().insert("content-type", "application/json".parse().unwrap());
        *request.body_mut() = body.to_owned().into();
        guest.send(request).await.status
    };
    let right = json!({ "email": "ada@example.com", "password": PASSWORD }).to_string();
    for path in [
        "/api/auth//login",
        "/api/auth/login/",
        "/api/auth/./login",
        "/api/auth/x/../login",
        "/api/auth/LOGIN",
        "/api/auth/%6cogin",
        "/api/auth%2flogin",
        "/api/auth/login;x",
        "//api/auth/login",
    ] {
        assert_eq!(send(path, &right).await, 404, "{path}");
    }
    let twice = [
        (422, r#""deviceName":"a","device_name":"b""#),
        (400, r#""device_name":"a","device_name":"b""#),
        (400, r#""email":"bob@example.com""#),
        (400, r#""password":"x""#),
        (400, r#""\u0065mail":"bob@example.com""#),
    ];
    for (status, doubled) in twice {
        let body = right.replace('}', &format!(",{doubled}}}"));
        assert_eq!(send("/api/auth/login", &body).await, status, "{body}");
    }
    assert_eq!(world.store.calls("find_account_by_email"), compared, "nobody was looked up");
    for left in (0..5).rev() {
        let wrong = right.replace(PASSWORD, WRONG).replace("ada@", ["ada@", "ADA@"][left % 2]);
        let path = ["/api/auth/login", "/api/auth/login?a=1"][left % 2];
        assert_eq!(send(path, &wrong).await, 401);
    }
    assert_eq!(send("/api/auth/login?b=2", &right).await, 429);
}
