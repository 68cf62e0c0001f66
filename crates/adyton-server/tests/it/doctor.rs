//! `adyton doctor`: each finding by its code.

use crate::world::{DATABASE, Place, told};
use serde_json::Value;
use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::thread;

/// The codes that it finds, errors first, and whether it exits as they ask for.
fn codes(place: &Place) -> Vec<String> {
    let (code, out, error) = told(place.adyton("doctor --json"));
    let found: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{error}"));
    let found = found["findings"].as_array().unwrap();
    let errors = found.iter().filter(|finding| finding["severity"] == "error").count();
    assert_eq!(code, i32::from(errors > 0), "{found:?}");
    assert_eq!(error.contains("something is wrong"), errors > 0, "{error}");
    for finding in found {
        assert!(!finding["detail"].as_str().unwrap().is_empty());
        assert!(!finding["advice"].as_str().unwrap().is_empty());
    }
    found.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

/// An address that nobody listens at.
fn nobody() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// A place whose server would listen where nobody does, and whose tables are up to date.
fn quiet(more: &str) -> Place {
    let place = Place::with(&format!("server.listen = '{}'\n{more}", nobody()));
    place.done("migrate");
    place
}

/// Somebody who answers everything like this.
fn answering(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

fn chmod(place: &Place, name: &str, mode: u32) {
    fs::set_permissions(place.path(name), Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_healthy_server_has_no_findings() {
    let place = Place::new();
    let server = place.serve();
    place.configure(&format!(
        "server.listen = '{0}'\nserver.public_url = 'http://{0}'",
        server.address
    ));
    assert_eq!(codes(&place), [""; 0]);
    assert_eq!(place.done("doctor"), "nothing was found\n");
}

#[test]
fn before_the_first_start_there_is_only_to_know_what_is_missing() {
    let place = Place::with(&format!("server.listen = '{}'", nobody()));
    assert_eq!(codes(&place), ["database_missing", "server_not_running"]);
    assert!(!place.path("data").exists(), "it makes nothing");
    let lines = place.done("doctor");
    assert!(lines.starts_with("note database_missing: ./data/adyton.sqlite3\n    `adyton serve`"));
}

#[test]
fn a_configuration_that_cannot_stand_is_a_finding() {
    let place = Place::with("token_expiration = 0");
    assert_eq!(codes(&place), ["configuration_invalid"]);
}

#[test]
fn what_others_may_read_is_named() {
    let place = quiet("");
    chmod(&place, DATABASE, 0o640);
    chmod(&place, "data", 0o755);
    assert_eq!(codes(&place), ["database_readable", "folder_open", "server_not_running"]);
    let place = quiet("connector.url = 'sqlite://ada:hunter2@x'");
    chmod(&place, "adyton.toml", 0o644);
    let found = codes(&place);
    assert!(found.contains(&"configuration_readable".to_owned()), "{found:?}");
    let (_, out, error) = told(place.adyton("doctor"));
    assert!(!out.contains("hunter2") && !error.contains("hunter2"), "{out}");
    chmod(&place, "adyton.toml", 0o600);
    assert!(!codes(&place).contains(&"configuration_readable".to_owned()));
}

#[test]
fn it_leaves_nothing_behind() {
    let place = quiet("");
    codes(&place);
    let names = fs::read_dir(place.path("data")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(names.into_iter().all(|name| name.starts_with("adyton.sqlite3")));
}

#[test]
fn a_database_that_is_none_old_or_ahead_of_the_clock_is_named() {
    let place = quiet("");
    let event = "INSERT INTO auth_events (event, count, created_at) VALUES ('authz_fail', 1, '2999-01-01 00:00:00')";
    place.database().execute_batch(event).unwrap();
    assert_eq!(codes(&place), ["clock_behind", "server_not_running"]);
    let older = "DROP TABLE auth_events; DROP TABLE auth_superseded_tokens";
    place.database().execute_batch(older).unwrap();
    assert_eq!(codes(&place), ["schema_outdated", "server_not_running"]);
    fs::write(place.path(DATABASE), "a shopping list, and no database at all\n".repeat(99))
        .unwrap();
    assert!(codes(&place).contains(&"database_unreachable".to_owned()));
}

#[test]
fn a_database_of_a_newer_version_or_of_another_adyton_is_named() {
    let place = quiet("");
    let newer = "INSERT INTO adyton_migrations VALUES ('0099_later', 'auth_later', 0, '2030-01-01 00:00:00')";
    place.database().execute_batch(newer).unwrap();
    assert_eq!(codes(&place), ["schema_newer", "server_not_running"]);
    let known = "DELETE FROM adyton_migrations WHERE name = '0099_later'";
    place.database().execute_batch(known).unwrap();
    let configuration = fs::read_to_string(place.path("adyton.toml")).unwrap();
    place.configure(&format!("{configuration}\nsession_table = 'other_sessions'"));
    assert_eq!(codes(&place), ["database_shared", "server_not_running"]);
}

#[test]
fn a_server_that_cannot_work_is_named() {
    let place = Place::new();
    let server = place.serve();
    place.configure(&format!("server.listen = '{}'", server.address));
    place.database().execute_batch("ALTER TABLE users RENAME TO hidden").unwrap();
    let found = codes(&place);
    assert!(found.contains(&"server_not_ready".to_owned()), "{found:?}");
    assert!(told(place.adyton("doctor")).1.contains(r#""store":"unreachable""#));
}

#[test]
fn what_the_public_url_answers_is_named() {
    let found = |url: &str| {
        let found = codes(&quiet(&format!("server.public_url = '{url}'")));
        found.into_iter().filter(|code| code != "server_not_running").collect::<Vec<_>>()
    };
    let moved = "HTTP/1.1 301 Moved\r\nLocation: https://elsewhere.example/\r\n\r\n";
    let foreign = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    let ours = "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n{\"user\":null}";
    assert_eq!(found(&format!("http://{}", answering(moved))), ["public_url_redirects"]);
    assert_eq!(found(&format!("http://{}", answering(foreign))), ["public_url_foreign"]);
    assert_eq!(found(&format!("http://{}", answering(ours))), ["clock_skewed"]);
    assert_eq!(
        found(&format!("http://{}", answering("SSH-2.0-x\r\n"))),
        ["public_url_unreachable"]
    );
    assert_eq!(found(&format!("http://{}", nobody())), ["public_url_unreachable"]);
    assert_eq!(found(&format!("https://{}", nobody())), ["public_url_unreachable"]);
    assert_eq!(found(&format!("https://{}", answering(""))), ["tls_not_checked"]);
    let nowhere = found("http://nowhere.invalid");
    assert_eq!(nowhere, ["public_url_plain", "public_url_unreachable", "proxy_untrusted"]);
}

#[test]
fn a_protection_that_is_off_is_named() {
    let place = quiet("csrf_protection = false\nrate_limiting.enabled = false");
    assert_eq!(codes(&place), ["csrf_off", "rate_limits_off", "server_not_running"]);
}

#[test]
fn a_redis_that_is_lost_and_a_password_for_it_that_others_can_read_are_named() {
    let redis = nobody();
    let place = quiet(&format!("rate_limiting.store = 'redis://:s3cret@{redis}'"));
    chmod(&place, "adyton.toml", 0o644);
    assert_eq!(codes(&place), ["configuration_readable", "server_not_running"]);
    chmod(&place, "adyton.toml", 0o600);
    let server = place.serve();
    place.configure(&format!("server.listen = '{}'", server.address));
    assert_eq!(codes(&place), ["server_degraded"]);
}
