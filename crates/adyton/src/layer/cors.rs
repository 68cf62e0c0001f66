//! CORS (Fetch, 3.3): which other origins' pages may read our answers.

use crate::Adyton;
use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Method};
use std::time::Duration;
use tower::layer::util::Identity;
use tower::util::{Either, option_layer};
use tower_http::cors::CorsLayer;

/// How long a browser may keep what a preflight said.
const MAX_AGE: Duration = Duration::from_secs(600);
const METHODS: [Method; 5] =
    [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// The origins of `allowed_origins`, with credentials; nothing where there are none. Whoever is not
/// on the list learns nothing: no wildcard, and no origin comes back that is not on it.
pub(crate) fn cors(auth: &Adyton) -> Either<CorsLayer, Identity> {
    let origins = auth.web().allowed_origins.iter();
    // The text of an origin is printable ASCII.
    let origins = origins.filter_map(|origin| HeaderValue::try_from(origin.to_string()).ok());
    let origins: Vec<_> = origins.collect();
    let layer = (!origins.is_empty()).then(|| {
        CorsLayer::new()
            .allow_origin(origins)
            .allow_credentials(true)
            .allow_methods(METHODS)
            .allow_headers(request_headers(auth))
            .expose_headers(answer_headers())
            .max_age(MAX_AGE)
    });
    option_layer(layer)
}

fn request_headers(auth: &Adyton) -> [HeaderName; 6] {
    [
        CONTENT_TYPE,
        ACCEPT,
        auth.token_header().clone(),
        HeaderName::from_static("x-xsrf-token"),
        HeaderName::from_static("x-device-id"),
        HeaderName::from_static("x-requested-with"),
    ]
}

fn answer_headers() -> [HeaderName; 5] {
    [
        RETRY_AFTER,
        HeaderName::from_static("x-ratelimit-limit"),
        HeaderName::from_static("x-ratelimit-remaining"),
        HeaderName::from_static("x-ratelimit-reset"),
        WWW_AUTHENTICATE,
    ]
}
