//! Changes by others on PostgreSQL: what is told of, by whom, and what becomes of verified tokens
//! in memory when nobody tells any more.

use crate::databases::{Database, Kind};
use crate::world::{NOW, World, add_user, event, sign_in};
use adyton_core::clock::SystemClock;
use adyton_core::config::Config;
use adyton_core::event::EventKind;
use adyton_core::secret::{Hash, Salt};
use adyton_core::store::{
    Revocation, SessionStore, SessionTouch, Store, TokenStore, Touches, Which,
};
use adyton_core::token::TokenId;
use adyton_core::{Auth, Error};
use adyton_sql::{SqlError, SqlStore, TriggerState};
use std::cell::Cell;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Longer than the pause before triggers are looked for again.
const SOON: Duration = Duration::from_secs(6);

/// A node on a migrated database with triggers.
struct Node {
    database: Database,
    here: SqlStore,
}

impl Node {
    /// A migrated database with triggers, and a node on it.
    async fn new() -> Option<Self> {
        let database = Database::new(Kind::Postgres).await?;
        let here = SqlStore::open(&database.config()).await.unwrap();
        here.migrate(NOW).await.unwrap();
        here.install_triggers().await.unwrap();
        Some(Self { database, here })
    }

    async fn another_node(&self) -> SqlStore {
        SqlStore::open(&self.database.config()).await.unwrap()
    }

    /// Whether a node hears of these statements of somebody else.
    async fn hears(&self, sql: &str) -> bool {
        let before = number(&self.here).await;
        self.database.run(sql).await;
        number(&self.here).await != before
    }
}

async fn number(store: &SqlStore) -> i64 {
    store.change_counter().await.unwrap().expect("it hears of changes")
}

