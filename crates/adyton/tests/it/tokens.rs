//! GET and POST `/tokens`, DELETE `/tokens/{id}`.

use crate::store::Mode;
use crate::world::{Actor, Response, World};
use adyton::core::config::Lifetime;
use adyton::core::event::EventKind;
use adyton::{Client, NewPersonalToken};
use serde_json::{Value, json};

const DAY: u64 = 86_400;

async fn create(actor: &Actor, more: Value) -> Response {
    let mut body = json!({ "name": "CI" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    actor.post("/tokens", body).await
}

fn made(actor: &Actor, response: &Response) -> Actor {
    actor.with_token(&response.text("token"))
}

#[tokio::test]
async fn a_token_is_shown_once_and_listed_from_then_on() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let response = create(&ada, json!({ "abilities": ["orders:read"] })).await.expect(201);
    let token = response.text("token");
    assert!(token.starts_with("adt_") && token.len() == 53);
    let now = world.now();
    let info = json!({
        "id": response["accessToken"]["id"], "name": "CI", "abilities": ["orders:read"],
        "lastUsedAt": null, "expiresAt": now.plus(90 * DAY).to_string(),
        "createdAt": now.to_string(), "current": false,
    });
    assert_eq!(response["accessToken"], info);
    let list = ada.get("/tokens").await.expect(200);
    assert_eq!(list.json, json!({ "tokens": [info] }), "the session's own is not among them");
    assert!(made(&ada, &response).is_in().await);
    assert_eq!(world.count(EventKind::AuthnTokenCreated).await, 1);
}

#[tokio::test]
async fn a_use_shows_and_the_current_one_is_marked() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let one = made(&ada, &create(&ada, json!({})).await.expect(201));
    create(&ada, json!({})).await.expect(201);
    world.clock.advance(61);
    for _ in 0..2 {
        let list = one.get("/tokens").await.expect(200);
        assert_eq!(list["tokens"][0]["lastUsedAt"], world.now().to_string());
        assert_eq!(list["tokens"][0]["current"], true);
        assert_eq!(list["tokens"][1]["lastUsedAt"], json!(null));
        assert_eq!(list["tokens"][1]["current"], false);
        world.auth.flush().await.unwrap();
    }
}

#[tokio::test]
async fn a_token_gets_its_makers_abilities_and_never_more() {
    let world = World::new().await;
    let owner = world.token_user(&[]).await;
    let limited = ["account", "orders:read"];
    for maker in
        [world.token_of(owner.id, &limited).await, world.session_with(owner.id, &limited).await]
    {
        let same = create(&maker, json!({})).await.expect(201);
        assert_eq!(same["accessToken"]["abilities"], json!(limited));
        let null = create(&maker, json!({ "abilities": null })).await.expect(201);
        assert_eq!(null["accessToken"]["abilities"], json!(limited));
        for fewer in [json!([]), json!(["orders:read"]), json!(["orders:read", "account"])] {
            let token = create(&maker, json!({ "abilities": fewer })).await.expect(201);
            assert_eq!(token["accessToken"]["abilities"], fewer);
            let made = made(&maker, &token);
            assert_eq!(made.get("/session").await["abilities"], fewer);
        }
        for more in [
            json!(["*"]),
            json!(["account", "*"]),
            json!(["orders:write"]),
            json!(["orders"]),
            json!(["orders:read:all"]),
        ] {
            create(&maker, json!({ "abilities": more })).await.invalid("abilities");
        }
        let child = made(&maker, &same);
        create(&child, json!({ "abilities": ["*"] })).await.invalid("abilities");
    }
}

#[tokio::test]
async fn the_account_ability_by_itself_opens_no_app() {
    let world = World::new().await;
    let account = world.token_user(&["account"]).await;
    create(&account, json!({ "abilities": ["orders:read"] })).await.invalid("abilities");
    account.visit("/orders").await.refused(403, "missing_ability");
}

