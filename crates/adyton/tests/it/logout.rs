//! POST `/logout`.

use crate::store::Mode;
use crate::world::World;
use adyton::core::config::Lifetime;
use adyton::core::event::EventKind;
use adyton::core::secret::Hash;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Method};
use serde_json::json;

const DAY: u64 = 86_400;

#[tokio::test]
async fn a_session_and_its_tokens_end_at_once() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let other = world.session_of(ada.id).await;
    assert!(ada.is_in().await, "it is in the cache now");
    ada.post("/logout", json!({})).await.expect(204);
    ada.get("/user").await.refused(401, "token_invalid");
    ada.refresh().await.refused(401, "session_revoked");
    assert!(other.is_in().await);
    assert_eq!(world.count(EventKind::SessionRevoked).await, 1);
}

#[tokio::test]
async fn it_answers_204_whatever_is_presented() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let hash = Hash::of(&ada.token).to_hex();
    for token in ["", "nonsense", "adt_", "null", "undefined", &ada.refresh, &hash] {
        ada.with_token(token).post("/logout", json!({})).await.expect(204);
    }
    for token in ["", "nonsense", "adr_", "\0", &ada.token] {
        let body = json!({ "refreshToken": token });
        world.anonymous().post("/logout", body).await.expect(204);
    }
    for body in [json!({}), json!({ "refreshToken": null })] {
        world.anonymous().post("/logout", body).await.expect(204);
    }
    assert!(ada.is_in().await);
    for _ in 0..3 {
        ada.post("/logout", json!({})).await.expect(204);
    }
    assert_eq!(world.count(EventKind::SessionRevoked).await, 1, "it ends once");
}

#[tokio::test]
async fn no_body_is_needed() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    ada.call(Method::POST, "/logout", None).await.expect(204);
    assert!(!ada.is_in().await);
}

#[tokio::test]
async fn a_malformed_one_ends_nothing() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    for value in [json!(7), json!([ada.refresh]), json!({}), json!(true)] {
        let body = json!({ "refreshToken": value });
        ada.post("/logout", body).await.invalid("refreshToken");
    }
    let mut twice = ada.request(Method::POST, "/api/auth/logout");
    twice.headers_mut().append(AUTHORIZATION, HeaderValue::from_static("Bearer x"));
    ada.send(twice).await.refused(400, "malformed_request");
    assert!(ada.is_in().await);
}

#[tokio::test]
async fn a_refresh_token_alone_is_enough() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let body = json!({ "refreshToken": ada.refresh });
    world.anonymous().post("/logout", body).await.expect(204);
    assert!(!ada.is_in().await);
    ada.refresh().await.refused(401, "session_revoked");
}

#[tokio::test]
async fn a_token_and_another_sessions_refresh_token_end_both() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let phone = world.session_of(ada.id).await;
    let grace = world.user("grace").await;
    ada.post("/logout", json!({ "refreshToken": phone.refresh })).await.expect(204);
    assert!(!ada.is_in().await && !phone.is_in().await);
    let tablet = world.session_of(ada.id).await;
    tablet.post("/logout", json!({ "refreshToken": grace.refresh })).await.expect(204);
    assert!(!tablet.is_in().await && !grace.is_in().await, "whoever holds it may end it");
}

#[tokio::test]
async fn a_bad_token_does_not_save_the_session_of_a_good_refresh_token() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let body = json!({ "refreshToken": ada.refresh });
    ada.with_token("nonsense").post("/logout", body).await.expect(204);
    assert!(!ada.is_in().await);
}

#[tokio::test]
async fn a_personal_token_ends_itself_and_nothing_else() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let (one, two) =
        (world.token_of(ada.id, &[]).await, world.token_of(ada.id, &["orders:read"]).await);
    assert!(one.is_in().await);
    one.post("/logout", json!({})).await.expect(204);
    one.get("/user").await.refused(401, "token_invalid");
    assert!(two.is_in().await && ada.is_in().await);
    assert_eq!(world.count(EventKind::AuthnTokenRevoked).await, 1);
}

#[tokio::test]
async fn an_expired_secret_still_ends_its_session() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    world.clock.advance(3600);
    ada.get("/user").await.refused(401, "token_expired");
    ada.post("/logout", json!({})).await.expect(204);
    ada.refresh().await.refused(401, "session_revoked");

    let grace = world.user("grace").await;
    world.clock.advance(31 * DAY);
    let body = json!({ "refreshToken": grace.refresh });
    world.anonymous().post("/logout", body).await.expect(204);
    grace.refresh().await.refused(401, "session_revoked");
}

#[tokio::test]
async fn a_replaced_secret_still_ends_its_session() {
    let world = World::new().await;
    for which in ["access", "refresh", "oldest refresh"] {
        let first = world.user(&which.replace(' ', "-")).await;
        let second = first.refreshed().await;
        let last = if which == "oldest refresh" { second.refreshed().await } else { second };
        world.clock.advance(600);
        match which {
            "access" => first.post("/logout", json!({})).await.expect(204),
            _ => {
                let body = json!({ "refreshToken": first.refresh });
                world.anonymous().post("/logout", body).await.expect(204)
            }
        };
        assert!(!last.is_in().await, "{which}");
        last.refresh().await.refused(401, "session_revoked");
    }
    assert_eq!(world.count(EventKind::AuthnTokenReuse).await, 0, "a logout is no reuse");
}

#[tokio::test]
async fn a_logout_during_the_grace_leaves_no_replay() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let next = ada.refreshed().await;
    next.post("/logout", json!({})).await.expect(204);
    ada.refresh().await.refused(401, "session_revoked");
    assert!(!ada.is_in().await && !next.is_in().await);
}

#[tokio::test]
async fn nobody_is_told_204_while_the_store_refuses_writes() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let personal = world.token_of(ada.id, &[]).await;
    world.store.set(Mode::ReadOnly);
    ada.post("/logout", json!({})).await.refused(503, "store_unavailable");
    personal.post("/logout", json!({})).await.refused(503, "store_unavailable");
    let body = json!({ "refreshToken": ada.refresh });
    world.anonymous().post("/logout", body).await.refused(503, "store_unavailable");
    assert!(ada.is_in().await && personal.is_in().await);
    world.store.set(Mode::Up);
    ada.post("/logout", json!({})).await.expect(204);
    assert!(!ada.is_in().await);
}

#[tokio::test]
async fn a_logout_whose_answer_is_lost_has_happened_for_the_cache_too() {
    let world = World::with(|config| config.rotation_grace = Lifetime::ZERO).await;
    let ada = world.user("ada").await;
    let personal = world.token_of(ada.id, &[]).await;
    assert!(ada.is_in().await && personal.is_in().await);
    world.store.set(Mode::Deaf);
    ada.post("/logout", json!({})).await.refused(503, "store_unavailable");
    personal.post("/logout", json!({})).await.refused(503, "store_unavailable");
    assert!(!ada.is_in().await && !personal.is_in().await);
}

#[tokio::test]
async fn an_access_token_from_two_refreshes_ago_still_ends_its_session() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let latest = ada.refreshed().await.refreshed().await;
    ada.get("/user").await.refused(401, "token_invalid");
    assert!(latest.is_in().await);
    ada.post("/logout", json!({})).await.expect(204);
    assert!(!latest.is_in().await);
    latest.refresh().await.refused(401, "session_revoked");
}
