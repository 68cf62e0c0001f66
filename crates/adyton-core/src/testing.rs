//! For tests: a clock that is moved by hand, inputs that are nearly right, and the suites that every
//! store of rows and every store of attempts passes.

pub mod conformance;
mod nearly;
pub mod throttling;

pub use nearly::nearly;

use crate::clock::{Clock, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// A clock that stands still until it is moved. Clones share the time.
#[derive(Clone, Debug)]
pub struct ManualClock {
    seconds: Arc<AtomicI64>,
    started: i64,
}

impl ManualClock {
    /// A clock that shows this time.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self { seconds: Arc::new(AtomicI64::new(now.unix())), started: now.unix() }
    }

    /// Moves it forward.
    pub fn advance(&self, seconds: u64) {
        self.set(self.now().plus(seconds));
    }

    /// Sets it, backwards too.
    pub fn set(&self, now: Timestamp) {
        self.seconds.store(now.unix(), Ordering::SeqCst);
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
        let passed = self.seconds.load(Ordering::SeqCst).saturating_sub(self.started);
        Duration::from_secs(u64::try_from(passed).unwrap_or(0))
    }
}
