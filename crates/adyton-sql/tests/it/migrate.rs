//! Migrations, on empty files and on those of others.

use crate::world::{NOW, World, add_user, sign_in};
use adyton_core::secret::Hash;
use adyton_core::store::{EventFilter, EventStore, SessionStore};
use adyton_core::user::UserId;
use adyton_sql::{MigrationState, SqlError, SqlStore};

/// As Laravel's own migrations make them on SQLite.
pub(crate) const LARAVEL: &str = r#"
CREATE TABLE "Users" ("id" integer primary key autoincrement not null, "name" varchar not null,
  "email" varchar not null, "email_verified_at" datetime, "password" varchar not null,
  "remember_token" varchar, "created_at" datetime, "updated_at" datetime);
CREATE UNIQUE INDEX "users_email_unique" on "Users" ("email");
CREATE TABLE "personal_access_tokens" ("id" integer primary key autoincrement not null,
  "tokenable_type" varchar not null, "tokenable_id" integer not null, "name" varchar not null,
  "token" varchar not null, "abilities" text, "last_used_at" datetime, "expires_at" datetime,
  "created_at" datetime, "updated_at" datetime);
CREATE INDEX "personal_access_tokens_tokenable_type_tokenable_id_index"
  on "personal_access_tokens" ("tokenable_type", "tokenable_id");
CREATE UNIQUE INDEX "personal_access_tokens_token_unique" on "personal_access_tokens" ("token");
"#;

