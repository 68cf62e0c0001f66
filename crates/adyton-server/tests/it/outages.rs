//! What servers lean on goes away under load, and comes back: nobody is signed out by it, nothing
//! acknowledged is lost, nothing revoked works, and no server has to be started anew.

use crate::cluster::{Cluster, postgres};
use crate::load::{self, Load, Told};
use crate::redis::wait_for;
use crate::world::{Answer, PASSWORD, Place, Server};
use reqwest::Method;
use serde_json::json;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::time::sleep;

const CLIENTS: usize = 4;
const MOMENT: Duration = Duration::from_millis(700);

/// A PostgreSQL that may be killed. It promises what one in earnest does: a commit is written down
/// before it is acknowledged.
struct Postgres {
    outer: TempDir,
    services: PathBuf,
    url: String,
    words: Vec<String>,
    child: Option<Child>,
}

impl Postgres {
    async fn start() -> Option<Self> {
        postgres()?;
        let mode = fs::Permissions::from_mode(0o755);
        let outer = tempfile::Builder::new().permissions(mode).tempdir().unwrap();
        let mut command = Command::new(Self::script());
        command.args(["start", "--need"]).env("TMPDIR", outer.path());
        command.env_remove("ADYTON_TEST_POSTGRES_URL").env_remove("ADYTON_TEST_SERVICES");
        command.env("ADYTON_TEST_MYSQL_URL", "given").env("ADYTON_TEST_REDIS_URL", "given");
        let started = command.stderr(Stdio::inherit()).output().unwrap();
        assert!(started.status.success(), "no PostgreSQL");
        let exports = String::from_utf8(started.stdout).unwrap();
        let value = |name: &str| {
            let line =
                exports.lines().find_map(|line| line.strip_prefix("export ")?.strip_prefix(name));
            line.unwrap().to_owned()
        };
        let services = PathBuf::from(value("ADYTON_TEST_SERVICES="));
        let pid = fs::read_to_string(services.join("postgres.pid")).unwrap();
        let words = fs::read(format!("/proc/{}/cmdline", pid.trim())).unwrap();
        let words = words.split(|byte| *byte == 0).filter(|word| !word.is_empty());
        let words = words.map(|word| String::from_utf8(word.to_vec()).unwrap()).collect();
        let url = value("ADYTON_TEST_POSTGRES_URL=");
        let mut postgres = Self { outer, services, url, words, child: None };
        postgres.words.extend(["-c".into(), "synchronous_commit=on".into()]);
        postgres.crash();
        postgres.again();
        Some(postgres)
    }

    fn script() -> &'static str {
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/services")
    }

    /// The end that it cannot prepare for, of all its processes.
    fn crash(&mut self) {
        let pid = fs::read_to_string(self.services.join("postgres.pid")).unwrap();
        let pid = pid.trim();
        assert!(Command::new("kill").args(["-QUIT", pid]).status().unwrap().success());
        match &mut self.child {
            Some(child) => drop(child.wait().unwrap()),
            None => {
                while Path::new(&format!("/proc/{pid}/exe")).exists() {
                    thread::sleep(Duration::from_millis(5));
                }
            }
        }
    }

    /// Starts it on what is on disk; it takes connections once it has recovered.
    fn again(&mut self) {
        let data = fs::metadata(self.services.join("postgres/data")).unwrap();
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]).stdin(Stdio::null()).stdout(Stdio::null());
        let log = File::create(self.outer.path().join("log")).unwrap();
        command.stderr(log).current_dir("/");
        if fs::metadata("/proc/self").unwrap().uid() == 0 {
            command.uid(data.uid()).gid(data.gid());
        }
        let child = command.spawn().unwrap();
        fs::write(self.services.join("postgres.pid"), child.id().to_string()).unwrap();
        self.child = Some(child);
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let pid = child.id().to_string();
            let _ = Command::new("kill").args(["-QUIT", &pid]).status();
            let _ = child.wait();
        }
        let _ = Command::new(Self::script()).arg("stop").arg(&self.services).status();
    }
}

fn all(cluster: &Cluster) -> Vec<&Server> {
    cluster.nodes.iter().collect()
}

