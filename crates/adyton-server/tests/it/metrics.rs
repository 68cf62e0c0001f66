//! The listener for Prometheus: what it tells, what of that is documented, and to whom.

use crate::world::{PASSWORD, Place, Server};
use adyton_server::metrics::METRICS;
use reqwest::{Method, Response};
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::TcpStream;
use std::time::{Duration, Instant};

pub(crate) struct Metrics(pub(crate) String);

impl Metrics {
    pub(crate) async fn of(server: &Server) -> Self {
        let answer = ask(server, Method::GET, "/metrics").await;
        assert_eq!(answer.status(), 200);
        Self(answer.text().await.unwrap())
    }

    /// The value of a series, zero where it is not there.
    pub(crate) fn value(&self, series: &str) -> f64 {
        let found = self.0.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        found.map_or(0.0, |value| value.parse().unwrap())
    }

    /// The sum over all series that begin so.
    fn sum(&self, beginning: &str) -> f64 {
        let series = self.0.lines().filter(|line| line.starts_with(beginning));
        series.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    }
}

fn serve(place: &Place) -> Server {
    place.serve_with(&[LISTEN])
}

async fn ask(server: &Server, method: Method, path: &str) -> Response {
    let log = server.log();
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let told = lines.into_iter().find(|line| line["message"] == "serving metrics").unwrap();
    let url = format!("http://{}{path}", told["address"].as_str().unwrap());
    server.http.request(method, url).send().await.unwrap()
}

/// Has a server tell metrics.
pub(crate) const LISTEN: (&str, &str) = ("ADYTON_SERVER__METRICS_LISTEN", "127.0.0.1:0");