fn schema(world: &World) -> Vec<String> {
    let conn = world.raw();
    let mut statement = conn.prepare("SELECT COALESCE(sql, name) FROM sqlite_master").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

#[tokio::test]
async fn migrating_twice_is_migrating_once() {
    let world = World::new();
    let store = world.open().await;
    assert!(!store.is_current().await.unwrap());
    let report = store.migrate(NOW).await.unwrap();
    assert_eq!((report.created.len(), report.adopted.len()), (6, 0));
    assert!(report.warnings.is_empty(), "{report:?}");
    let first = schema(&world);
    assert_eq!(store.migrate(NOW.plus(9)).await.unwrap(), Default::default());
    assert_eq!(schema(&world), first);
    let status = store.status().await.unwrap();
    assert!(status.iter().all(|status| status.state == MigrationState::Applied(NOW)));
    assert!(store.is_current().await.unwrap() && !store.adopted_token_table().await.unwrap());
    assert_eq!(store.pretend().await.unwrap(), "");
}

/// As version 0.1 made it.
const FIRST_EVENTS: &str = "
CREATE TABLE auth_events (id INTEGER PRIMARY KEY AUTOINCREMENT, event VARCHAR(64) NOT NULL,
  count INTEGER NOT NULL, user_id INTEGER, session_id VARCHAR(64), token_id INTEGER,
  network VARCHAR(64), reason VARCHAR(255), created_at DATETIME NOT NULL);
CREATE TABLE adyton_migrations (name VARCHAR(64) NOT NULL, table_name VARCHAR(64) NOT NULL,
  adopted INTEGER NOT NULL, applied_at DATETIME NOT NULL, PRIMARY KEY (name, table_name));
INSERT INTO adyton_migrations VALUES ('0005_auth_events', 'auth_events', 0, '2026-01-01 00:00:00');
INSERT INTO auth_events (event, count, user_id, created_at)
  VALUES ('authz_fail', 3, 7, '2026-01-02 00:00:00');
";

#[tokio::test]
async fn a_table_of_an_earlier_version_is_changed_and_keeps_its_rows() {
    let world = World::with_tables(FIRST_EVENTS);
    let store = world.open().await;
    assert!(!store.is_current().await.unwrap());
    assert!(store.pretend().await.unwrap().contains("ADD COLUMN request_id"));
    let report = store.migrate(NOW).await.unwrap();
    assert_eq!(report.altered, ["auth_events"]);
    assert!(!report.created.contains(&"auth_events".to_owned()));
    assert!(store.is_current().await.unwrap());
    assert_eq!(store.migrate(NOW).await.unwrap(), Default::default());
    let [kept] = &store.list_events(EventFilter::latest(9)).await.unwrap()[..] else { panic!() };
    assert_eq!((kept.count, kept.user_id, &kept.request_id), (3, Some(UserId(7)), &None));
}

#[tokio::test]
async fn pretending_changes_nothing() {
    let world = World::with_tables(LARAVEL);
    let store = world.open().await;
    let before = schema(&world);
    let text = store.pretend().await.unwrap();
    assert_eq!(schema(&world), before);
    assert!(
        text.contains("-- adopts the table users")
            && text.contains(r#"CREATE TABLE "auth_sessions""#)
    );
    world.raw().execute_batch(&text).unwrap();
    assert!(store.is_current().await.unwrap());
}

#[tokio::test]
async fn tables_of_laravel_are_adopted_as_they_are() {
    let world = World::with_tables(LARAVEL);
    let before = schema(&world);
    let store = world.open().await;
    let report = store.migrate(NOW).await.unwrap();
    assert_eq!(report.adopted, ["users", "personal_access_tokens"]);
    assert!(report.warnings.is_empty(), "{report:?}");
    assert!(before.iter().all(|text| schema(&world).contains(text)));
    assert_eq!(
        world.count(
            "SELECT COUNT(*) FROM sqlite_master WHERE type = 'index' AND tbl_name = 'Users'"
        ),
        1
    );
    assert!(store.adopted_token_table().await.unwrap());
    let user = add_user(&store, "ada@example.com").await;
    sign_in(&store, &user, "a").await;
}

#[tokio::test]
async fn what_cannot_be_adopted_is_refused_and_named() {
    let refused = async |sql: &str| {
        let world = World::with_tables(sql);
        let before = schema(&world);
        let error = world.open().await.migrate(NOW).await.unwrap_err();
        assert_eq!(schema(&world), before);
        error.to_string()
    };
    let message = refused("CREATE TABLE users (id INTEGER PRIMARY KEY, name, email);").await;
    assert_eq!(
        message,
        "the table `users` has no column `password`; if that is the one that is meant, add it with: \
         ALTER TABLE users ADD COLUMN password VARCHAR(255)"
    );
    let columns = "name, email, password, created_at, updated_at";
    for key in ["id VARCHAR(36) PRIMARY KEY", "id INTEGER", "id BIGINT PRIMARY KEY"] {
        let message = refused(&format!("CREATE TABLE users ({key}, {columns});")).await;
        assert!(message.contains("`users` has no integer key"), "{message}");
    }
    let message = refused("CREATE TABLE auth_events (id);").await;
    assert!(message.contains("`auth_events` exists but was not made by Adyton"), "{message}");
}

#[tokio::test]
async fn what_is_doubtful_is_said() {
    let world = World::with_tables(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name, email, password, created_at, updated_at,
         tenant INTEGER NOT NULL);",
    );
    let report = world.open().await.migrate(NOW).await.unwrap();
    assert_eq!(report.warnings.len(), 2, "{report:?}");
    assert!(report.warnings[0].contains("`users` has no AUTOINCREMENT"));
    assert!(report.warnings[1].contains("`tenant` of `users` needs a value"));
}

#[tokio::test]
async fn a_configured_column_must_exist() {
    let mut world = World::new();
    world.config.user_columns = vec!["plan".into()];
    let lacks = |error: SqlError| matches!(error, SqlError::MissingColumn { column, .. } if column == "plan");
    let store = world.open().await;
    assert!(lacks(store.migrate(NOW).await.unwrap_err()));
    assert_eq!(schema(&world), [""; 0], "no table is made that lacks it");
    world.config.user_columns.clear();
    world.migrated().await;
    assert!(lacks(store.is_current().await.unwrap_err()));
}

#[tokio::test]
async fn looking_makes_and_changes_no_file() {
    let world = World::new();
    let store = SqlStore::inspect(&world.config).await.unwrap();
    let status = store.status().await.unwrap();
    assert!(status.iter().all(|status| status.state == MigrationState::Pending));
    assert!(store.pretend().await.unwrap().contains("CREATE TABLE"));
    assert!(!store.is_current().await.unwrap() && !store.adopted_token_table().await.unwrap());
    assert!(store.migrate(NOW).await.is_err());
    assert!(!world.path().parent().unwrap().exists());

    let world = World::with_tables(LARAVEL);
    let before = std::fs::read(world.path()).unwrap();
    let store = SqlStore::inspect(&world.config).await.unwrap();
    assert_eq!(store.status().await.unwrap()[0].state, MigrationState::PendingAdoption);
    assert!(store.pretend().await.unwrap().contains("-- adopts the table users"));
    assert!(store.migrate(NOW).await.is_err());
    drop(store);
    assert_eq!(std::fs::read(world.path()).unwrap(), before);
    assert_eq!(std::fs::read_dir(world.path().parent().unwrap()).unwrap().count(), 1);
    let mode = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
    let mode = world.raw().query_row("PRAGMA journal_mode", [], mode).unwrap();
    assert_eq!(mode, "delete");
}

#[tokio::test]
async fn sessions_from_before_there_were_devices_live_on() {
    let world = World::new();
    let store = world.migrated().await;
    let ada = add_user(&store, "ada@example.com").await;
    let mut session = sign_in(&store, &ada, "a").await.session;
    let fresh = schema(&world);
    world
        .raw()
        .execute_batch(
            "DROP TABLE auth_devices; DROP INDEX auth_sessions_device_id_index;
             ALTER TABLE auth_sessions DROP COLUMN device_id;
             ALTER TABLE auth_sessions DROP COLUMN fingerprint;
             DELETE FROM adyton_migrations WHERE name IN
             ('0007_auth_devices', '0008_auth_sessions_device');",
        )
        .unwrap();
    let store = world.open().await;
    assert!(!store.is_current().await.unwrap());
    assert!(store.pretend().await.unwrap().contains("ADD COLUMN device_id"));
    let report = store.migrate(NOW.plus(9)).await.unwrap();
    assert_eq!((report.created, report.adopted), (vec!["auth_devices".into()], vec![]));
    assert!(store.is_current().await.unwrap());
    let (mut fresh, mut now) = (fresh, schema(&world));
    fresh.sort();
    now.sort();
    assert_eq!(now, fresh);
    (session.device.id, session.device.fingerprint) = (None, None);
    assert_eq!(store.find_session(&Hash::of("a")).await.unwrap().unwrap().session, session);
    assert!(sign_in(&store, &ada, "b").await.session.device.id.is_some());
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let world = World::new();
    let store = world.migrated().await;
    let sql =
        "INSERT INTO adyton_migrations VALUES ('0099_later', 'users', 0, '2030-01-01 00:00:00')";
    world.raw().execute(sql, []).unwrap();
    let error = store.migrate(NOW).await.unwrap_err();
    assert!(matches!(error, SqlError::Newer { migration } if migration == "0099_later"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_may_migrate_at_once() {
    let world = World::new();
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let store = world.open().await;
        tasks.push(tokio::spawn(async move { store.migrate(NOW).await.unwrap().created.len() }));
    }
    let mut created = 0;
    for task in tasks {
        created += task.await.unwrap();
    }
    assert_eq!(created, 6);
}
