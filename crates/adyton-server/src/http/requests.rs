//! What happens to each request whatever it asks for: it gets an id, and is counted. A request costs
//! two short texts for it, and no lock. One that can be answered from memory alone does not get to the router.

use adyton::core::secret::EntropyError;
use adyton::{Adyton, Recall, RequestId, RequestIds};
use axum::body::Body;
use axum::http::HeaderValue;
use axum::response::Response;
use hyper::Request;
use hyper::body::{Body as _, Incoming};
use metrics::{Counter, Gauge};
use std::convert::Infallible;
use std::net::SocketAddr;

/// Ids and counters of a listener's requests.
pub struct Requests {
    ids: RequestIds,
    recall: Option<Recall>,
    /// By the first digit of the status, from 1 on.
    answered: [Counter; 5],
    open: Gauge,
}

/// A connection that is counted as open until this is dropped.
pub(super) struct Open(Gauge);

impl Requests {
    /// The counters are those of the recorder that is installed by now.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn new(auth: &Adyton) -> Result<Self, EntropyError> {
        let counter = |class| metrics::counter!("adyton_http_requests_total", "class" => class);
        Ok(Self {
            ids: RequestIds::new(auth.config())?,
            recall: Recall::of(auth),
            answered: ["1xx", "2xx", "3xx", "4xx", "5xx"].map(counter),
            open: metrics::gauge!("adyton_http_connections"),
        })
    }

    pub(super) fn opened(&self) -> Open {
        self.open.increment(1);
        Open(self.open.clone())
    }

    pub(super) async fn answer<F>(
        &self,
        call: impl FnOnce(Request<Body>) -> F,
        mut request: Request<Body>,
        peer: SocketAddr,
    ) -> Result<Response, Infallible>
    where
        F: Future<Output = Result<Response, Infallible>>,
    {
        let id = self.ids.of(peer.ip(), request.headers());
        request.extensions_mut().insert(id.clone());
        let value = HeaderValue::from_str(&id.0);
        let mut response = RequestId::scope(id, call(request)).await?;
        if let Ok(value) = value {
            response.headers_mut().insert(RequestIds::HEADER, value);
        }
        self.count(&response);
        Ok(response)
    }

    /// The answer to a request that needs nothing but what is in memory.
    pub(super) fn recall(&self, request: &Request<Incoming>, peer: SocketAddr) -> Option<Response> {
        let alone = request.body().is_end_stream();
        let mut response = self.recall.as_ref().filter(|_| alone)?.answer(request)?;
        let id = self.ids.of(peer.ip(), request.headers());
        if let Ok(value) = HeaderValue::from_str(&id.0) {
            response.headers_mut().insert(RequestIds::HEADER, value);
        }
        self.count(&response);
        Some(response)
    }

    fn count(&self, response: &Response) {
        let class = usize::from(response.status().as_u16() / 100).wrapping_sub(1);
        self.answered.get(class).inspect(|counter| counter.increment(1));
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}
