//! `adyton copy`, as an operator moves from a file to a server.

use crate::world::{PASSWORD, Place};
use serde_json::json;

#[tokio::test]
async fn who_was_signed_in_stays_signed_in_after_a_move() {
    let place = Place::new();
    let mut server = place.serve();
    let ada = server.register("ada@example.com").await;
    assert!(server.term().success());

    let copied = place.json("copy --to sqlite://new/adyton.sqlite3 --json");
    assert_eq!(copied["tables"]["users"], 1);
    assert_eq!(copied["tables"]["personal_access_tokens"], 1);
    assert_eq!(copied["notCopied"], json!([]));

    let url = [("ADYTON_CONNECTOR__URL", "sqlite://new/adyton.sqlite3")];
    let server = place.serve_with(&url);
    assert_eq!(server.user(&ada.token()).await, 200);
    assert_eq!(server.refresh(&ada.refresh_token()).await.status, 200);
    assert_eq!(server.login("ada@example.com", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn the_target_may_come_by_standard_input_and_must_be_empty() {
    let place = Place::new();
    place.done("migrate");
    let out = place.done_with("copy --to -", "sqlite://new/adyton.sqlite3\n");
    assert!(out.ends_with("both databases hold the same\n"), "{out}");
    place.done_with("user create --name Ada --email ada@example.com", PASSWORD);
    place.done("copy --from sqlite://data/adyton.sqlite3 --to sqlite://third/adyton.sqlite3");
    let error = place.failed("copy --to sqlite://third/adyton.sqlite3", "");
    assert!(error.contains("`users` of the target is not empty"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_copied_is_refused() {
    let place = Place::new();
    let error = place.failed("copy --to sqlite://new/adyton.sqlite3", "");
    assert!(error.contains("there is no database file ./data/adyton.sqlite3"), "{error}");
    assert!(!place.path("new").exists() && !place.path("data").exists(), "nothing was made");
    place.done("migrate");
    let error = place.failed("copy --to sqlite://./data/adyton.sqlite3", "");
    assert!(error.contains("the same database"), "{error}");
    let error = place.failed("copy --to oracle://localhost/x", "");
    assert!(error.contains("connector.url: must begin with `sqlite://`"), "{error}");
}
