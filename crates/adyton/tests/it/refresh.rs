//! POST `/refresh`: the rules of CONTRACT 4.3.

use crate::store::Mode;
use crate::world::{Actor, PASSWORD, Response, World};
use adyton::core::clock::Timestamp;
use adyton::core::config::Lifetime;
use adyton::core::event::EventKind;
use adyton::core::store::UserStore;
use serde_json::{Value, json};

const GRACE: u64 = 30;
const DAY: u64 = 86_400;

/// Whether neither the access token nor the refresh token is good any more.
async fn is_over(actor: &Actor) -> bool {
    let access = actor.is_in().await;
    let refresh = actor.refresh().await;
    assert!(matches!(refresh.status, 200 | 401), "{refresh:?}");
    !access && refresh.status == 401
}

fn pair(response: &Response) -> (String, String) {
    (response.text("token"), response.text("refreshToken"))
}

#[tokio::test]
async fn a_refresh_moves_the_session_to_its_next_pair() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    world.clock.advance(600);
    let response = ada.refresh().await.expect(200);
    let now = world.now();
    assert_eq!(response["user"]["id"], json!(ada.id));
    assert_eq!(response["sessionId"], ada.session);
    assert_eq!(response["guard"], "token");
    assert_eq!(response["newDevice"], false);
    assert_eq!(response["expiresIn"], 3600);
    assert_eq!(response["expiresAt"], now.plus(3600).to_string());
    assert_eq!(response["refreshExpiresAt"], now.plus(30 * DAY).to_string());
    let next = ada.of(&response);
    assert_ne!((&next.token, &next.refresh), (&ada.token, &ada.refresh));
    assert!(next.is_in().await);
    let last = next.refreshed().await;
    assert!(last.is_in().await);
    assert_eq!(world.count(EventKind::SessionRenewed).await, 2);
}

#[tokio::test]
async fn the_same_token_gets_the_same_pair_within_the_grace() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let first = ada.refresh().await.expect(200);
    for _ in 0..3 {
        world.clock.advance(9);
        let again = ada.refresh().await.expect(200);
        assert_eq!(pair(&again), pair(&first));
        assert_eq!(again["expiresAt"], first["expiresAt"]);
        assert_eq!(again["refreshExpiresAt"], first["refreshExpiresAt"]);
    }
    let last = ada.refresh().await.expect(200);
    assert_eq!(last["expiresIn"], 3600 - 27);
    assert!(ada.of(&last).is_in().await);
    assert_eq!(world.count(EventKind::SessionRenewed).await, 1, "a replay is no rotation");
    assert_eq!(world.store.calls("rotate"), 1);
}

#[tokio::test]
async fn the_grace_does_not_slide_and_its_end_is_exclusive() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let next = ada.refreshed().await;
    world.clock.advance(GRACE - 1);
    ada.refresh().await.expect(200);
    world.clock.advance(1);
    ada.refresh().await.refused(401, "refresh_token_reused");
    assert!(is_over(&next).await);
}

#[tokio::test]
async fn a_replaced_token_after_the_grace_ends_the_session() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let other = world.session_of(ada.id).await;
    let next = ada.refreshed().await;
    assert!(next.is_in().await, "it is in the cache now");
    world.clock.advance(GRACE + 1);
    ada.refresh().await.refused(401, "refresh_token_reused");
    next.get("/user").await.refused(401, "token_invalid");
    next.refresh().await.refused(401, "session_revoked");
    ada.refresh().await.refused(401, "refresh_token_reused");
    assert!(other.is_in().await, "other sessions go on");
    other.refresh().await.expect(200);
    assert_eq!(world.count(EventKind::AuthnTokenReuse).await, 1);
    let events = world.events().await;
    let reuse = events.iter().find(|event| event.event == EventKind::AuthnTokenReuse).unwrap();
    assert_eq!((reuse.user_id, reuse.session_id.as_deref()), (Some(ada.id), Some(&*ada.session)));
}

#[tokio::test]
async fn the_end_of_a_reused_session_outlives_the_engine() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let next = ada.refreshed().await;
    world.clock.advance(GRACE);
    ada.refresh().await.refused(401, "refresh_token_reused");
    let restarted = world.again(|_| ()).await;
    let next = restarted.anonymous().holding(&next);
    assert!(is_over(&next).await);
}

#[tokio::test]
async fn a_grandparent_is_reuse_also_within_the_grace() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let second = ada.refreshed().await;
    let third = second.refreshed().await;
    ada.refresh().await.refused(401, "refresh_token_reused");
    assert!(is_over(&third).await && is_over(&second).await);
}

