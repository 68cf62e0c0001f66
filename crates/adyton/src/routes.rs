//! The endpoints, one file each. This list feeds the router and the OpenAPI document alike.

mod csrf_cookie;
mod document;
mod health;
mod login;
mod logout;
mod password;
mod refresh;
mod register;
mod sanctum;
mod session;
mod sessions;
mod tokens;
mod user;
mod verify;

pub use health::Checks;
pub(crate) use health::health;
pub(crate) use sessions::SessionBody;
pub(crate) use user::shown;

use crate::layer::{Conventions, CsrfLayer, cors};
use crate::{Adyton, Rejection};
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use std::any::Any;
use std::collections::BTreeMap;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

/// Every path with its methods.
fn endpoints() -> [UtoipaMethodRouter<Adyton>; 13] {
    [
        routes!(register::register),
        routes!(login::login),
        routes!(refresh::refresh),
        routes!(logout::logout),
        routes!(user::show, user::update, user::delete),
        routes!(password::change),
        routes!(session::show),
        routes!(csrf_cookie::show),
        routes!(sessions::list, sessions::end_others),
        routes!(sessions::end),
        routes!(tokens::list, tokens::create),
        routes!(tokens::revoke),
        routes!(document::show),
    ]
}

/// What describes them.
pub(crate) fn document() -> OpenApi {
    let described = endpoints().into_iter().chain([routes!(verify::verify)]);
    described.fold(OpenApiRouter::new(), OpenApiRouter::routes).into_openapi()
}

/// The endpoints under their base path. They are routed by their whole paths, since a router that
/// is nested writes each request's address anew; the nested one has only what is no endpoint.
pub(crate) fn api(auth: &Adyton) -> Router {
    let base = &auth.config().server.base_path;
    // The answer after a panic keeps the conventions too.
    let panics = CatchPanicLayer::custom(panicked);
    let conventions = Conventions::new(auth);
    // A proxy asks here, with any method. No page reads the answer: CORS would take an OPTIONS for a
    // preflight and say yes, and a cookie would not get to its browser.
    let verify = Router::new()
        .route(&format!("{base}/verify"), any(verify::verify))
        .route_layer((conventions.clone(), panics))
        .with_state(auth.clone());
    let layers = (conventions, cors(auth), CsrfLayer::handing_tokens(auth.clone()), panics);
    let mut routes = BTreeMap::new();
    for (_, paths, methods) in endpoints() {
        routes.extend(paths.paths.keys().map(|path| (format!("{base}{path}"), methods.clone())));
    }
    if auth.config().compat.sanctum {
        // Under a base path such as `/api` one of them is there already.
        for (path, methods) in sanctum::routes() {
            routes.entry(path.to_owned()).or_insert(methods);
        }
    }
    let endpoints = routes
        .into_iter()
        .fold(Router::new(), |router, (path, methods)| router.route(&path, methods));
    let endpoints = endpoints
        .method_not_allowed_fallback(async || Rejection::MethodNotAllowed)
        .route_layer(layers.clone())
        .with_state(auth.clone());
    let none = async || Rejection::NoSuchRoute;
    // A nested router is not asked about the slash alone.
    let slash = any(none).layer(layers.clone());
    let others = Router::new().fallback(none).layer(layers);
    Router::new()
        .nest(base, others)
        .route(&format!("{base}/"), slash)
        .merge(endpoints)
        .merge(verify)
}

/// A bug of ours is a 500 for one caller, never a dead connection. The panic hook has logged it.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    Rejection::Misconfigured("an endpoint panicked").into_response()
}
