//! The commands that work on the database, and what a running server makes of their changes.

use crate::world::{DATABASE, PASSWORD, Place, Server, told};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The contract's 100 ms, and half as much for a busy machine.
const ELSEWHERE: Duration = Duration::from_millis(150);
const CREATE: &str = "user create --name Ada --email ada@example.com";

fn with_ada() -> Place {
    let place = Place::new();
    place.done_with(CREATE, &format!("{PASSWORD}\n"));
    place
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_made_listed_shown_and_deleted() {
    let place = Place::new();
    let arguments = "user create --json --name Ada --email Ada@Example.com";
    let out = place.done_with(arguments, &format!("{PASSWORD}\r\nsecond line\n"));
    let ada: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&ada["id"], &ada["email"]), (&json!(1), &json!("ada@example.com")));
    let told = place.done_with("user create --name Eve --email eve@example.com", PASSWORD);
    assert_eq!(told, "created user 2\n");

    let users = place.json("user list --json");
    assert_eq!(users["users"].as_array().unwrap().len(), 2);
    assert_eq!(place.json("user list --json --after 1 --limit 1")["users"][0]["name"], "Eve");
    assert_eq!(place.json("user list --json --after 2")["users"], json!([]));
    assert_eq!(place.done("user list").lines().count(), 2);
    assert_eq!(place.json("user show --json 1"), ada);
    assert_eq!(place.json("user show --json ADA@example.com"), ada);
    assert!(place.done("user show 1").starts_with("1\tada@example.com\tAda\t"));
    for text in [out, users.to_string(), place.done("user show 1")] {
        assert!(!text.contains("$argon2") && !text.contains(PASSWORD));
    }
    let server = place.serve();
    assert_eq!(server.login("ada@example.com", PASSWORD).await.status, 200, "the first line");

    let error = place.failed("user delete 2", "");
    assert!(error.contains("Delete user 2 (eve@example.com)"), "{error}");
    assert!(error.contains("--yes"), "{error}");
    assert_eq!(place.done("user delete 2 --yes"), "deleted user 2\n");
    for command in ["user show 2", "user show eve@example.com", "user delete 2 --yes"] {
        let who = command.split(' ').nth(2).unwrap();
        assert_eq!(place.failed(command, ""), format!("error: there is no user {who}\n"));
    }
}

#[test]
fn a_user_who_cannot_be_is_refused_in_a_sentence() {
    let place = with_ada();
    for (arguments, password, sentence) in [
        (CREATE, PASSWORD, "email has already been taken"),
        (
            "user create --name Ada --email ADA@example.com",
            PASSWORD,
            "email has already been taken",
        ),
        ("user create --name Eve --email eve@example.com", "short", "password "),
        ("user create --name Eve --email eve@example.com", "", "password "),
        ("user create --name Eve --email eve@example.com", "password123", "password "),
        ("user create --name Eve --email nobody", PASSWORD, "email must be an e-mail address"),
        ("user set-password 1", "short", "password "),
        ("user set-password 9", PASSWORD, "there is no user 9"),
    ] {
        let error = place.failed(arguments, password);
        let told = error.strip_prefix("error: ").unwrap_or_else(|| panic!("{error}"));
        assert!(told.starts_with(sentence) && told.lines().count() == 1, "{told}");
        assert!(password.is_empty() || !told.contains(password), "{told}");
    }
    assert_eq!(place.json("user list --json")["users"].as_array().unwrap().len(), 1);
}

