//! `adyton events`, and how long events are kept.

use crate::world::{PASSWORD, Place};
use serde_json::Value;

fn kinds(listed: &Value) -> Vec<&str> {
    listed["events"].as_array().unwrap().iter().map(|e| e["event"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_is_listed_by_user_kind_and_time() {
    let place = Place::new();
    let mut server = place.serve();
    server.register("ada@example.com").await;
    server.register("eve@example.com").await;
    server.login("ada@example.com", PASSWORD).await;
    for _ in 0..3 {
        assert_eq!(server.login("ada@example.com", "wrong").await.status, 401);
    }
    server.term();

    let all = place.json("events --json");
    assert_eq!(kinds(&all).len(), 8);
    let fails = place.json("events --user ada@example.com --kind authn_login_fail --json");
    let [fail] = &fails["events"].as_array().unwrap()[..] else { panic!("{fails}") };
    assert_eq!((&fail["count"], &fail["outcome"]), (&3.into(), &"failure".into()));
    assert_eq!((&fail["network"], &fail["reason"]), (&"127.0.0.0".into(), &"credentials".into()));
    assert!(fail["requestId"].is_string() && fail["createdAt"].as_str().unwrap().ends_with('Z'));

    let stored = "SELECT COUNT(*) FROM auth_events WHERE outcome = 'failure' AND request_id <> ''";
    let stored: i64 = place.database().query_row(stored, [], |row| row.get(0)).unwrap();
    assert_eq!(stored, 1);

    let adas = place.json("events --user 1 --since 1h --json");
    assert_eq!(kinds(&adas).len(), 6);
    assert!(adas["events"].as_array().unwrap().iter().all(|event| event["userId"] == 1));
    assert_eq!(kinds(&place.json("events --user 2 --json")), ["session_created", "user_created"]);
    assert_eq!(kinds(&place.json("events --limit 2 --json")).len(), 2);
    assert_eq!(kinds(&place.json("events --since 2999-01-01 --json")), [""; 0]);
    assert_eq!(kinds(&place.json("events --since 2001-02-03T04:05:06Z --json")).len(), 8);

    let lines = place.done("events --kind authn_login_fail");
    assert!(lines.contains("\tauthn_login_fail\tfailure\t3 times\tuser 1\t"), "{lines}");
    assert!(place.failed("events --user nobody@example.com", "").contains("there is no user"));
}

#[test]
fn what_cannot_be_meant_is_wrong_usage() {
    let place = Place::new();
    for (arguments, told) in [
        ("events --kind logins", "authn_login_fail"),
        ("events --since yesterday", "neither a length of time"),
        ("events --limit many", "--limit"),
    ] {
        let (code, _, error) = crate::world::told(place.adyton(arguments));
        assert_eq!(code, 2, "{arguments}");
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn events_are_kept_for_as_long_as_the_option_says() {
    let kept = |option: &str, age: &str| {
        let place = Place::with(option);
        place.done("migrate");
        let old = format!(
            "INSERT INTO auth_events (event, count, created_at) VALUES
             ('authz_fail', 1, strftime('%Y-%m-%d %H:%M:%S', 'now', '-{age}')),
             ('authz_fail', 1, strftime('%Y-%m-%d %H:%M:%S', 'now'))"
        );
        place.database().execute_batch(&old).unwrap();
        let pruned = place.json("prune --json")["events"].as_u64().unwrap();
        let left = kinds(&place.json("events --json")).len() as u64;
        assert_eq!(pruned + left, 2);
        left
    };
    assert_eq!(kept("", "91 days"), 1);
    assert_eq!(kept("", "89 days"), 2);
    assert_eq!(kept("event_retention = '1d'", "2 days"), 1);
    assert_eq!(kept("event_retention = 0", "4000 days"), 2);
}
