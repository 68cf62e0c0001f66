//! The examples, run as programs and called from outside.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

struct Example {
    process: Child,
    base: String,
    http: reqwest::Client,
    _folder: tempfile::TempDir,
}

impl Example {
    fn start(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new(binary(name))
            .args(["127.0.0.1:0", "example.sqlite3"])
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut base = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut base).unwrap();
        let base = base.trim().to_owned();
        Self { process, base, http: http(), _folder: folder }
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.http.post(format!("{}{path}", self.base)).json(body);
        request.send().await.unwrap().json().await.unwrap()
    }

    async fn get(&self, path: &str, token: &str) -> (u16, String) {
        let request = self.http.get(format!("{}{path}", self.base)).bearer_auth(token);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Plain HTTP. What else is in the build may have turned TLS on, which then wants a provider.
fn http() -> reqwest::Client {
    use rustls::{ClientConfig, RootCertStore, crypto::ring};
    let tls = ClientConfig::builder_with_provider(ring::default_provider().into());
    let tls = tls.with_safe_default_protocol_versions().unwrap();
    let tls = tls.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
    reqwest::Client::builder().no_proxy().tls_backend_preconfigured(tls).build().unwrap()
}

/// `target/…/examples/name`, beside the folder that this test runs from.
fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().parent().unwrap().join("examples").join(name)
}

#[tokio::test]
async fn minimal_signs_up_and_greets() {
    let example = Example::start("minimal");
    let new = json!({"name": "Ada", "email": "ada@example.com", "password": "correct horse 1"});
    let signed_in = example.post("/api/auth/register", &new).await;
    let token = signed_in["token"].as_str().unwrap();
    assert_eq!(example.get("/hello", token).await, (200, "Hello, Ada!\n".into()));
    assert_eq!(example.get("/orders", token).await, (200, "none\n".into()));
    assert_eq!(example.get("/hello", "adt_nonsense").await.0, 401);

    let fewer = json!({"email": "ada@example.com", "password": "correct horse 1", "abilities": []});
    let powerless = example.post("/api/auth/login", &fewer).await;
    assert_eq!(example.get("/orders", powerless["token"].as_str().unwrap()).await.0, 403);
}

#[tokio::test]
async fn own_users_table_signs_in_who_was_there_before() {
    let example = Example::start("own_users_table");
    let grace = json!({"email": "grace@example.com", "password": "correct horse 1"});
    let signed_in = example.post("/api/auth/login", &grace).await;
    assert_eq!(signed_in["user"]["plan"], "pro");
    let token = signed_in["token"].as_str().unwrap();
    assert_eq!(example.get("/plan", token).await, (200, "Grace: pro\n".into()));

    let new = json!({"name": "Ada", "email": "ada@example.com", "password": "correct horse 1"});
    let newcomer = example.post("/api/auth/register", &new).await;
    assert_eq!(newcomer["user"]["plan"], "free");
}