#[tokio::test]
async fn the_old_access_token_dies_when_the_grace_ends() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    assert!(ada.is_in().await);
    let next = ada.refreshed().await;
    world.clock.advance(GRACE - 1);
    assert!(ada.is_in().await);
    world.clock.advance(1);
    ada.get("/user").await.refused(401, "token_expired");
    assert!(next.is_in().await);
}

#[tokio::test]
async fn an_access_token_two_refreshes_old_is_dead_at_once() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let second = ada.refreshed().await;
    let third = second.refreshed().await;
    ada.get("/user").await.refused(401, "token_invalid");
    assert!(second.is_in().await && third.is_in().await);
}

#[tokio::test]
async fn an_expired_session_is_over_and_that_is_no_reuse() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    world.clock.advance(30 * DAY - 1);
    let next = ada.refreshed().await;
    world.clock.advance(30 * DAY);
    next.refresh().await.refused(401, "session_expired");
    ada.refresh().await.refused(401, "session_expired");
    assert_eq!(world.count(EventKind::AuthnTokenReuse).await, 0);
}

#[tokio::test]
async fn a_replaced_token_that_would_have_expired_is_expired() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    world.clock.advance(DAY);
    let next = ada.refreshed().await;
    world.clock.advance(29 * DAY);
    ada.refresh().await.refused(401, "session_expired");
    assert!(!ada.is_in().await);
    let last = next.refreshed().await;
    assert!(last.is_in().await, "the session was not touched");
}

#[tokio::test]
async fn a_foreign_text_touches_no_session() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let stranger = World::new().await.user("ada").await;
    let hash = adyton::core::secret::Hash::of(&ada.refresh).to_hex();
    for text in [
        "x",
        "adr_",
        " ",
        &"a".repeat(10_000),
        &ada.token,
        &stranger.refresh,
        &format!("{} ", ada.refresh),
        &ada.refresh.to_lowercase(),
        &ada.refresh.replacen("adr_", "adt_", 1),
        &format!("Bearer {}", ada.refresh),
        &hash,
        "\0",
    ] {
        ada.anonymous_refresh(text).await.refused(401, "token_invalid");
    }
    assert!(ada.is_in().await);
    let next = ada.refreshed().await;
    assert!(next.is_in().await);
}

#[tokio::test]
async fn a_refresh_token_is_read_from_the_body_alone() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let path = format!("/refresh?refreshToken={0}&refresh_token={0}", ada.refresh);
    ada.with_token(&ada.refresh).post(&path, json!({})).await.invalid("refreshToken");
    for value in [json!(null), json!(""), json!(5), json!([ada.refresh]), json!({})] {
        let body = json!({ "refreshToken": value });
        world.anonymous().post("/refresh", body).await.invalid("refreshToken");
    }
    assert_eq!(world.store.calls("rotate"), 0);
}

#[tokio::test]
async fn an_access_token_beside_it_does_not_matter() {
    let world = World::new().await;
    let (ada, grace) = (world.user("ada").await, world.user("grace").await);
    let body = json!({ "refreshToken": ada.refresh });
    for token in [&grace.token, "nonsense"] {
        let response = ada.with_token(token).post("/refresh", body.clone()).await.expect(200);
        assert_eq!(response["user"]["id"], json!(ada.id));
    }
}

#[tokio::test]
async fn an_expired_access_token_hinders_no_refresh() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    world.clock.advance(3599);
    assert!(ada.is_in().await);
    world.clock.advance(1);
    ada.get("/user").await.refused(401, "token_expired");
    assert!(ada.refreshed().await.is_in().await);
}

#[tokio::test]
async fn a_refresh_keeps_the_abilities() {
    let world = World::new().await;
    let owner = world.token_user(&[]).await;
    let limited = world.session_with(owner.id, &["orders:read"]).await;
    let response = limited.refresh().await.expect(200);
    assert_eq!(response["abilities"], json!(["orders:read"]));
    let next = limited.of(&response);
    assert_eq!(next.get("/session").await["abilities"], json!(["orders:read"]));
    next.get("/tokens").await.refused(403, "missing_ability");
}

