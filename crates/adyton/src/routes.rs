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

use crate::layer::Conventions;
use crate::{Adyton, Rejection};
use axum::Router;
use axum::response::{IntoResponse, Response};
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
        .layer((CatchPanicLayer::custom(panicked), Conventions::new(auth.clone())))
        .with_state(auth.clone());
    Router::new().nest(&auth.config().server.base_path, router)
}

/// A bug of ours is a 500 for one caller, never a dead connection. The panic hook has logged it.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    Rejection::Misconfigured("an endpoint panicked").into_response()
}
