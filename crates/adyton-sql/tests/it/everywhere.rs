//! What holds on every database alike: in a file, on PostgreSQL and on MySQL.

use crate::databases::Database;
use crate::servers::each;
use crate::world::{NOW, World, add_user, rotation, sign_in};
use adyton_core::config::Config;
use adyton_core::secret::Hash;
use adyton_core::session::Session;
use adyton_core::store::{SessionStore, Store};
use adyton_sql::{SqlError, SqlStore};

/// A database of whichever kind, while this lives.
enum Somewhere {
    File(Box<World>),
    Server(Database),
}

impl Somewhere {
    async fn all() -> Vec<Self> {
        let servers = each().await.into_iter().map(Self::Server);
        std::iter::once(Self::File(Box::new(World::with_tables("")))).chain(servers).collect()
    }

    fn config(&self) -> Config {
        match self {
            Self::File(world) => world.config.clone(),
            Self::Server(database) => database.config(),
        }
    }

    async fn run(&self, sql: &str) {
        match self {
            Self::File(world) => world.raw().execute_batch(sql).unwrap(),
            Self::Server(database) => database.run(sql).await,
        }
    }
}

async fn migrated(config: &Config) -> SqlStore {
    let store = SqlStore::open(config).await.unwrap();
    store.migrate(NOW).await.unwrap();
    store
}

/// The same configuration with another name for a table.
fn renamed(mut config: Config, table: &str) -> Config {
    match table {
        "users" => config.auth_table = "others".into(),
        "personal_access_tokens" => config.token_table = "others".into(),
        _ => config.session_table = "others".into(),
    }
    config
}

/// It would end sessions of the first, and take users of the first for its own.
#[tokio::test]
async fn a_second_adyton_with_other_names_in_one_database_is_refused() {
    for place in Somewhere::all().await {
        let first = migrated(&place.config()).await;
        for table in ["users", "personal_access_tokens", "auth_sessions"] {
            let second = SqlStore::open(&renamed(place.config(), table)).await.unwrap();
            for refused in [second.migrate(NOW).await.map(drop), second.prepare(NOW).await] {
                let told = refused.unwrap_err().to_string();
                assert!(told.contains(&format!("the table `{table}` of another")), "{told}");
            }
            second.status().await.unwrap_err();
            first.prepare(NOW).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_table_that_no_other_adyton_uses_is_forgotten_as_the_refusal_says() {
    for place in Somewhere::all().await {
        migrated(&place.config()).await;
        let store = SqlStore::open(&renamed(place.config(), "users")).await.unwrap();
        let told = store.prepare(NOW).await.unwrap_err().to_string();
        place.run(told.rsplit_once(": ").unwrap().1).await;
        assert_eq!(store.migrate(NOW).await.unwrap().created, ["others"]);
        store.prepare(NOW).await.unwrap();
        // The table was not dropped: had somebody used it, they would now be refused.
        let first = SqlStore::open(&place.config()).await.unwrap();
        assert!(matches!(first.prepare(NOW).await, Err(SqlError::OtherAdyton { .. })));
    }
}

#[tokio::test]
async fn one_adyton_may_have_names_of_its_own_and_change_them() {
    for place in Somewhere::all().await {
        place.run("CREATE TABLE users (id INTEGER)").await;
        let mut config = place.config();
        config.auth_table = "members".into();
        config.session_table = "member_sessions".into();
        migrated(&config).await.prepare(NOW).await.unwrap();
        place.run("ALTER TABLE members RENAME TO others").await;
        let store = migrated(&renamed(config, "users")).await;
        store.prepare(NOW).await.unwrap();
        add_user(&store, "ada@example.com").await;
    }
}

/// A later token may get the id of a deleted one.
#[tokio::test]
async fn a_session_whose_access_tokens_were_pruned_points_at_nothing() {
    for place in Somewhere::all().await {
        let store = migrated(&place.config()).await;
        let ada = add_user(&store, "ada@example.com").await;
        let session = sign_in(&store, &ada, "a").await.session;
        store.rotate(rotation(&session, "a", "b", NOW)).await.unwrap().unwrap();
        let pointers = async || {
            let found = store.find_session(&Hash::of("b")).await.unwrap().unwrap();
            let Session { access_token, previous_access_token, revoked_at, .. } = found.session;
            assert_eq!(revoked_at, None);
            (access_token.is_some(), previous_access_token.is_some())
        };
        assert_eq!(pointers().await, (true, true));
        assert_eq!(store.prune(NOW.plus(31), 9).await.unwrap().tokens, 1, "the grace is over");
        assert_eq!(pointers().await, (true, false));
        assert_eq!(store.prune(NOW.plus(3601), 9).await.unwrap().tokens, 1);
        assert_eq!(pointers().await, (false, false));
    }
}
