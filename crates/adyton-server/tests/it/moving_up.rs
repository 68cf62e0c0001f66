//! The guide "from one file to many nodes", step by step as it stands there.

use crate::world::{Place, Server};
use reqwest::Method;
use sqlx::{AssertSqlSafe, Connection, PgConnection, raw_sql};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// What the guide writes for a database and a Redis that are elsewhere.
const DATABASE: &str = "postgres://adyton:choose-one@db.internal/adyton?ssl_mode=verify-full";
const REDIS: &str = "redis://cache.internal/0";

fn blocks(language: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/many-nodes.md");
    let text = fs::read_to_string(path).unwrap();
    let begin = format!("```{language}\n");
    let blocks = text.split(&begin).skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.map(str::to_owned).collect()
}

/// A role and a database of the same name on a server, which are dropped at the end.
struct Moved {
    server: String,
    name: String,
}

impl Moved {
    async fn to(server: &str) -> Self {
        let name = format!("adyton_guide_{}", std::process::id());
        let moved = Self { server: server.to_owned(), name };
        let [sql] = &blocks("sql")[..] else { panic!("the guide has one block of SQL") };
        for statement in sql.split_inclusive(';').filter(|statement| statement.contains(';')) {
            moved.say(&statement.replace("adyton", &moved.name)).await;
        }
        moved
    }

    async fn say(&self, sql: &str) {
        let mut conn = PgConnection::connect(&self.server).await.unwrap();
        raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut conn).await.unwrap();
    }

    fn url(&self) -> String {
        let host = self.server.rsplit('@').next().unwrap().split('/').next().unwrap();
        format!("postgres://{0}:choose-one@{host}/{0}", self.name)
    }

    async fn end(self) {
        self.say(&format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
        self.say(&format!("DROP ROLE {}", self.name)).await;
    }
}

/// Runs lines of the guide in a shell that knows `adyton`.
fn run(place: &Place, lines: &str) {
    let programs = place.path("bin");
    if !programs.exists() {
        fs::create_dir(&programs).unwrap();
        symlink(env!("CARGO_BIN_EXE_adyton"), programs.join("adyton")).unwrap();
    }
    let mut shell = Command::new("sh");
    shell.args(["-euc", lines]).current_dir(place.path("")).env_clear();
    let done = shell.env("PATH", format!("{}:/usr/bin:/bin", programs.display())).output().unwrap();
    let told = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{lines}{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_the_guide_has_many_nodes_and_everybody_stays_signed_in() {
    let variable = |name: &str| std::env::var(name).ok().filter(|url| !url.is_empty());
    let servers = (variable("ADYTON_TEST_POSTGRES_URL"), variable("ADYTON_TEST_REDIS_URL"));
    let (Some(postgres), Some(redis)) = servers else {
        println!("skipped: needs ADYTON_TEST_POSTGRES_URL and ADYTON_TEST_REDIS_URL");
        return;
    };
    let place = Place::new();
    let mut file = place.serve();
    let ada = file.register("ada@example.com").await;
    assert!(file.term().success());

    let moved = Moved::to(&postgres).await;
    let [copy, migrate] = &blocks("sh,ignore")[..] else {
        panic!("the guide has two shell blocks")
    };
    assert!(copy.contains(DATABASE));
    run(&place, &copy.replace(DATABASE, &moved.url()));
    let [options] = &blocks("toml")[..] else { panic!("the guide has one configuration") };
    assert!(options.contains(DATABASE) && options.contains(REDIS));
    place.configure(&options.replace(DATABASE, &moved.url()).replace(REDIS, &redis));
    let (triggers, doctor) = migrate.split_once("adyton doctor").unwrap();
    assert_eq!(doctor.trim(), "");
    run(&place, triggers);
    run(&place, "adyton migrate --status");

    let nodes: Vec<Server> = (0..3).map(|_| place.serve()).collect();
    for node in &nodes {
        assert_eq!(node.user(&ada.token()).await, 200);
    }
    let ended = nodes[1].request(Method::POST, "/logout").bearer_auth(ada.token());
    assert_eq!(ended.send().await.unwrap().status(), 204);
    let since = Instant::now();
    tokio::time::sleep(Duration::from_millis(100)).await;
    for node in &nodes {
        assert_eq!(node.user(&ada.token()).await, 401, "after {:?}", since.elapsed());
    }
    drop(nodes);
    moved.end().await;
}
