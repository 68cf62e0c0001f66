//! Three servers on one PostgreSQL and one Redis, behind nginx: a user of any of them cannot tell
//! that they are several.

use crate::databases::{Shared, System};
use crate::metrics::{LISTEN, Metrics};
use crate::redis::Redis;
use crate::world::{Answer, Api, PASSWORD, Place, Server};
use reqwest::Method;
use serde_json::json;
use sqlx::{Connection, PgConnection};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How late a node may be.
const LATE: Duration = Duration::from_millis(100);

/// nginx, which sends requests to each server by turns.
pub(crate) struct Balancer {
    child: Child,
    pub(crate) api: Api,
}

impl Balancer {
    fn is_installed() -> bool {
        let there = Command::new(Self::program()).arg("-v").output().is_ok();
        if !there {
            eprintln!("skipped: needs nginx");
        }
        there
    }

    /// Debian keeps it where only root looks.
    fn program() -> &'static str {
        let debian = "/usr/sbin/nginx";
        if fs::exists(debian).unwrap_or(false) { debian } else { "nginx" }
    }

    fn start(place: &Place, nodes: &[Server]) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let folder = place.path("nginx");
        fs::create_dir(&folder).unwrap();
        let folder = folder.display();
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|what| format!("{what}_temp_path {folder}/{what};"))
            .concat();
        let servers: String =
            nodes.iter().map(|node| format!("server {} max_fails=0;", node.address)).collect();
        let file = format!(
            "events {{}} http {{ access_log off; {temporary}
               upstream nodes {{ {servers} keepalive 16; }}
               server {{ listen {address}; location / {{
                 proxy_pass http://nodes; proxy_http_version 1.1; proxy_set_header Connection '';
                 proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr;
             }} }} }}"
        );
        fs::write(place.path("nginx.conf"), file).unwrap();
        let process = format!("daemon off; master_process off; pid {folder}/pid;");
        let child = Command::new(Self::program())
            .arg("-p")
            .arg(place.path("nginx"))
            .args(["-e", "stderr", "-g", &process, "-c"])
            .arg(place.path("nginx.conf"))
            .stderr(fs::File::create(place.path("nginx.log")).unwrap())
            .spawn();
        let balancer = Self { child: child.unwrap(), api: Api::at(address) };
        let start = Instant::now();
        while TcpStream::connect(&balancer.api.address).is_err() {
            let log = || fs::read_to_string(place.path("nginx.log")).unwrap();
            assert!(start.elapsed() < Duration::from_secs(15), "nginx is silent: {}", log());
            thread::sleep(Duration::from_millis(10));
        }
        balancer
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The whole of it, which ends with its handle.
pub(crate) struct Cluster {
    pub(crate) balancer: Balancer,
    pub(crate) nodes: Vec<Server>,
    pub(crate) redis: Redis,
    pub(crate) database: Shared,
}

/// The PostgreSQL that tests were given.
pub(crate) fn postgres() -> Option<String> {
    let url = std::env::var("ADYTON_TEST_POSTGRES_URL").ok().filter(|url| !url.is_empty());
    if url.is_none() {
        eprintln!("skipped: needs ADYTON_TEST_POSTGRES_URL");
    }
    url
}

impl Cluster {
    pub(crate) async fn new(config: &str) -> Option<Self> {
        Self::on(&postgres()?, config).await
    }

    /// On this server, whose connections many tests at once must not use up.
    pub(crate) async fn on(server: &str, config: &str) -> Option<Self> {
        if !Balancer::is_installed() {
            return None;
        }
        let redis = Redis::start()?;
        let config = format!(
            "server.trusted_proxies = ['127.0.0.1']\nrate_limiting.store = '{}'\n{config}",
            redis.url()
        );
        let database = Shared::new(&System::Postgres(server.to_owned()), &config).await;
        let place = &database.place;
        let file = fs::read_to_string(place.path("adyton.toml")).unwrap();
        let (head, tail) = file.split_once("' }").unwrap();
        place.configure(&format!("{head}?max_connections=4' }}{tail}"));
        let told = place.done("migrate --with-triggers");
        assert!(told.ends_with("the triggers are installed\n"), "{told}");
        let nodes: Vec<_> = (0..3).map(|_| place.serve_with(&[LISTEN])).collect();
        let balancer = Balancer::start(place, &nodes);
        Some(Self { balancer, nodes, redis, database })
    }

