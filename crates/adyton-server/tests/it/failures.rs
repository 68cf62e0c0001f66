//! What goes wrong on a first day, and the one sentence that says what, why, and what to do.

use crate::world::{DATABASE, PASSWORD, Place, told};
use std::net::TcpListener;

/// The error says all of this, and nothing twice.
#[track_caller]
fn assert_tells(error: &str, parts: &[&str]) {
    for part in parts {
        assert!(error.contains(part), "it does not say {part:?}: {error}");
    }
    let sentence = error.lines().find(|line| line.starts_with("error: ")).unwrap();
    let mut causes: Vec<&str> = sentence.split(": ").collect();
    let all = causes.len();
    causes.sort_unstable();
    causes.dedup();
    assert_eq!(causes.len(), all, "it repeats itself: {error}");
}

#[test]
fn a_missing_file_is_told_with_who_asked_for_it_and_who_writes_it() {
    let place = Place::new();
    let error = place.failed("serve --config none.toml", "");
    assert_tells(&error, &["cannot read none.toml", "`adyton config init none.toml`", "No such"]);
    let mut command = place.adyton("serve");
    command.env("ADYTON_CONFIG", "other.toml");
    let parts = ["cannot read other.toml", "ADYTON_CONFIG", "`adyton config init other.toml`"];
    assert_tells(&told(command).2, &parts);
    let error = place.failed("copy --from sqlite://none.sqlite3 --to sqlite://new.sqlite3", "");
    assert_tells(&error, &["no database file none.sqlite3"]);
    assert!(!place.path("new.sqlite3").exists());
}

#[test]
fn a_wrong_option_leads_to_the_configuration() {
    let place = Place::new();
    let (code, _, error) = told(place.adyton("serve --port 80"));
    assert!(code == 2 && error.contains("--help"), "{error}");
    let help = place.done("serve --help");
    assert!(help.contains("ADYTON_SERVER__LISTEN=") && help.contains("`adyton config"), "{help}");
    for arguments in ["--help", "serve --help"] {
        let help = place.done(arguments);
        assert!(help.contains("adyton doctor"), "{arguments}: {help}");
    }
}

#[test]
fn an_address_that_is_none_is_told_with_one_that_is() {
    for address in ["8000", "localhost", "127.0.0.1"] {
        let place = Place::with(&format!("server.listen = '{address}'"));
        let parts = ["adyton.toml, line 1", "`server.listen`", "such as `127.0.0.1:8000`"];
        assert_tells(&place.failed("serve", ""), &parts);
        place.configure(&format!("server.metrics_listen = '{address}'"));
        assert_tells(&place.failed("serve", ""), &["such as `127.0.0.1:8000`"]);
    }
}

#[test]
fn an_address_that_cannot_be_had_is_told_with_the_reason() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let place = Place::with(&format!("server.listen = '{address}'"));
    let parts = [&address, "adyton.toml:1", "another program", "another port", "already in use"];
    assert_tells(&place.failed("serve", ""), &parts);
    place.configure("server.listen = '192.0.2.1:8000'");
    let parts = ["192.0.2.1:8000", "no address of this machine", "`0.0.0.0`"];
    assert_tells(&place.failed("serve", ""), &parts);
}

#[test]
fn a_folder_that_cannot_be_written_is_told_with_the_option_that_names_it() {
    // Not even root makes a file there.
    let place = Place::with("connector.options.path = '/sys/adyton/adyton.sqlite3'");
    for command in ["serve", "demo", "migrate"] {
        let parts = ["/sys/adyton/adyton.sqlite3", "`connector.options.path`", "must be able to"];
        assert_tells(&place.failed(command, ""), &parts);
    }
}

#[test]
fn a_locked_database_is_told_as_such() {
    let place = Place::new();
    place.done("migrate");
    let other = place.database();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let mut command = place.adyton("user create --name Ada --email ada@example.com");
    command.write_stdin(PASSWORD);
    let (code, _, error) = told(command);
    assert_eq!(code, 1, "{error}");
    assert_tells(&error, &["another program keeps the database locked", "and repeat"]);
    other.execute_batch("ROLLBACK").unwrap();
    assert!(place.path(DATABASE).exists());
}

#[test]
fn a_server_that_is_away_is_told_once_and_without_its_password() {
    let place = Place::with(
        "connector = { name = 'postgresql', url = 'postgres://ada:hunter2@127.0.0.1:1/auth' }",
    );
    for command in ["serve", "demo", "migrate"] {
        let error = place.failed(command, "");
        let parts = ["ada@127.0.0.1:1/auth", "is it running", "Connection refused"];
        assert_tells(&error, &parts);
        assert_eq!(error.matches("Connection refused").count(), 1, "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn a_filter_of_the_log_that_is_none_is_told_with_one_that_is() {
    let place = Place::new();
    let mut command = place.adyton("serve");
    command.env("RUST_LOG", "=[");
    assert_tells(&told(command).2, &["RUST_LOG", "such as `info`"]);
}
