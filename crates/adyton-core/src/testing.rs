//! For tests: a clock that is moved by hand, inputs that are nearly right, and the suites that every
//! store of rows and every store of attempts passes.

pub mod conformance;
mod nearly;
pub mod throttling;

#[doc(hidden)] // for the tests of Adyton alone
pub use nearly::nearly;

use crate::clock::{Clock, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// A clock that stands still until it is moved. Clones share the time.
#[derive(Clone, Debug)]
pub struct ManualClock {
    seconds: Arc<AtomicI64>,
    passed: Arc<AtomicU64>,
}

impl ManualClock {
    /// A clock that shows this time.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self { seconds: Arc::new(AtomicI64::new(now.unix())), passed: Arc::default() }
    }

    /// Moves it forward.
    pub fn advance(&self, seconds: u64) {
        self.set(self.now().plus(seconds));
    }

    /// Sets it, backwards too: then no time has passed.
    pub fn set(&self, now: Timestamp) {
        let before = self.seconds.swap(now.unix(), Ordering::SeqCst);
        let passed = now.seconds_after(Timestamp::from_unix(before));
        self.passed.fetch_add(passed, Ordering::SeqCst);
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::at(Timestamp::from_unix(1_800_000_000))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.seconds.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.passed.load(Ordering::SeqCst))
    }
}
