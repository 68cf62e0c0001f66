//! Commits that got no answer. Whether they happened is not known, nor when they may still happen:
//! what was sent can lie in a network's buffers for minutes.

use adyton_core::clock::{Clock, SystemClock};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// By then a connection that lies dead was given up by both machines.
const LASTS: Duration = Duration::from_secs(15 * 60);

/// Whether a commit of this process may still come to pass without its knowledge.
#[derive(Debug, Default)]
pub(super) struct Doubt {
    clock: SystemClock,
    /// Milliseconds of the monotonic clock.
    until: AtomicU64,
}

impl Doubt {
    /// A commit got no answer.
    pub(super) fn arises(&self) {
        self.until.fetch_max(millis(self.clock.monotonic() + LASTS), Ordering::SeqCst);
    }

    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "MySQL tells of no commits"))]
    pub(super) fn stands(&self) -> bool {
        millis(self.clock.monotonic()) < self.until.load(Ordering::SeqCst)
    }
}

fn millis(moment: Duration) -> u64 {
    u64::try_from(moment.as_millis()).unwrap_or(u64::MAX)
}
