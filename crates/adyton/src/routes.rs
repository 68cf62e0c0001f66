//! The endpoints, one file each. This list feeds the router and the OpenAPI document alike.

mod document;
mod health;
mod login;
mod logout;
mod password;
mod refresh;
mod register;
mod session;
mod sessions;
mod tokens;
mod user;

pub(crate) use health::health;

use crate::layer::conventions;
use crate::{Adyton, Rejection};
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use std::any::Any;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Every endpoint.
pub(crate) fn endpoints() -> OpenApiRouter<Adyton> {
    OpenApiRouter::new()
        .routes(routes!(register::register))
        .routes(routes!(login::login))
        .routes(routes!(refresh::refresh))
        .routes(routes!(logout::logout))
        .routes(routes!(user::show, user::update, user::delete))
        .routes(routes!(password::change))
        .routes(routes!(session::show))
        .routes(routes!(sessions::list, sessions::end_others))
        .routes(routes!(sessions::end))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(document::show))
}

/// The endpoints under their base path.
pub(crate) fn api(auth: &Adyton) -> Router {
    let (router, _) = endpoints().split_for_parts();
    let router = router
        .fallback(async || Rejection::NoSuchRoute)
        .method_not_allowed_fallback(async || Rejection::MethodNotAllowed)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(auth.clone(), conventions))
        .with_state(auth.clone());
    let base = &auth.config().server.base_path;
    // A nested router is not asked about the slash alone.
    let slash =
        any(async || Rejection::NoSuchRoute).layer(from_fn_with_state(auth.clone(), conventions));
    Router::new().nest(base, router).route(&format!("{base}/"), slash)
}

/// A bug of ours is a 500 for one caller, never a dead connection. The panic hook has logged it.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    Rejection::Misconfigured("an endpoint panicked").into_response()
}
