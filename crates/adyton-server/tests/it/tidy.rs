//! The invariants of ARCHITECTURE.md, read off the sources.

mod public_api;

use std::fs;
use std::path::{Path, PathBuf};

const LIBRARIES: [&str; 6] =
    ["adyton-core", "adyton-sql", "adyton-redis", "adyton", "adyton-client", "adyton-node"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every source file below a folder of the workspace, with its text.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let (mut found, mut folders) = (Vec::new(), vec![root().join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push((path.clone(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(!found.is_empty(), "{folder} has no sources");
    found
}

/// The part of a file that ships: what stands before its unit tests.
fn shipped(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests").next().unwrap()
}

/// Lines of code that a rule forbids, as `path: line`.
fn offenders(folder: &str, allowed: &[&str], forbidden: impl Fn(&str) -> bool) -> Vec<String> {
    let mut offenders = Vec::new();
    for (path, text) in sources(folder) {
        if allowed.iter().any(|end| path.ends_with(end)) {
            continue;
        }
        for line in shipped(&text).lines().filter(|line| !line.trim_start().starts_with("//")) {
            if forbidden(line) {
                offenders.push(format!("{}: {}", path.display(), line.trim()));
            }
        }
    }
    offenders
}

fn assert_none(rule: &str, offenders: &[String]) {
    assert!(offenders.is_empty(), "{rule}:\n{}", offenders.join("\n"));
}

#[test]
fn core_depends_on_no_http_and_no_sql() {
    let manifest = fs::read_to_string(root().join("crates/adyton-core/Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let dependencies = manifest["dependencies"].as_table().unwrap();
    for name in ["axum", "http", "hyper", "tower", "sqlx", "rusqlite", "redis", "toml", "clap"] {
        assert!(!dependencies.contains_key(name), "adyton-core depends on {name}");
    }
}

#[test]
fn the_client_knows_the_server_by_its_answers_alone() {
    let manifest = fs::read_to_string(root().join("crates/adyton-client/Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let mut dependencies = manifest["dependencies"].as_table().unwrap().keys();
    let engine = |name: &&String| name.starts_with("adyton") || *name == "axum";
    assert_eq!(dependencies.find(engine), None);
}

#[test]
fn sql_stands_in_its_crate_alone() {
    let sql = |line: &str| {
        ["SELECT ", "INSERT INTO ", "DELETE FROM ", "CREATE TABLE ", "PRAGMA "]
            .iter()
            .any(|word| line.contains(word))
    };
    for folder in
        ["adyton-core", "adyton-redis", "adyton", "adyton-client", "adyton-server", "adyton-node"]
    {
        let folder = &format!("crates/{folder}/src");
        assert_none("SQL outside adyton-sql", &offenders(folder, &[], sql));
    }
}

#[test]
fn statuses_stand_in_the_crate_for_http_alone() {
    let status = |line: &str| line.contains("StatusCode");
    for folder in ["adyton-core", "adyton-sql", "adyton-redis", "adyton-server", "adyton-node"] {
        let folder = &format!("crates/{folder}/src");
        assert_none("a status outside adyton", &offenders(folder, &[], status));
    }
}

#[test]
fn refusals_get_their_status_in_one_file() {
    // Handlers name the statuses of success only.
    let refusal = |line: &str| {
        line.contains("StatusCode::")
            && !["OK", "CREATED", "NO_CONTENT"].iter().any(|good| line.contains(good))
    };
    assert_none("a refusal's status", &offenders("crates/adyton/src", &["src/error.rs"], refusal));
}

#[test]
fn time_and_randomness_have_one_source_each() {
    let clock = |line: &str| line.contains("SystemTime::now") || line.contains("Instant::now");
    let chance = |line: &str| line.contains("getrandom::") || line.contains("rand::");
    for folder in LIBRARIES {
        let folder = &format!("crates/{folder}/src");
        assert_none("a clock", &offenders(folder, &["adyton-core/src/clock.rs"], clock));
        assert_none("chance", &offenders(folder, &["adyton-core/src/secret.rs"], chance));
    }
}

#[test]
fn each_floor_sees_only_those_below() {
    let engine = |line: &str| line.contains("adyton_core::auth") || line.contains("core::Auth");
    for port in ["crates/adyton-sql/src", "crates/adyton-redis/src"] {
        assert_none("a store knows the engine", &offenders(port, &[], engine));
    }
    let stores = ["adyton_core::store", "adyton_core::throttle", "adyton_sql", "adyton_redis"];
    let store = |line: &str| stores.iter().any(|store| line.contains(store));
    let allowed = ["adyton/src/builder.rs", "adyton/src/lib.rs"];
    assert_none("HTTP names a store", &offenders("crates/adyton/src", &allowed, store));
    let rules = ["token", "session", "refresh", "password", "config", "secret", "ability", "user"];
    for rule in rules {
        let path = root().join(format!("crates/adyton-core/src/{rule}.rs"));
        let text = fs::read_to_string(path).unwrap();
        let upward = ["crate::auth", "crate::store", "crate::cache", "async fn"];
        let up = upward.iter().find(|word| shipped(&text).contains(**word));
        assert_eq!(up, None, "{rule}.rs reaches up");
    }
}

#[test]
fn the_library_neither_prints_nor_exits_nor_reads_the_environment() {
    let words = ["println!", "eprintln!", "process::exit", "std::env::", "env::var"];
    let forbidden = |line: &str| words.iter().any(|word| line.contains(word));
    for folder in LIBRARIES {
        let folder = &format!("crates/{folder}/src");
        assert_none("not a library's business", &offenders(folder, &["src/fuzz.rs"], forbidden));
    }
}

#[test]
fn files_stay_short_enough_to_read() {
    for crate_name in LIBRARIES.into_iter().chain(["adyton-server"]) {
        for (path, text) in sources(&format!("crates/{crate_name}/src")) {
            let lines = shipped(&text).lines().count();
            assert!(lines <= 400, "{} has {lines} lines", path.display());
        }
    }
}

#[test]
fn unfinished_words_name_an_owner() {
    for (path, text) in sources("crates") {
        if path.ends_with("tidy.rs") {
            continue;
        }
        for word in ["TODO", "FIXME", "XXX", "todo!(", "unimplemented!("] {
            for line in text.lines().filter(|line| line.contains(word)) {
                assert!(line.contains("TODO("), "{}: {line}", path.display());
            }
        }
    }
}

#[test]
fn the_code_map_is_true() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let paths = map.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let mut counted = 0;
    for path in paths {
        assert!(root().join(path).exists(), "ARCHITECTURE.md names {path}");
        counted += 1;
    }
    assert!(counted > 20);
}

#[test]
fn every_error_code_is_documented() {
    let documented = fs::read_to_string(root().join("docs/reference/errors.md")).unwrap();
    let files = ["crates/adyton/src/error.rs", "crates/adyton-core/src/error.rs"];
    let texts = files.map(|file| fs::read_to_string(root().join(file)).unwrap());
    let quoted = texts.iter().flat_map(|text| shipped(text).split('"').skip(1).step_by(2));
    let code = |word: &&str| {
        word.contains('_') && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    let codes: Vec<&str> = quoted.filter(code).collect();
    assert!(codes.len() > 15, "{codes:?}");
    for code in codes {
        assert!(documented.contains(&format!("| `{code}` |")), "{code} is not documented");
    }
}
