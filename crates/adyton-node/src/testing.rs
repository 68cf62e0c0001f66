//! For the tests of the package, and in no build that ships: an engine that breaks when it is told
//! to, wherever it asks for the time.

use adyton::core::clock::{Clock, SystemClock, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A clock that panics once it is broken.
#[derive(Clone, Default)]
pub(crate) struct FragileClock {
    clock: Arc<SystemClock>,
    broken: Arc<AtomicBool>,
}

impl FragileClock {
    pub(crate) fn set_broken(&self, broken: bool) {
        self.broken.store(broken, Ordering::Relaxed);
    }
}

impl Clock for FragileClock {
    fn now(&self) -> Timestamp {
        assert!(!self.broken.load(Ordering::Relaxed), "the clock is broken");
        self.clock.now()
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }
}
