//! `/healthz` and `/readyz`, for whoever starts and watches the process.

use crate::{Adyton, Rejection};
use adyton_core::Error;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use http::HeaderName;
use http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use serde::Serialize;

const HEADERS: [(HeaderName, &str); 2] =
    [(CACHE_CONTROL, "no-store"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];

/// What `/readyz` has looked at, in words of ours: no path, no address and no error text, which
/// anybody may read here. The log has the cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Checks {
    /// `ok`, or `unreachable`: then nothing can be answered.
    store: &'static str,
    /// `ok`, or `full`: one more sign-in would be told to come again, and all else goes on.
    hashing: &'static str,
    /// What nodes share beside the database, if they do: `ok`, or `unreachable`: then limits are
    /// this node's own, the cache may be off, and all else goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    shared: Option<&'static str>,
}

#[derive(Serialize)]
struct Ready {
    status: &'static str,
    checks: Checks,
}

pub(crate) fn health(auth: &Adyton) -> Router {
    Router::new()
        .route("/healthz", get(async || (HEADERS, "ok\n")))
        .route("/readyz", get(ready))
        .with_state(auth.clone())
}

/// Whether requests should be sent here. A full queue is no reason against it: it empties by
/// itself, and whoever took the process out of service would fill the others' queues. Nor is the
/// loss of what nodes share, which all of them lose at once: then it is `degraded`.
async fn ready(State(auth): State<Adyton>) -> impl IntoResponse {
    let store = auth.ping().await;
    let checks = Checks {
        store: if store.is_ok() { "ok" } else { "unreachable" },
        hashing: if auth.is_saturated() { "full" } else { "ok" },
        shared: auth.reaches_shared().map(|reached| if reached { "ok" } else { "unreachable" }),
    };
    (HEADERS, verdict(store, checks))
}

fn verdict(store: Result<(), Error>, checks: Checks) -> Result<Json<Ready>, Rejection> {
    store.map_err(|error| Rejection::Unready(error, checks))?;
    let status = if checks.shared == Some("unreachable") { "degraded" } else { "ready" };
    Ok(Json(Ready { status, checks }))
}