/// Something of everything.
async fn live(server: &Server) {
    let ada = server.register("ada@example.com").await;
    assert_eq!(server.login("ada@example.com", PASSWORD).await.status, 200);
    assert_eq!(server.login("ada@example.com", "wrong").await.status, 401);
    assert_eq!(server.refresh(&ada.refresh_token()).await.status, 200);
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(300) {
        assert_eq!(server.user(&ada.token()).await, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_counted() {
    let place = Place::new();
    let server = serve(&place);
    live(&server).await;
    let metrics = Metrics::of(&server).await;
    let events = |event: &str| metrics.sum(&format!("adyton_events_total{{event=\"{event}\""));
    assert_eq!(events("authn_login_success"), 1.0, "{}", metrics.0);
    assert_eq!((events("authn_login_fail"), events("session_renewed")), (1.0, 1.0));
    let fail =
        r#"adyton_events_total{event="authn_login_fail",outcome="failure",reason="credentials"}"#;
    assert_eq!(metrics.value(fail), 1.0, "{}", metrics.0);
    // A new password, and two that were compared.
    assert_eq!(metrics.value("adyton_hash_duration_seconds_count"), 3.0);
    assert_eq!(metrics.value("adyton_hash_wait_seconds_count"), 3.0);
    assert!(metrics.value("adyton_hash_duration_seconds_sum") > 0.0);
    assert_eq!(metrics.value("adyton_hash_rejected_total"), 0.0);
    assert!(metrics.value("adyton_cache_hits_total") > 1.0);
    assert!(metrics.value("adyton_cache_misses_total") >= 1.0);
    assert!(metrics.value("adyton_cache_entries") >= 1.0);
    assert_eq!(metrics.value(r#"adyton_store_duration_seconds_count{method="sign_in"}"#), 2.0);
    assert_eq!(metrics.value(r#"adyton_store_duration_seconds_count{method="rotate"}"#), 1.0);
    assert_eq!(metrics.value(r#"adyton_http_requests_total{class="4xx"}"#), 1.0);
    assert!(metrics.value(r#"adyton_http_requests_total{class="2xx"}"#) > 3.0);
    assert!(metrics.value("process_resident_memory_bytes") > 1e6);
    assert!(metrics.value("process_start_time_seconds") > 1.7e9);
}

#[tokio::test(flavor = "multi_thread")]
async fn open_connections_are_counted_until_they_end() {
    let place = Place::new();
    let server = serve(&place);
    let open = async |wanted: f64| {
        let start = Instant::now();
        loop {
            let now = Metrics::of(&server).await.value("adyton_http_connections");
            if now == wanted {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(10), "{now}, not {wanted}");
        }
    };
    open(0.0).await;
    let crowd: Vec<_> = (0..3).map(|_| TcpStream::connect(&server.address).unwrap()).collect();
    open(3.0).await;
    drop(crowd);
    open(0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_is_counted() {
    let place = Place::new();
    let server = serve(&place);
    place.database().execute_batch("ALTER TABLE users RENAME TO hidden").unwrap();
    assert_eq!(server.login("ada@example.com", PASSWORD).await.status, 503);
    let metrics = Metrics::of(&server).await;
    let failed = r#"adyton_store_errors_total{method="find_account_by_email"}"#;
    assert_eq!(metrics.value(failed), 1.0, "{}", metrics.0);
    assert_eq!(metrics.value(r#"adyton_http_requests_total{class="5xx"}"#), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_is_documented_and_what_is_documented_is_told() {
    let place = Place::new();
    let server = serve(&place);
    live(&server).await;
    place.database().execute_batch("ALTER TABLE users RENAME TO hidden").unwrap();
    server.login("ada@example.com", PASSWORD).await.assert_unavailable();
    let text = Metrics::of(&server).await.0;
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let told: BTreeSet<_> = types.map(str::to_owned).collect();
    let documented: BTreeSet<_> = METRICS
        .iter()
        .map(|metric| format!("{} {}", metric.name, format!("{:?}", metric.kind).to_lowercase()))
        .collect();
    assert_eq!(told, documented);
    for metric in METRICS {
        assert!(text.contains(&format!("# HELP {} ", metric.name)), "{} has no help", metric.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_client_chooses_is_in_it() {
    let place = Place::new();
    let server = serve(&place);
    live(&server).await;
    let ada = server.login("ada@example.com", PASSWORD).await;
    server.get("/tokens/4711?secret=hunter2", &ada.token()).await;
    let text = Metrics::of(&server).await.0;
    for word in
        ["ada", "4711", "hunter2", "adt_", "adr_", "/tokens", "127.0.0", &ada.text("sessionId")]
    {
        let found = text.lines().filter(|line| !line.starts_with("# HELP"));
        let found: Vec<_> = found.filter(|line| line.contains(word)).collect();
        assert!(found.is_empty(), "{word}: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn its_listener_tells_metrics_and_nothing_else_and_the_other_tells_none() {
    let place = Place::new();
    let mut server = serve(&place);
    let metrics = ask(&server, Method::GET, "/metrics").await;
    let header = |name: &str| metrics.headers().get(name).unwrap().to_str().unwrap();
    assert!(header("content-type").starts_with("text/plain; version=0.0.4"));
    assert_eq!(
        (header("x-content-type-options"), header("cache-control")),
        ("nosniff", "no-store")
    );
    for (method, path) in [
        (Method::GET, "/"),
        (Method::POST, "/metrics"),
        (Method::GET, "/metrics/"),
        (Method::GET, "/healthz"),
        (Method::POST, "/api/auth/login"),
    ] {
        let answer = ask(&server, method, path).await;
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    }
    let url = format!("http://{}/metrics", server.address);
    assert_eq!(server.http.get(url).send().await.unwrap().status(), 404);
    assert_eq!(server.term().code(), Some(0));
}

#[test]
fn an_address_in_use_is_told_by_its_key() {
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    let file = format!("server.listen = '127.0.0.1:0'\nserver.metrics_listen = '{address}'");
    let error = Place::with(&file).failed("serve", "");
    assert!(error.contains(&format!("cannot listen on {address} (adyton.toml:2)")), "{error}");
}
