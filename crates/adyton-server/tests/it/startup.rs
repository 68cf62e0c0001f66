//! How the server starts, refuses to start, and gets over a database that fails it.

use crate::world::{Answer, DATABASE, PASSWORD, Place, Server, told};
use reqwest::Method;
use serde_json::json;
use std::fs;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long from the command to the first answer.
const READY: Duration = Duration::from_millis(if cfg!(debug_assertions) { 1500 } else { 150 });

#[tokio::test(flavor = "multi_thread")]
async fn it_answers_soon_and_needs_little_memory() {
    let place = Place::new();
    let mut fastest = Duration::MAX;
    for _ in 0..3 {
        let start = Instant::now();
        let server = place.serve();
        let health = format!("http://{}/healthz", server.address);
        assert_eq!(server.http.get(health).send().await.unwrap().status(), 200);
        fastest = fastest.min(start.elapsed());
        assert_eq!(server.get("/session", "").await.status, 200);
    }
    println!("first answer after {fastest:?}");
    assert!(fastest < READY, "first answer after {fastest:?}");
    if cfg!(target_os = "linux") {
        let server = place.serve();
        assert_eq!(server.get("/session", "").await.status, 200);
        let resident = resident_kib(server.child.id());
        println!("resident before the first sign-in: {resident} KiB");
        assert!(cfg!(debug_assertions) || resident < 40 * 1024, "{resident} KiB");
    }
    let size = fs::metadata(env!("CARGO_BIN_EXE_adyton")).unwrap().len();
    println!("the binary: {size} bytes");
    assert!(cfg!(debug_assertions) || size <= 18_000_000, "{size} bytes");
}

/// Look-ups in two threads wait for each other where SQLite is compiled with these.
#[test]
fn sqlite_has_no_lock_around_all_readers() {
    let conn = rusqlite::Connection::open_in_memory().unwrap();
    let mut options = conn.prepare("PRAGMA compile_options").unwrap();
    let options = options.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let options: Vec<String> = options.map(Result::unwrap).collect();
    let has = |option: &str| options.iter().any(|found| found == option);
    assert!(has("THREADSAFE=1"), "{options:?}");
    assert!(!has("ENABLE_MEMORY_MANAGEMENT"), "see .cargo/config.toml: {options:?}");
    assert!(has("DEFAULT_MEMSTATUS=0"), "see .cargo/config.toml: {options:?}");
}

