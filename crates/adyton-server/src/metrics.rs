//! Metrics for Prometheus, on a listener of their own. They are counted where things happen, through
//! the facade `metrics`; without `server.metrics_listen` nobody collects them and they cost nothing.
//!
//! No label holds what a client chooses: neither a user, nor a token, nor a path.

use adyton::core::Auth;
use adyton::core::clock::{Clock, SystemClock};
use adyton::{Adyton, Rejection};
use anyhow::{Context, Result};
use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::IntoResponse;
use axum::routing::get;
use metrics::Unit;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::time::Duration;

/// Upper bounds in seconds: from a read of a cached page to a client that has long given up.
const BUCKETS: [f64; 12] =
    [0.000_01, 0.000_05, 0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];
/// What was measured since the last look is sorted into buckets so often.
const UPKEEP: Duration = Duration::from_secs(5);

/// One metric for the reference.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What sort of number it is.
    pub kind: Kind,
    /// Its labels, parted by commas.
    pub labels: &'static str,
    /// What it counts or measures.
    pub meaning: &'static str,
}

/// Sorts of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows, until the process ends.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Seconds, counted by upper bounds.
    Histogram,
}

const fn metric(
    name: &'static str,
    kind: Kind,
    labels: &'static str,
    meaning: &'static str,
) -> Metric {
    Metric { name, kind, labels, meaning }
}

/// Every metric. A test holds this list and what a server tells together.
#[rustfmt::skip]
pub const METRICS: &[Metric] = &[
    metric("adyton_events_total", Kind::Counter, "event, outcome, reason", "events, each with its kind, `success` or `failure`, and the reason of a refusal"),
    metric("adyton_event_hooks_dropped_total", Kind::Counter, "", "events that a hook was too slow for"),
    metric("adyton_hash_queue_length", Kind::Gauge, "", "passwords that wait to be hashed; `hashing.queue` bounds it"),
    metric("adyton_hash_wait_seconds", Kind::Histogram, "", "how long a password waited for a thread"),
    metric("adyton_hash_duration_seconds", Kind::Histogram, "", "how long hashing one took"),
    metric("adyton_hash_rejected_total", Kind::Counter, "", "passwords that found the queue full: their requests got 503"),
    metric("adyton_cache_hits_total", Kind::Counter, "", "tokens that were verified from memory"),
    metric("adyton_cache_misses_total", Kind::Counter, "", "tokens that had to be looked up"),
    metric("adyton_cache_entries", Kind::Gauge, "", "verified tokens in memory"),
    metric("adyton_cache_bytes", Kind::Gauge, "", "what they take, by estimate; `cache.max_bytes` bounds it"),
    metric("adyton_store_duration_seconds", Kind::Histogram, "method", "how long the store took for one call"),
    metric("adyton_store_errors_total", Kind::Counter, "method", "calls that the store could not answer"),
    metric("adyton_shared_lost", Kind::Gauge, "", "1 while the Redis of `rate_limiting.store` is out of reach: limits are this node's own"),
    metric("adyton_http_requests_total", Kind::Counter, "class", "answers, by `1xx` to `5xx`"),
    metric("adyton_http_connections", Kind::Gauge, "", "connections that are open"),
    metric("process_resident_memory_bytes", Kind::Gauge, "", "memory that the process holds"),
    metric("process_start_time_seconds", Kind::Gauge, "", "when the process began, in seconds since 1970"),
];

/// Collects metrics from now on.
///
/// # Errors
/// When something else collects them already.
pub(crate) fn install() -> Result<PrometheusHandle> {
    let seconds = Matcher::Suffix("_seconds".to_owned());
    let builder = PrometheusBuilder::new().set_buckets_for_metric(seconds, &BUCKETS)?;
    let handle = builder.install_recorder().context("cannot collect metrics")?;
    METRICS.iter().for_each(describe);
    let started = SystemClock::default().now().unix();
    metrics::gauge!("process_start_time_seconds").set(started as f64);
    Ok(handle)
}

/// Those without labels are there from the start, at zero: an alert needs something to compare with.
fn describe(metric: &Metric) {
    let (name, plain) = (metric.name, metric.labels.is_empty());
    match metric.kind {
        Kind::Counter => metrics::describe_counter!(name, metric.meaning),
        Kind::Gauge => metrics::describe_gauge!(name, metric.meaning),
        Kind::Histogram => metrics::describe_histogram!(name, Unit::Seconds, metric.meaning),
    }
    match metric.kind {
        Kind::Counter if plain => metrics::counter!(name).increment(0),
        Kind::Gauge if plain => metrics::gauge!(name).set(0.0),
        Kind::Histogram if plain => drop(metrics::histogram!(name)),
        _ => {}
    }
}

/// GET `/metrics` and nothing else.
pub(crate) fn router(handle: PrometheusHandle, auth: &Adyton) -> Router {
    let auth: Auth = (**auth).clone();
    let show = async move || {
        auth.observe();
        observe_process();
        answer(handle.render())
    };
    let nothing = async || Rejection::NoSuchRoute;
    Router::new()
        .route("/metrics", get(show))
        .fallback(nothing)
        .method_not_allowed_fallback(nothing)
}

/// Keeps memory bounded while nobody looks.
pub(crate) async fn keep_up(handle: PrometheusHandle) {
    let mut ticks = tokio::time::interval(UPKEEP);
    loop {
        ticks.tick().await;
        handle.run_upkeep();
    }
}

fn answer(text: String) -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text)
}

/// Linux tells; elsewhere it stays at zero.
fn observe_process() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(bytes) = resident_bytes(&status) {
        metrics::gauge!("process_resident_memory_bytes").set(bytes);
    }
}

/// `VmRSS:     1234 kB`
fn resident_bytes(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0)
}
