//! What of docs/threats.md only a whole server can show; and that the tests named there exist.

use crate::world::{DATABASE, PASSWORD, Place, Server};
use reqwest::Method;
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
                found.extend(tests_in(&text).map(|name| format!("{module}::{name}")));
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
        let is_open = [" — ", " --- ", " shown by "].contains(&shown_by);
        assert!(is_open || !names.is_empty(), "nothing shows {row}");
        for name in names {
            let is_script = root().join(name.split(' ').next().unwrap()).is_file();
            assert!(is_script || tests.contains(name), "there is no test {name}");
            named += 1;
        }
    }
    assert!(named > 100, "the document names {named} tests");
}

#[tokio::test]
async fn nothing_in_the_log_or_the_file_signs_anybody_in() {
    let place = Place::new();
    let mut server = place.serve_with(&[("RUST_LOG", "trace")]);
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
    let while_it_runs = place.database_bytes();
    server.term();
    let log = server.log();
    assert!(log.contains("authn_login_fail"), "the log is not what was read");
    for secret in secrets {
        // The middle of it is enough, whatever is cut or quoted.
        let part = &secret[secret.len() / 4..secret.len() / 4 * 3];
        let hash: String = Sha256::digest(&secret).iter().map(|b| format!("{b:02x}")).collect();
        assert!(!log.contains(part) && !log.contains(&hash), "{secret} is in the log");
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
