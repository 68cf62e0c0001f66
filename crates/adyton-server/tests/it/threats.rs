//! What of docs/threats.md only a whole server can show; and that the tests named there exist.

use crate::metrics::{LISTEN, Metrics};
use crate::world::{DATABASE, PASSWORD, Place, Server};
use reqwest::header::{COOKIE, ORIGIN, SET_COOKIE};
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The names of all tests, as `module::test`; the module is the last part of the file's path.
fn tests() -> HashSet<String> {
    let (mut found, mut folders) = (HashSet::new(), vec![root().join("crates")]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let module = path.file_stem().unwrap().to_str().unwrap();
                let text = fs::read_to_string(&path).unwrap();
                let named = |name| format!("{module}::{name}");
                found.extend(tests_in(&text).map(named));
                found.extend(stories_in(&text).map(|name| named(name.to_owned())));
            }
        }
    }
    found
}

/// The functions under `#[test]` or `#[tokio::test…]`.
fn tests_in(text: &str) -> impl Iterator<Item = String> {
    let mut lines = text.lines().map(str::trim);
    std::iter::from_fn(move || {
        lines.find(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))?;
        lines.find_map(name_of)
    })
}

/// Those that a macro makes tests of, between `stories![` and `];`.
fn stories_in(text: &str) -> impl Iterator<Item = &str> {
    let list = text.split_once("\nstories![").and_then(|(_, rest)| rest.split("];").next());
    list.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty())
}

fn name_of(line: &str) -> Option<String> {
    let rest = line.trim_start_matches("async ").strip_prefix("fn ")?;
    Some(rest.split('(').next()?.to_owned())
}

