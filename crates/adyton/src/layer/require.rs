//! Requires abilities of whoever calls a route.

use crate::extract::installed;
use crate::{Rejection, guard};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::{Layer, Service};

/// Lets only credentials with all of these abilities through; others are answered 403, and those
/// without a credential 401. For `route_layer`, under [`Adyton::layer`](crate::Adyton::layer).
///
/// ```
/// # use axum::{Router, routing::{get, post}};
/// use adyton::{require_abilities, require_any_ability};
///
/// let orders: Router = Router::new()
///     .route("/orders", post(async || "made").route_layer(require_abilities(["orders:write"])))
///     .route("/report", get(async || "…").route_layer(require_any_ability(["reports", "admin"])));
/// ```
pub fn require_abilities<S: Into<String>>(
    abilities: impl IntoIterator<Item = S>,
) -> RequireAbilities {
    RequireAbilities::new(abilities, false)
}

/// Lets only credentials with at least one of these abilities through.
pub fn require_any_ability<S: Into<String>>(
    abilities: impl IntoIterator<Item = S>,
) -> RequireAbilities {
    RequireAbilities::new(abilities, true)
}

/// What [`require_abilities`] and [`require_any_ability`] give.
#[derive(Clone, Debug)]
pub struct RequireAbilities {
    abilities: Arc<[String]>,
    any: bool,
}

impl RequireAbilities {
    fn new<S: Into<String>>(abilities: impl IntoIterator<Item = S>, any: bool) -> Self {
        Self { abilities: abilities.into_iter().map(Into::into).collect(), any }
    }

    async fn check(&self, request: Request) -> Result<Request, Rejection> {
        let (mut parts, body) = request.into_parts();
        let auth = installed(&parts)?;
        let principal = guard::require(&auth, &mut parts).await?;
        let abilities: Vec<&str> = self.abilities.iter().map(String::as_str).collect();
        if self.any {
            guard::authorize_any(&auth, &principal, &abilities, &parts)?;
        } else {
            guard::authorize(&auth, &principal, &abilities, &parts)?;
        }
        Ok(Request::from_parts(parts, body))
    }
}

impl<S> Layer<S> for RequireAbilities {
    type Service = Requiring<S>;

    fn layer(&self, inner: S) -> Requiring<S> {
        Requiring { required: self.clone(), inner }
    }
}

/// A service that only principals with certain abilities reach.
#[derive(Clone, Debug)]
pub struct Requiring<S> {
    required: RequireAbilities,
    inner: S,
}

impl<S> Service<Request> for Requiring<S>
where
    S: Service<Request, Error = Infallible> + Clone + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let required = self.required.clone();
        // The service that is ready is this one, not its clone.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        Box::pin(async move {
            match required.check(request).await {
                Ok(request) => inner.call(request).await.map(IntoResponse::into_response),
                Err(rejection) => Ok(rejection.into_response()),
            }
        })
    }
}