#[tokio::test]
async fn a_life_can_be_chosen() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let now = world.now();
    for (wanted, end) in [
        (json!({}), json!(now.plus(90 * DAY).to_string())),
        (json!({ "expiresIn": 1 }), json!(now.plus(1).to_string())),
        (json!({ "expires_in": 3600 }), json!(now.plus(3600).to_string())),
        (json!({ "expiresIn": null }), json!(null)),
        (json!({ "expiresAt": null }), json!(null)),
        (json!({ "expiresAt": now.plus(1).to_string() }), json!(now.plus(1).to_string())),
        (json!({ "expiresAt": "2030-01-01T02:00:00+02:00" }), json!("2030-01-01T00:00:00Z")),
    ] {
        let token = create(&ada, wanted.clone()).await.expect(201);
        assert_eq!(token["accessToken"]["expiresAt"], end, "{wanted}");
    }
}

#[tokio::test]
async fn its_end_is_exclusive() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let token = made(&ada, &create(&ada, json!({ "expiresIn": 60 })).await.expect(201));
    world.clock.advance(59);
    assert!(token.is_in().await);
    world.clock.advance(1);
    token.get("/user").await.refused(401, "token_expired");
}

#[tokio::test]
async fn absurd_lives_are_refused() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let now = world.now();
    for at in [
        json!(now.to_string()),
        json!(now.minus(1).to_string()),
        json!("0000-01-01T00:00:00Z"),
        json!("1970-01-01T00:00:00Z"),
        json!("9999-12-31T23:59:59Z"),
        json!("99999-01-01T00:00:00Z"),
        json!("+99999-01-01T00:00:00Z"),
        json!("-0001-01-01T00:00:00Z"),
        json!("2030-02-30T00:00:00Z"),
        json!("2030-01-01T25:00:00Z"),
        json!("2030-01-01"),
        json!("2030-01-01 00:00:00"),
        json!("2030-01-01T00:00:00"),
        json!("tomorrow"),
        json!(""),
        json!("\0"),
        json!(1_900_000_000),
        json!(true),
        json!([]),
    ] {
        create(&ada, json!({ "expiresAt": at })).await.invalid("expiresAt");
    }
    for seconds in
        [json!(0), json!(-1), json!(1.5), json!("60"), json!(1e30), json!(true), json!([60])]
    {
        create(&ada, json!({ "expiresIn": seconds })).await.invalid("expiresIn");
    }
    for seconds in [u64::MAX, i64::MAX as u64, 4_000_000_000_000] {
        let response = create(&ada, json!({ "expiresIn": seconds })).await;
        response.refused(422, "validation_failed");
    }
    assert_eq!(world.store.calls("insert_token"), 0);
}

#[tokio::test]
async fn two_lives_at_once_are_refused() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let at = world.now().plus(60).to_string();
    for (at, seconds) in [
        (json!(at), json!(60)),
        (json!(null), json!(60)),
        (json!(at), json!(null)),
        (json!(null), json!(null)),
    ] {
        let body = json!({ "expiresAt": at, "expiresIn": seconds });
        create(&ada, body).await.refused(422, "validation_failed");
    }
    assert_eq!(world.store.calls("insert_token"), 0);
}

#[tokio::test]
async fn no_token_outlives_the_personal_token_that_makes_it() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let parent = made(&ada, &create(&ada, json!({ "expiresIn": 600 })).await.expect(201));
    let end = world.now().plus(600).to_string();
    let child = create(&parent, json!({})).await.expect(201);
    assert_eq!(child["accessToken"]["expiresAt"], end);
    create(&parent, json!({ "expiresIn": 600 })).await.expect(201);
    for wanted in [
        json!({ "expiresIn": 601 }),
        json!({ "expiresIn": null }),
        json!({ "expiresAt": null }),
        json!({ "expiresAt": world.now().plus(601).to_string() }),
    ] {
        create(&parent, wanted).await.invalid("expiresAt");
    }
    world.clock.advance(300);
    let later = create(&made(&parent, &child), json!({})).await.expect(201);
    assert_eq!(later["accessToken"]["expiresAt"], end, "nor does its child's child");
}

