//! Servers for the tests: one that is there, and those that a test may kill.

use adyton_core::secret::{Kind, PlainText};
use adyton_redis::{Redis, RedisOptions};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What a variable says, or nothing, and a line about that.
pub(crate) fn given(variable: &str) -> Option<String> {
    let value = std::env::var(variable).ok().filter(|value| !value.is_empty());
    if value.is_none() {
        eprintln!("skipped: needs {variable}");
    }
    value
}

/// A connection with keys of its own to the server that is there.
pub(crate) async fn shared() -> Option<Redis> {
    let url = given("ADYTON_TEST_REDIS_URL")?;
    Some(connect(&url, &prefix()).await)
}

pub(crate) async fn connect(url: &str, prefix: &str) -> Redis {
    Redis::connect_with(url, RedisOptions::default().prefix(prefix)).await.unwrap()
}

/// A prefix that no other test has.
pub(crate) fn prefix() -> String {
    let drawn = PlainText::draw(Kind::Access).unwrap();
    format!("adyton-test-{}", &drawn.hash().to_hex()[..16])
}

/// A server that a test has for itself; it ends with its handle.
pub(crate) struct Server {
    folder: TempDir,
    port: u16,
    options: &'static [&'static str],
    child: Option<Child>,
}

impl Server {
    /// Starts one on a free port, if the program is there.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// A cluster of one node.
    pub(crate) fn start_cluster() -> Option<Self> {
        let server = Self::start_with(&["--cluster-enabled", "yes"])?;
        server.command(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
        wait_for("the cluster", || server.command(&["CLUSTER", "INFO"]).contains("state:ok"));
        Some(server)
    }

    fn start_with(options: &'static [&'static str]) -> Option<Self> {
        if Command::new("redis-server").arg("--version").output().is_err() {
            eprintln!("skipped: needs redis-server");
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Self { folder: tempfile::tempdir().unwrap(), port, options, child: None };
        server.again();
        Some(server)
    }

    /// Starts it on the same port, with nothing in it.
    pub(crate) fn again(&mut self) {
        let port = self.port.to_string();
        let child = Command::new("redis-server")
            .args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(self.options)
            .arg("--dir")
            .arg(self.folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
        wait_for("the server", || TcpStream::connect(("127.0.0.1", self.port)).is_ok());
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn kill9(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// `STOP` or `CONT`.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        let status = Command::new("kill").args([&format!("-{name}"), &pid]).status();
        assert!(status.unwrap().success());
    }

    pub(crate) fn command(&self, words: &[&str]) -> String {
        let port = self.port.to_string();
        let output = Command::new("redis-cli").args(["-p", &port]).args(words).output().unwrap();
        assert!(output.status.success(), "redis-cli {words:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub(crate) fn wait_for(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(10), "{what} does not come");
        sleep(Duration::from_millis(10));
    }
}
