//! `/healthz` and `/readyz`, for whoever starts and watches the process.

use crate::{Adyton, Rejection};
use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use http::header::CACHE_CONTROL;

const NO_STORE: [(http::HeaderName, &str); 1] = [(CACHE_CONTROL, "no-store")];

pub(crate) fn health(auth: &Adyton) -> Router {
    Router::new()
        .route("/healthz", get(async || (NO_STORE, "ok\n")))
        .route("/readyz", get(ready))
        .with_state(auth.clone())
}

async fn ready(State(auth): State<Adyton>) -> impl IntoResponse {
    (NO_STORE, auth.ping().await.map(|()| "ready\n").map_err(Rejection::from))
}
