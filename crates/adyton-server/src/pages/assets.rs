//! The stylesheet, the script of the copy button and the icon. Nothing comes from another host.

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

/// Whether a path is that of one of these.
pub(super) fn is_one(path: &str) -> bool {
    ["/style.css", "/copy.js", "/icon.svg"].iter().any(|name| path.ends_with(name))
}

pub(super) async fn style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../../templates/style.css"))
}

pub(super) async fn script() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("../../templates/copy.js"))
}

pub(super) async fn icon() -> impl IntoResponse {
    ([(CONTENT_TYPE, "image/svg+xml")], include_str!("../../templates/icon.svg"))
}