#[test]
fn every_test_that_the_threats_name_exists() {
    let text = fs::read_to_string(root().join("docs/threats.md")).unwrap();
    let (tests, mut named) = (tests(), 0);
    for row in text.lines().filter(|line| line.starts_with('|')) {
        let shown_by = row.trim_end_matches('|').rsplit('|').next().unwrap();
        let names: Vec<&str> = shown_by.split('`').skip(1).step_by(2).collect();
        let is_head = [" --- ", " shown by "].contains(&shown_by);
        assert!(is_head || !names.is_empty(), "nothing shows {row}");
        for name in names {
            let is_script = root().join(name.split(' ').next().unwrap()).is_file();
            assert!(is_script || tests.contains(name), "there is no test {name}");
            named += 1;
        }
    }
    assert!(named > 100, "the document names {named} tests");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_guesses_at_once_hash_five_passwords() {
    let place = Place::new();
    let server = place.serve_with(&[LISTEN]);
    server.register("ada@example.com").await;
    let hashed = async || Metrics::of(&server).await.value("adyton_hash_duration_seconds_count");
    // An answer may be faster than the metric of its hash.
    let reaches = async |count: f64| {
        for _ in 0..200 {
            if hashed().await >= count {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        assert_eq!(hashed().await, count);
    };
    reaches(1.0).await;
    let mut guesses = tokio::task::JoinSet::new();
    for number in 0..100 {
        let body = json!({ "email": "ada@example.com", "password": format!("guess {number}") });
        let guess = server.request(Method::POST, "/login").json(&body);
        guesses.spawn(async move { guess.send().await.unwrap().status().as_u16() });
    }
    let statuses = guesses.join_all().await;
    let of = |status| statuses.iter().filter(|other| **other == status).count();
    assert_eq!((of(401), of(429)), (5, 95), "{statuses:?}");
    reaches(6.0).await;
}

/// What a browser keeps, by name: of one that signs up at the endpoints and then on the pages.
struct Jar(Vec<(String, String)>);

impl Jar {
    /// Sends it from a page of ours; the latest cookie of each name is sent along. Everything that
    /// was ever set is kept.
    async fn send(&mut self, server: &Server, request: RequestBuilder) -> (u16, String) {
        let names: HashSet<&String> = self.0.iter().map(|(name, _)| name).collect();
        let latest = |name: &String| self.0.iter().rfind(|(other, _)| other == name).unwrap();
        let cookies = names.into_iter().map(latest).map(|(name, value)| format!("{name}={value}"));
        let cookies = cookies.collect::<Vec<_>>().join("; ");
        let request = request.header(ORIGIN, format!("http://{}", server.address));
        let response = request.header(COOKIE, cookies).send().await.unwrap();
        for line in response.headers().get_all(SET_COOKIE) {
            let (name, rest) = line.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if !value.is_empty() {
                self.0.push((name.to_owned(), value.to_owned()));
            }
        }
        (response.status().as_u16(), response.text().await.unwrap())
    }
}

/// Everything that a browser may do, and the secrets that it gets and types on the way.
async fn browse(server: &Server) -> Vec<String> {
    let mut jar = Jar(Vec::new());
    let page = |path: &str| server.http.get(format!("http://{}{path}", server.address));
    let form = |path: &str, fields: &str| {
        let request = server.http.post(format!("http://{}{path}", server.address));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(fields.to_owned())
    };
    let body = json!({ "name": "Grace", "email": "grace@example.com", "password": PASSWORD });
    let sign_up = server.request(Method::POST, "/register").json(&body);
    assert_eq!(jar.send(server, sign_up).await.0, 201);
    assert_eq!(jar.send(server, server.request(Method::GET, "/user")).await.0, 200);
    jar.send(server, server.request(Method::GET, "/csrf-cookie")).await;
    let token = form("/account/tokens", "name=ci&abilities=&expiresAt=never");
    let (status, shown) = jar.send(server, token).await;
    assert_eq!(status, 200, "{shown}");
    let token = shown.split_once("adt_").unwrap().1.split('<').next().unwrap();
    let mut secrets = vec![format!("adt_{token}")];
    for fields in [
        "currentPassword=a-secret-of-a-form-1&password=a-secret-of-a-form-2",
        "currentPassword=%FF&password=a-secret-of-a-form-3",
    ] {
        jar.send(server, form("/account/password", fields)).await;
    }
    secrets.push("a-secret-of-a-form".to_owned());
    assert!(jar.send(server, form("/account/logout", "")).await.0 < 400);
    let fields = format!("email=grace%40example.com&password={}", PASSWORD.replace(' ', "+"));
    assert!(jar.send(server, form("/account/login", &fields)).await.0 < 400);
    assert_eq!(jar.send(server, page("/account")).await.0, 200);
    // Where they do not belong, and doubled.
    for (name, value) in jar.0.clone() {
        jar.send(server, page("/account/tokens").header("x-device-id", &value)).await;
        jar.send(server, page("/account").header("x-xsrf-token", &value)).await;
        let foreign = form("/account/delete", &format!("password={value}"));
        assert_eq!(
            foreign.header("cookie", format!("{name}={value}")).send().await.unwrap().status(),
            403
        );
        assert_eq!(server.get("/user", &value).await.status, 401);
        server.refresh(&value).await;
    }
    let names: HashSet<&str> = jar.0.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, HashSet::from(["adyton_session", "adyton_device", "XSRF-TOKEN"]));
    secrets.extend(jar.0.into_iter().map(|(_, value)| value));
    secrets
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_the_log_or_the_file_signs_anybody_in() {
    let place = Place::new();
    let mut server = place.serve_with(&[("RUST_LOG", "trace"), LISTEN]);
    let ada = server.register("ada@example.com").await;
    let next = server.refresh(&ada.refresh_token()).await;
    let body = json!({ "name": "ci" });
    let request = server.request(Method::POST, "/tokens").bearer_auth(next.token()).json(&body);
    let personal = crate::world::Answer::of(request).await;
    assert_eq!((next.status.as_u16(), personal.status.as_u16()), (200, 201));
    server.login("ada@example.com", "a wrong password").await;
    let elsewhere = format!("/user?token={}&access_token={}", next.token(), personal.token());
    assert_eq!(server.get(&elsewhere, "").await.status, 401);
    assert_eq!(server.get(&format!("/tokens/{}", personal.token()), "").await.status, 405);

    let mut secrets = vec![PASSWORD.to_owned(), "a wrong password".to_owned(), personal.token()];
    for signed_in in [&ada, &next] {
        secrets.extend([signed_in.token(), signed_in.refresh_token()]);
    }
    secrets.push(ada.text("deviceSecret"));
    secrets.extend(browse(&server).await);
    let metrics = Metrics::of(&server).await.0;
    assert!(metrics.contains("malicious_csrf"), "{metrics}");
    let while_it_runs = place.database_bytes();
    server.term();
    let log = server.log();
    assert!(log.contains("authn_login_fail"), "the log is not what was read");
    for secret in secrets {
        // The middle of it is enough, whatever is cut or quoted.
        let part = &secret[secret.len() / 4..secret.len() / 4 * 3];
        let hash: String = Sha256::digest(&secret).iter().map(|b| format!("{b:02x}")).collect();
        assert!(!log.contains(part) && !log.contains(&hash), "{secret} is in the log");
        assert!(!metrics.contains(part) && !metrics.contains(&hash), "{secret} is in a metric");
        for bytes in [&while_it_runs, &place.database_bytes()] {
            let found = bytes.windows(part.len()).any(|window| window == part.as_bytes());
            assert!(!found, "{secret} is in the file");
        }
    }
}

#[tokio::test]
async fn no_answer_tells_what_serves_it() {
    let server = Place::new().serve();
    for path in ["/user", "/openapi.json", "/nowhere"] {
        let headers = server.request(Method::GET, path).send().await.unwrap().headers().clone();
        for name in ["server", "x-powered-by", "via"] {
            assert!(!headers.contains_key(name), "{path}: {headers:?}");
        }
        let told = format!("{headers:?}").to_lowercase();
        assert!(
            !["hyper", "axum", env!("CARGO_PKG_VERSION")].iter().any(|word| told.contains(word))
        );
    }
}

/// A file that may not grow stands for a disk that is full: the limit is on the running process,
/// and lifting it makes room again.
#[tokio::test]
async fn a_full_disk_is_an_outage_until_there_is_room() {
    if Command::new("prlimit").arg("--version").output().is_err() {
        eprintln!("skipped: prlimit is not installed (Debian: util-linux)");
        return;
    }
    let place = Place::new();
    let server = place.serve_after("trap '' XFSZ");
    let ada = server.register("ada@example.com").await;
    let before = place
        .database()
        .query_row("SELECT COUNT(*) FROM auth_sessions", [], |row| row.get::<_, i64>(0));

    let written = fs::metadata(place.path(&format!("{DATABASE}-wal"))).unwrap().len();
    limit_files(&server, &written.to_string());
    for _ in 0..3 {
        server.login("ada@example.com", PASSWORD).await.assert_unavailable();
        let logout = server.request(Method::POST, "/logout").bearer_auth(ada.token());
        crate::world::Answer::of(logout).await.assert_unavailable();
        assert_eq!(server.user(&ada.token()).await, 200, "who reads is served");
    }

    limit_files(&server, "unlimited");
    let start = Instant::now();
    while server.login("ada@example.com", PASSWORD).await.status != 200 {
        assert!(start.elapsed() < Duration::from_secs(10), "it does not recover: {}", server.log());
    }
    let after: i64 = place
        .database()
        .query_row("SELECT COUNT(*) FROM auth_sessions WHERE revoked_at IS NULL", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(after, before.unwrap() + 1, "what was refused was not done");
    assert_eq!(server.user(&ada.token()).await, 200);
}

fn limit_files(server: &Server, bytes: &str) {
    let (pid, size) = (server.child.id().to_string(), format!("--fsize={bytes}:unlimited"));
    let status = Command::new("prlimit").args(["--pid", &pid, &size]).status();
    assert!(status.unwrap().success());
}
