//! How writes behave together: other writers, callers that go away.

use crate::world::{NOW, World, add_user, event, new_user};
use adyton_core::event::EventKind;
use adyton_core::store::{Store, UserStore};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

#[tokio::test]
async fn the_counter_moves_with_the_commits_of_others_only() {
    let world = World::new();
    let store = world.migrated().await;
    let before = store.change_counter().await.unwrap().unwrap();
    add_user(&store, "ada@example.com").await;
    store.find_user(adyton_core::user::UserId(1)).await.unwrap();
    assert_eq!(store.change_counter().await.unwrap(), Some(before));
    let other = world.open().await;
    assert_eq!(store.change_counter().await.unwrap(), Some(before));
    add_user(&other, "bob@example.com").await;
    let after = store.change_counter().await.unwrap().unwrap();
    assert_ne!(after, before);
    world.raw().execute("DELETE FROM users WHERE id = 2", []).unwrap();
    assert_ne!(store.change_counter().await.unwrap(), Some(after));
}

#[tokio::test]
async fn a_caller_that_goes_away_stops_nothing() {
    let world = World::new();
    let store = world.migrated().await;
    {
        let insert =
            store.insert_user(new_user("ada@example.com"), NOW, event(EventKind::UserCreated));
        let mut insert = pin!(insert);
        let _ = insert.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
    drop(store);
    assert_eq!(world.count("SELECT COUNT(*) FROM users"), 1);
    assert_eq!(world.count("SELECT COUNT(*) FROM auth_events"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_email_at_once_makes_one_user() {
    let world = World::new();
    let (store, other) = (world.migrated().await, world.open().await);
    let tries = (0..20).map(|n| {
        let store = if n % 2 == 0 { store.clone() } else { other.clone() };
        tokio::spawn(async move {
            let created = event(EventKind::UserCreated);
            store.insert_user(new_user("ada@example.com"), NOW, created).await.unwrap().is_some()
        })
    });
    let mut made = 0;
    for attempt in tries.collect::<Vec<_>>() {
        made += u32::from(attempt.await.unwrap());
    }
    assert_eq!(made, 1);
}

#[tokio::test]
async fn an_unreadable_table_is_an_error() {
    let world = World::new();
    let store = world.open().await;
    assert!(store.ping().await.is_err());
    store.migrate(NOW).await.unwrap();
    store.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_lock_waits_once() {
    let world = World::new();
    let store = world.migrated().await;
    let other = world.raw();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let tries = (0..600).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            let created = event(EventKind::UserCreated);
            store.insert_user(new_user(&format!("ada-{n}@example.com")), NOW, created).await
        })
    });
    let tries: Vec<_> = tries.collect();
    let answers = async {
        for attempt in tries {
            assert!(attempt.await.unwrap().is_err());
        }
    };
    tokio::time::timeout(Duration::from_secs(13), answers).await.unwrap();
    other.execute_batch("ROLLBACK").unwrap();
    add_user(&store, "ada@example.com").await;
    assert_eq!(world.count("SELECT COUNT(*) FROM users"), 1);
}

#[tokio::test]
async fn a_store_without_one_of_its_tables_does_not_answer() {
    for table in ["users", "personal_access_tokens", "auth_sessions"] {
        let world = World::new();
        let store = world.migrated().await;
        store.ping().await.unwrap();
        world.raw().execute_batch(&format!("DROP TABLE {table}")).unwrap();
        assert!(store.ping().await.is_err(), "{table}");
    }
}
