//! When tokens are renewed, how often, and what a failure does.

use crate::world::{Fault, PASSWORD, World};
use adyton::core::config::DeviceBinding;
use adyton_client::{Client, Error, Login, Memory, Storage};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

const LIFE: u64 = 3600;

/// What so many tasks get that ask at once.
async fn all_at_once(client: &Client, count: usize) -> Vec<Result<i64, Error>> {
    let mut tasks = JoinSet::new();
    for _ in 0..count {
        let client = client.clone();
        tasks.spawn(async move { client.user().await.map(|user| user.id) });
    }
    tasks.join_all().await
}

#[tokio::test]
async fn a_token_is_renewed_shortly_before_its_end() {
    let world = World::new().await;
    let client = world.ada().await;
    world.wait(LIFE - 31);
    client.user().await.unwrap();
    assert_eq!(world.refreshes(), 0);
    let before = client.token().await.unwrap();
    world.wait(2);
    client.user().await.unwrap();
    assert_eq!(world.refreshes(), 1);
    assert_ne!(client.token().await.unwrap(), before);
    // No 401 was needed for it.
    assert_eq!(world.asked().iter().filter(|(_, path)| path == "/user").count(), 2);
}

#[tokio::test]
async fn a_clock_that_is_behind_costs_one_refusal() {
    let world = World::new().await;
    let behind = Client::builder(world.base()).clock(|| time::OffsetDateTime::UNIX_EPOCH);
    let client = behind.build().unwrap();
    world.sign_up(&client, "ada").await;
    world.wait(LIFE + 1);
    client.user().await.unwrap();
    client.user().await.unwrap();
    let asked = world.asked().into_iter().map(|(_, path)| path).collect::<Vec<_>>();
    assert_eq!(asked, ["/register", "/user", "/refresh", "/user", "/user"]);

    world.wait(LIFE + 1);
    let current = client.current().await.unwrap();
    assert!(current.user.is_some(), "what /session answers with 200 is seen too: {current:?}");
    assert_eq!(world.refreshes(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_tasks_share_one_refresh_when_the_time_has_come() {
    let world = World::new().await;
    let client = world.ada().await;
    world.wait(LIFE + 1);
    assert!(all_at_once(&client, 50).await.iter().all(Result::is_ok));
    assert_eq!(world.refreshes(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_tasks_that_are_all_refused_share_one_refresh() {
    let world = World::new().await;
    let behind = Client::builder(world.base()).clock(|| time::OffsetDateTime::UNIX_EPOCH);
    let client = behind.build().unwrap();
    world.sign_up(&client, "ada").await;
    world.wait(LIFE + 1);
    assert!(all_at_once(&client, 50).await.iter().all(Result::is_ok));
    assert_eq!(world.refreshes(), 1);
}

#[tokio::test]
async fn an_outage_signs_nobody_out() {
    let world = World::new().await;
    let client = world.ada().await;
    world.wait(LIFE + 1);
    world.fail(Fault::Status(503, None));
    let results = all_at_once(&client, 50).await;
    assert_eq!(world.refreshes(), 1, "those who wait share the failure");
    for error in results.into_iter().map(Result::unwrap_err) {
        assert!(matches!(error, Error::NotRenewed(_)) && error.is_temporary(), "{error:?}");
        assert_eq!(error.code(), Some("store_unavailable"));
    }
    world.fail(None);
    client.user().await.unwrap();
    assert_eq!(world.refreshes(), 2);
}

#[tokio::test]
async fn a_server_that_says_when_to_come_again_is_not_asked_before() {
    let world = World::new().await;
    let client = world.ada().await;
    world.wait(LIFE + 1);
    world.fail(Fault::Status(503, Some(20)));
    let error = client.user().await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(20)));
    client.user().await.unwrap_err();
    world.wait(19);
    client.user().await.unwrap_err();
    assert_eq!(world.refreshes(), 1);
    world.fail(None);
    world.wait(1);
    client.user().await.unwrap();
}

#[tokio::test]
async fn no_server_keeps_a_client_away_for_ever() {
    let world = World::new().await;
    let client = world.ada().await;
    world.wait(LIFE + 1);
    world.fail(Fault::Status(503, Some(u64::MAX)));
    client.user().await.unwrap_err();
    world.fail(None);
    world.wait(3600);
    client.user().await.unwrap();
}

#[tokio::test]
async fn a_token_that_is_still_good_is_used_through_an_outage() {
    let world = World::new().await;
    let client = world.ada().await;
    world.wait(LIFE - 10);
    world.fail(Fault::Status(503, None));
    client.user().await.unwrap();
    assert_eq!(world.refreshes(), 1);
}

#[tokio::test]
async fn a_server_that_is_gone_signs_nobody_out() {
    let world = World::new().await;
    let storage = Arc::new(Memory::default());
    let client = world.builder().storage(Arc::clone(&storage)).build().unwrap();
    world.sign_up(&client, "ada").await;
    let kept = storage.load().await.unwrap();

    let nothing = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let base = format!("http://{nothing}").parse().unwrap();
    let cut_off = Client::builder(base).storage(Arc::clone(&storage)).build().unwrap();
    let error = cut_off.refresh().await.unwrap_err();
    assert!(
        matches!(&error, Error::NotRenewed(source) if matches!(**source, Error::Unanswered(_)))
    );
    assert!(error.is_temporary());
    assert!(matches!(cut_off.logout().await, Err(Error::Unanswered(_))));
    assert_eq!(storage.load().await.unwrap(), kept);
}

#[tokio::test]
async fn an_answer_that_was_lost_is_given_again() {
    let world = World::new().await;
    let client = world.ada().await;
    world.wait(LIFE + 1);
    world.fail(Fault::LostAnswer);
    let error = client.user().await.unwrap_err();
    assert!(error.is_temporary(), "{error:?}");
    world.fail(None);
    client.user().await.unwrap();
    assert_eq!(world.refreshes(), 2);
}

#[tokio::test]
async fn a_call_that_is_given_up_loses_nothing() {
    let world = World::new().await;
    let client = world.ada().await;
    world.wait(LIFE + 1);
    world.fail(Fault::Held);
    let impatient = tokio::time::timeout(Duration::from_millis(100), client.user()).await;
    assert!(impatient.is_err());
    world.release();
    client.user().await.unwrap();
}

#[tokio::test]
async fn a_reused_token_ends_the_session_for_all_who_wait() {
    let world = World::new().await;
    let storage = Arc::new(Memory::default());
    let client = world.builder().storage(Arc::clone(&storage)).build().unwrap();
    world.sign_up(&client, "ada").await;
    let stolen = storage.load().await.unwrap().unwrap();
    client.refresh().await.unwrap();
    world.wait(31);

    let thief = Memory::default();
    thief.save(&stolen).await.unwrap();
    let thief = world.builder().storage(thief).build().unwrap();
    let caught = thief.refresh().await.unwrap_err();
    assert!(matches!(caught, Error::SessionEnded(_)), "{caught:?}");
    assert_eq!(caught.code(), Some("refresh_token_reused"));
    assert!(thief.token().await.unwrap().is_none());

    // The owner learns it at the next request, and once.
    let before = world.refreshes();
    for ended in all_at_once(&client, 20).await {
        match ended.unwrap_err() {
            Error::SessionEnded(problem) => assert_eq!(problem.code, "session_revoked"),
            Error::Refused(problem) => assert_eq!(problem.code, "unauthenticated"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(world.refreshes() - before, 1);
    let left = storage.load().await.unwrap().unwrap();
    assert!(left.tokens.is_none() && left.device_secret.is_some());
    client.login(&Login::new("ada@example.com", PASSWORD)).await.unwrap();
    client.user().await.unwrap();
}

#[tokio::test]
async fn a_device_that_is_not_the_right_one_leaves_the_session_alone() {
    let world = World::with(|config| config.device_binding = DeviceBinding::Enforce).await;
    let storage = Arc::new(Memory::default());
    let client = world.builder().storage(Arc::clone(&storage)).build().unwrap();
    world.sign_up(&client, "ada").await;
    let phone =
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Safari";
    let mut copied = storage.load().await.unwrap().unwrap();
    copied.device_secret = None;
    let copy = Memory::default();
    copy.save(&copied).await.unwrap();
    let elsewhere = world.builder().storage(copy).user_agent(phone).build().unwrap();
    let refused = elsewhere.refresh().await.unwrap_err();
    assert_eq!(refused.code(), Some("device_mismatch"), "{refused:?}");
    assert!(matches!(refused, Error::NotRenewed(_)));
    assert!(elsewhere.token().await.unwrap().is_some());
    assert!(client.refresh().await.unwrap().is_some());
}

#[tokio::test]
async fn clients_on_one_storage_share_a_session() {
    let world = World::new().await;
    let storage = Arc::new(Memory::default());
    let client = || world.builder().storage(Arc::clone(&storage)).build().unwrap();
    let (one, other) = (client(), client());
    world.sign_up(&one, "ada").await;
    other.user().await.unwrap();
    world.wait(LIFE + 1);
    one.user().await.unwrap();
    // Long after the grace: presenting its own refresh token would be reuse.
    world.wait(60);
    other.user().await.unwrap();
    assert_eq!(world.refreshes(), 1);
}
