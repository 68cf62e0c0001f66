//! Ids of requests: given to each, taken over from trusted proxies, and known to whatever is logged
//! while one is answered. They name lines of a log and prove nothing.

use crate::RequestId;
use adyton_core::config::{Config, WebOptions};
use adyton_core::secret::{EntropyError, request_prefix};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::fmt::Write;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Longest id that is taken over.
const LONGEST: usize = 64;

tokio::task_local! {
    /// A task-local and not a span: a span costs ten times as much, for each request and not only
    /// for those that fail.
    static CURRENT: RequestId;
}

/// Gives requests their ids.
#[derive(Debug)]
pub struct RequestIds {
    prefix: String,
    count: AtomicU64,
    web: WebOptions,
}

impl RequestIds {
    /// The header that carries an id.
    pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

    /// Ids of this process: a random prefix and a number.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn new(config: &Config) -> Result<Self, EntropyError> {
        // Validation has read it before.
        let web = config.web().unwrap_or_default();
        Ok(Self { prefix: request_prefix()?, count: AtomicU64::new(0), web })
    }

    /// The id of a request from this peer: a sane one of a trusted proxy, else a new one.
    #[must_use]
    pub fn of(&self, peer: IpAddr, headers: &HeaderMap) -> RequestId {
        match headers.get(Self::HEADER) {
            Some(given) if self.web.trusts(peer) => {
                taken_over(given).unwrap_or_else(|| self.next())
            }
            _ => self.next(),
        }
    }

    fn next(&self) -> RequestId {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let mut id = String::with_capacity(self.prefix.len() + 17);
        // Writing to a string cannot fail.
        let _ = write!(id, "{}-{number:x}", self.prefix);
        RequestId(id.into())
    }
}

fn taken_over(given: &HeaderValue) -> Option<RequestId> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    let id = given.to_str().ok()?;
    let sane = (1..=LONGEST).contains(&id.len()) && id.as_bytes().iter().all(plain);
    sane.then(|| RequestId(Arc::from(id)))
}

impl RequestId {
    /// Runs what answers the request, so that whatever it logs of a failure carries the id.
    pub async fn scope<F: Future>(self, answer: F) -> F::Output {
        CURRENT.scope(self, answer).await
    }

    /// The id of the request that is being answered, where a server has given it one.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(trusted: &[&str]) -> RequestIds {
        let mut config = Config::default();
        config.server.trusted_proxies = trusted.iter().map(ToString::to_string).collect();
        RequestIds::new(&config).unwrap()
    }

    fn id(ids: &RequestIds, peer: &str, given: &[u8]) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(RequestIds::HEADER, HeaderValue::from_bytes(given).unwrap());
        ids.of(peer.parse().unwrap(), &headers).0.to_string()
    }

    #[test]
    fn each_request_of_each_process_has_an_id_of_its_own() {
        let (one, other) = (ids(&[]), ids(&[]));
        let none = HeaderMap::new();
        let peer = "192.0.2.1".parse().unwrap();
        let mut drawn: Vec<_> = (0..20).map(|_| one.of(peer, &none).0).collect();
        drawn.push(other.of(peer, &none).0);
        drawn.sort();
        drawn.dedup();
        assert_eq!(drawn.len(), 21);
        assert!(drawn.iter().all(|id| taken_over(&HeaderValue::from_str(id).unwrap()).is_some()));
    }

    #[test]
    fn an_id_is_taken_over_from_a_trusted_proxy_alone() {
        let ids = ids(&["10.0.0.0/8", "2001:db8::1"]);
        for (peer, taken) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("2001:db8::1", true),
            ("2001:db8::2", false),
            ("192.0.2.1", false),
        ] {
            assert_eq!(id(&ids, peer, b"from-the_Proxy9") == "from-the_Proxy9", taken, "{peer}");
        }
    }

    #[test]
    fn what_is_no_sane_id_is_not_taken_over() {
        let ids = ids(&["10.0.0.0/8"]);
        assert_eq!(id(&ids, "10.0.0.1", &[b'a'; 64]).len(), 64);
        let long = [b'a'; 65];
        for bad in [&b""[..], &long, b"a b", b"a\tb", b"\xff", b"a;b", b"a\"b"] {
            assert_ne!(id(&ids, "10.0.0.1", bad).as_bytes(), bad);
        }
    }
}
