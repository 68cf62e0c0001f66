//! `/healthz` and `/readyz`, for whoever starts and watches the process.

use crate::{Adyton, Rejection};
use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use http::HeaderName;
use http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};

const HEADERS: [(HeaderName, &str); 2] =
    [(CACHE_CONTROL, "no-store"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];

pub(crate) fn health(auth: &Adyton) -> Router {
    Router::new()
        .route("/healthz", get(async || (HEADERS, "ok\n")))
        .route("/readyz", get(ready))
        .with_state(auth.clone())
}

async fn ready(State(auth): State<Adyton>) -> impl IntoResponse {
    (HEADERS, auth.ping().await.map(|()| "ready\n").map_err(Rejection::from))
}
