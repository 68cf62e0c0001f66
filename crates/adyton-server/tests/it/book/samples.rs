//! What the documents tell people to type works. Each page is pasted into one shell, top to bottom,
//! in an empty folder; `adyton serve` goes on in the background, as in a second terminal.

use super::{Document, assert_none, documents, root};
use crate::world::Place;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// Their blocks run elsewhere: `readme.rs`, and `scripts/test` itself.
const RUN_ELSEWHERE: [&str; 2] = ["README.md", "CONTRIBUTING.md"];

/// What pages say of the answers that they show: each status, in order.
const STATUSES: [(&str, &[&str]); 6] = [
    ("docs/start/server.md", &["200", "401"]),
    ("docs/concepts/abilities.md", &["200", "403"]),
    ("docs/concepts/rotation.md", &["401", "401"]),
    ("docs/concepts/csrf.md", &["403"]),
    ("docs/recipes/services.md", &["200", "403", "401"]),
    ("docs/operations/incident.md", &["401", "401"]),
];

const BINARY: &str = env!("CARGO_BIN_EXE_adyton");

/// Stands for `adyton`: it serves in the background and returns once that answers.
const STAND_IN: &str = r#"#!/bin/sh
case " $* " in *" serve "*) ;; *) exec "$BINARY" "$@" ;; esac
"$BINARY" "$@" >>serve.log 2>&1 </dev/null &
echo $! >>serve.pids
until curl -s -o /dev/null "$ADYTON_SERVER__LISTEN/healthz"; do kill -0 $! || exit 1; sleep 0.05; done
"#;

/// A reader's terminal, which ends what it has started.
struct Terminal(Place);

impl Terminal {
    fn open(page: &str) -> Self {
        let place = Place::new();
        fs::create_dir(place.path("bin")).unwrap();
        let stand_in = place.path("bin/adyton");
        fs::write(&stand_in, STAND_IN.replace("$BINARY", BINARY)).unwrap();
        fs::set_permissions(&stand_in, fs::Permissions::from_mode(0o755)).unwrap();
        if page.ends_with("importing-users.md") {
            let hash = "$2y$10$P0xLqQ2pXPZsVDXiBeHGeO3GuXRTSQU5WOQf1iNalXp71H71v7qze";
            let rows = format!("email,name,password_hash\ngrace@example.com,Grace,{hash}\n");
            fs::write(place.path("users.csv"), rows).unwrap();
        }
        Self(place)
    }

    /// What the lines print, if all of them succeed.
    fn paste(&self, lines: &str) -> Result<String, String> {
        let (server, metrics) = (free_address(), free_address());
        let script = lines
            .replace("localhost:8000", &server)
            .replace("127.0.0.1:8000", &server)
            .replace("localhost:9100", &metrics)
            .replace("127.0.0.1:9100", &metrics)
            .replace("curl -s ", "curl -s --fail-with-body -w '\\n' ");
        let path = format!("{}:{}", self.0.path("bin").display(), std::env::var("PATH").unwrap());
        let run = Command::new("bash")
            .args(["-euo", "pipefail", "-c", &script])
            .env("PATH", path)
            .env("ADYTON_SERVER__LISTEN", &server)
            .current_dir(self.0.path("."))
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&run.stdout).into_owned();
        if run.status.success() {
            return Ok(out);
        }
        let log = fs::read_to_string(self.0.path("serve.log")).unwrap_or_default();
        Err(format!("{script}\n{out}{}{log}", String::from_utf8_lossy(&run.stderr)))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let started = fs::read_to_string(self.0.path("serve.pids")).unwrap_or_default();
        for process in started.lines() {
            let _ = Command::new("kill").args(["-9", process]).output();
        }
    }
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn shell_lines(document: &Document) -> String {
    document.blocks("sh").map(|block| block.text.as_str()).collect()
}