#[tokio::test]
async fn a_configured_bound_holds() {
    let world = World::with(|config| {
        config.personal_token_max_expiration = Some(Lifetime::from_days(10));
    })
    .await;
    let ada = world.user("ada").await;
    let token = create(&ada, json!({})).await.expect(201);
    assert_eq!(token["accessToken"]["expiresAt"], world.now().plus(10 * DAY).to_string());
    create(&ada, json!({ "expiresIn": 10 * DAY })).await.expect(201);
    for wanted in [json!({ "expiresIn": 10 * DAY + 1 }), json!({ "expiresIn": null })] {
        create(&ada, wanted).await.invalid("expiresAt");
    }
}

#[tokio::test]
async fn a_default_of_zero_is_no_end() {
    let world = World::with(|config| config.personal_token_expiration = Lifetime::ZERO).await;
    let ada = world.user("ada").await;
    let token = create(&ada, json!({})).await.expect(201);
    assert_eq!(token["accessToken"]["expiresAt"], json!(null));
    world.clock.advance(1000 * DAY);
    assert!(made(&ada, &token).is_in().await);
}

#[tokio::test]
async fn what_cannot_be_a_name_or_abilities_is_refused() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let many: Vec<String> = (0..65).map(|number| format!("a{number}")).collect();
    for (field, value) in [
        ("name", json!(null)),
        ("name", json!("")),
        ("name", json!("  ")),
        ("name", json!(5)),
        ("name", json!("a\0b")),
        ("name", json!("a\r\nb")),
        ("name", json!("é".repeat(256))),
        ("abilities", json!("*")),
        ("abilities", json!([1])),
        ("abilities", json!([["*"]])),
        ("abilities", json!([null])),
        ("abilities", json!(["Orders"])),
        ("abilities", json!([""])),
        ("abilities", json!(["a b"])),
        ("abilities", json!(["a\0"])),
        ("abilities", json!(["-a"])),
        ("abilities", json!(["é"])),
        ("abilities", json!(["a".repeat(65)])),
        ("abilities", json!(many)),
    ] {
        create(&ada, json!({ field: value })).await.invalid(field);
    }
    create(&ada, json!({ "name": "é".repeat(255), "abilities": many[..64] })).await.expect(201);
}

