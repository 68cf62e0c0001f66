//! What the commands print, and their exit codes.

use crate::world::{Place, told};
use assert_cmd::Command;
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[test]
fn init_writes_a_private_file_that_check_accepts() {
    let place = Place::new();
    assert_eq!(told(place.adyton("config init")).1, "wrote adyton.toml\n");
    assert_eq!(told(place.adyton("config init --config a.toml")).1, "wrote a.toml\n");
    let mode = fs::metadata(place.path("adyton.toml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (code, out, _) = told(place.adyton("config check"));
    assert_eq!((code, out.as_str()), (0, "ok: adyton.toml, 0 settings; 0 from the environment\n"));
}

#[test]
fn init_replaces_a_file_only_when_told_to() {
    let place = Place::with("prefix = 'Mine'");
    let (code, _, error) = told(place.adyton("config init"));
    assert_eq!(code, 1);
    assert!(error.starts_with("error: cannot write adyton.toml (--force replaces it): "));
    assert_eq!(told(place.adyton("config init --force")).0, 0);
    assert!(!fs::read_to_string(place.path("adyton.toml")).unwrap().contains("Mine"));
}

#[test]
fn check_says_what_is_wrong_and_where() {
    let place = Place::with("[rate_limiting]\nmax_attempts = \"five\"\n");
    let (code, out, error) = told(place.adyton("config check"));
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        error.starts_with(
            "error: adyton.toml, line 2, column 16: `rate_limiting.max_attempts`: invalid type"
        ),
        "{error}"
    );
}

#[test]
fn the_file_is_the_one_that_is_named() {
    let place = Place::with("prefix = 'Here'");
    fs::write(place.path("other.toml"), "prefix = 'There'").unwrap();
    let shown = |mut command: Command, variable: &str| {
        command.env("ADYTON_CONFIG", variable);
        told(command).1
    };
    assert!(shown(place.adyton("config show"), "").contains("prefix = \"Here\" # adyton.toml:1\n"));
    assert!(shown(place.adyton("config show"), "other.toml").contains("There"));
    let flag = place.adyton("config show --config other.toml");
    assert!(shown(flag, "none.toml").contains("There"));
    let (code, _, error) = told(place.adyton("--config none.toml config check"));
    assert_eq!(code, 1);
    assert!(
        error.starts_with(
            "error: cannot read none.toml; `adyton config init none.toml` writes one: No such"
        ),
        "{error}"
    );
}

#[test]
fn show_names_origins() {
    let place = Place::with("\n[server]\nbase_path = '/auth'\n");
    let mut command = place.adyton("config show");
    command.env("ADYTON_TOKEN_EXPIRATION", "15m");
    let (code, out, _) = told(command);
    assert_eq!(code, 0);
    for line in [
        "server.base_path = \"/auth\" # adyton.toml:3",
        "token_expiration = 900 # ADYTON_TOKEN_EXPIRATION",
        "auth_table = \"users\" # default",
        "connector.options.path = \"./data/adyton.sqlite3\" # default",
    ] {
        assert!(out.lines().any(|shown| shown == line), "{line}\n{out}");
    }
}

#[test]
fn show_as_json_is_an_object_of_keys() {
    let place = Place::with("cache.enabled = false");
    let (_, out, _) = told(place.adyton("config show --json"));
    let shown: serde_json::Value = serde_json::from_str(&out).unwrap();
    let expected = serde_json::json!({ "value": false, "origin": "adyton.toml:1" });
    assert_eq!(shown["cache.enabled"], expected);
}

#[test]
fn show_masks_the_password_of_a_url() {
    let place = Place::with("connector.url = 'sqlite://ada:hunter2@x/db'");
    let (code, out, _) = told(place.adyton("config show"));
    assert_eq!(code, 0);
    assert!(out.contains("sqlite://ada:********@x/db") && !out.contains("hunter2"), "{out}");
}

#[test]
fn wrong_usage_exits_2() {
    let place = Place::new();
    assert_eq!(told(place.adyton("config shout")).0, 2);
    assert_eq!(told(place.adyton("")).0, 2);
    let (code, out, _) = told(place.adyton("--version"));
    assert_eq!((code, out.starts_with("adyton ")), (0, true));
}
