//! Limits that several nodes share, and what happens when they cannot.

use adyton::core::clock::Timestamp;
use adyton::core::store::{MemoryStore, StoreError};
use adyton::core::throttle::{Bucket, Fallback, MemoryThrottle, Taken, Taking, ThrottleStore};
use adyton::{Adyton, Client, Config, Credentials, Error, Registration, SignInOptions};
use async_trait::async_trait;
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tower::ServiceExt;

/// A shared store that can be unplugged.
#[derive(Clone)]
struct Shared(Arc<(MemoryThrottle, AtomicBool)>);

impl Shared {
    fn new() -> Self {
        Self(Arc::new((MemoryThrottle::new().unwrap(), AtomicBool::new(true))))
    }

    fn plug(&self, on: bool) {
        self.0.1.store(on, Ordering::SeqCst);
    }

    fn store(&self) -> Result<&MemoryThrottle, StoreError> {
        if self.is_whole() { Ok(&self.0.0) } else { Err(StoreError::new("unplugged")) }
    }
}

#[async_trait]
impl ThrottleStore for Shared {
    async fn take(&self, buckets: &[Bucket], now: Timestamp) -> Result<Taking, StoreError> {
        self.store()?.take(buckets, now).await
    }

    async fn full_until(
        &self,
        bucket: &Bucket,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        self.store()?.full_until(bucket, now).await
    }

    async fn give_back(&self, taken: &[Taken]) -> Result<(), StoreError> {
        self.store()?.give_back(taken).await
    }

    async fn clear(&self, bucket: &Bucket) -> Result<(), StoreError> {
        self.store()?.clear(bucket).await
    }

    fn is_whole(&self) -> bool {
        self.0.1.load(Ordering::SeqCst)
    }
}

async fn node(store: &MemoryStore, throttle: impl ThrottleStore) -> Adyton {
    Adyton::builder().store(store.clone()).throttle(throttle).build().await.unwrap()
}

async fn user(node: &Adyton) {
    let ada = Registration {
        name: "Ada".into(),
        email: "ada@example.com".into(),
        password: "correct horse 1".into(),
        ..Registration::default()
    };
    node.create_user(&ada).await.unwrap();
}

async fn sign_in(node: &Adyton, password: &str) -> Result<(), Error> {
    let credentials = Credentials {
        email: "ada@example.com".into(),
        password: password.into(),
        options: SignInOptions::default(),
    };
    let client = Client { address: Some("192.0.2.1".parse().unwrap()), ..Client::default() };
    node.login(credentials, &client).await.map(|_| ())
}

async fn ready(node: &Adyton) -> (u16, Value) {
    let request = Request::get("/readyz").body(Body::empty()).unwrap();
    let response = node.health_router().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn nodes_share_their_limits() {
    let (store, shared) = (MemoryStore::new(), Shared::new());
    let nodes = [node(&store, shared.clone()).await, node(&store, shared).await];
    user(&nodes[0]).await;
    for at in 0..5 {
        let wrong = sign_in(&nodes[at % 2], "wrong").await.unwrap_err();
        assert!(matches!(wrong, Error::Unauthenticated(_)), "{wrong:?}");
    }
    for node in &nodes {
        let refused = sign_in(node, "correct horse 1").await.unwrap_err();
        assert!(matches!(refused, Error::TooManyAttempts(_)), "{refused:?}");
    }
}

#[tokio::test]
async fn without_them_sign_in_goes_on_within_limits_of_its_own_and_readyz_says_so() {
    let (store, shared) = (MemoryStore::new(), Shared::new());
    let node = node(&store, Fallback::new(shared.clone()).unwrap()).await;
    user(&node).await;
    let checks = |shared| json!({ "store": "ok", "hashing": "ok", "shared": shared });
    assert_eq!(ready(&node).await, (200, json!({ "status": "ready", "checks": checks("ok") })));

    shared.plug(false);
    let degraded = json!({ "status": "degraded", "checks": checks("unreachable") });
    assert_eq!(ready(&node).await, (200, degraded));
    sign_in(&node, "correct horse 1").await.unwrap();
    for _ in 0..5 {
        sign_in(&node, "wrong").await.unwrap_err();
    }
    let refused = sign_in(&node, "correct horse 1").await.unwrap_err();
    assert!(matches!(refused, Error::TooManyAttempts(_)), "{refused:?}");

    shared.plug(true);
    assert_eq!(ready(&node).await.1["status"], "ready");
    let refused = sign_in(&node, "correct horse 1").await.unwrap_err();
    assert!(matches!(refused, Error::TooManyAttempts(_)), "its window has not ended");
}

#[tokio::test]
async fn a_store_of_the_apps_own_that_fails_is_an_outage() {
    let (store, shared) = (MemoryStore::new(), Shared::new());
    let node = node(&store, shared.clone()).await;
    user(&node).await;
    shared.plug(false);
    let failed = sign_in(&node, "correct horse 1").await.unwrap_err();
    assert!(matches!(failed, Error::Store(_)), "{failed:?}");
}

#[tokio::test]
async fn the_url_of_a_redis_is_in_no_debug_output() {
    let mut config = Config::default();
    config.rate_limiting.store = "redis://:s3cret@127.0.0.1:6379".into();
    let shown = format!("{config:?}");
    assert!(shown.contains("max_attempts") && !shown.contains("s3cret"), "{shown}");
}

#[cfg(not(feature = "redis"))]
#[tokio::test]
async fn a_redis_needs_its_feature() {
    let mut config = Config::default();
    config.rate_limiting.store = "redis://127.0.0.1:6379".into();
    let builder = Adyton::builder().store(MemoryStore::new()).config(config);
    let refused = builder.build().await.unwrap_err().to_string();
    assert!(refused.contains("feature `redis`"), "{refused}");
}