#[test]
fn what_the_book_says_in_a_shell_works() {
    let missing = |tool: &&str| Command::new(tool).arg("--version").output().is_err();
    let missing: Vec<&str> = ["curl", "sqlite3"].into_iter().filter(missing).collect();
    let (mut broken, mut pages) = (Vec::new(), 0);
    for page in documents().iter().filter(|document| document.is_in_the_book()) {
        let lines = shell_lines(page);
        if let Some(tool) = missing.iter().find(|tool| lines.contains(&format!("{tool} "))) {
            println!("skipped: {} needs {tool}, which is not installed", page.path);
        } else if !lines.is_empty() {
            pages += 1;
            let told = Terminal::open(&page.path).paste(&lines);
            let told = told.and_then(|told| answers_as_said(&page.path, &told));
            broken.extend(told.err().map(|why| format!("== {}\n{why}", page.path)));
        }
    }
    assert_none("pages whose samples break", &broken);
    assert!(pages > 15 || !missing.is_empty(), "only {pages} pages were run");
}

fn answers_as_said(page: &str, told: &str) -> Result<(), String> {
    let Some((_, said)) = STATUSES.iter().find(|(path, _)| *path == page) else { return Ok(()) };
    let answers = told.split("HTTP/1.1 ").skip(1);
    let statuses: Vec<&str> = answers.filter_map(|rest| rest.split(' ').next()).collect();
    if statuses == *said { Ok(()) } else { Err(format!("{statuses:?} and not {said:?}:\n{told}")) }
}

#[test]
fn every_other_shell_sample_says_that_it_is_not_run() {
    let documents = documents();
    let others = documents.iter().filter(|document| !document.is_in_the_book());
    let others = others.filter(|document| !RUN_ELSEWHERE.contains(&&*document.path));
    let unmarked: Vec<String> = others
        .filter(|document| document.blocks("sh").next().is_some())
        .map(|document| format!("{}: write ```sh,ignore, or run it", document.path))
        .collect();
    assert_none("samples that nobody runs", &unmarked);
}

#[test]
fn every_rust_sample_is_a_doc_test() {
    let library = fs::read_to_string(root().join("crates/adyton/src/lib.rs")).unwrap();
    let documents = documents();
    let with_rust = documents.iter().filter(|document| document.blocks("rust").next().is_some());
    let missing: Vec<String> = with_rust
        .map(|document| document.path.trim_start_matches("crates/adyton/src/").to_owned())
        .filter(|path| !library.contains(&format!("{path}\"")))
        .collect();
    assert_none("documents that crates/adyton/src/lib.rs does not include", &missing);
}

#[test]
fn every_configuration_can_stand() {
    let mut broken = Vec::new();
    for document in documents() {
        for block in document.blocks("toml") {
            if let Some(unknown) = unknown_features(&block.text) {
                broken.extend(unknown.map(|name| format!("{}: no feature {name}", document.path)));
                continue;
            }
            let place = Place::with(&block.text);
            let checked = place.adyton("config check").output().unwrap();
            if !checked.status.success() {
                let why = String::from_utf8_lossy(&checked.stderr).into_owned();
                broken.push(format!("{}: {why}", document.path));
            }
        }
    }
    assert_none("configurations that are refused", &broken);
}

/// If this is of a manifest: what it asks of the crate that the crate does not have.
fn unknown_features(sample: &str) -> Option<impl Iterator<Item = String>> {
    let sample: toml::Table = sample.parse().unwrap();
    let is_manifest = sample.keys().any(|key| key.ends_with("dependencies"));
    let manifest = fs::read_to_string(root().join("crates/adyton/Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let known = manifest["features"].as_table().unwrap().clone();
    let dependencies = sample.into_iter().filter_map(|(_, table)| table.get("adyton").cloned());
    let features = dependencies.filter_map(|adyton| adyton.get("features")?.as_array().cloned());
    let names = features.flatten().filter_map(|name| Some(name.as_str()?.to_owned()));
    is_manifest.then(|| names.filter(move |name| !known.contains_key(name)))
}

#[test]
fn every_json_sample_parses() {
    for document in documents() {
        for block in document.blocks("json") {
            let parsed: Result<serde_json::Value, _> = serde_json::from_str(&block.text);
            assert!(parsed.is_ok(), "{}: {}", document.path, block.text);
        }
    }
}
