//! A folder with a configuration and a database, the binary's commands in it, and a server in it
//! as a process of its own, which ends with its handle.

use assert_cmd::Command;
use reqwest::{Client, ClientBuilder, Method, RequestBuilder, StatusCode};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub(crate) const PASSWORD: &str = "correct horse battery";
/// Where the database is by default.
pub(crate) const DATABASE: &str = "data/adyton.sqlite3";
const BINARY: &str = env!("CARGO_BIN_EXE_adyton");

pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn with(file: &str) -> Self {
        let place = Self::new();
        place.configure(file);
        place
    }

    pub(crate) fn configure(&self, file: &str) {
        fs::write(self.path("adyton.toml"), file).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A command of the binary, its arguments parted by blanks.
    pub(crate) fn adyton(&self, arguments: &str) -> Command {
        let mut command = Command::new(BINARY);
        command.env_clear().current_dir(self.0.path()).args(arguments.split_whitespace());
        command
    }

    /// What a command prints that must succeed.
    pub(crate) fn done(&self, arguments: &str) -> String {
        self.done_with(arguments, "")
    }

    /// The same, with something on standard input.
    pub(crate) fn done_with(&self, arguments: &str, input: &str) -> String {
        let mut command = self.adyton(arguments);
        command.write_stdin(input);
        let (code, out, error) = told(command);
        assert_eq!(code, 0, "adyton {arguments}: {error}");
        out
    }

    /// The error of a command that must fail: exit code 1 and one sentence.
    pub(crate) fn failed(&self, arguments: &str, input: &str) -> String {
        let mut command = self.adyton(arguments);
        command.write_stdin(input);
        let (code, out, error) = told(command);
        assert_eq!((code, out.as_str()), (1, ""), "adyton {arguments}: {error}");
        error
    }

    /// The error of a command that must fail, whatever it had done and told before.
    pub(crate) fn failed_after(&self, arguments: &str) -> String {
        let (code, _, error) = told(self.adyton(arguments));
        assert_eq!(code, 1, "adyton {arguments}: {error}");
        error
    }

    pub(crate) fn json(&self, arguments: &str) -> Value {
        let out = self.done(arguments);
        serde_json::from_str(&out).unwrap_or_else(|_| panic!("adyton {arguments}: {out}"))
    }

    /// The database, made if it is missing, as another program opens it.
    pub(crate) fn database(&self) -> Connection {
        fs::create_dir_all(self.path("data")).unwrap();
        let conn = Connection::open(self.path(DATABASE)).unwrap();
        conn.busy_timeout(Duration::from_secs(5)).unwrap();
        conn
    }

    /// Every byte that the database keeps on disk.
    pub(crate) fn database_bytes(&self) -> Vec<u8> {
        let files = fs::read_dir(self.path("data")).unwrap();
        files.flat_map(|file| fs::read(file.unwrap().path()).unwrap()).collect()
    }

    pub(crate) fn serve(&self) -> Server {
        self.serve_with(&[])
    }

    pub(crate) fn serve_with(&self, variables: &[(&str, &str)]) -> Server {
        Server::start(self, variables, "")
    }

    /// The same after these words of a shell.
    pub(crate) fn serve_after(&self, words: &str) -> Server {
        Server::start(self, &[], words)
    }
}

/// Exit code, standard output and standard error.
pub(crate) fn told(mut command: Command) -> (i32, String, String) {
    let output = command.timeout(Duration::from_secs(60)).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// For plain HTTP: the client's TLS, which is in the same build, wants a provider, and no roots are
/// read.
pub(crate) fn http() -> ClientBuilder {
    use rustls::{ClientConfig, RootCertStore, crypto::ring};
    let tls = ClientConfig::builder_with_provider(ring::default_provider().into());
    let tls = tls.with_safe_default_protocol_versions().unwrap();
    let tls = tls.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
    Client::builder().no_proxy().tls_backend_preconfigured(tls)
}

/// How a client speaks to a server, or to what stands before several.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) address: String,
    pub(crate) http: Client,
}