    /// The three servers.
    fn each(&self) -> [&Server; 3] {
        [&self.nodes[0], &self.nodes[1], &self.nodes[2]]
    }

    /// Uses a token on every node until each verifies it from memory.
    async fn heat(&self, token: &str) {
        for node in &self.nodes {
            let hits = async || Metrics::of(node).await.value("adyton_cache_hits_total");
            let (before, start) = (hits().await, Instant::now());
            while hits().await < before + 3.0 {
                assert_eq!(node.user(token).await, 200);
                assert!(start.elapsed() < Duration::from_secs(5), "no hits: {}", node.log());
            }
        }
    }
}

/// Callers who use a token on every node and through nginx, all the time.
struct Callers {
    over: Arc<AtomicBool>,
    /// When each began the last call that was answered.
    calls: JoinSet<Instant>,
}

impl Callers {
    fn start(cluster: &Cluster, token: &str) -> Self {
        let (over, mut calls) = (Arc::<AtomicBool>::default(), JoinSet::new());
        let doors = cluster.nodes.iter().map(|node| Api::clone(node));
        for api in doors.chain([cluster.balancer.api.clone()]) {
            let (over, token) = (Arc::clone(&over), token.to_owned());
            calls.spawn(async move {
                let mut latest = Instant::now();
                while !over.load(Ordering::SeqCst) {
                    let asked = Instant::now();
                    match api.user(&token).await.as_u16() {
                        200 => latest = asked,
                        status => assert_eq!(status, 401),
                    }
                }
                latest
            });
        }
        Self { over, calls }
    }

    /// How late the last call began that was still answered, by this moment.
    async fn lateness(self, ended: Instant) -> Duration {
        sleep(3 * LATE).await;
        self.over.store(true, Ordering::SeqCst);
        let latest = self.calls.join_all().await.into_iter().max().unwrap();
        latest.saturating_duration_since(ended)
    }
}

/// What makes a token invalid.
#[derive(Clone, Copy, Debug)]
enum End {
    Logout,
    SessionEnded,
    PasswordChanged,
    UserDeleted,
    ByTheCommand,
    DeletedByAnotherProgram,
}