/// The number, once there is one, or once there is none any more.
async fn until(store: &SqlStore, there: bool) -> Option<i64> {
    let start = Instant::now();
    loop {
        let answer = store.change_counter().await.unwrap_or(None);
        if answer.is_some() == there {
            return answer;
        }
        assert!(start.elapsed() < SOON, "the number is {answer:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn without_triggers_there_is_no_number_and_they_may_come_and_go_while_it_runs() {
    let Some(database) = Database::new(Kind::Postgres).await else { return };
    let store = SqlStore::open(&database.config()).await.unwrap();
    store.migrate(NOW).await.unwrap();
    assert_eq!(store.triggers().await.unwrap(), TriggerState::Missing);
    assert_eq!(store.change_counter().await.unwrap(), None);

    assert!(store.install_triggers().await.unwrap());
    assert!(!store.install_triggers().await.unwrap(), "there is nothing to do twice");
    assert_eq!(store.triggers().await.unwrap(), TriggerState::Installed);
    let first = until(&store, true).await;

    database.run("ALTER TABLE personal_access_tokens DISABLE TRIGGER adyton_tells").await;
    assert_eq!(store.change_counter().await.unwrap(), None, "at once, not at the next look");
    assert_eq!(store.triggers().await.unwrap(), TriggerState::Missing);
    database.run("ALTER TABLE personal_access_tokens ENABLE TRIGGER adyton_tells").await;
    assert_ne!(until(&store, true).await, first, "what happened meanwhile is not known");

    store.remove_triggers().await.unwrap();
    assert_eq!(store.change_counter().await.unwrap(), None);
    assert_eq!(
        database.count("SELECT COUNT(*) FROM pg_proc WHERE proname = 'adyton_tell'").await,
        0
    );
    store.remove_triggers().await.unwrap();
}

/// As a restore of rows does it, in one transaction or between two questions.
#[tokio::test]
async fn what_is_done_while_triggers_are_off_for_a_moment_counts() {
    let Some(world) = Node::new().await else { return };
    for (off, on) in [
        ("DISABLE TRIGGER ALL", "ENABLE TRIGGER ALL"),
        ("DISABLE TRIGGER USER", "ENABLE ALWAYS TRIGGER adyton_tells"),
    ] {
        let table = "ALTER TABLE personal_access_tokens";
        let script = format!("{table} {off}; DELETE FROM personal_access_tokens; {table} {on};");
        assert!(world.hears(&format!("BEGIN; {script} COMMIT")).await, "{off}");
        assert!(world.hears(&script).await, "{off}");
    }
    assert!(!world.hears("SELECT 1").await);
}

#[tokio::test]
async fn what_others_do_to_credentials_and_users_is_heard_of_and_uses_are_not() {
    let Some(world) = Node::new().await else { return };
    let ada = add_user(&world.here, "ada@example.com").await;
    for secret in ["a", "b", "c"] {
        sign_in(&world.here, &ada, secret).await;
    }
    world.database.run("ALTER TABLE users ADD COLUMN remember_token VARCHAR(100)").await;
    for sql in [
        "UPDATE personal_access_tokens SET last_used_at = now(), updated_at = now()",
        "UPDATE auth_sessions SET last_seen_at = now()",
        "UPDATE auth_sessions SET expires_at = expires_at + interval '1 hour'",
        "UPDATE auth_sessions SET salt = NULL",
        "UPDATE users SET remember_token = 'x'",
        "INSERT INTO auth_events (event, count, created_at) VALUES ('x', 1, now())",
        "INSERT INTO users (name, email, password) VALUES ('Ben', 'ben@example.com', 'x')",
        "CREATE TABLE others (id BIGINT); NOTIFY adyton, 'not for us'",
        "BEGIN; DELETE FROM personal_access_tokens; ROLLBACK",
    ] {
        assert!(!world.hears(sql).await, "{sql}");
    }
    for sql in [
        "UPDATE personal_access_tokens SET abilities = '[]'",
        "UPDATE personal_access_tokens SET expires_at = now()",
        "UPDATE personal_access_tokens SET tokenable_id = 7",
        "UPDATE personal_access_tokens SET tokenable_type = 'other'",
        "UPDATE personal_access_tokens SET token = id::text",
        "UPDATE auth_sessions SET revoked_at = now() WHERE id = 1",
        "UPDATE auth_sessions SET expires_at = expires_at - interval '1 day'",
        "UPDATE auth_sessions SET abilities = '[]'",
        "UPDATE auth_sessions SET secret_hash = id::text",
        "DELETE FROM personal_access_tokens WHERE id = 1",
        "TRUNCATE personal_access_tokens",
        "DELETE FROM auth_sessions WHERE id = 1",
        "TRUNCATE auth_sessions",
        "UPDATE users SET name = 'Eve'",
        "UPDATE users SET password = 'x'",
        "DELETE FROM users",
        "TRUNCATE users",
        "SET adyton.node = 'somebody'; DELETE FROM users",
    ] {
        assert!(world.hears(sql).await, "{sql}");
    }
}

#[tokio::test]
async fn what_a_node_does_itself_moves_the_numbers_of_the_others_alone() {
    let Some(world) = Node::new().await else { return };
    let (here, there) = (&world.here, &world.another_node().await);
    let ada = add_user(here, "ada@example.com").await;
    let [first, second] = ["a", "b"].map(|secret| sign_in(here, &ada, secret));
    let (first, _) = (first.await, second.await);
    let before = (number(here).await, number(there).await);

    let seen_at = NOW.plus(60);
    let touch = SessionTouch { id: first.session.id, seen_at, expires_at: Some(NOW.plus(90_000)) };
    let touches = Touches { tokens: vec![(TokenId(1), seen_at)], sessions: vec![touch] };
    here.touch(touches).await.unwrap();
    assert_eq!((number(here).await, number(there).await), before, "a use is nobody's business");

    let which = Which::One(first.session.id);
    let events = vec![event(EventKind::SessionRevoked)];
    let end = Revocation { user_id: ada.id, which, now: NOW, events };
    here.revoke_sessions(end).await.unwrap();
    assert_eq!(number(here).await, before.0);
    assert_ne!(number(there).await, before.1);
}

#[tokio::test]
async fn triggers_follow_the_names_of_tables_and_columns() {
    let Some(database) = Database::new(Kind::Postgres).await else { return };
    let mut config = database.config();
    let store = SqlStore::open(&config).await.unwrap();
    store.migrate(NOW).await.unwrap();
    store.install_triggers().await.unwrap();

    database.run("ALTER TABLE users ADD COLUMN avatar VARCHAR(9)").await;
    config.user_columns = vec!["avatar".into()];
    let store = SqlStore::open(&config).await.unwrap();
    assert_eq!(store.triggers().await.unwrap(), TriggerState::Missing, "nobody watches the avatar");
    assert!(
        store.pretend_triggers().await.unwrap().contains(r#""updated_at", "avatar" ON "users""#)
    );
    assert!(store.install_triggers().await.unwrap());
    let first = number(&store).await;
    database.run("UPDATE users SET avatar = 'cat'").await;
    assert_ne!(number(&store).await, first);

    let forget = "DELETE FROM adyton_migrations WHERE table_name = 'personal_access_tokens'";
    database.run(forget).await;
    config.token_table = "order".into();
    let store = SqlStore::open(&config).await.unwrap();
    store.migrate(NOW).await.unwrap();
    assert_eq!(store.change_counter().await.unwrap(), None);
    assert!(store.install_triggers().await.unwrap());
    let first = until(&store, true).await;
    database.run("DELETE FROM personal_access_tokens").await;
    assert_eq!(store.change_counter().await.unwrap(), first, "that is another app's table");
    database.run("ALTER TABLE users RENAME TO people").await;
    config.auth_table = "people".into();
    let store = SqlStore::open(&config).await.unwrap();
    assert_eq!(store.triggers().await.unwrap(), TriggerState::Installed);
}

#[tokio::test]
async fn who_may_not_install_triggers_is_told_what_would_help() {
    let Some(database) = Database::new(Kind::Postgres).await else { return };
    let store = SqlStore::open(&database.config()).await.unwrap();
    store.migrate(NOW).await.unwrap();
    let role = format!("role_{}", database.name);
    let grant = format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'x';
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"
    );
    database.run(&grant).await;
    let mut config = database.config();
    let url = config.connector.url.clone().unwrap();
    let (_, place) = url.split_once('@').unwrap();
    config.connector.url = Some(format!("postgres://{role}:x@{place}"));
    let theirs = SqlStore::open(&config).await.unwrap();
    let refused = theirs.install_triggers().await.unwrap_err();
    database.run("GRANT TRIGGER ON ALL TABLES IN SCHEMA public TO PUBLIC; GRANT CREATE ON SCHEMA public TO PUBLIC").await;
    assert!(theirs.install_triggers().await.unwrap(), "these are all the rights that it takes");
    assert!(until(&theirs, true).await.is_some());
    drop(theirs);
    database
        .run(&format!(
            "REASSIGN OWNED BY {role} TO CURRENT_USER; DROP OWNED BY {role}; DROP ROLE {role}"
        ))
        .await;
    let SqlError::NoRights { cure, .. } = &refused else { panic!("{refused}") };
    assert!(cure.starts_with(r#"GRANT TRIGGER ON "users", "personal_access_tokens""#), "{cure}");
    assert!(
        cure.contains(&format!(r#"GRANT USAGE, CREATE ON SCHEMA public TO "{role}""#)),
        "{cure}"
    );
}

#[tokio::test]
async fn other_databases_have_no_triggers_and_say_what_to_do() {
    let world = World::new();
    let store = world.migrated().await;
    assert_eq!(store.triggers().await.unwrap(), TriggerState::Unsupported);
    let refused = store.install_triggers().await.unwrap_err().to_string();
    assert!(refused.contains("tells of changes by itself"), "{refused}");
    let Some(database) = Database::new(Kind::Mysql).await else { return };
    let store = SqlStore::open(&database.config()).await.unwrap();
    store.migrate(NOW).await.unwrap();
    assert_eq!(store.change_counter().await.unwrap(), None);
    for refused in [store.install_triggers().await.map(drop), store.remove_triggers().await] {
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("`cache.enabled = \"exclusive\"`"), "{refused}");
    }
}

/// As behind a pooler that shares connections: what is sent never arrives.
#[tokio::test]
async fn nothing_is_believed_where_notifications_do_not_arrive() {
    let Some(world) = Node::new().await else { return };
    let (name, nothing) = (&world.database.name, "LANGUAGE sql AS 'SELECT'");
    let sql = format!(
        "CREATE FUNCTION pg_notify(text, text) RETURNS void {nothing};
         ALTER DATABASE {name} SET search_path = public, pg_catalog"
    );
    world.database.run(&sql).await;
    let deaf = world.another_node().await;
    assert_eq!(deaf.triggers().await.unwrap(), TriggerState::Installed);
    assert_eq!(deaf.change_counter().await.unwrap(), None);
}

#[tokio::test]
async fn after_a_commit_without_an_answer_a_node_believes_not_even_itself() {
    let Some(world) = Node::new().await else { return };
    let ada = add_user(&world.here, "ada@example.com").await;
    let [first, second] = ["a", "b"].map(|secret| sign_in(&world.here, &ada, secret));
    let (first, second) = (first.await.session.id, second.await.session.id);
    let slow_commit = "
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN PERFORM pg_sleep(20); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON auth_events DEFERRABLE INITIALLY DEFERRED
          FOR EACH ROW EXECUTE FUNCTION slow()";
    world.database.run(slow_commit).await;
    let end = |id| {
        let events = vec![event(EventKind::SessionRevoked)];
        let end = Revocation { user_id: ada.id, which: Which::One(id), now: NOW, events };
        world.here.revoke_sessions(end)
    };
    let (lost, ()) = tokio::join!(end(first), async {
        let ended = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
                     WHERE query = 'COMMIT' AND state = 'active' AND datname = current_database()";
        while world.database.count(ended).await == 0 {
            sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(lost.is_err());
    world.database.run("DROP TRIGGER slow ON auth_events").await;
    let before = number(&world.here).await;
    end(second).await.unwrap();
    assert_ne!(number(&world.here).await, before);
}

/// An engine with a token of Laravel's in its memory.
struct Warm {
    world: Node,
    auth: Auth,
    token: String,
}

impl Warm {
    async fn new() -> Option<Self> {
        let world = Node::new().await?;
        let token = Salt::draw().unwrap().to_hex()[..40].to_owned();
        let hash = Hash::of(&token).to_hex();
        let laravel = format!(
            "INSERT INTO users (name, email, password) VALUES ('Ada', 'ada@example.com', 'x');
             INSERT INTO personal_access_tokens (tokenable_type, tokenable_id, name, token, abilities)
             VALUES ('user', 1, 'ci', '{hash}', '[\"*\"]')"
        );
        world.database.run(&laravel).await;
        let mut config: Config = world.database.config();
        config.compat.sanctum_tokens = Some(true);
        let (store, clock) = (Arc::new(world.here.clone()), Arc::new(SystemClock::default()));
        let warm = Self { auth: Auth::new(config, store, clock).unwrap(), world, token };
        warm.heat().await;
        Some(warm)
    }

    /// Until its answers come from memory.
    async fn heat(&self) {
        let start = Instant::now();
        while self.reads().await > 20 {
            assert!(start.elapsed() < SOON, "the token is never in memory");
        }
    }

    /// How many look-ups a hundred requests cost.
    async fn reads(&self) -> u32 {
        let mut slow = 0;
        for _ in 0..100 {
            // What is in memory is answered without waiting for anybody.
            let answer = is_ready(self.auth.authenticate(&self.token)).await;
            slow += u32::from(!answer);
            sleep(Duration::from_millis(1)).await;
        }
        slow
    }

    /// Has another program delete the token while calls go on: how late the last one began by
    /// which it still worked.
    async fn lateness(&self) -> Duration {
        let deleted = Cell::new(None::<Instant>);
        let delete = async {
            self.world.database.run("DELETE FROM personal_access_tokens").await;
            deleted.set(Some(Instant::now()));
        };
        let calls = async {
            let mut latest = Instant::now();
            while deleted.get().is_none_or(|at| at.elapsed() < 4 * LATE) {
                let asked = Instant::now();
                match self.auth.authenticate(&self.token).await {
                    Ok(_) => latest = asked,
                    Err(Error::Unauthenticated(_)) => {}
                    Err(other) => panic!("{other}"),
                }
                sleep(Duration::from_millis(1)).await;
            }
            latest
        };
        let ((), latest) = tokio::join!(delete, calls);
        latest.saturating_duration_since(deleted.get().unwrap())
    }
}

/// Whether a future is ready at once; if not, it is waited for.
async fn is_ready<T>(future: impl Future<Output = T>) -> bool {
    let mut future = std::pin::pin!(future);
    let mut polls = 0;
    std::future::poll_fn(|context| {
        polls += 1;
        future.as_mut().poll(context)
    })
    .await;
    polls == 1
}

/// How late anybody may be.
const LATE: Duration = Duration::from_millis(100);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_laravel_deletes_is_refused_within_the_lease() {
    let Some(warm) = Warm::new().await else { return };
    let late = warm.lateness().await;
    println!("worked for {late:?} after another program had deleted it");
    assert!(late < LATE, "{late:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_makes_misses_until_it_is_back() {
    let Some(warm) = Warm::new().await else { return };
    let before = number(&warm.world.here).await;
    let ended = warm.world.database.count(
        "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE application_name = 'adyton changes' AND datname = current_database()",
    );
    assert!(ended.await > 0);
    let asked = warm.world.here.change_counter().await;
    assert!(!matches!(asked, Ok(Some(number)) if number == before), "{asked:?}");
    let late = warm.lateness().await;
    assert!(late < LATE, "{late:?}");
    assert_ne!(until(&warm.world.here, true).await, Some(before), "what was missed counts");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_stalls_makes_misses_and_never_lies() {
    let Some(warm) = Warm::new().await else { return };
    let listener = warm.world.database.count(
        "SELECT pid::bigint FROM pg_stat_activity
         WHERE application_name = 'adyton changes' AND datname = current_database()
         ORDER BY backend_start DESC LIMIT 1",
    );
    let listener = listener.await.to_string();
    let signal =
        |name: &str| Command::new("kill").args([name, &listener]).status().unwrap().success();
    if !signal("-STOP") {
        eprintln!("skipped: needs a PostgreSQL whose processes it may stop");
        return;
    }
    let late = warm.lateness().await;
    let asked = tokio::time::timeout(SOON, until(&warm.world.here, true)).await;
    assert!(signal("-CONT"));
    println!("worked for {late:?} with a channel that stands still");
    assert!(late < LATE, "{late:?}");
    assert!(asked.is_ok(), "a new connection takes its place");
}
