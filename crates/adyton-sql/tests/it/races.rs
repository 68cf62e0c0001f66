//! Two nodes that do to one account at the same moment what cannot all be true.

use crate::databases::{Database, Kind};
use crate::world::{
    NOW, add_user, event, existing, new_token, new_user, password, record, rotation, sign_in,
};
use adyton_core::event::EventKind;
use adyton_core::store::{
    Credential, PasswordChange, Revocation, SessionStore, Store, StoreError, TokenIssue,
    TokenStore, Which, Who,
};
use adyton_core::user::{User, UserId};
use adyton_sql::SqlStore;
use std::time::Duration;
use tokio::task::JoinSet;

const ROUNDS: usize = 12;

/// Two nodes on each kind of server that there is.
async fn each() -> Vec<(Database, [SqlStore; 2])> {
    let mut made = Vec::new();
    for kind in Kind::ALL {
        let Some(database) = Database::new(kind).await else { continue };
        let store = SqlStore::open(&database.config()).await.unwrap();
        store.migrate(NOW).await.unwrap();
        let other = SqlStore::open(&database.config()).await.unwrap();
        made.push((database, [store, other]));
    }
    made
}

fn change(user: &User) -> PasswordChange {
    PasswordChange {
        user_id: user.id,
        expected: Some(password("hash-1")),
        new: password("hash-2"),
        keep: None,
        revoke_tokens: true,
        now: NOW,
        event: event(EventKind::AuthnPasswordChange),
    }
}

fn issue(user: &User, secret: &str, by: Option<Credential>) -> TokenIssue {
    TokenIssue {
        user_id: user.id,
        token: new_token(secret),
        by,
        limit: 100,
        now: NOW,
        event: event(EventKind::AuthnTokenCreated),
    }
}

/// Everything at once that begins something for a user who is signed in.
async fn begin_all(
    tasks: &mut JoinSet<Result<(), StoreError>>,
    stores: &[SqlStore; 2],
    user: &User,
    round: usize,
) {
    let first = sign_in(&stores[0], user, &format!("first {round}")).await.session;
    for n in 0..6 {
        let (store, user, first) = (stores[n % 2].clone(), user.clone(), first.clone());
        tasks.spawn(async move {
            tokio::time::sleep(Duration::from_millis(n as u64)).await;
            let name = format!("{round}.{n}");
            store.sign_in(record(existing(&user), &name, NOW)).await?;
            let step = rotation(&first, &format!("first {round}"), &format!("t {name}"), NOW);
            store.rotate(step).await?;
            let by = Some(Credential::Session(first.id));
            store.insert_token(issue(&user, &format!("p {name}"), by)).await?;
            Ok(())
        });
    }
}

async fn count(database: &Database, table: &str, column: &str, user: UserId) -> i64 {
    database.count(&format!("SELECT COUNT(*) FROM {table} WHERE {column} = {}", user.0)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_outlives_a_change_of_password() {
    for (database, stores) in each().await {
        for round in 0..ROUNDS {
            let user = add_user(&stores[0], &format!("ada{round}@example.com")).await;
            let mut tasks = JoinSet::new();
            begin_all(&mut tasks, &stores, &user, round).await;
            let (store, change) = (stores[1].clone(), change(&user));
            tasks.spawn(async move {
                tokio::time::sleep(Duration::from_millis(3)).await;
                assert!(store.change_password(change).await?.is_some());
                Ok(())
            });
            while let Some(done) = tasks.join_next().await {
                done.unwrap().unwrap();
            }
            assert!(stores[0].list_sessions(user.id, NOW).await.unwrap().is_empty());
            let left = count(&database, "personal_access_tokens", "tokenable_id", user.id).await;
            assert_eq!(left, 0, "{:?}", database.kind);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_outlives_an_account() {
    for (database, stores) in each().await {
        for round in 0..ROUNDS {
            let user = add_user(&stores[0], &format!("ada{round}@example.com")).await;
            let mut tasks = JoinSet::new();
            begin_all(&mut tasks, &stores, &user, round).await;
            let (store, id) = (stores[1].clone(), user.id);
            tasks.spawn(async move {
                tokio::time::sleep(Duration::from_millis(3)).await;
                assert!(store.delete_account(id, None, event(EventKind::UserDeleted)).await?);
                Ok(())
            });
            while let Some(done) = tasks.join_next().await {
                done.unwrap().unwrap();
            }
            for (table, column) in [
                ("users", "id"),
                ("auth_sessions", "user_id"),
                ("auth_devices", "user_id"),
                ("personal_access_tokens", "tokenable_id"),
            ] {
                assert_eq!(count(&database, table, column, user.id).await, 0, "{table}");
            }
        }
        assert_eq!(database.count("SELECT COUNT(*) FROM auth_superseded_tokens").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_refresh_of_many_succeeds_and_a_sign_out_ends_its_pair() {
    for (database, stores) in each().await {
        for round in 0..ROUNDS {
            let user = add_user(&stores[0], &format!("ada{round}@example.com")).await;
            let session = sign_in(&stores[0], &user, &format!("first {round}")).await.session;
            let mut tasks = JoinSet::new();
            for n in 0..8 {
                let (store, session) = (stores[n % 2].clone(), session.clone());
                tasks.spawn(async move {
                    let (old, new) = (format!("first {round}"), format!("next {round}.{n}"));
                    let rotated = store.rotate(rotation(&session, &old, &new, NOW)).await;
                    rotated.unwrap().is_some()
                });
            }
            if round % 2 == 1 {
                let store = stores[1].clone();
                tasks.spawn(async move {
                    let which = Which::One(session.id);
                    let end = Revocation { user_id: user.id, which, now: NOW, events: vec![] };
                    store.revoke_sessions(end).await.unwrap();
                    false
                });
            }
            let succeeded = tasks.join_all().await.into_iter().filter(|done| *done).count();
            let left = count(&database, "personal_access_tokens", "tokenable_id", user.id).await;
            let whole = if round % 2 == 1 { succeeded <= 1 && left == 0 } else { left == 2 };
            assert!(whole && succeeded <= 1, "{:?}: {succeeded}, {left}", database.kind);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_session_is_beyond_the_cap_and_an_email_is_taken_once() {
    for (database, stores) in each().await {
        for round in 0..ROUNDS {
            let address = format!("ada{round}@example.com");
            let mut tasks = JoinSet::new();
            for n in 0..8 {
                let (store, address) = (stores[n % 2].clone(), address.clone());
                tasks.spawn(async move {
                    let who = Who::New(new_user(&address));
                    store.sign_in(record(who, &format!("new {round}.{n}"), NOW)).await.unwrap()
                });
            }
            let made: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
            assert_eq!(made.len(), 1, "{:?}", database.kind);
            let user = made.into_iter().next().unwrap().user;
            let mut tasks = JoinSet::new();
            for n in 0..8 {
                let (store, user) = (stores[n % 2].clone(), user.clone());
                tasks.spawn(async move {
                    let record = record(existing(&user), &format!("more {round}.{n}"), NOW);
                    assert!(store.sign_in(record).await.unwrap().is_some());
                });
            }
            tasks.join_all().await;
            assert_eq!(stores[0].list_sessions(user.id, NOW).await.unwrap().len(), 3);
            let left = count(&database, "personal_access_tokens", "tokenable_id", user.id).await;
            assert_eq!(left, 3, "{:?}", database.kind);
        }
    }
}
