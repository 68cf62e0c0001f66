//! `GET /user` by a credential that is in memory, answered past the router. Front ends ask it for every page, and the way
//! through the router and its layers takes as long as everything else that is ours.
//!
//! It is made of what the route and its layers are made of, and answers nothing that they would answer otherwise: a
//! refusal, a look-up, a page of another origin are left to them. `tests/it/recall.rs` holds the one to the other.

use crate::layer::{Conventions, Visitor, names_one_host};
use crate::{Adyton, guard, routes};
use axum::response::Response;
use http::{Method, Request};

/// What `GET /user` answers at once.
#[derive(Clone, Debug)]
pub struct Recall {
    auth: Adyton,
    path: String,
    conventions: Conventions,
}

impl Recall {
    /// None where other origins' pages may read answers: CORS has something to say of each.
    #[must_use]
    pub fn of(auth: &Adyton) -> Option<Self> {
        let path = format!("{}/user", auth.config().server.base_path);
        let conventions = Conventions::new(auth);
        let alone = auth.web().allowed_origins.is_empty();
        alone.then(|| Self { auth: auth.clone(), path, conventions })
    }

    /// The answer to a request without a body, or none if the router shall give it.
    pub fn answer<B>(&self, request: &Request<B>) -> Option<Response> {
        let (auth, headers, uri) = (&self.auth, request.headers(), request.uri());
        if request.method() != Method::GET
            || uri.path() != self.path
            || !names_one_host(headers, uri, request.version())
        {
            return None;
        }
        let visitor = Visitor::of(auth, headers, uri);
        let principal = guard::recall(auth, headers, visitor.session())?;
        let mut response = routes::shown(&principal);
        visitor.hand_token(auth, &mut response);
        self.conventions.mark(&mut response);
        Some(response)
    }
}
