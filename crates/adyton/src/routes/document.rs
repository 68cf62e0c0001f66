//! GET `/openapi.json`: the description of all this.

use crate::Adyton;
use crate::openapi::Malformed;
use axum::extract::State;
use axum::response::IntoResponse;
use http::header::CONTENT_TYPE;

/// The OpenAPI 3.1 document of these endpoints.
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "getOpenapi", tag = "document", security(()),
    responses((status = 200, body = serde_json::Value, content_type = "application/json"), Malformed),
)]
pub(super) async fn show(State(auth): State<Adyton>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], crate::openapi(auth.config()))
}
