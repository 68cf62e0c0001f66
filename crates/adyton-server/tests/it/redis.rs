//! A Redis that a test may kill, and whole servers that share it.

use crate::metrics::{LISTEN, Metrics};
use crate::world::{Answer, PASSWORD, Place, Server, told};
use serde_json::json;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A server with a password, which ends with its handle.
pub(crate) struct Redis {
    folder: TempDir,
    port: u16,
    child: Option<Child>,
}

impl Redis {
    /// Starts one on a free port, if the program is there.
    pub(crate) fn start() -> Option<Self> {
        if Command::new("redis-server").arg("--version").output().is_err() {
            eprintln!("skipped: needs redis-server");
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut redis = Self { folder: tempfile::tempdir().unwrap(), port, child: None };
        redis.again();
        Some(redis)
    }

    /// Starts it on the same port, with nothing in it.
    pub(crate) fn again(&mut self) {
        let child = Command::new("redis-server")
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(["--requirepass", "s3cret", "--dir"])
            .arg(self.folder.path())
            .stdout(Stdio::null())
            .spawn();
        self.child = Some(child.unwrap());
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(start.elapsed() < Duration::from_secs(10), "redis-server does not come");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn kill9(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// `STOP` or `CONT`.
    fn signal(&self, name: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        let status = Command::new("kill").args([&format!("-{name}"), &pid]).status();
        assert!(status.unwrap().success());
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://:s3cret@127.0.0.1:{}", self.port)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn serve(place: &Place, redis: &Redis) -> Server {
    place.serve_with(&[LISTEN, ("ADYTON_RATE_LIMITING__STORE", &redis.url())])
}

async fn ready(server: &Server) -> Answer {
    Answer::of(server.http.get(format!("http://{}/readyz", server.address))).await
}

/// Waits until `/readyz` says this of what is shared.
pub(crate) async fn wait_for(server: &Server, shared: &str) -> Answer {
    let start = Instant::now();
    loop {
        let answer = ready(server).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        if answer.body["checks"]["shared"] == shared {
            return answer;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "{}", answer.body);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The statuses of six sign-ins with a wrong password, on each of these servers by turns.
async fn guesses(servers: &[&Server], email: &str) -> Vec<u16> {
    let mut statuses = Vec::new();
    for at in 0..6 {
        let answer = servers[at % servers.len()].login(email, "wrong").await;
        statuses.push(answer.status.as_u16());
    }
    statuses
}

const FIVE: [u16; 6] = [401, 401, 401, 401, 401, 429];

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_share_their_limits() {
    let Some(redis) = Redis::start() else { return };
    let place = Place::new();
    let (one, other) = (serve(&place, &redis), serve(&place, &redis));
    one.register("ada@example.com").await;
    assert_eq!(guesses(&[&one, &other], "ada@example.com").await, FIVE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_dies_costs_nobody_their_sign_in_and_is_used_again_when_it_is_back() {
    let Some(mut redis) = Redis::start() else { return };
    let place = Place::new();
    let mut server = serve(&place, &redis);
    server.register("ada@example.com").await;
    assert_eq!(wait_for(&server, "ok").await.body["status"], "ready");

    redis.kill9();
    assert_eq!(server.login("ada@example.com", PASSWORD).await.status, 200, "{}", server.log());
    assert_eq!(wait_for(&server, "unreachable").await.body["status"], "degraded");
    assert_eq!(Metrics::of(&server).await.value("adyton_shared_lost"), 1.0);
    assert_eq!(guesses(&[&server], "ada@example.com").await, FIVE);

    redis.again();
    assert_eq!(wait_for(&server, "ok").await.body["status"], "ready");
    assert_eq!(Metrics::of(&server).await.value("adyton_shared_lost"), 0.0);
    let blocked = server.login("ada@example.com", PASSWORD).await;
    assert_eq!(blocked.status, 429, "its window has not ended");
    server.register("bob@example.com").await;
    assert_eq!(guesses(&[&server], "bob@example.com").await, FIVE);

    server.term();
    let log = server.log();
    for line in ["Redis is lost", "Redis is back"] {
        assert_eq!(log.matches(line).count(), 1, "{log}");
    }
    assert!(!log.contains("s3cret"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_hangs_holds_one_sign_in_for_a_moment_and_the_next_ones_not() {
    let Some(redis) = Redis::start() else { return };
    let place = Place::new();
    let server = serve(&place, &redis);
    server.register("ada@example.com").await;
    let quiet = time_of(&server).await;
    redis.signal("STOP");
    let first = time_of(&server).await;
    assert!(first < quiet + Duration::from_secs(1), "{first:?}, usually {quiet:?}");
    // The quickest of some: other things go on on this machine.
    let next = time_of(&server).await.min(time_of(&server).await).min(time_of(&server).await);
    assert!(next < quiet + Duration::from_millis(200), "{next:?}, usually {quiet:?}");
    redis.signal("CONT");
    wait_for(&server, "ok").await;
}

async fn time_of(server: &Server) -> Duration {
    let start = Instant::now();
    assert_eq!(server.login("ada@example.com", PASSWORD).await.status, 200);
    start.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_starts_without_its_redis_and_finds_it_later() {
    let Some(mut redis) = Redis::start() else { return };
    redis.kill9();
    let place = Place::new();
    let server = serve(&place, &redis);
    wait_for(&server, "unreachable").await;
    server.register("ada@example.com").await;
    redis.again();
    wait_for(&server, "ok").await;
}

#[test]
fn a_url_that_is_none_is_refused_with_its_place_and_without_its_password() {
    for url in ["redis://:s3cret@", "redis://:s3cret@cache/first", "rediss://cache?ca=s3cret"] {
        let place = Place::with(&format!("rate_limiting.store = \"{url}\""));
        for command in ["serve", "config check"] {
            let refused = place.failed(command, "");
            assert!(refused.contains("`rate_limiting.store` (adyton.toml:1)"), "{refused}");
            assert!(!refused.contains("s3cret"), "{refused}");
        }
    }
    let place = Place::with("rate_limiting.store = \"redis://:s3cret@cache:6379/0\"");
    let (code, shown, _) = told(place.adyton("config show"));
    assert!(code == 0 && shown.contains("redis://:********@cache:6379/0"), "{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
    let json = place.json("config show --json");
    assert_eq!(json["rate_limiting.store"]["value"], json!("redis://:********@cache:6379/0"));
}