#[test]
fn secrets_are_no_arguments() {
    let place = with_ada();
    for arguments in [
        "user create --name Eve --email eve@example.com --password hunter2hunter2",
        "user create --name Eve --email eve@example.com --password=hunter2hunter2",
        "user create --name Eve --email eve@example.com hunter2hunter2",
        "user set-password 1 hunter2hunter2",
        "user set-password 1 --password hunter2hunter2",
        "token create --user 1 --name ci --token hunter2hunter2",
        "session revoke 1 --user 1",
        "token revoke all",
        "prune --hours -1",
        "migrate --status --pretend",
        "user",
    ] {
        let mut command = place.adyton(arguments);
        command.write_stdin(PASSWORD);
        let (code, out, _) = told(command);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments}");
    }
    let help = [&["user", "create"][..], &["user", "set-password"], &["token", "create"]];
    for words in help {
        let text = place.done(&format!("{} --help", words.join(" ")));
        assert!(!text.contains("--password") && !text.contains("--token"), "{text}");
    }
    assert_eq!(place.json("user list --json")["users"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_made_shown_once_and_revoked() {
    let place = with_ada();
    let create = "token create --user ada@example.com --name ci --ability posts:read --ability x";
    let token = place.done(create).trim_end().to_owned();
    assert!(token.starts_with("adt_") && token.len() == 53, "{token}");
    let made = place.json("token create --user 1 --name box --never --json");
    assert_eq!(
        (&made["accessToken"]["id"], &made["accessToken"]["expiresAt"]),
        (&json!(2), &Value::Null)
    );
    let list = place.json("token list --user 1 --json");
    assert_eq!(list["tokens"][0]["abilities"], json!(["posts:read", "x"]));
    assert_eq!(list["tokens"].as_array().unwrap().len(), 2);
    for text in [list.to_string(), place.done("token list --user 1")] {
        assert!(!text.contains(&token) && !text.contains("adt_"), "{text}");
    }
    let server = place.serve();
    assert_eq!(server.user(&token).await, 200);
    assert_eq!(server.get("/session", &token).await.body["abilities"], json!(["posts:read", "x"]));
    assert_eq!(place.done("token revoke 1"), "revoked token 1\n");
    for id in [1, 99] {
        let told = format!("error: there is no personal access token {id}\n");
        assert_eq!(place.failed(&format!("token revoke {id}"), ""), told);
    }
    let error = place.failed("token create --user 1 --name ci --ability **", "");
    assert!(error.starts_with("error: abilities"), "{error}");
    let error = place.failed("token create --user 9 --name ci", "");
    assert_eq!(error, "error: there is no user 9\n");
    let database = place.database_bytes();
    let clear = made["token"].as_str().unwrap();
    assert!(!contains(&database, &token) && !contains(&database, clear));
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_and_ended() {
    let place = with_ada();
    let server = place.serve();
    let mut tokens = Vec::new();
    for _ in 0..3 {
        tokens.push(server.login("ada@example.com", PASSWORD).await);
    }
    let list = place.json("session list --user 1 --json");
    let id = tokens[0].text("sessionId");
    let listed: Vec<_> = list["sessions"].as_array().unwrap().iter().map(|s| &s["id"]).collect();
    assert!(listed.len() == 3 && listed.contains(&&json!(id)), "{list}");
    assert_eq!(place.done("session list --user ada@example.com").lines().count(), 3);
    assert_eq!(place.done(&format!("session revoke {id}")), "ended 1 session\n");
    let again = place.failed(&format!("session revoke {id}"), "");
    assert_eq!(again, format!("error: there is no live session {id}\n"));
    assert_eq!(place.failed("session revoke --user 7", ""), "error: there is no user 7\n");
    assert_eq!(place.done("session revoke --user ada@example.com"), "ended 2 sessions\n");
    assert_eq!(place.json("session list --user 1 --json"), json!({ "sessions": [] }));
    for token in tokens {
        assert_eq!(server.refresh(&token.refresh_token()).await.status, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn text_of_others_cannot_steer_the_terminal() {
    let place = with_ada();
    place.done("token create --user 1 --name ci --ability x");
    place.serve().login("ada@example.com", PASSWORD).await;
    // As other programs may write them, or a version before ours checked.
    let evil = "\u{1b}[2J\n\t\u{9b}\u{202e}\u{2067}\u{200f}\u{2028}";
    let escaped = r"\u{1b}[2J\u{a}\u{9}\u{9b}\u{202e}\u{2067}\u{200f}\u{2028}";
    let tables = place.database();
    for (sql, text) in [
        ("UPDATE users SET name = ?1, email = ?1 || '@example.com'", evil.to_owned()),
        ("UPDATE personal_access_tokens SET name = ?1", evil.to_owned()),
        ("UPDATE personal_access_tokens SET abilities = ?1", json!([evil]).to_string()),
        ("UPDATE auth_sessions SET device_name = ?1", evil.to_owned()),
    ] {
        assert!(tables.execute(sql, [text]).unwrap() > 0, "{sql}");
    }
    for (command, times) in [
        ("user list", 2),
        ("user show 1", 2),
        ("token list --user 1", 2),
        ("session list --user 1", 1),
    ] {
        let out = place.done(command);
        assert_eq!(out.matches(escaped).count(), times, "{command}: {out:?}");
        assert_eq!((out.lines().count(), out.matches('\t').count()), (1, 3), "{command}: {out:?}");
        assert!(!out.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\u{2028}']), "{command}: {out:?}");
    }
    let question = place.failed("user delete 1", "");
    assert!(question.contains(&format!("({escaped}@example.com)")), "{question:?}");
    assert_eq!(place.json("user show 1 --json")["name"], evil, "JSON escapes by its own rules");
}

#[tokio::test(flavor = "multi_thread")]
async fn prune_removes_what_is_over_and_nothing_else() {
    let place = with_ada();
    let mut server = place.serve();
    let ended = server.login("ada@example.com", PASSWORD).await;
    let alive = server.login("ada@example.com", PASSWORD).await;
    place.done(&format!("session revoke {}", ended.text("sessionId")));
    let gone =
        place.done("token create --user 1 --name short --expires-in 1").trim_end().to_owned();
    let kept = place.done("token create --user 1 --name long").trim_end().to_owned();
    tokio::time::sleep(Duration::from_millis(2100)).await;
    let alive = server.refresh(&alive.refresh_token()).await;
    let past = "UPDATE auth_superseded_tokens SET expires_at = datetime('now', '-1 hour')";
    assert_eq!(place.database().execute(past, []).unwrap(), 1);
    let nothing = json!({ "tokens": 0, "sessions": 0, "superseded": 0, "devices": 0, "events": 0 });
    assert_eq!(place.json("prune --json"), nothing, "not before a day has passed");
    let all = json!({ "tokens": 1, "sessions": 1, "superseded": 1, "devices": 0, "events": 0 });
    assert_eq!(place.json("prune --hours 0 --json"), all);
    let told = "removed 0 tokens, 0 sessions, 0 replaced refresh tokens, 0 devices and 0 events\n";
    assert_eq!(place.done("prune --hours 0"), told);
    assert_eq!(server.user(&alive.token()).await, 200);
    assert_eq!(server.user(&kept).await, 200);
    assert_eq!(server.user(&gone).await, 401);
    assert_eq!(server.term().code(), Some(0));
}

#[test]
fn migrate_tells_and_pretends_before_it_changes_anything() {
    let place = Place::new();
    let tables = || {
        let sql =
            "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'";
        place.database().query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let status = place.json("migrate --status --json");
    let states = |status: &Value| -> Vec<String> {
        let all = status["migrations"].as_array().unwrap();
        all.iter().map(|one| one["state"].as_str().unwrap().to_owned()).collect()
    };
    let pending = states(&status);
    assert!(pending.len() > 5 && pending.iter().all(|state| state == "pending"), "{pending:?}");
    let sql = place.done("migrate --pretend");
    assert_eq!(place.json("migrate --pretend --json")["sql"], json!(sql));
    assert!(sql.contains("CREATE TABLE \"users\"") || sql.contains("CREATE TABLE users"), "{sql}");
    assert!(!place.path("data").exists(), "nothing was made");

    let elsewhere = Place::new();
    elsewhere.database().execute_batch(&sql).unwrap();
    let applied = states(&elsewhere.json("migrate --status --json"));
    assert_eq!(applied, vec!["applied"; pending.len()]);

    let made = place.json("migrate --json");
    assert_eq!(made["created"].as_array().unwrap().len(), 6, "{made}");
    assert_eq!(tables(), 7);
    let again = place.json("migrate --json");
    let nothing = json!({
        "created": [], "altered": [], "adopted": [], "warnings": [], "triggers": null,
    });
    assert_eq!(again, nothing);
    assert_eq!(place.done("migrate"), "the tables are up to date\n");
    assert_eq!(place.done("migrate --pretend"), "");
    assert!(place.done("migrate --status").lines().all(|line| line.contains("\tapplied 20")));
    let mode = |name: &str| fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("data"), mode(DATABASE)), (0o700, 0o600));
}

#[test]
fn many_can_migrate_a_new_file_at_once() {
    for _ in 0..8 {
        let place = Place::new();
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| place.done("migrate"));
            }
        });
        assert_eq!(place.json("migrate --json")["created"], json!([]));
    }
}

const PLAIN: [&str; 2] = ["plain-text-token-of-ada-0123456789", "9f8e7d6c5b4a39281706f5e4d3c2b1a0"];

/// Users as `nuxt-token-authentication` keeps them, one with what is no token.
fn with_plain_text_tokens(file: &str) -> Place {
    let place = Place::with(file);
    let make = format!(
        "CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, email TEXT, password TEXT,
           token TEXT, created_at TEXT, updated_at TEXT);
         INSERT INTO users (name, email, password, token) VALUES
           ('Ada', 'ada@example.com', 'x', '{}'), ('Bob', 'bob@example.com', 'x', '{}'),
           ('Eve', 'eve@example.com', 'x', 'short'), ('Joe', 'joe@example.com', 'x', NULL),
           ('Ann', 'ann@example.com', 'x', '{}')",
        PLAIN[0], PLAIN[1], PLAIN[0]
    );
    place.database().execute_batch(&make).unwrap();
    place
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_text_tokens_are_imported_and_leave_no_trace() {
    let place = with_plain_text_tokens("");
    assert!(PLAIN.iter().all(|token| contains(&place.database_bytes(), token)));
    let told = place.done("migrate --import-plaintext-tokens");
    assert!(told.contains("imported 2 tokens\n"), "{told}");
    assert!(told.contains("characters: those of the users [3]"), "{told}");
    assert!(told.contains("already: those of the users [5]"), "{told}");
    assert!(told.contains("set `compat.imported_tokens = true`"), "{told}");
    assert!(!PLAIN.iter().any(|token| contains(&place.database_bytes(), token)));
    assert!(!PLAIN.iter().any(|token| told.contains(token)) && !told.contains("short"));
    let again = place.done("migrate --import-plaintext-tokens");
    assert!(again.contains("imported 0 tokens\n"), "{again}");

    let mut server = place.serve();
    for token in PLAIN {
        assert_eq!(server.user(token).await, 401, "not unless the option is set");
    }
    assert_eq!(server.term().code(), Some(0));
    place.configure("compat.imported_tokens = true");
    let server = place.serve();
    for (token, email) in PLAIN.into_iter().zip(["ada@example.com", "bob@example.com"]) {
        assert_eq!(server.get("/user", token).await.body["email"], email);
    }
    for wrong in ["short", &PLAIN[0].to_uppercase(), &PLAIN[0][1..]] {
        assert_eq!(server.user(wrong).await, 401, "{wrong}");
    }
    let user = server.get("/user", PLAIN[0]).await.body.to_string();
    assert!(!user.contains(PLAIN[0]) && !user.contains("\"token\""), "{user}");
    assert!(!PLAIN.iter().any(|token| contains(&place.database_bytes(), token)));
}

#[test]
fn an_import_tells_json() {
    let place = with_plain_text_tokens("compat.imported_tokens = true");
    let out = place.done("migrate --import-plaintext-tokens --json");
    let told: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"));
    assert_eq!(told["imported"], 2);
    assert_eq!((&told["malformed"], &told["duplicates"]), (&json!([3]), &json!([5])));
    assert_eq!(told["adopted"], json!(["users"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_the_one_that_is_served() {
    let place = Place::with("server.base_path = '/id'");
    let printed = place.done("openapi");
    let document: Value = serde_json::from_str(&printed).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert_eq!(document["servers"][0]["url"], "/id");
    assert!(!place.path("data").exists(), "no database is needed for it");
    let server = place.serve();
    let url = format!("http://{}/id/openapi.json", server.address);
    assert_eq!(server.http.get(url).send().await.unwrap().text().await.unwrap(), printed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_server_obeys_a_command_within_a_moment() {
    let place = with_ada();
    let mut server = place.serve_with(&[("RUST_LOG", "trace")]);
    let mut secrets = vec![PASSWORD.to_owned()];
    for round in 0..3 {
        let email = format!("user-{round}@example.com");
        let new = place.done_with(&format!("user create --name U --email {email}"), PASSWORD);
        let id: u64 = new.trim_end().rsplit(' ').next().unwrap().parse().unwrap();
        let token =
            place.done(&format!("token create --user {id} --name ci")).trim_end().to_owned();
        let list = place.json(&format!("token list --user {id} --json"));
        let token_id = &list["tokens"][0]["id"];
        secrets.push(token.clone());
        let shared = Arc::new(server);
        refused_soon(&shared, &place, &token, &format!("token revoke {token_id}"), "").await;
        for command in [
            "session revoke ID".to_owned(),
            format!("session revoke --user {id}"),
            format!("user set-password {id}"),
            format!("user delete {id} --yes"),
        ] {
            let session = shared.login(&email, PASSWORD).await;
            let command = command.replace("ID", &session.text("sessionId"));
            refused_soon(&shared, &place, &session.token(), &command, PASSWORD).await;
            assert_eq!(shared.refresh(&session.refresh_token()).await.status, 401);
            secrets.extend([session.token(), session.refresh_token()]);
        }
        server = Arc::into_inner(shared).unwrap();
    }
    assert_eq!(server.login("ada@example.com", "hunter2hunter2").await.status, 401);
    assert_eq!(server.user("adt_of-somebody-else").await, 401);
    secrets.extend(["hunter2hunter2".to_owned(), "adt_of-somebody-else".to_owned()]);
    assert_eq!(server.term().code(), Some(0));
    let log = server.log();
    assert!(log.contains("authn_login_success") && log.contains("authn_login_fail"), "{log}");
    for secret in secrets {
        assert!(!log.contains(&secret), "a secret in the log");
    }
    assert!(!log.contains("$argon2"));
}

/// Runs a command while a client calls with a token all the time, so that it is in the server's
/// cache, and asks when the server refused it for good.
async fn refused_soon(
    server: &Arc<Server>,
    place: &Place,
    token: &str,
    command: &str,
    input: &str,
) {
    assert_eq!(server.user(token).await, 200);
    let over = Arc::<AtomicBool>::default();
    let client = {
        let (server, over, token) = (Arc::clone(server), Arc::clone(&over), token.to_owned());
        tokio::spawn(async move {
            let (mut last_accepted, mut calls) = (None, 0);
            while !over.load(Ordering::SeqCst) {
                let asked = Instant::now();
                match server.user(&token).await {
                    StatusCode::OK => last_accepted = Some(asked),
                    status => assert_eq!(status, 401),
                }
                calls += 1;
            }
            (last_accepted, calls)
        })
    };
    let run = tokio::task::block_in_place(|| {
        place.done_with(command, input);
        Instant::now()
    });
    tokio::time::sleep(ELSEWHERE * 2).await;
    over.store(true, Ordering::SeqCst);
    let (last_accepted, calls) = client.await.unwrap();
    let late = last_accepted.expect("it was good before").saturating_duration_since(run);
    println!("{command}: accepted {late:?} after the end of the command, {calls} calls");
    assert!(late < ELSEWHERE, "{command}: still accepted {late:?} after it");
    assert_eq!(server.user(token).await, 401);
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