fn resident_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn on_a_terminal_it_greets_whatever_the_log_says() {
    if Command::new("script").arg("--version").output().is_err() {
        println!("skipped: script, which lends a terminal, is not installed");
        return;
    }
    let place = Place::with("server.base_path = '/accounts'");
    let serve = concat!("exec ", env!("CARGO_BIN_EXE_adyton"), " serve");
    let mut child = Command::new("script")
        .args(["-qefc", serve, "/dev/null"])
        .env_clear()
        .envs([("ADYTON_SERVER__LISTEN", "0.0.0.0:0"), ("RUST_LOG", "off"), ("SHELL", "/bin/sh")])
        .current_dir(place.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        lines.push(line.unwrap().trim_end().to_owned());
        if lines.last().unwrap().starts_with("curl ") {
            break;
        }
    }
    // Whoever read this has gone, and the server goes on.
    let curl = lines.last().cloned().unwrap_or_default();
    let installed = Command::new("curl").arg("--version").output().is_ok();
    let pasted = Command::new("sh").args(["-c", &format!("{curl} -s")]).output().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let told = lines.join("\n");
    let url = told.split_whitespace().find(|word| word.starts_with("http://127.0.0.1:")).unwrap();
    let site = url.strip_suffix("/accounts").unwrap_or_else(|| panic!("{told}"));
    assert_eq!(lines[0], format!("adyton {}", env!("CARGO_PKG_VERSION")));
    assert!(curl.starts_with(&format!("curl {url}/register --json '{{")), "{told}");
    assert!(told.contains(&format!("  pages     {site}/account\n")), "{told}");
    assert!(told.contains("data/adyton.sqlite3") && told.contains("adyton.toml"), "{told}");
    assert!(told.contains("`adyton doctor`"), "{told}");
    let answer = String::from_utf8(pasted.stdout).unwrap();
    assert!(!installed || answer.contains(r#""email":"ada@example.com""#), "{answer}");
}

#[test]
fn nothing_but_its_log_is_told_where_nobody_looks() {
    let place = Place::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_adyton"))
        .arg("serve")
        .env_clear()
        .env("ADYTON_SERVER__LISTEN", "127.0.0.1:0")
        .current_dir(place.path(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(line.contains("serving"), "{line}");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "");
}

#[test]
fn the_default_configuration_gives_no_warning() {
    let place = Place::with("");
    let mut server = place.serve();
    assert_eq!(server.term().code(), Some(0));
    let log = server.log();
    assert!(!log.contains("WARN"), "{log}");
}

#[test]
fn it_warns_of_cookies_without_csrf_protection() {
    for (guard, warned) in [("both", true), ("session", true), ("token", false)] {
        let quiet = "rate_limiting.enabled = false\ndevice_binding = 'off'";
        let file = format!("csrf_protection = false\nsession_guard = '{guard}'\n{quiet}");
        let mut server = Place::with(&file).serve();
        assert_eq!(server.term().code(), Some(0));
        let log = server.log();
        let warns = |line: &str| line.contains("WARN") && line.contains("csrf_protection is off");
        assert_eq!(log.lines().any(warns), warned, "{guard}: {log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_nowhere_is_answered_as_everything_else() {
    let place = Place::new();
    let server = place.serve();
    for (method, path, status, code) in [
        (Method::GET, "/", 404, "not_found"),
        (Method::GET, "/nothing", 404, "not_found"),
        (Method::POST, "/api", 404, "not_found"),
        (Method::GET, "/api/auth/nothing", 404, "not_found"),
        (Method::POST, "/healthz", 405, "method_not_allowed"),
        (Method::DELETE, "/readyz", 405, "method_not_allowed"),
        (Method::DELETE, "/api/auth/login", 405, "method_not_allowed"),
    ] {
        let url = format!("http://{}{path}", server.address);
        let answer = server.http.request(method, url).send().await.unwrap();
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap());
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(header("content-type"), Some("application/problem+json"), "{path}");
        assert_eq!(header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(header("x-content-type-options"), Some("nosniff"), "{path}");
        let allowed = match path {
            "/api/auth/login" => Some("POST"),
            _ => (status == 405).then_some("GET,HEAD"),
        };
        assert_eq!(header("allow"), allowed, "{path}");
        let body: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(body["code"], code, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_may_stand_where_others_can_reach_it_and_limits_them_by_their_address() {
    let place = Place::new();
    let server = place.serve_with(&[("ADYTON_SERVER__LISTEN", "0.0.0.0:0")]);
    server.register("ada@example.com").await;
    for _ in 0..5 {
        assert_eq!(server.login("ada@example.com", "wrong horse 1").await.status, 401);
    }
    let blocked = server.login("ada@example.com", PASSWORD).await;
    assert_eq!(blocked.status, 429, "{}", blocked.body);
    let log = server.log();
    assert!(log.contains(r#""network":"127.0.0.0""#), "{log}");
    assert!(!log.contains("no address of a client is known"), "{log}");
}

#[test]
fn a_bad_configuration_stops_the_start_by_key_file_and_line() {
    for (file, told) in [
        ("\nauth_tabel = 'x'", "adyton.toml, line 2, column 1: unknown key `auth_tabel`"),
        ("[server]\nlisten = 'here'", "adyton.toml, line 2, column 10: "),
        ("\n\ntoken_expiration = 0", "`token_expiration` (adyton.toml:3): must be at least"),
        (
            "\nrate_limiting.limits.tokens = '20'",
            "`rate_limiting.limits.tokens` (adyton.toml:2): must be `\"count/period\"`",
        ),
    ] {
        let place = Place::with(file);
        let error = place.failed("serve", "");
        assert!(error.contains(told), "{error}");
        assert!(!place.path("data").exists(), "nothing is made before the configuration stands");
    }
}

#[test]
fn an_unknown_variable_stops_the_start() {
    let place = Place::new();
    let mut command = place.adyton("serve");
    command.env("ADYTON_SERVER__LISTN", "127.0.0.1:0");
    let (code, _, error) = told(command);
    assert_eq!(code, 1);
    assert!(error.contains("unknown variable ADYTON_SERVER__LISTN"), "{error}");
    assert!(error.contains("did you mean ADYTON_SERVER__LISTEN?"), "{error}");
}

#[test]
fn an_address_in_use_is_told() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    let place = Place::with(&format!("server.listen = '{address}'"));
    let error = place.failed("serve", "");
    let told = format!("cannot listen on {address} (adyton.toml:1); another program does");
    assert!(error.contains(&told), "{error}");
}

#[test]
fn a_database_that_is_none_stops_the_start_with_its_path() {
    let place = Place::with("connector.options.path = 'db'");
    let refused = |told: &str| {
        let error = place.failed("serve", "");
        let last = error.lines().last().unwrap().to_owned();
        assert!(last.starts_with("error: ") && last.contains(told), "{error}");
        last
    };
    fs::create_dir(place.path("db")).unwrap();
    assert!(refused("cannot open the database file db").contains("is a directory"));
    fs::remove_dir(place.path("db")).unwrap();
    fs::write(place.path("db"), "This is a shopping list, no database at all.\n".repeat(99))
        .unwrap();
    assert!(refused("cannot open the database file db").contains("not a database"));
    let kept = fs::read_to_string(place.path("db")).unwrap();
    assert!(kept.starts_with("This is a shopping list"), "it is left as it is");
    place.configure("connector.options.path = '/proc/adyton/db'");
    refused("cannot open the database file /proc/adyton/db");
}

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    let place = Place::new();
    place.done("migrate");
    let newer = "INSERT INTO adyton_migrations VALUES ('0099_passkeys', 'auth_passkeys', 0, '2030-01-01 00:00:00')";
    place.database().execute(newer, []).unwrap();
    for command in ["serve", "migrate", "user list"] {
        let error = place.failed(command, "");
        for told in ["newer version (`0099_passkeys`)", "install", "`adyton --version`"] {
            assert!(error.contains(told), "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_another_program_keeps_the_database_nothing_is_acknowledged_or_refused() {
    let place = Place::new();
    let server = place.serve();
    let ada = server.register("ada@example.com").await;
    let (token, refresh) = (ada.token(), ada.refresh_token());
    let other = place.database();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let logout = server.request(Method::POST, "/logout").bearer_auth(&token);
    let body = json!({ "name": "Eve", "email": "eve@example.com", "password": PASSWORD });
    let (logout, refreshed, registered, login) = tokio::join!(
        Answer::of(logout),
        server.refresh(&refresh),
        server.post("/register", body),
        server.login("ada@example.com", PASSWORD),
    );
    for refused in [logout, refreshed, registered, login] {
        refused.assert_unavailable();
    }
    assert_eq!(server.user(&token).await, 200, "readers go on, and the cache's lease has run out");
    assert_eq!(server.user(&token.replace("adt_", "adr_")).await, 401);
    other.execute_batch("ROLLBACK").unwrap();

    assert_eq!(server.user(&token).await, 200, "the refused sign-out did not happen later");
    server.register("eve@example.com").await;
    let next = server.refresh(&refresh).await;
    assert_eq!(next.status, 200, "the refused refresh did not happen later: {}", next.body);
    assert_eq!(server.user(&next.token()).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_goes_away_is_an_outage_until_it_is_back() {
    let place = Place::new();
    let server = place.serve();
    let ada = server.register("ada@example.com").await;
    let (mut token, mut refresh) = (ada.token(), ada.refresh_token());
    for table in ["personal_access_tokens", "users", "auth_sessions"] {
        assert_eq!(server.user(&token).await, 200);
        rename(&place, table, "hidden");
        tokio::time::sleep(Duration::from_millis(150)).await;
        for path in ["/user", "/session", "/tokens", "/sessions"] {
            server.get(path, &token).await.assert_unavailable();
        }
        server.refresh(&refresh).await.assert_unavailable();
        server.login("ada@example.com", PASSWORD).await.assert_unavailable();
        let logout = server.request(Method::POST, "/logout").bearer_auth(&token);
        Answer::of(logout).await.assert_unavailable();
        rename(&place, "hidden", table);
        assert_eq!(server.user(&token).await, 200, "without a restart");
        let next = server.refresh(&refresh).await;
        assert_eq!(next.status, 200, "{}", next.body);
        (token, refresh) = (next.token(), next.refresh_token());
        assert_eq!(server.login("ada@example.com", PASSWORD).await.status, 200);
    }
    assert!(!server.log().contains(&token));
}

/// Without regard for who points at it.
fn rename(place: &Place, from: &str, to: &str) {
    let sql = format!("PRAGMA legacy_alter_table = ON; ALTER TABLE {from} RENAME TO {to}");
    place.database().execute_batch(&sql).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_an_outage_until_it_is_mended() {
    let place = Place::new();
    let server = place.serve();
    let token = server.register("ada@example.com").await.token();
    let file = place.path(DATABASE);
    let other = place.database();
    // What the server knows of the file is out of date, so that it has to look.
    let commit = "CREATE TABLE other (id); PRAGMA wal_checkpoint(TRUNCATE)";
    other.execute_batch(commit).unwrap();
    let whole = fs::read(&file).unwrap();
    overwrite(&file, &vec![0xA5; whole.len()]);
    tokio::time::sleep(Duration::from_millis(150)).await;
    server.get("/user", &token).await.assert_unavailable();
    server.login("ada@example.com", PASSWORD).await.assert_unavailable();
    assert_unready(&server).await;
    overwrite(&file, &whole);
    // Whoever mends it writes to it; until somebody does, SQLite trusts the pages that it has read.
    other.execute_batch("DROP TABLE other").unwrap();
    assert_eq!(server.user(&token).await, 200, "without a restart");
    assert_eq!(server.login("ada@example.com", PASSWORD).await.status, 200);
}

/// In place: the server keeps the file open.
fn overwrite(file: &Path, bytes: &[u8]) {
    let mut file = fs::OpenOptions::new().read(true).write(true).open(file).unwrap();
    file.write_all(bytes).unwrap();
    file.sync_all().unwrap();
    file.rewind().unwrap();
    let mut written = Vec::new();
    file.read_to_end(&mut written).unwrap();
    assert_eq!(written, bytes);
}

async fn assert_unready(server: &Server) {
    let health = |path| server.http.get(format!("http://{}{path}", server.address)).send();
    assert_eq!(health("/readyz").await.unwrap().status(), 503);
    assert_eq!(health("/healthz").await.unwrap().status(), 200, "a restart would not help");
}
