//! Every request has an id: in its answer, in what happened, and in the line of a failure.

use crate::world::{Place, Server};
use reqwest::{Method, Response};
use serde_json::Value;

async fn visit(server: &Server, method: Method, path: &str, id: Option<&str>) -> Response {
    let mut request = server.http.request(method, format!("http://{}{path}", server.address));
    if let Some(id) = id {
        request = request.header("X-Request-Id", id);
    }
    request.send().await.unwrap()
}

fn id_of(answer: &Response) -> String {
    let mut ids = answer.headers().get_all("x-request-id").iter();
    let id = ids.next().expect("an answer has an id").to_str().unwrap().to_owned();
    assert!(ids.next().is_none() && (1..=64).contains(&id.len()));
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_an_id_of_its_own() {
    let place = Place::new();
    let server = place.serve();
    let mut ids = Vec::new();
    for path in ["/healthz", "/api/auth/user", "/api/auth/session", "/nothing", "/healthz"] {
        ids.push(id_of(&visit(&server, Method::GET, path, None).await));
    }
    ids.push(id_of(&visit(&server, Method::DELETE, "/healthz", None).await));
    // Nobody is trusted here to say what a request is called.
    ids.push(id_of(&visit(&server, Method::GET, "/healthz", Some("mine")).await));
    assert!(!ids.contains(&"mine".to_owned()));
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 7);
    let prefix = ids[0].split('-').next().unwrap();
    assert!(ids.iter().all(|id| id.starts_with(prefix)), "{ids:?}");
    let other = place.serve();
    let elsewhere = id_of(&visit(&other, Method::GET, "/healthz", None).await);
    assert!(!elsewhere.starts_with(prefix), "two processes are told apart");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_and_what_failed_can_be_found_by_it() {
    let place = Place::new();
    let mut server = place.serve();
    let ada = server.register("ada@example.com").await;
    let tokens = server.request(Method::POST, "/tokens").bearer_auth(ada.token());
    let created = tokens.json(&serde_json::json!({ "name": "ci" })).send().await.unwrap();
    let created = id_of(&created);
    place.database().execute_batch("ALTER TABLE users RENAME TO hidden").unwrap();
    let failed = id_of(&visit(&server, Method::GET, "/readyz", None).await);
    place.database().execute_batch("ALTER TABLE hidden RENAME TO users").unwrap();
    server.term();
    let log = server.log();
    let line = |wanted: &str, id: &str| {
        let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut found = lines.filter(|line| line["request_id"] == id);
        found.find(|line| line.to_string().contains(wanted)).unwrap_or_else(|| panic!("{log}"))
    };
    let event = line("authn_token_created", &created);
    assert_eq!((&event["outcome"], &event["network"]), (&"success".into(), &"127.0.0.0".into()));
    assert_eq!(line("a request failed", &failed)["code"], "store_unavailable");
    let events = place.json("events --kind authn_token_created --json");
    assert_eq!(events["events"][0]["requestId"], created);
}
