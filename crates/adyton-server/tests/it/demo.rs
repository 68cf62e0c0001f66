//! `adyton demo`: from nothing to an authenticated request, twice, and never unasked among others.

use crate::world::{DATABASE, PASSWORD, Place};
use reqwest::Method;
use serde_json::Value;
use std::process::Command;

const REMOVE: &str = "adyton user delete demo@example.com --yes";

/// What stands behind a word at the beginning of a line.
fn told<'a>(out: &'a str, word: &str) -> &'a str {
    let lines = out.lines().map(str::trim_start);
    let line = lines.into_iter().find_map(|line| line.strip_prefix(word));
    line.unwrap_or_else(|| panic!("no {word} in {out}")).trim()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_is_a_user_a_token_and_the_line_that_uses_it() {
    let place = Place::new();
    let out = place.done("demo");
    assert!(out.contains(DATABASE), "{out}");
    assert!(out.contains("http://127.0.0.1:8000/account"), "{out}");
    assert_eq!(told(&out, "remove"), REMOVE);
    let (password, token) = (told(&out, "password"), told(&out, "token"));
    assert!(password.len() >= 20 && password.chars().all(|c| c.is_ascii_alphanumeric()), "{out}");

    let server = place.serve();
    assert_eq!(server.login("demo@example.com", password).await.status, 200);
    let shown = server.get("/user", token).await;
    assert_eq!((&shown.status.as_u16(), &shown.body["email"]), (&200, &"demo@example.com".into()));
    if Command::new("curl").arg("--version").output().is_err() {
        println!("skipped: curl is not installed");
        return;
    }
    let curl = out.lines().find(|line| line.starts_with("curl ")).unwrap();
    let curl = curl.replace("127.0.0.1:8000", &server.address);
    let answer = Command::new("sh").args(["-c", &format!("{curl} -s")]).output().unwrap();
    let answer: Value = serde_json::from_slice(&answer.stdout).unwrap();
    assert_eq!(answer["email"], "demo@example.com");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_demo_is_another_token_of_the_same_user() {
    let place = Place::new();
    let first = place.json("demo --json");
    let out = place.done("demo");
    let second = place.json("demo --json");
    assert!(out.contains("is there already") && out.contains("adyton user set-password"), "{out}");
    assert_eq!((&first["user"], &second["password"]), (&second["user"], &Value::Null));
    let server = place.serve();
    for made in [&first, &second] {
        assert_eq!(server.user(made["token"].as_str().unwrap()).await, 200);
    }
    let password = first["password"].as_str().unwrap();
    assert_eq!(server.login("demo@example.com", password).await.status, 200, "it was left alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_can_be_removed_as_it_says() {
    let place = Place::new();
    let made = place.json("demo --json");
    let server = place.serve();
    place.done(made["remove"].as_str().unwrap().strip_prefix("adyton ").unwrap());
    tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    assert_eq!(server.user(made["token"].as_str().unwrap()).await, 401);
    assert_eq!(place.json("user list --json")["users"].as_array().unwrap().len(), 0);
}

#[test]
fn it_keeps_away_from_other_peoples_users_unless_told_to() {
    let place = Place::new();
    place.done_with("user create --name Ada --email ada@example.com", PASSWORD);
    let error = place.failed("demo", "");
    assert!(error.contains("other users") && error.contains("--yes"), "{error}");
    assert!(error.contains(DATABASE), "{error}");
    assert_eq!(place.json("user list --json")["users"].as_array().unwrap().len(), 1);
    place.done("demo --yes");
    place.failed("demo", "");
    place.done("user delete ada@example.com --yes");
    place.done("demo");
}

#[tokio::test(flavor = "multi_thread")]
async fn its_line_speaks_as_the_configuration_says() {
    let place = Place::new();
    let file = "token_header = 'X-Token'\nprefix = ''\npersonal_token_max_expiration = '2h'\n\
                password.min_length = 30\nsession_guard = 'token'\n\
                [server]\nlisten = '0.0.0.0:9000'\nbase_path = '/auth'\n";
    std::fs::write(place.path("other file.toml"), file).unwrap();
    let adyton = |variables: &[(&str, &str)], more: &str| {
        let mut command = place.adyton(more);
        command.args(["--config", "other file.toml"]).envs(variables.iter().copied());
        crate::world::told(command).1
    };
    let out = adyton(&[], "demo");
    let token = told(&out, "token");
    let curl = format!("curl http://127.0.0.1:9000/auth/user -H 'X-Token: {token}'");
    assert!(out.lines().any(|line| line == curl), "{out}");
    assert!(!out.contains("/account"), "there are no pages without cookies: {out}");
    let remove = "adyton --config 'other file.toml' user delete demo@example.com --yes";
    assert_eq!(told(&out, "remove"), remove);

    let url = [("ADYTON_SERVER__PUBLIC_URL", "https://app.example.com")];
    let made: Value = serde_json::from_str(&adyton(&url, "demo --json")).unwrap();
    let curl = made["curl"].as_str().unwrap();
    assert!(curl.starts_with("curl https://app.example.com/auth/user -H "), "{curl}");
    std::fs::rename(place.path("other file.toml"), place.path("adyton.toml")).unwrap();
    let server = place.serve_with(&[("ADYTON_SERVER__BASE_PATH", "/api/auth")]);
    let request = server.request(Method::GET, "/user").header("X-Token", token);
    assert_eq!(request.send().await.unwrap().status(), 200);
}
