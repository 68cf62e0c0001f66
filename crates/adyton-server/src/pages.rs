//! Account pages: sign in, register, devices, personal tokens, password, the end of an account.
//!
//! Rendered on the server, one file a page, working without a script. They ask the engine for the
//! same use cases as the endpoints, and decide nothing about authentication themselves.

mod account;
mod answer;
mod assets;
mod delete;
mod errors;
mod form;
mod login;
mod logout;
mod next;
mod password;
mod profile;
mod register;
mod signed_in;
mod tokens;
mod words;

use adyton::core::config::SessionGuard;
use adyton::{Adyton, Config, Rejection};
use answer::Failure;
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, any, get, post};
use std::any::Any;
use std::sync::Arc;
use tower_http::catch_panic::CatchPanicLayer;

/// What every page knows.
#[derive(Clone)]
struct Site(Arc<Inner>);

struct Inner {
    auth: Adyton,
    /// `pages.path`.
    path: String,
    /// What the pages call the place: the host that people see, if it is configured.
    name: String,
}

/// The pages under `pages.path`, unless they are switched off or could not sign anybody in.
pub(crate) fn router(auth: &Adyton) -> Option<Router> {
    let config = auth.config();
    if !are_served(config) {
        if config.pages.enabled {
            tracing::warn!("no account pages: they need cookies, and session_guard is \"token\"");
        }
        return None;
    }
    let url = config.web().ok().and_then(|web| web.public_url);
    let site = Site(Arc::new(Inner {
        auth: auth.clone(),
        path: config.pages.path.clone(),
        name: url.map_or_else(|| "Your account".to_owned(), |url| url.host()),
    }));
    Some(site.routes())
}

/// Whether there are pages: without cookies nobody could sign in on them.
pub(crate) fn are_served(config: &Config) -> bool {
    config.pages.enabled && config.session_guard != SessionGuard::Token
}

/// Every page with its methods, below `pages.path`.
fn pages() -> [(&'static str, MethodRouter<Site>); 15] {
    [
        ("", get(account::show)),
        ("/login", get(login::show).post(login::sign_in)),
        ("/register", get(register::show).post(register::register)),
        ("/logout", post(logout::sign_out)),
        ("/profile", get(profile::show).post(profile::change)),
        ("/devices/{id}/end", post(account::end_device)),
        ("/devices/end-others", post(account::end_others)),
        ("/tokens", get(tokens::show).post(tokens::create)),
        ("/tokens/{id}/revoke", post(tokens::revoke)),
        ("/password", get(password::show).post(password::change)),
        ("/delete", get(delete::show).post(delete::delete)),
        ("/style.css", get(assets::style)),
        ("/copy.js", get(assets::script)),
        ("/icon.svg", get(assets::icon)),
        ("/", get(async |site: axum::extract::State<Site>| Redirect::to(&site.0.0.path))),
    ]
}

impl Site {
    fn routes(self) -> Router {
        let path = &self.0.path;
        let dress = from_fn_with_state(self.clone(), answer::dress);
        // The cookie `XSRF-TOKEN` is for scripts of the app, which call the endpoints.
        let panics = CatchPanicLayer::custom(panicked);
        let layers = (self.0.auth.layer(), dress, self.0.auth.csrf_layer(), panics);
        let router = pages()
            .into_iter()
            .fold(Router::new(), |router, (below, page)| {
                router.route(&format!("{path}{below}"), page)
            })
            .method_not_allowed_fallback(async || Failure(Rejection::MethodNotAllowed))
            .route_layer(layers.clone())
            .with_state(self.clone());
        let none = any(async || Failure(Rejection::NoSuchRoute));
        let others = Router::new().fallback_service(none.layer(layers));
        Router::new().nest(path, others).merge(router)
    }

    fn auth(&self) -> &Adyton {
        &self.0.auth
    }

    /// The whole path of a page.
    fn at(&self, below: &str) -> String {
        format!("{}{below}", self.0.path)
    }
}

/// A bug of ours is a page for one reader, never a dead connection. The panic hook has logged it.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    Failure(Rejection::Misconfigured("a page panicked")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::extract::Request;
    use tower::ServiceExt;

    #[tokio::test]
    async fn a_panic_is_one_readers_page() {
        let bug = async || -> &'static str { panic!("on purpose") };
        let router: Router =
            Router::new().route("/", get(bug)).layer(CatchPanicLayer::custom(panicked));
        let request = Request::get("/").body(Body::empty()).unwrap();
        let answered = router.oneshot(request).await.unwrap();
        // What goes round the pages makes a page of it.
        assert!(answered.extensions().get::<answer::Failed>().is_some());
    }
}
