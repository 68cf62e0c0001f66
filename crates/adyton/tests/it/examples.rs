//! The examples, run as programs and called from outside.

#![allow(clippy::print_stdout, reason = "it says what it skips")]

use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{fs, thread};

struct Example {
    process: Child,
    base: String,
    /// Where it listens: the first is that of `base`.
    addresses: Vec<String>,
    http: reqwest::Client,
    folder: tempfile::TempDir,
}

impl Example {
    fn start(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new(binary(name))
            .args(["127.0.0.1:0", "example.sqlite3", "127.0.0.1:0"])
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut told).unwrap();
        let addresses = told.split_whitespace().map(|url| url.replace("http://", ""));
        let addresses: Vec<String> = addresses.collect();
        let base = format!("http://{}", addresses[0]);
        Self { process, base, addresses, http: http(), folder }
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

/// What to type stands at the top of each example, and is typed here: the answers, one a line.
impl Example {
    fn typed(&self, name: &str, ports: &[&str]) -> Vec<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        let file = [format!("{name}.rs"), format!("{name}/main.rs")];
        let text = file.iter().find_map(|file| fs::read_to_string(folder.join(file)).ok()).unwrap();
        let lines = text.lines().filter_map(|line| line.strip_prefix("//!"));
        let lines = lines.skip_while(|line| *line != " ```sh").skip(1);
        let script: Vec<&str> = lines.take_while(|line| *line != " ```").collect();
        let addresses = ports.iter().zip(&self.addresses);
        let script = addresses.fold(script.join("\n"), |script, (port, address)| {
            script.replace(&format!("localhost:{port}"), address)
        });
        let mut bash = Command::new("bash");
        // An answer without an end of its line gets one.
        bash.args(["-uc", &script.replace("curl -s ", "curl -s -w '\\n' ")]);
        let run = bash.current_dir(self.folder.path()).output().unwrap();
        let out = String::from_utf8(run.stdout).unwrap();
        out.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }
}

/// Whether the lines at the top can be typed; if not, it says so.
fn curl_is_here() -> bool {
    let there = Command::new("curl").arg("--version").output().is_ok();
    if !there {
        println!("skipped: curl is not installed");
    }
    there
}

#[track_caller]
fn assert_answers(answers: &[String], expected: &[&str]) {
    assert_eq!(answers.len(), expected.len(), "{answers:#?}");
    for (answer, expected) in answers.iter().zip(expected) {
        assert!(answer.contains(expected), "{expected} is not in {answer}");
    }
}

fn typed(name: &str, ports: &[&str], expected: &[&str]) {
    if curl_is_here() {
        assert_answers(&Example::start(name).typed(name, ports), expected);
    }
}

#[test]
fn api_tokens_do_what_they_may() {
    let missing = r#""missing":["orders:write"]"#;
    let read = "the orders of Ada";
    let listed = r#""name":"backup","abilities":["orders:read"]"#;
    let gone = r#""code":"token_invalid""#;
    typed("api_tokens", &["3000"], &[read, missing, "ordered tea", listed, gone]);
}

#[test]
fn spa_cookie_keeps_other_sites_out() {
    let answers = [
        r#""guard":"session""#,
        "Ada: water the plants",
        "noted",
        r#""code":"csrf_failed""#,
        r#""status":401"#,
    ];
    typed("spa_cookie", &["3000"], &answers);
}

#[test]
fn axum_html_signs_in_by_a_form() {
    let answers = [
        "<h1>Sign in</h1>",
        "<p>This e-mail and this password do not go together.</p>",
        "<h1>Hello, Ada</h1>",
        r#""code":"csrf_failed""#,
        "<h1>Ada ordered &lt;b>tea</h1>",
        "<h1>Sign in</h1>",
    ];
    let answers = answers.map(str::to_owned);
    if curl_is_here() {
        let all = Example::start("axum_html").typed("axum_html", &["3000"]);
        let told: Vec<_> = all.into_iter().filter(|line| !line.starts_with("<a ")).collect();
        assert_answers(&told, &answers.each_ref().map(String::as_str));
    }
}

#[test]
fn own_store_keeps_its_users_to_itself() {
    let answers = ["Hello, Ada!", r#""code":"invalid_credentials""#, r#""errors":{"email":["#];
    typed("own_store", &["3000"], &answers);
}

#[test]
fn services_know_each_others_callers() {
    let answers = [
        "a report for ada@example.com: 3 orders, for Reports",
        "this token is not valid",
        "this needs the ability reports:read",
    ];
    typed("service_to_service", &["3000", "3001"], &answers);
}

#[test]
fn laravel_side_by_side_shares_passwords_and_tokens() {
    let answers = [
        "Hello, Ada!",
        r#""name":"for Laravel""#,
        "tokens: phone, curl, for Laravel; the password is still $2y$10$",
    ];
    typed("laravel_side_by_side", &["3000"], &answers);
}

/// An nginx as a process of its own, which ends with its handle.
struct Nginx(Child);

impl Nginx {
    /// None where it is not installed, which it says.
    fn start(example: &Example, address: &str) -> Option<Self> {
        let debian = "/usr/sbin/nginx";
        let program = if Path::new(debian).exists() { debian } else { "nginx" };
        let folder = example.folder.path().join("nginx");
        fs::create_dir(&folder).unwrap();
        let place = folder.display();
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|what| format!("{what}_temp_path {place}/{what};"));
        let mut text = include_str!("../../examples/nginx_forward_auth/nginx.conf").to_owned();
        for (from, to) in [
            ("127.0.0.1:8080", address),
            ("127.0.0.1:8000", &example.addresses[0]),
            ("127.0.0.1:3000", &example.addresses[1]),
            ("http {", &format!("http {{ {}", temporary.join(" "))),
        ] {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        fs::write(folder.join("nginx.conf"), text).unwrap();
        let process = format!("daemon off; master_process off; pid {place}/pid;");
        let mut command = Command::new(program);
        command.arg("-p").arg(&folder).args(["-g", &process, "-c"]).arg(folder.join("nginx.conf"));
        let Ok(child) = command.stderr(Stdio::null()).spawn() else {
            println!("skipped: nginx is not installed");
            return None;
        };
        let nginx = Self(child);
        let listens = (0..1500).any(|_| {
            thread::sleep(Duration::from_millis(10));
            TcpStream::connect(address).is_ok()
        });
        assert!(listens, "nginx is silent");
        Some(nginx)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn nginx_forward_auth_tells_the_app_who_calls() {
    if !curl_is_here() {
        return;
    }
    let mut example = Example::start("nginx_forward_auth");
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let Some(_nginx) = Nginx::start(&example, &free) else { return };
    example.addresses.push(free);
    let answers = example.typed("nginx_forward_auth", &["8000", "3000", "8080"]);
    // nginx answers a refusal with a page of its own.
    let told: Vec<_> = answers
        .into_iter()
        .filter(|line| !line.starts_with('<') || line.contains("<h1>"))
        .collect();
    let expected = [
        "401 Authorization Required",
        "orders of ada@example.com",
        "orders of ada@example.com",
        "tea, for a guest",
        "tea, for ada@example.com",
    ];
    assert_answers(&told, &expected);
}