#[tokio::test]
async fn doubled_abilities_fold() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let token = create(&ada, json!({ "abilities": ["a", "a", "b", "a"] })).await.expect(201);
    assert_eq!(token["accessToken"]["abilities"], json!(["a", "b"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_user_has_so_many_tokens_and_no_more() {
    let world = World::with(|config| config.tokens_per_user = 3).await;
    let ada = world.user("ada").await;
    let calls = (0..12).map(|_| {
        let ada = ada.clone();
        tokio::spawn(async move { create(&ada, json!({ "expiresIn": 60 })).await })
    });
    let mut created = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        let response = call.await.unwrap();
        match response.status {
            201 => created.push(response),
            _ => drop(response.refused(409, "limit_reached")),
        }
    }
    assert_eq!(created.len(), 3);
    let id = &created[0]["accessToken"]["id"];
    ada.delete(&format!("/tokens/{id}")).await.expect(204);
    create(&ada, json!({})).await.expect(201);
    create(&ada, json!({})).await.refused(409, "limit_reached");
    world.clock.advance(60);
    create(&ada, json!({})).await.expect(201);
    let owner = world.user("grace").await;
    create(&owner, json!({})).await.expect(201);
}

#[tokio::test]
async fn a_revoked_token_is_refused_at_once() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let response = create(&ada, json!({})).await.expect(201);
    let (one, two) = (made(&ada, &response), made(&ada, &create(&ada, json!({})).await));
    assert!(one.is_in().await && two.is_in().await);
    let path = format!("/tokens/{}", response["accessToken"]["id"]);
    ada.delete(&path).await.expect(204);
    one.get("/user").await.refused(401, "token_invalid");
    assert!(two.is_in().await && ada.is_in().await);
    ada.delete(&path).await.refused(404, "not_found");
    assert_eq!(world.count(EventKind::AuthnTokenRevoked).await, 1);
    assert_eq!(ada.get("/tokens").await["tokens"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn another_node_sees_a_revocation() {
    let world = World::with(|config| {
        config.cache.enabled = adyton::core::config::CacheMode::Off;
    })
    .await;
    let other = world.again(|_| ()).await;
    let ada = world.user("ada").await;
    let response = create(&ada, json!({})).await.expect(201);
    let token = made(&ada, &response);
    assert!(token.is_in().await);
    let there = other.anonymous().holding(&ada);
    there.delete(&format!("/tokens/{}", response["accessToken"]["id"])).await.expect(204);
    assert!(!token.is_in().await);
}

#[tokio::test]
async fn anothers_token_is_not_there() {
    let world = World::new().await;
    let (ada, grace) = (world.user("ada").await, world.user("grace").await);
    let response = create(&grace, json!({})).await.expect(201);
    let unknown = ada.delete("/tokens/999999").await.refused(404, "not_found");
    let theirs = ada.delete(&format!("/tokens/{}", response["accessToken"]["id"])).await;
    assert_eq!((theirs.status, &theirs.body), (404, &unknown.body));
    assert_eq!(theirs.headers, unknown.headers);
    assert!(made(&grace, &response).is_in().await);
    assert_eq!(ada.get("/tokens").await.json, json!({ "tokens": [] }));
    for id in ["x", "-1", "0", "1.0", "1e3", "9223372036854775808", "%00", "%ff", "1;2", "*", "1,2"]
    {
        ada.delete(&format!("/tokens/{id}")).await.refused(404, "not_found");
    }
}

#[tokio::test]
async fn a_sessions_own_token_is_no_personal_token() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    // The ids of a fresh store are small.
    for id in 0..10 {
        ada.delete(&format!("/tokens/{id}")).await.refused(404, "not_found");
    }
    assert!(ada.is_in().await);
    assert_eq!(ada.get("/tokens").await.json, json!({ "tokens": [] }));
    let next = ada.refreshed().await;
    assert_eq!(next.get("/tokens").await.json, json!({ "tokens": [] }));
}

#[tokio::test]
async fn a_personal_token_can_revoke_itself() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let response = create(&ada, json!({})).await.expect(201);
    let token = made(&ada, &response);
    token.delete(&format!("/tokens/{}", response["accessToken"]["id"])).await.expect(204);
    assert!(!token.is_in().await);
}

#[tokio::test]
async fn a_revocation_that_the_store_refuses_is_no_204() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let response = create(&ada, json!({})).await.expect(201);
    let path = format!("/tokens/{}", response["accessToken"]["id"]);
    world.store.set(Mode::ReadOnly);
    ada.delete(&path).await.refused(503, "store_unavailable");
    create(&ada, json!({})).await.refused(503, "store_unavailable");
    world.store.set(Mode::Deaf);
    ada.delete(&path).await.refused(503, "store_unavailable");
    assert!(!made(&ada, &response).is_in().await, "it had happened");
}

#[tokio::test]
async fn the_host_app_makes_tokens_for_whom_it_likes() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let new = NewPersonalToken { name: "by the app".into(), ..NewPersonalToken::default() };
    let created = world.auth.create_token(ada.id, new, None, &Client::default()).await.unwrap();
    let list = ada.get("/tokens").await.expect(200);
    assert_eq!(list["tokens"][0]["id"], json!(created.info.id));
    assert!(ada.with_token(created.token.expose()).is_in().await);
}

#[tokio::test]
async fn an_id_has_one_spelling() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let created = ada.post("/tokens", json!({ "name": "ci" })).await.expect(201);
    let id = created["accessToken"]["id"].as_i64().unwrap();
    for spelling in [format!("0{id}"), format!("+{id}"), format!("{id}%20"), "x".into()] {
        ada.delete(&format!("/tokens/{spelling}")).await.refused(404, "not_found");
    }
    ada.delete(&format!("/tokens/{id}")).await.expect(204);
}