async fn end(how: End, cluster: &Cluster, ada: &Answer) {
    let [_, _, c] = cluster.each();
    let (token, id) = (ada.token(), ada.text("sessionId"));
    let call = async |method, path: &str, body| {
        let request = c.request(method, path).bearer_auth(&token).json(&body);
        let answer = Answer::of(request).await;
        assert_eq!(answer.status, 204, "{how:?}: {}", answer.body);
    };
    match how {
        End::Logout => call(Method::POST, "/logout", json!({})).await,
        End::SessionEnded => call(Method::DELETE, &format!("/sessions/{id}"), json!({})).await,
        End::PasswordChanged => {
            // By another session: the one that asks would stay.
            let email = ada.body["user"]["email"].as_str().unwrap();
            let other = c.login(email, PASSWORD).await.token();
            let change = json!({ "currentPassword": PASSWORD, "password": "another horse 2" });
            let request = c.request(Method::PUT, "/user/password").bearer_auth(&other);
            assert_eq!(request.json(&change).send().await.unwrap().status(), 204);
        }
        End::UserDeleted => call(Method::DELETE, "/user", json!({ "password": PASSWORD })).await,
        End::ByTheCommand => drop(cluster.database.place.done(&format!("session revoke {id}"))),
        End::DeletedByAnotherProgram => {
            let sql = "DELETE FROM personal_access_tokens WHERE tokenable_id =
                       (SELECT MAX(id) FROM users)";
            cluster.database.execute(sql).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_on_one_node_is_refused_on_all_within_100_ms() {
    let Some(cluster) = Cluster::new("rate_limiting.enabled = false").await else { return };
    let ways = [
        End::Logout,
        End::SessionEnded,
        End::PasswordChanged,
        End::UserDeleted,
        End::ByTheCommand,
        End::DeletedByAnotherProgram,
    ];
    for (at, how) in ways.into_iter().enumerate() {
        let [a, b, _] = cluster.each();
        let ada = a.register(&format!("ada{at}@example.com")).await;
        assert_eq!(b.user(&ada.token()).await, 200, "b knows at once whom a has signed in");
        let callers = Callers::start(&cluster, &ada.token());
        cluster.heat(&ada.token()).await;
        end(how, &cluster, &ada).await;
        let late = callers.lateness(Instant::now()).await;
        println!("{how:?}: answered to calls up to {late:?} after it");
        assert!(late < LATE, "{how:?}: {late:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_refreshes_at_once_on_three_nodes_yield_one_pair() {
    let Some(cluster) = Cluster::new("rate_limiting.enabled = false").await else { return };
    let mut token = cluster.balancer.api.register("ada@example.com").await.refresh_token();
    for _ in 0..3 {
        let mut callers = JoinSet::new();
        for _ in 0..20 {
            let (api, token) = (cluster.balancer.api.clone(), token.clone());
            callers.spawn(async move { api.refresh(&token).await });
        }
        let answers = callers.join_all().await;
        for answer in &answers {
            assert_eq!(answer.status, 200, "{}", answer.body);
            assert_eq!(answer.token(), answers[0].token());
            assert_eq!(answer.refresh_token(), answers[0].refresh_token());
        }
        token = answers[0].refresh_token();
    }
    let alarms = cluster.database.place.json("events --kind authn_token_reuse --json");
    assert_eq!(alarms["events"], json!([]));
    let renewals = "SELECT COUNT(*) FROM auth_events WHERE event = 'session_renewed'";
    assert_eq!(cluster.database.value(renewals).await.as_deref(), Some("3"));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_count_wherever_they_arrive() {
    let Some(cluster) = Cluster::new("").await else { return };
    cluster.balancer.api.register("ada@example.com").await;
    let mut statuses = Vec::new();
    for _ in 0..7 {
        let answer = cluster.balancer.api.login("ada@example.com", "wrong").await;
        statuses.push(answer.status.as_u16());
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_migrate_an_empty_database_at_once_and_both_come_up() {
    for system in System::all() {
        let database = Shared::new(&system, "").await;
        let place = &database.place;
        let command = match system {
            System::Postgres(_) => "migrate --with-triggers",
            _ => "migrate",
        };
        let told = thread::scope(|scope| {
            let both = [(); 2].map(|()| scope.spawn(|| place.done(command)));
            both.map(|one| one.join().unwrap())
        });
        let made = |told: &String| told.matches("created").count();
        assert_eq!(told.iter().map(made).sum::<usize>(), 6, "{system:?}: {told:?}");
        let (a, b) = (place.serve(), place.serve());
        let ada = a.register("ada@example.com").await;
        assert_eq!(b.user(&ada.token()).await, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_installs_removes_and_tells_of_triggers() {
    let place = Place::new();
    let refused = place.failed_after("migrate --with-triggers");
    assert!(refused.contains("tells of changes by itself"), "{refused}");
    assert_eq!(place.json("migrate --status --json")["triggers"], json!(null));
    let Some(server) = postgres() else { return };
    let database = Shared::new(&System::Postgres(server), "").await;
    let place = &database.place;
    assert!(place.done("migrate").contains("`adyton migrate --with-triggers`"));
    assert_eq!(place.json("migrate --status --json")["triggers"], "missing");
    let findings = || place.adyton("doctor --json").output().unwrap().stdout;
    let missing = || String::from_utf8(findings()).unwrap().contains("triggers_missing");
    assert!(missing());
    assert!(place.done("migrate --pretend --with-triggers").contains("CREATE TRIGGER"));
    assert!(place.done("migrate --with-triggers").ends_with("the triggers are installed\n"));
    assert!(place.done("migrate --with-triggers").ends_with("the triggers are there already\n"));
    assert!(place.done("migrate --status").ends_with("triggers\t\tinstalled\n"));
    assert_eq!(place.json("migrate --json")["triggers"], "installed");
    assert!(!missing());
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    let count =
        sqlx::query_scalar::<_, i64>("SELECT COUNT(*) FROM pg_trigger WHERE NOT tgisinternal");
    assert_eq!(count.fetch_one(&mut connection).await.unwrap(), 4);
    assert!(place.done("migrate --without-triggers").ends_with("the triggers are removed\n"));
    assert_eq!(place.json("migrate --json")["triggers"], "missing");
}