#[tokio::test]
async fn twenty_refreshes_at_once_get_one_pair() {
    let world = World::new().await;
    let owner = world.token_user(&[]).await;
    for _ in 0..5 {
        let ada = world.session_of(owner.id).await;
        let pairs = all_at_once(&ada, 20).await;
        let first = pair(&pairs[0]);
        for response in pairs {
            assert_eq!(pair(&response.expect(200)), first);
        }
        assert!(ada.with_token(&first.0).is_in().await);
    }
    assert_eq!(world.count(EventKind::SessionRenewed).await, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn refreshes_on_two_nodes_get_one_pair() {
    let world = World::new().await;
    let other = world.again(|_| ()).await;
    let owner = world.token_user(&[]).await;
    for _ in 0..10 {
        let ada = world.session_of(owner.id).await;
        let there = other.anonymous().holding(&ada);
        let (here, there) = tokio::join!(all_at_once(&ada, 10), all_at_once(&there, 10));
        let first = pair(&here[0]);
        for response in here.into_iter().chain(there) {
            assert_eq!(pair(&response.expect(200)), first);
        }
    }
}

async fn all_at_once(actor: &Actor, count: usize) -> Vec<Response> {
    let calls = (0..count).map(|_| {
        let actor = actor.clone();
        tokio::spawn(async move { actor.refresh().await })
    });
    let mut responses = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        responses.push(call.await.unwrap());
    }
    responses
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_a_grace_one_of_many_succeeds_and_the_session_ends() {
    let world = World::with(|config| config.rotation_grace = Lifetime::ZERO).await;
    let owner = world.token_user(&[]).await;
    for _ in 0..10 {
        let ada = world.session_of(owner.id).await;
        let (good, bad): (Vec<_>, Vec<_>) =
            all_at_once(&ada, 10).await.into_iter().partition(|response| response.status == 200);
        assert_eq!((good.len(), bad.len()), (1, 9));
        for response in bad {
            response.refused(401, "refresh_token_reused");
        }
        assert!(is_over(&ada.of(&good[0])).await);
    }
}

#[tokio::test]
async fn without_a_grace_the_old_access_token_dies_at_once_and_nothing_is_replayed() {
    let world = World::with(|config| config.rotation_grace = Lifetime::ZERO).await;
    let ada = world.user("ada").await;
    assert!(ada.is_in().await);
    let next = ada.refreshed().await;
    assert!(!ada.is_in().await && next.is_in().await);
    ada.refresh().await.refused(401, "refresh_token_reused");
    assert!(is_over(&next).await);
}

#[tokio::test]
async fn without_rotation_the_refresh_token_stays() {
    let world = World::with(|config| config.token_rotation = false).await;
    let ada = world.user("ada").await;
    let first = ada.refreshed().await;
    assert_eq!(first.refresh, ada.refresh);
    assert_ne!(first.token, ada.token);
    world.clock.advance(GRACE - 1);
    assert_eq!(ada.refreshed().await.token, first.token, "one access token within the grace");
    assert!(ada.is_in().await);
    world.clock.advance(1);
    assert!(!ada.is_in().await);
    let second = ada.refreshed().await;
    assert_ne!(second.token, first.token);
    for response in all_at_once(&ada, 10).await {
        assert_eq!(response.expect(200)["token"], second.token);
    }
    world.clock.advance(30 * DAY);
    ada.refresh().await.refused(401, "session_expired");
    assert_eq!(world.count(EventKind::AuthnTokenReuse).await, 0);
}

/// Where access tokens live for less than the grace: with rotation the next refresh token helps on, without
/// it the same one must.
#[tokio::test]
async fn without_rotation_nobody_is_given_an_expired_token_again() {
    let world = World::with(|config| {
        config.token_rotation = false;
        config.token_expiration = Lifetime::from_seconds(5);
    })
    .await;
    let ada = world.user("ada").await;
    let first = ada.refreshed().await;
    world.clock.advance(4);
    assert_eq!(ada.refreshed().await.token, first.token);
    world.clock.advance(1);
    let second = ada.refreshed().await;
    assert!(second.token != first.token && second.is_in().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_rotation_and_grace_every_refresh_succeeds() {
    let world = World::with(|config| {
        config.token_rotation = false;
        config.rotation_grace = Lifetime::ZERO;
    })
    .await;
    let ada = world.user("ada").await;
    let responses = all_at_once(&ada, 10).await;
    assert_eq!(responses.iter().filter(|response| response.status == 200).count(), 10);
    let last = ada.refreshed().await;
    assert!(last.is_in().await);
}

#[tokio::test]
async fn no_use_keeps_a_session_beyond_its_age() {
    let world = World::new().await;
    let begun = world.now();
    let mut ada = world.user("ada").await;
    let end = begun.plus(90 * DAY).to_string();
    for _ in 0..4 {
        world.clock.advance(20 * DAY);
        let response = ada.refresh().await.expect(200);
        assert!(response.text("refreshExpiresAt") <= end, "{response:?}");
        ada = ada.of(&response);
    }
    world.clock.advance(10 * DAY - 60);
    let response = ada.refresh().await.expect(200);
    assert_eq!(response["refreshExpiresAt"], end);
    assert_eq!((&response["expiresAt"], &response["expiresIn"]), (&json!(end), &json!(60)));
    let ada = ada.of(&response);
    world.clock.advance(59);
    assert!(ada.is_in().await);
    world.clock.advance(1);
    assert!(!ada.is_in().await);
    ada.refresh().await.refused(401, "session_expired");
}

#[tokio::test]
async fn a_shorter_configured_life_counts_for_older_sessions_and_not_for_personal_tokens() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let personal = world.token_of(ada.id, &["*"]).await;
    world.clock.advance(120);
    let shorter = world
        .again(|config| {
            config.token_expiration = Lifetime::from_seconds(120);
            config.personal_token_expiration = Lifetime::from_seconds(60);
        })
        .await;
    let there = shorter.anonymous().holding(&ada);
    there.get("/user").await.refused(401, "token_expired");
    assert!(shorter.anonymous().holding(&personal).is_in().await);
    there.refresh().await.expect(200);

    let shorter = world
        .again(|config| {
            config.token_expiration = Lifetime::from_seconds(60);
            config.refresh_token_expiration = Lifetime::from_seconds(100);
        })
        .await;
    world.clock.advance(100);
    let there = shorter.anonymous().holding(&ada);
    there.refresh().await.refused(401, "session_expired");
}

#[tokio::test]
async fn a_longer_configured_life_revives_nothing() {
    let world = World::with(|config| config.token_expiration = Lifetime::from_seconds(60)).await;
    let ada = world.user("ada").await;
    world.clock.advance(60);
    let longer = world.again(|_| ()).await;
    longer.anonymous().holding(&ada).get("/user").await.refused(401, "token_expired");
}

#[tokio::test]
async fn a_clock_that_jumps_back_revives_nothing() {
    let world = World::new().await;
    let start = world.now();
    let ada = world.user("ada").await;
    let late = world.session_of(ada.id).await;
    let next = ada.refreshed().await;
    world.clock.advance(3600);
    assert!(!next.is_in().await);
    world.clock.set(start);
    assert!(!next.is_in().await, "an access token that had expired");
    ada.refresh().await.refused(401, "refresh_token_reused");

    world.clock.set(start.plus(30 * DAY));
    late.refresh().await.refused(401, "session_expired");
    for jump in [start, Timestamp::from_unix(0), Timestamp::from_unix(i64::MIN)] {
        world.clock.set(jump);
        late.refresh().await.refused(401, "session_expired");
        assert!(!late.is_in().await);
    }
}

#[tokio::test]
async fn a_user_who_may_no_longer_sign_in_refreshes_nothing() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let next = ada.refreshed().await;
    world.store.disable(ada.id);
    next.refresh().await.refused(401, "session_revoked");
    ada.refresh().await.refused(401, "session_revoked");
}

#[tokio::test]
async fn a_user_who_is_gone_refreshes_nothing() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    world.store.delete_user(ada.id).await.unwrap();
    assert!(is_over(&ada).await);
}

#[tokio::test]
async fn a_refresh_whose_answer_is_lost_can_be_repeated() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    world.store.set(Mode::Deaf);
    ada.refresh().await.refused(503, "store_unavailable");
    world.store.set(Mode::Up);
    let next = ada.refreshed().await;
    assert!(next.is_in().await);
    assert_eq!(world.store.calls("rotate"), 1, "the rotation had happened");
}

#[tokio::test]
async fn what_a_replay_is_derived_from_is_erased_after_the_grace() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let next = ada.refreshed().await;
    let stored = || async { world.auth.find_session(&next.session).await.unwrap().salt.is_some() };
    assert!(stored().await);
    world.clock.advance(GRACE);
    // The engine looks once a second.
    for _ in 0..300 {
        if !stored().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the salt is still there");
}

#[tokio::test]
async fn a_password_has_no_place_in_a_refresh() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let body: Value = json!({ "email": "ada@example.com", "password": PASSWORD });
    ada.post("/refresh", body).await.invalid("refreshToken");
}
