//! The same on servers, whose planners weigh: few rows are read without an index that there is.
//! PostgreSQL can be told to think otherwise, and MariaDB tells what it had to choose from.

use super::{BOUNDED, NOW, live};
use crate::SqlStore;
use crate::databases::{Database, Kind};
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row, raw_sql};

/// What credentials are found by, at every request; a device is found among those of its user.
const HOT: [&str; 4] = ["hash", "secret_hash", "token", "public_id"];

/// By which of those a text looks for one.
fn hot(text: &str) -> Option<&'static str> {
    let plain = text.replace(['"', '`'], "");
    let (_, condition) = plain.rsplit_once("WHERE ")?;
    let by = |column: &&str| {
        let rest = condition.split_once('.').filter(|(alias, _)| alias.len() == 1);
        rest.map_or(condition, |(_, rest)| rest).starts_with(&format!("{column} = "))
    };
    HOT.into_iter().find(by).filter(|_| !text.contains("auth_devices"))
}

/// What a life of the store runs there, and where.
async fn lived(kind: Kind) -> Option<(Database, Vec<String>)> {
    let database = Database::new(kind).await?;
    let store = SqlStore::open(&database.config()).await.unwrap();
    store.migrate(NOW).await.unwrap();
    store.db.names().forget();
    live(&store).await.unwrap();
    let texts = store.db.names().rendered();
    let bounded = |text: &str| BOUNDED.iter().any(|part| text.replace('`', "\"").contains(part));
    let texts: Vec<_> =
        texts.iter().map(|text| text.to_string()).filter(|text| !bounded(text)).collect();
    assert!(texts.len() > 40, "{}", texts.len());
    let found = |column| texts.iter().any(|text| hot(text) == Some(column));
    assert!(HOT.into_iter().all(found), "{texts:#?}");
    Some((database, texts))
}

#[tokio::test]
async fn no_statement_reads_a_whole_table_on_postgresql() {
    let Some((database, texts)) = lived(Kind::Postgres).await else { return };
    let mut conn = PgConnection::connect(&database.url()).await.unwrap();
    let setting = "
        INSERT INTO personal_access_tokens (tokenable_type, tokenable_id, name, token)
        SELECT 'user', n, 't', n FROM generate_series(1, 999) n;
        ANALYZE personal_access_tokens; SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan";
    conn.execute(raw_sql(setting)).await.unwrap();
    for text in texts {
        let count = (1..99).take_while(|n| text.contains(&format!("${n}"))).count();
        let nulls = vec!["NULL"; count].join(", ");
        let nulls = if count == 0 { nulls } else { format!("({nulls})") };
        let explain = format!("PREPARE p AS {text}; EXPLAIN EXECUTE p{nulls}; DEALLOCATE p");
        let plan = conn.fetch_all(raw_sql(AssertSqlSafe(explain))).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
        assert!(!plan.iter().any(|step| step.contains("Seq Scan")), "{text}\n{plan:#?}");
        let Some(column) = hot(&text) else { continue };
        let by_it = |step: &String| step.contains(&format!("Index Cond: (({column})"));
        assert!(plan.iter().any(by_it), "{text}\n{plan:#?}");
    }
}

#[tokio::test]
async fn every_statement_has_an_index_to_go_by_on_mariadb() {
    let Some((database, texts)) = lived(Kind::Mysql).await else { return };
    let mut conn = MySqlConnection::connect(&database.url()).await.unwrap();
    for text in texts {
        let hot = hot(&text).is_some();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = text
            .replace("LIMIT ?", "LIMIT 9")
            .replace("OFFSET ?", "OFFSET 9")
            .replace('?', "'2027-01-01 00:00:00'");
        let explain = raw_sql(AssertSqlSafe(format!("EXPLAIN {text}")));
        for step in conn.fetch_all(explain).await.unwrap() {
            let tell = |column: &str| step.get::<Option<String>, _>(column);
            let (kind, could, takes) = (tell("type"), tell("possible_keys"), tell("key"));
            let reads = matches!(kind.as_deref(), Some("ALL" | "index"));
            let reads = reads && tell("select_type").as_deref() != Some("INSERT");
            assert!(!reads || could.is_some() && !hot, "{text}\n{kind:?} {could:?} {takes:?}");
        }
    }
}
