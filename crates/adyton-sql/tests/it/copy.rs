//! Everything into another database, and from there into the next.

use crate::databases::{Database, Kind};
use crate::world::{NOW, World, add_user, event, new_token, rotation, sign_in};
use adyton_core::config::Config;
use adyton_core::event::EventKind;
use adyton_core::secret::Hash;
use adyton_core::store::{
    EventFilter, EventStore, SessionStore, TokenIssue, TokenStore, UserStore,
};
use adyton_core::user::{User, UserId};
use adyton_sql::{SqlError, SqlStore};

/// Two users, of whom one is signed in and has refreshed and made a token; a third was deleted.
async fn lived_in(store: &SqlStore) -> (User, User) {
    let (ada, bob) =
        (add_user(store, "ada@example.com").await, add_user(store, "bob@example.com").await);
    let signed_in = sign_in(store, &ada, "first").await;
    let next = rotation(&signed_in.session, "first", "second", NOW.plus(5));
    assert!(store.rotate(next).await.unwrap().is_some());
    let issue = TokenIssue {
        user_id: ada.id,
        token: new_token("personal"),
        by: None,
        limit: 10,
        now: NOW,
        event: event(EventKind::AuthnTokenCreated),
    };
    store.insert_token(issue).await.unwrap();
    let gone = add_user(store, "gone@example.com").await;
    assert!(store.delete_user(gone.id).await.unwrap());
    (ada, bob)
}

async fn migrated(config: &Config) -> SqlStore {
    let store = SqlStore::open(config).await.unwrap();
    store.migrate(NOW).await.unwrap();
    store
}

async fn copy(from: &SqlStore, to: &SqlStore) -> Result<Vec<(String, u64)>, SqlError> {
    Ok(from.copy_to(to, |_, _, _| ()).await?.tables)
}