impl Api {
    pub(crate) fn at(address: String) -> Self {
        let http = http().timeout(Duration::from_secs(20)).build().unwrap();
        Self { address, http }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/api/auth{path}", self.address)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path))
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.request(Method::POST, path).json(&body)).await
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        Answer::of(self.request(Method::GET, path).bearer_auth(token)).await
    }

    /// The status of GET `/user`.
    pub(crate) async fn user(&self, token: &str) -> StatusCode {
        self.get("/user", token).await.status
    }

    pub(crate) async fn register(&self, email: &str) -> Answer {
        let body = json!({ "name": "Ada", "email": email, "password": PASSWORD });
        let answer = self.post("/register", body).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer
    }

    pub(crate) async fn login(&self, email: &str, password: &str) -> Answer {
        self.post("/login", json!({ "email": email, "password": password })).await
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.post("/refresh", json!({ "refreshToken": token })).await
    }
}

/// `adyton serve` on a free port.
pub(crate) struct Server {
    pub(crate) child: Child,
    api: Api,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Server {
    fn start(place: &Place, variables: &[(&str, &str)], words: &str) -> Self {
        let mut child = std::process::Command::new("sh")
            .args(["-c", &format!("{words}\nexec \"$0\" serve"), BINARY])
            .env_clear()
            .env("ADYTON_SERVER__LISTEN", "127.0.0.1:0")
            .envs(variables.iter().copied())
            .current_dir(place.0.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (log, (serving, address)) = (Arc::<Mutex<String>>::default(), mpsc::channel());
        let (lines, kept) = (BufReader::new(child.stderr.take().unwrap()), Arc::clone(&log));
        let reader = thread::spawn(move || {
            for line in lines.lines() {
                let line = line.unwrap();
                kept.lock().unwrap().push_str(&(line.clone() + "\n"));
                let told: Value = serde_json::from_str(&line).unwrap_or_default();
                if told["message"] == "serving" {
                    let _ = serving.send(told["address"].as_str().unwrap().to_owned());
                }
            }
        });
        let mut server = Self { child, api: Api::at(String::new()), log, reader: Some(reader) };
        let address = address.recv_timeout(Duration::from_secs(20));
        server.api.address =
            address.unwrap_or_else(|_| panic!("it does not serve: {}", server.log()));
        server
    }

    /// What it has logged so far; after its end, all of it.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// The end that nobody can prepare for.
    pub(crate) fn kill9(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let kill = std::process::Command::new("kill").args([name, &pid]).status();
        assert!(kill.unwrap().success());
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn term(&mut self) -> ExitStatus {
        self.signal("-TERM");
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "it does not end: {}", self.log());
            thread::sleep(Duration::from_millis(5));
        };
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        status
    }
}

impl std::ops::Deref for Server {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        Self::try_of(request).await.unwrap()
    }

    /// An error when the server went away before the whole answer was there.
    pub(crate) async fn try_of(request: RequestBuilder) -> reqwest::Result<Self> {
        let response = request.send().await?;
        let header = response.headers().get("retry-after");
        let retry_after = header.map(|value| value.to_str().unwrap().to_owned());
        let status = response.status();
        let body = serde_json::from_slice(&response.bytes().await?).unwrap_or_default();
        Ok(Self { status, retry_after, body })
    }

    pub(crate) fn text(&self, key: &str) -> String {
        let text = self.body[key].as_str();
        text.unwrap_or_else(|| panic!("no `{key}` in {} {}", self.status, self.body)).to_owned()
    }

    pub(crate) fn token(&self) -> String {
        self.text("token")
    }

    pub(crate) fn refresh_token(&self) -> String {
        self.text("refreshToken")
    }

    /// An outage: 503, with its code and when to come again.
    #[track_caller]
    pub(crate) fn assert_unavailable(&self) {
        assert_eq!(self.status, 503, "{}", self.body);
        assert_eq!(self.body["code"], "store_unavailable");
        assert!(self.retry_after.as_ref().is_some_and(|after| after.parse::<u32>().is_ok()));
    }
}
