//! What differs on PostgreSQL and MySQL from a file: who else is at work, what their columns hold,
//! and what can be wrong with a server.

use crate::databases::{Database, Kind};
use crate::world::{
    NOW, add_user, email, event, existing, new_token, new_user, record, rotation, sign_in,
};
use adyton_core::config::Config;
use adyton_core::event::EventKind;
use adyton_core::secret::Hash;
use adyton_core::store::{
    Revocation, SessionStore, SessionTouch, Store, TokenIssue, TokenStore, Touches, UserStore,
    Which,
};
use adyton_core::user::UserId;
use adyton_sql::{MigrationState, SqlError, SqlStore};
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

async fn open(database: &Database) -> SqlStore {
    SqlStore::open(&database.config()).await.unwrap()
}

async fn migrated(database: &Database) -> SqlStore {
    let store = open(database).await;
    store.migrate(NOW).await.unwrap();
    store
}

/// A database on each kind of server that there is.
pub(crate) async fn each() -> Vec<Database> {
    let mut made = Vec::new();
    for kind in Kind::ALL {
        made.extend(Database::new(kind).await);
    }
    made
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_may_migrate_at_once() {
    for database in each().await {
        let kind = database.kind;
        let mut tasks = Vec::new();
        for _ in 0..4 {
            let store = open(&database).await;
            tasks
                .push(tokio::spawn(async move { store.migrate(NOW).await.unwrap().created.len() }));
        }
        let mut created = 0;
        for task in tasks {
            created += task.await.unwrap();
        }
        assert_eq!(created, 6, "{kind:?}");
        let status = open(&database).await.status().await.unwrap();
        assert!(status.iter().all(|status| status.state == MigrationState::Applied(NOW)));
    }
}

#[tokio::test]
async fn a_server_is_migrated_by_hand_and_a_newer_schema_is_refused() {
    for database in each().await {
        let store = open(&database).await;
        assert!(matches!(store.prepare(NOW).await, Err(SqlError::NotMigrated)));
        let text = store.pretend().await.unwrap();
        database.run(&text).await;
        store.prepare(NOW).await.unwrap();
        assert_eq!(store.migrate(NOW).await.unwrap(), Default::default());
        database
            .run("INSERT INTO adyton_migrations VALUES ('0099_later', 'users', 0, '2030-01-01')")
            .await;
        let error = store.prepare(NOW).await.unwrap_err();
        assert!(matches!(error, SqlError::Newer { migration } if migration == "0099_later"));
    }
}

/// MySQL commits each change of a table by itself.
#[tokio::test]
async fn a_migration_that_was_killed_goes_on_where_it_was() {
    for database in each().await {
        let kind = database.kind;
        let store = migrated(&database).await;
        // Entered, but not made; and made, but not entered.
        let by_itself = if kind == Kind::Mysql {
            ""
        } else {
            "ALTER TABLE auth_events DROP COLUMN request_id, DROP COLUMN outcome;"
        };
        database
            .run(&format!(
                "DROP TABLE auth_devices; {by_itself}
             DELETE FROM adyton_migrations WHERE name = '0009_auth_events_details'"
            ))
            .await;
        assert!(!store.is_current().await.unwrap());
        let report = store.migrate(NOW).await.unwrap();
        assert_eq!(
            (report.created, report.altered),
            (vec!["auth_devices".into()], vec!["auth_events".into()])
        );
        assert!(store.is_current().await.unwrap());
        let ada = add_user(&store, "ada@example.com").await;
        sign_in(&store, &ada, "a").await;
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_stops_nothing() {
    for database in each().await {
        let kind = database.kind;
        let store = migrated(&database).await;
        {
            let created = event(EventKind::UserCreated);
            let mut insert = pin!(store.insert_user(new_user("ada@example.com"), NOW, created));
            let _ = insert.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }
        for _ in 0..200 {
            if database.count("SELECT COUNT(*) FROM auth_events").await == 1 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(database.count("SELECT COUNT(*) FROM users").await, 1, "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_meets_whom_all_come_to_their_end() {
    for database in each().await {
        let kind = database.kind;
        let stores = [migrated(&database).await, open(&database).await];
        let ada = add_user(&stores[0], "ada@example.com").await;
        let bob = add_user(&stores[0], "bob@example.com").await;
        let mut tasks = Vec::new();
        for n in 0..48 {
            let store = stores[n % 2].clone();
            let (one, other) =
                if n % 4 < 2 { (ada.clone(), bob.id) } else { (bob.clone(), ada.id) };
            tasks.push(tokio::spawn(async move {
                let mut sign_in = record(existing(&one), &format!("s{n}"), NOW);
                let (which, now) = (Which::All, NOW);
                sign_in.replaced = Some(Revocation { user_id: other, which, now, events: vec![] });
                let session = store.sign_in(sign_in).await.unwrap().unwrap().session;
                let step = rotation(&session, &format!("s{n}"), &format!("t{n}"), NOW);
                store.rotate(step).await.unwrap();
                let touch = SessionTouch { id: session.id, seen_at: NOW.plus(9), expires_at: None };
                store.touch(Touches { tokens: vec![], sessions: vec![touch] }).await.unwrap();
                if n % 8 == 3 {
                    store.prune(NOW.plus(3600 * 30), 9).await.unwrap();
                }
                if n % 8 == 7 {
                    store.delete_owned(one.id).await.unwrap();
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        for user in [ada.id, bob.id] {
            stores[0].delete_owned(user).await.unwrap();
        }
        assert_eq!(database.count("SELECT COUNT(*) FROM personal_access_tokens").await, 0);
        assert_eq!(database.count("SELECT COUNT(*) FROM auth_sessions").await, 0, "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_is_tried_again() {
    for database in each().await {
        let kind = database.kind;
        let store = migrated(&database).await;
        let ada = add_user(&store, "ada@example.com").await;
        let mut ids = Vec::new();
        for name in ["a", "b", "c"] {
            ids.push(sign_in(&store, &ada, name).await.session.id);
        }
        // Somebody else takes the sessions in the other order, again and again.
        let script = ids.iter().rev().map(|id| {
            let pause =
                if kind == Kind::Mysql { "DO SLEEP(0.05)" } else { "SELECT pg_sleep(0.05)" };
            format!("UPDATE auth_sessions SET device_name = 'x' WHERE id = {}; {pause};", id.0)
        });
        let script = format!("BEGIN; {} COMMIT;", script.collect::<String>());
        let others = async {
            for _ in 0..4 {
                // Whoever of the two is chosen fails, and this one does not mind.
                let _ = database.try_run(&script).await;
            }
        };
        let ours = async {
            for _ in 0..4 {
                let which = Which::All;
                let revocation = Revocation { user_id: ada.id, which, now: NOW, events: vec![] };
                store.revoke_sessions(revocation).await.unwrap();
                let sql = "UPDATE auth_sessions SET revoked_at = NULL";
                let _ = database.try_run(sql).await;
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        };
        tokio::join!(others, ours);
    }
}

#[tokio::test]
async fn connections_that_died_are_nobodys_trouble() {
    for database in each().await {
        let kind = database.kind;
        let store = migrated(&database).await;
        let ada = add_user(&store, "ada@example.com").await;
        for n in 0..3 {
            database.end_connections().await;
            assert_eq!(store.find_user(ada.id).await.unwrap().as_ref(), Some(&ada), "{kind:?}");
            database.end_connections().await;
            add_user(&store, &format!("bob{n}@example.com")).await;
        }
    }
}

/// As behind a pooler that knows no prepared statements.
#[tokio::test]
async fn no_statement_has_to_be_prepared() {
    for database in each().await {
        let mut config = database.config();
        let url = config.connector.url.unwrap();
        config.connector.url = Some(format!("{url}&statement_cache_capacity=0"));
        let store = SqlStore::open(&config).await.unwrap();
        store.migrate(NOW).await.unwrap();
        let ada = add_user(&store, "ada@example.com").await;
        let session = sign_in(&store, &ada, "a").await.session;
        assert!(store.rotate(rotation(&session, "a", "b", NOW)).await.unwrap().is_some());
        assert_eq!(store.list_sessions(ada.id, NOW).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn ids_are_never_used_again() {
    for database in each().await {
        let store = migrated(&database).await;
        let ada = add_user(&store, "ada@example.com").await;
        let deleted = event(EventKind::UserDeleted);
        assert!(store.delete_account(ada.id, None, deleted).await.unwrap());
        assert!(add_user(&store, "ada@example.com").await.id > ada.id);
    }
}

#[tokio::test]
async fn letters_case_and_blanks_make_a_difference_where_they_must() {
    for database in each().await {
        let kind = database.kind;
        if kind == Kind::Mysql {
            database.run(crate::databases::LARAVEL_ON_MYSQL).await;
        }
        let store = migrated(&database).await;
        let ada = add_user(&store, "jose@example.com").await;
        let session = sign_in(&store, &ada, "a").await.session;
        for owner in ["User", "user ", "üser"] {
            let hash = Hash::of(owner).to_hex();
            database
                .run(&format!(
                    "INSERT INTO personal_access_tokens (tokenable_type, tokenable_id, name, token)
                 VALUES ('{owner}', {}, 'theirs', '{hash}')",
                    ada.id.0
                ))
                .await;
            assert!(
                store.find_token(&Hash::of(owner)).await.unwrap().is_none(),
                "{kind:?} {owner}"
            );
        }
        assert!(store.list_tokens(ada.id).await.unwrap().is_empty(), "{kind:?}");
        let hash = Hash::of("upper").to_hex().to_uppercase();
        database
            .run(&format!(
                "INSERT INTO personal_access_tokens (tokenable_type, tokenable_id, name, token)
             VALUES ('user', {}, 'ours', '{hash}')",
                ada.id.0
            ))
            .await;
        assert!(store.find_token(&Hash::of("upper")).await.unwrap().is_none(), "{kind:?}");
        for id in ["PUBLIC-A", "public-a ", "public-a\0", "public-á"] {
            assert!(store.find_session_by_public_id(id).await.unwrap().is_none(), "{kind:?} {id}");
        }
        assert!(store.find_session_by_public_id(&session.public_id).await.unwrap().is_some());
        let found = async |text: &str| store.find_account_by_email(&email(text)).await.unwrap();
        assert!(found("josé@example.com").await.is_none(), "{kind:?}");
        assert!(found("JOSE@example.com").await.is_some(), "{kind:?}");
        assert!(store.delete_account(ada.id, None, event(EventKind::UserDeleted)).await.unwrap());
        let left = "SELECT COUNT(*) FROM personal_access_tokens WHERE name = 'theirs'";
        assert_eq!(database.count(left).await, 3, "{kind:?}");
    }
}

/// In a table of others whose index, if it has one, takes no note of accents and case.
#[tokio::test]
async fn accounts_that_differ_by_an_accent_are_two_and_one_email_twice_is_nobodys() {
    let Some(database) = Database::new(Kind::Mysql).await else { return };
    database.run(&crate::databases::LARAVEL_ON_MYSQL.replace("NOT NULL UNIQUE", "NOT NULL")).await;
    let store = migrated(&database).await;
    for address in ["jose@x.y", "josé@x.y", "josè@x.y", "JOSÈ@x.y", "jose@x.y ", "jösé@x.y"] {
        let row = format!("VALUES ('Jo', '{address}', 'hash')");
        database.run(&format!("INSERT INTO users (name, email, password) {row}")).await;
    }
    let found = async |text: &str| {
        let account = store.find_account_by_email(&email(text)).await.unwrap();
        account.map(|account| account.user.id.0)
    };
    assert_eq!(found("jose@x.y").await, Some(1));
    assert_eq!(found("JOSÉ@x.y").await, Some(2));
    assert_eq!(found("josè@x.y").await, None, "there are two");
    assert_eq!(found("JOSÈ@x.y").await, None, "there are two");
    assert_eq!(found("jösé@x.y").await, Some(6), "however many look like it");
    assert_eq!(found("jôse@x.y").await, None, "there is none");
}

/// The tests' servers are at +05:30: both types of column hold the time of UTC all the same, as
/// Laravel reads and writes it in a session of that zone.
#[tokio::test]
async fn times_are_those_of_utc_in_columns_of_either_type() {
    for database in each().await {
        let kind = database.kind;
        let store = migrated(&database).await;
        let types = match kind {
            Kind::Mysql => ["DATETIME", "TIMESTAMP NULL"],
            Kind::Postgres => ["TIMESTAMP(0)", "TIMESTAMP"],
        };
        for (n, of_type) in types.into_iter().enumerate() {
            let change = match kind {
                Kind::Mysql => {
                    format!("MODIFY expires_at {of_type}, MODIFY last_used_at {of_type}")
                }
                Kind::Postgres => format!("ALTER expires_at TYPE {of_type}"),
            };
            database.run(&format!("ALTER TABLE personal_access_tokens {change}")).await;
            let ada = add_user(&store, &format!("ada{n}@example.com")).await;
            let mut token = new_token(&format!("t{n}"));
            token.expires_at = Some(NOW);
            let created = event(EventKind::AuthnTokenCreated);
            let issue =
                TokenIssue { user_id: ada.id, token, by: None, limit: 9, now: NOW, event: created };
            let token = store.insert_token(issue).await.unwrap().token().unwrap();
            assert_eq!(token.expires_at, Some(NOW), "{of_type}");
            let touches = Touches { tokens: vec![(token.id, NOW)], sessions: vec![] };
            store.touch(touches).await.unwrap();
            let text = NOW.to_sql();
            let sql = format!(
                "SELECT COUNT(*) FROM personal_access_tokens WHERE id = {} AND expires_at = '{text}'
                 AND last_used_at = '{text}'", token.id.0
            );
            assert_eq!(database.count(&sql).await, 1, "{kind:?} {of_type}");
            assert_eq!(store.prune(NOW, 9).await.unwrap().tokens, 0);
            assert_eq!(store.prune(NOW.plus(1), 9).await.unwrap().tokens, 1, "{kind:?} {of_type}");
        }
    }
}

#[tokio::test]
async fn columns_are_shown_as_they_are_stored() {
    for database in each().await {
        let kind = database.kind;
        let columns = match kind {
            Kind::Postgres => "is_admin BOOLEAN DEFAULT true, plan SMALLINT DEFAULT 7,
                quota NUMERIC(10, 2) DEFAULT 12.5, share REAL DEFAULT 0.5, born DATE DEFAULT '1999-12-31',
                extra JSONB DEFAULT '[1]', avatar BYTEA DEFAULT 'x', code CHAR(2) DEFAULT 'ab',
                uid UUID DEFAULT '00112233-4455-6677-8899-aabbccddeeff', seen TIMESTAMPTZ DEFAULT '2000-01-01Z'",
            Kind::Mysql => "is_admin TINYINT(1) DEFAULT 1, plan SMALLINT UNSIGNED DEFAULT 7,
                quota DECIMAL(10, 2) DEFAULT 12.5, share FLOAT DEFAULT 0.5, born DATE DEFAULT '1999-12-31',
                extra JSON DEFAULT ('[1]'), avatar VARBINARY(9) DEFAULT x'00ff', code CHAR(2) DEFAULT 'ab',
                uid VARBINARY(36) DEFAULT '00112233-4455-6677-8899-aabbccddeeff',
                seen DATETIME DEFAULT '2000-01-01'",
        };
        let store = migrated(&database).await;
        let added: Vec<String> = columns
            .split(", ")
            .flat_map(|part| {
                part.split(",\n").map(str::trim).map(str::to_owned).collect::<Vec<_>>()
            })
            .collect();
        let added = added
            .join(", ")
            .replace("NUMERIC(10, 2)", "NUMERIC(10,2)")
            .replace("DECIMAL(10, 2)", "DECIMAL(10,2)");
        for column in added.split(", ") {
            database.run(&format!("ALTER TABLE users ADD COLUMN {column}")).await;
        }
        let mut config = database.config();
        let names = [
            "is_admin", "plan", "quota", "share", "born", "extra", "avatar", "code", "uid", "seen",
        ];
        config.user_columns = names.map(String::from).into();
        add_user(&store, "ada@example.com").await;
        let store = SqlStore::open(&config).await.unwrap();
        store.prepare(NOW).await.expect("columns that are only shown may be of any type");
        let user = store.list_users(UserId(0), 9).await.unwrap().remove(0);
        let yes = if kind == Kind::Postgres { serde_json::json!(true) } else { 1.into() };
        assert_eq!(
            serde_json::to_value(&user.columns).unwrap(),
            serde_json::json!({
                "is_admin": yes, "plan": 7, "quota": "12.50", "share": 0.5, "born": "1999-12-31",
                "extra": "[1]", "avatar": null, "code": "ab",
                "uid": "00112233-4455-6677-8899-aabbccddeeff", "seen": "2000-01-01 00:00:00",
            }),
            "{kind:?}"
        );
    }
}

/// What has no end lives for ever: a date of zeroes is no null.
#[tokio::test]
async fn a_date_of_zeroes_where_an_end_belongs_is_an_error() {
    let Some(database) = Database::new(Kind::Mysql).await else { return };
    let store = migrated(&database).await;
    let ada = add_user(&store, "ada@example.com").await;
    sign_in(&store, &ada, "a").await;
    let access = Hash::of("access of a");
    assert!(store.find_token(&access).await.unwrap().is_some());
    database
        .run("SET sql_mode = ''; UPDATE personal_access_tokens SET expires_at = '0000-00-00'")
        .await;
    assert!(store.find_token(&access).await.is_err());
}

#[tokio::test]
async fn looking_changes_nothing() {
    for database in each().await {
        let kind = database.kind;
        let store = SqlStore::inspect(&database.config()).await.unwrap();
        assert!(store.pretend().await.unwrap().contains("CREATE TABLE"));
        assert!(store.migrate(NOW).await.is_err(), "{kind:?}");
        let tables =
            "SELECT COUNT(*) FROM information_schema.tables WHERE table_name = 'adyton_migrations'
                      AND table_schema IN ('public', '{}')"
                .replace("{}", &database.name);
        assert_eq!(database.count(&tables).await, 0, "{kind:?}");
    }
}

#[tokio::test]
async fn plain_text_tokens_are_imported() {
    for database in each().await {
        let store = migrated(&database).await;
        let ada = add_user(&store, "ada@example.com").await;
        database.run("ALTER TABLE users ADD COLUMN token VARCHAR(255)").await;
        database
            .run(&format!("UPDATE users SET token = 'plain-text-of-ada' WHERE id = {}", ada.id.0))
            .await;
        let report = store.import_plaintext_tokens(NOW, |_, _| ()).await.unwrap();
        assert_eq!((report.imported, report.malformed, report.duplicates), (1, vec![], vec![]));
        let found = store.find_token(&Hash::of("plain-text-of-ada")).await.unwrap().unwrap();
        assert_eq!(found.token.user_id, ada.id);
        assert_eq!(database.count("SELECT COUNT(*) FROM users WHERE token IS NOT NULL").await, 0);
    }
}

/// What is told, with all that led to it.
fn told(error: &SqlError) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text += &format!(": {error} {error:?}");
        source = error.source();
    }
    text
}

async fn refused(url: String) -> String {
    let mut config = Config::default();
    config.connector.url = Some(url);
    let text = told(&SqlStore::open(&config).await.err().unwrap());
    assert!(!text.contains("31337"), "{text}");
    text
}

#[tokio::test]
async fn what_is_wrong_is_told_with_what_mends_it() {
    for database in each().await {
        let kind = database.kind;
        let text = refused(database.url().replace(&database.name, "adyton_none")).await;
        assert!(text.contains("CREATE DATABASE") && text.contains("adyton_none"), "{text}");
        let scheme = if kind == Kind::Postgres { "postgres" } else { "mysql" };
        let text = refused(format!("{scheme}://ada:31337@127.0.0.1:9/app")).await;
        assert!(text.contains("cannot reach the database") && text.contains(":9/app"), "{text}");
        let text = refused(database.url_as("nobody_here", "31337")).await;
        let known = ["refuses the user or the password", "role"];
        assert!(known.iter().any(|known| text.contains(known)), "{text}");
    }
}

#[tokio::test]
async fn who_may_not_is_told_what_an_administrator_has_to_say() {
    for database in each().await {
        let kind = database.kind;
        let user = database.name.replace("adyton_test", "user");
        let made = match kind {
            Kind::Postgres => format!("CREATE ROLE {user} LOGIN PASSWORD '31337'"),
            Kind::Mysql => format!(
                "CREATE USER {user} IDENTIFIED BY '31337'; GRANT SELECT ON {}.* TO {user}",
                database.name
            ),
        };
        database.on_server(&made).await;
        let mut config = Config::default();
        config.connector.url = Some(database.url_as(&user, "31337"));
        let store = SqlStore::open(&config).await.unwrap();
        let text = told(&store.migrate(NOW).await.unwrap_err());
        assert!(
            text.contains("GRANT") && text.contains(&user) && !text.contains("31337"),
            "{text}"
        );
        migrated(&database).await;
        let text = told(&store.migrate(NOW).await.err().unwrap_or(SqlError::Busy));
        drop(store);
        if kind == Kind::Postgres {
            assert!(text.contains("GRANT SELECT, INSERT"), "{text}");
        }
        let gone = if kind == Kind::Postgres { "ROLE" } else { "USER" };
        database.on_server(&format!("DROP {gone} {user}")).await;
    }
}

/// Before it serves, and not with a 503 for each sign-in.
#[tokio::test]
async fn a_node_that_may_only_read_and_a_table_of_ours_without_a_column_are_refused() {
    for database in each().await {
        let kind = database.kind;
        let store = migrated(&database).await;
        let user = database.name.replace("adyton_test", "reader");
        let (made, gone) = match kind {
            Kind::Postgres => ("LOGIN PASSWORD", "ROLE"),
            Kind::Mysql => ("IDENTIFIED BY", "USER"),
        };
        database.on_server(&format!("CREATE {gone} {user} {made} '31337'")).await;
        let mut config = Config::default();
        config.connector.url = Some(database.url_as(&user, "31337"));
        let grant = async |what: &str, on: &str| {
            database.run(&format!("GRANT {what} ON {on} TO {user}")).await;
        };
        let own = "auth_sessions auth_superseded_tokens auth_devices auth_events";
        for table in format!("adyton_migrations users personal_access_tokens {own}").split(' ') {
            grant("SELECT", table).await;
        }
        let reader = SqlStore::open(&config).await.unwrap();
        for table in format!("personal_access_tokens {own}").split(' ') {
            for right in ["INSERT", "UPDATE", "DELETE"] {
                let refused = reader.prepare(NOW).await;
                assert!(matches!(refused, Err(SqlError::NoRights { .. })), "{kind:?} {table}");
                grant(right, table).await;
            }
        }
        reader.prepare(NOW).await.expect("it need not write users");
        if kind == Kind::Postgres {
            let serial = "ALTER TABLE personal_access_tokens ALTER id DROP IDENTITY;
                CREATE SEQUENCE keys OWNED BY personal_access_tokens.id;
                ALTER TABLE personal_access_tokens ALTER id SET DEFAULT nextval('keys')";
            database.run(serial).await;
            let refused = told(&reader.prepare(NOW).await.unwrap_err());
            let cure = format!("GRANT USAGE ON SEQUENCE public.keys TO {user}");
            assert!(refused.contains(&cure), "{refused}");
            database.run(&cure).await;
            reader.prepare(NOW).await.expect("it may draw keys now");
        }
        drop(reader);
        database.run("ALTER TABLE auth_sessions DROP COLUMN salt").await;
        let error = told(&store.prepare(NOW).await.unwrap_err());
        assert!(error.contains("`auth_sessions` has no column `salt`; "), "{kind:?}: {error}");
        if kind == Kind::Postgres {
            database.run(&format!("DROP OWNED BY {user}")).await;
        }
        database.on_server(&format!("DROP {gone} {user}")).await;
    }
}

#[tokio::test]
async fn a_table_that_cannot_be_adopted_is_refused() {
    for database in each().await {
        let kind = database.kind;
        let text = "name VARCHAR(9), email VARCHAR(99), password VARCHAR(99), created_at TIMESTAMP NULL, updated_at TIMESTAMP NULL";
        let mut cases = vec![
            (format!("id VARCHAR(36) PRIMARY KEY, {text}"), "no integer key"),
            (format!("id BIGINT PRIMARY KEY, {text}"), "no integer key"),
            ("id BIGINT PRIMARY KEY, name VARCHAR(9)".to_owned(), "no column `email`"),
        ];
        if kind == Kind::Postgres {
            let text = text.replace("created_at TIMESTAMP NULL", "created_at TEXT");
            cases.push((
                format!("id SERIAL PRIMARY KEY, {text}"),
                "`created_at` of the table `users` is of type `text`",
            ));
        } else {
            let table = format!("id BIGINT AUTO_INCREMENT PRIMARY KEY, {text}");
            cases.push((
                format!("{table}) ENGINE = MyISAM COMMENT = ('x'").replace("COMMENT = ('x'", ""),
                "ENGINE = InnoDB",
            ));
        }
        for (columns, problem) in cases {
            let end = if columns.contains("ENGINE") { "" } else { ")" };
            database.run(&format!("CREATE TABLE users ({columns}{end}")).await;
            let error = told(&open(&database).await.migrate(NOW).await.unwrap_err());
            assert!(error.contains(problem), "{error}");
            database.run("DROP TABLE users").await;
        }
    }
}

/// Where `scripts/services` has made a certificate.
#[tokio::test]
async fn tls_is_used_and_checked_as_asked() {
    #[expect(clippy::disallowed_methods, reason = "whoever runs the tests names the certificate")]
    let Ok(authority) = std::env::var("ADYTON_TEST_CA") else {
        eprintln!("skipped: needs ADYTON_TEST_CA");
        return;
    };
    for database in each().await {
        let url = database.url().replace("127.0.0.1", "localhost");
        let joint = if url.contains('?') { '&' } else { '?' };
        for mode in ["require", "verify-ca", "verify-full"] {
            let mut config = Config::default();
            config.connector.url =
                Some(format!("{url}{joint}ssl_mode={mode}&ssl_root_cert={authority}"));
            SqlStore::open(&config).await.unwrap();
        }
        let text = refused(format!("{url}{joint}ssl_mode=verify-full")).await;
        assert!(text.contains("cannot reach the database"), "{text}");
    }
}