fn sum(all: &[Told], count: impl Fn(&Told) -> usize) -> usize {
    all.iter().map(count).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_others_go_on_when_a_node_is_killed() {
    let Some(mut cluster) = Cluster::new(load::CONFIG).await else { return };
    let load = Load::start(&cluster.balancer.api, CLIENTS).await;
    sleep(MOMENT).await;
    cluster.nodes[1].kill9();
    sleep(MOMENT).await;
    let mut told = load.stop().await;
    let (a, c) = (&cluster.nodes[0], &cluster.nodes[2]);
    load::check(&[a, c], &mut told).await;
    assert_eq!(sum(&told, |told| told.unavailable), 0, "the database was there all the time");
    assert!(sum(&told, |told| told.unanswered) <= 2 * CLIENTS, "only what was under way is lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_killed_under_load_is_missed_by_nobody() {
    let Some(mut cluster) = Cluster::new(load::CONFIG).await else { return };
    let load = Load::start(&cluster.balancer.api, CLIENTS).await;
    sleep(MOMENT).await;
    cluster.redis.kill9();
    for node in &cluster.nodes {
        let ready = wait_for(node, "unreachable").await;
        assert_eq!(ready.body["status"], "degraded");
    }
    // Each node counts for itself.
    for node in &cluster.nodes {
        let mut statuses = Vec::new();
        for _ in 0..6 {
            statuses.push(node.login("client0@example.com", "wrong").await.status.as_u16());
        }
        assert_eq!(statuses, [401, 401, 401, 401, 401, 429]);
    }
    cluster.redis.again();
    for node in &cluster.nodes {
        wait_for(node, "ok").await;
    }
    let mut told = load.stop().await;
    load::check(&all(&cluster), &mut told).await;
    assert_eq!(sum(&told, |told| told.unavailable + told.unanswered), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_restarts_under_load_signs_nobody_out() {
    let Some(mut postgres) = Postgres::start().await else { return };
    let url = postgres.url.clone();
    wait_until_it_serves(&url).await;
    let Some(cluster) = Cluster::on(&url, load::CONFIG).await else { return };
    let load = Load::start(&cluster.balancer.api, CLIENTS).await;
    sleep(MOMENT).await;
    postgres.crash();
    sleep(Duration::from_millis(100)).await;
    let nobody = "adt_000000000000000000000000000000000000000000000000000000";
    for node in &cluster.nodes {
        assert_eq!(node.user(nobody).await, 401, "what is no token needs no database");
        let asked = Instant::now();
        node.login("client0@example.com", PASSWORD).await.assert_unavailable();
        assert!(asked.elapsed() < Duration::from_secs(2), "it waited {:?}", asked.elapsed());
        let url = format!("http://{}/readyz", node.address);
        assert_eq!(Answer::of(node.http.get(url)).await.status, 503);
    }
    postgres.again();
    let back = Instant::now();
    wait_until_it_serves(&url).await;
    let serves = back.elapsed();
    for node in &cluster.nodes {
        while node.login("client0@example.com", PASSWORD).await.status == 503 {
            assert!(back.elapsed() < Duration::from_secs(20), "{}", node.log());
        }
    }
    println!("PostgreSQL serves after {serves:?}, and all nodes after {:?}", back.elapsed());
    sleep(MOMENT).await;
    let mut told = load.stop().await;
    load::check(&all(&cluster), &mut told).await;
    assert!(sum(&told, |told| told.unavailable) >= CLIENTS, "they were told of it");
    assert_eq!(sum(&told, |told| told.unanswered), 0, "and never left without an answer");
}

async fn wait_until_it_serves(url: &str) {
    use sqlx::Connection;
    let start = Instant::now();
    while sqlx::PgConnection::connect(url).await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(20), "PostgreSQL does not come");
        sleep(Duration::from_millis(20)).await;
    }
}

/// A small file system in memory, which only root can make.
struct Tmpfs(TempDir);

impl Tmpfs {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=2m,mode=700", "tmpfs"])
            .arg(folder.path())
            .output();
        if !mounted.is_ok_and(|mounted| mounted.status.success()) {
            eprintln!("skipped: needs the right to mount a file system");
            return None;
        }
        Some(Self(folder))
    }

    /// Writes until nothing goes in any more.
    fn fill(&self) {
        let mut file = File::create(self.filler()).unwrap();
        for size in [65_536, 4_096, 1] {
            while file.write(&vec![0; size]).is_ok_and(|written| written > 0) {}
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> PathBuf {
        self.0.path().join("filler")
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_costs_no_acknowledged_write_and_ends_when_there_is_room() {
    let Some(disk) = Tmpfs::mount() else { return };
    let path = disk.0.path().join("adyton.sqlite3");
    let place =
        Place::with(&format!("connector.url = 'sqlite://{}'\n{}", path.display(), load::CONFIG));
    let mut server = place.serve();
    let ada = server.register("ada@example.com").await;
    let grace = server.login("ada@example.com", PASSWORD).await;
    let mut made = Vec::new();
    for round in 0..2 {
        make_tokens(&server, &ada.token(), 5, &mut made).await;
        disk.fill();
        // What room the files have left in themselves is used up first.
        let start = Instant::now();
        let refused = loop {
            let answer = make_token(&server, &ada.token()).await;
            match answer.status.as_u16() {
                201 => made.push(answer.token()),
                _ => break answer,
            }
            assert!(start.elapsed() < Duration::from_secs(20), "the disk is never full");
        };
        refused.assert_unavailable();
        server.refresh(&grace.refresh_token()).await.assert_unavailable();
        let logout = server.request(Method::POST, "/logout").bearer_auth(grace.token());
        Answer::of(logout).await.assert_unavailable();
        assert_eq!(server.user(&grace.token()).await, 200, "it was not signed out");
        for token in &made {
            assert_eq!(server.user(token).await, 200, "a token that was made, in round {round}");
        }
        disk.make_room();
        make_tokens(&server, &ada.token(), 5, &mut made).await;
    }
    let next = server.refresh(&grace.refresh_token()).await;
    assert_eq!(next.status, 200, "{}", next.body);
    server.kill9();
    let server = place.serve();
    for token in &made {
        assert_eq!(server.user(token).await, 200, "a token that was made");
    }
    println!("{} tokens survived two times of a full disk", made.len());
}

async fn make_token(server: &Server, access: &str) -> Answer {
    let request = server.request(Method::POST, "/tokens").bearer_auth(access);
    Answer::of(request.json(&json!({ "name": "disk" }))).await
}

async fn make_tokens(server: &Server, access: &str, count: usize, made: &mut Vec<String>) {
    for _ in 0..count {
        let answer = make_token(server, access).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        made.push(answer.token());
    }
}
