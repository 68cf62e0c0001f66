//! Puts the handle where extractors find it. Nobody is authenticated until one of them asks.

use crate::Adyton;
use http::Request;
use std::task::{Context, Poll};
use tower::{Layer, Service};

/// What [`Adyton::layer`] gives.
#[derive(Clone, Debug)]
pub struct AuthLayer {
    auth: Adyton,
}

impl AuthLayer {
    pub(crate) fn new(auth: Adyton) -> Self {
        Self { auth }
    }
}

/// The handle in a request's extensions.
#[derive(Clone)]
pub(crate) struct Installed(pub(crate) Adyton);

impl<S> Layer<S> for AuthLayer {
    type Service = Authenticating<S>;

    fn layer(&self, inner: S) -> Authenticating<S> {
        Authenticating { auth: self.auth.clone(), inner }
    }
}

/// A service whose requests carry the handle.
#[derive(Clone, Debug)]
pub struct Authenticating<S> {
    auth: Adyton,
    inner: S,
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for Authenticating<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        request.extensions_mut().insert(Installed(self.auth.clone()));
        self.inner.call(request)
    }
}