async fn check(store: &SqlStore, ada: &User, bob: &User) {
    assert_eq!(store.find_user(ada.id).await.unwrap().as_ref(), Some(ada));
    assert_eq!(store.find_user(bob.id).await.unwrap().as_ref(), Some(bob));
    for secret in ["personal", "access of second"] {
        let found = store.find_token(&Hash::of(secret)).await.unwrap().unwrap();
        assert_eq!(found.user.unwrap().id, ada.id, "{secret}");
    }
    let sessions = store.list_sessions(ada.id, NOW).await.unwrap();
    assert_eq!(sessions.len(), 1);
    let all = EventFilter { user: None, kind: None, since: None, limit: 100 };
    assert!(store.list_events(all).await.unwrap().len() > 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_copied_is_the_same_from_database_to_database() {
    let (first, last) = (World::new(), World::new());
    let mut store = first.migrated().await;
    let (ada, bob) = lived_in(&store).await;
    let mut databases = Vec::new();
    for kind in [Kind::Postgres, Kind::Mysql] {
        databases.extend(Database::new(kind).await);
    }
    let mut stores: Vec<Config> = databases.iter().map(Database::config).collect();
    stores.push(last.config.clone());
    for config in stores {
        let next = migrated(&config).await;
        let tables = copy(&store, &next).await.unwrap();
        assert_eq!(tables[0], ("users".to_owned(), 2));
        assert!(tables.iter().all(|(_, rows)| *rows > 0), "{tables:?}");
        check(&next, &ada, &bob).await;
        assert!(matches!(copy(&store, &next).await, Err(SqlError::NotEmpty { .. })));
        store = next;
    }
    let new = add_user(&store, "new@example.com").await;
    assert_eq!(new.id, UserId(4), "the id of the deleted user is not given again");
}

#[tokio::test]
async fn a_row_that_no_database_takes_is_named_and_what_nobody_knows_is_told() {
    let (from, to) = (World::new(), World::new());
    let (store, target) = (from.migrated().await, to.migrated().await);
    add_user(&store, "ada@example.com").await;
    from.raw().execute_batch("ALTER TABLE users ADD COLUMN remember_token TEXT").unwrap();
    let report = store.copy_to(&target, |_, _, _| ()).await.unwrap();
    assert_eq!(report.left_behind, ["users.remember_token"]);

    from.raw().execute_batch("UPDATE users SET created_at = 'yesterday'").unwrap();
    let to = World::new();
    let target = to.migrated().await;
    let error = copy(&store, &target).await.unwrap_err();
    assert!(
        matches!(&error, SqlError::CannotCopy { table, key, .. } if table == "users" && key == "1")
    );
    assert_eq!(to.count("SELECT COUNT(*) FROM users"), 0);
}

/// Told, and not cut down to what can be read of it.
#[tokio::test]
async fn what_would_not_arrive_as_it_was_is_not_copied() {
    for change in [
        "UPDATE users SET name = CAST(x'ff61' AS TEXT)",
        "UPDATE users SET avatar = x'00ff'",
        "UPDATE users SET avatar = CAST(x'ff61' AS TEXT)",
    ] {
        let tables = "CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT,
                      email TEXT UNIQUE, password TEXT, created_at DATETIME, updated_at DATETIME,
                      avatar)";
        let (mut from, mut to) = (World::with_tables(tables), World::with_tables(tables));
        for world in [&mut from, &mut to] {
            world.config.user_columns = vec!["avatar".into()];
        }
        let (store, target) = (from.migrated().await, to.migrated().await);
        add_user(&store, "ada@example.com").await;
        from.raw().execute_batch(change).unwrap();
        let error = copy(&store, &target).await.unwrap_err();
        assert!(matches!(error, SqlError::CannotCopy { .. }), "{change}: {error}");
        assert_eq!(store.list_users(UserId(0), 9).await.unwrap().len(), 1, "it can be read");
    }
}

#[tokio::test]
async fn a_target_without_tables_is_refused() {
    let (from, to) = (World::new(), World::new());
    let (store, target) = (from.migrated().await, to.open().await);
    assert!(matches!(copy(&store, &target).await, Err(SqlError::NotMigrated)));
}

/// A truth, a time and a number, as each database keeps them.
#[tokio::test]
async fn columns_of_the_app_go_along_in_whatever_type_the_target_has() {
    let table = |id: &str, yes: &str, time: &str, number: &str| {
        format!(
            "CREATE TABLE users (id {id}, name VARCHAR(255), email VARCHAR(255) UNIQUE,
             password VARCHAR(255), created_at {time}, updated_at {time}, is_admin {yes},
             email_verified_at {time}, share {number})"
        )
    };
    let on_file = table("INTEGER PRIMARY KEY AUTOINCREMENT", "INTEGER", "DATETIME", "REAL");
    let (first, last) = (World::with_tables(&on_file), World::with_tables(&on_file));
    let mut configs = vec![first.config.clone()];
    let mut databases = Vec::new();
    for kind in [Kind::Postgres, Kind::Postgres, Kind::Mysql] {
        let Some(database) = Database::new(kind).await else { continue };
        let sql = match kind {
            Kind::Postgres => table("BIGSERIAL PRIMARY KEY", "BOOLEAN", "TIMESTAMP(0)", "FLOAT8"),
            Kind::Mysql => {
                let id = "BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY";
                table(id, "TINYINT(1)", "TIMESTAMP NULL", "DOUBLE")
            }
        };
        database.run(&sql).await;
        configs.push(database.config());
        databases.push(database);
    }
    configs.push(last.config.clone());
    for config in &mut configs {
        config.user_columns = ["is_admin", "email_verified_at", "share"].map(Into::into).into();
    }
    let mut store = migrated(&configs[0]).await;
    add_user(&store, "ada@example.com").await;
    let sql =
        "UPDATE users SET is_admin = 1, email_verified_at = '2024-02-03 04:05:06', share = 1.5";
    first.raw().execute_batch(sql).unwrap();
    let ada = store.find_user(UserId(1)).await.unwrap();
    for config in &configs[1..] {
        let next = migrated(config).await;
        copy(&store, &next).await.unwrap();
        store = next;
    }
    assert_eq!(store.find_user(UserId(1)).await.unwrap(), ada);
}

#[tokio::test]
async fn tokens_of_an_adopted_table_stay_what_they_were() {
    let from = World::with_tables(
        "CREATE TABLE personal_access_tokens (id INTEGER PRIMARY KEY AUTOINCREMENT,
         tokenable_type VARCHAR NOT NULL, tokenable_id INTEGER NOT NULL, name VARCHAR NOT NULL,
         token VARCHAR NOT NULL UNIQUE, abilities TEXT, last_used_at DATETIME,
         expires_at DATETIME, created_at DATETIME, updated_at DATETIME)",
    );
    let (middle, last) = (World::new(), World::new());
    let mut store = from.migrated().await;
    for world in [middle, last] {
        let next = world.migrated().await;
        assert!(!next.adopted_token_table().await.unwrap());
        copy(&store, &next).await.unwrap();
        assert!(next.adopted_token_table().await.unwrap(), "the form of Sanctum is known");
        store = next;
    }
}
