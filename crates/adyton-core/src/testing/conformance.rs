//! The conformance suite: the promises of the port ([`crate::store`]), one small rule each.
//!
//! A store of your own passes it or is no store. It tests what a store answers and keeps, not how
//! fast, and not what outlives a crash: no test from inside the process can tell.
//!
//! ```
//! # tokio::runtime::Builder::new_multi_thread().build().unwrap().block_on(async {
//! use adyton_core::{store::MemoryStore, testing::conformance};
//!
//! conformance::run(|| async { MemoryStore::new() }).await;
//! # });
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test suite")]

/// Names the rules of a file, for [`run`].
macro_rules! rules {
    ($($rule:ident),* $(,)?) => {
        pub(super) fn all() -> Vec<super::Rule> {
            vec![$(super::Rule {
                name: stringify!($rule),
                check: |store| Box::pin($rule(store)),
            }),*]
        }
    };
}

mod accounts;
mod cleaning;
mod devices;
mod given;
mod revocation;
mod rotation;
mod sessions;
mod tokens;
mod users;

use crate::store::Store;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// One promise, and what shows whether a fresh, empty store keeps it.
struct Rule {
    name: &'static str,
    check: fn(Arc<dyn Store>) -> Check,
}

type Check = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs every rule, each on a store of its own that `new_store` makes: fresh and empty.
///
/// # Panics
/// After the last rule, with the names of those that were broken. The failed assertions are on
/// standard error by then.
pub async fn run<S, F, Fut>(new_store: F)
where
    S: Store,
    F: Fn() -> Fut,
    Fut: Future<Output = S>,
{
    let nouns = [
        users::all(),
        tokens::all(),
        sessions::all(),
        rotation::all(),
        revocation::all(),
        accounts::all(),
        devices::all(),
        cleaning::all(),
    ];
    let mut broken = Vec::new();
    for rule in nouns.into_iter().flatten() {
        let store: Arc<dyn Store> = Arc::new(new_store().await);
        if tokio::spawn((rule.check)(store)).await.is_err() {
            broken.push(rule.name);
        }
    }
    assert!(broken.is_empty(), "the store breaks {} rules: {broken:#?}", broken.len());
}
