//! What a connection is waiting for, and since when: the watchdog over one connection. It only
//! watches; closing is dropping the connection when [`Activity::silence`] is ready.
//!
//! All of it is two atomic words that the stream, the body and the service note their steps in. A
//! request that arrives whole costs two readings of the clock and sets no timer.

use super::Timeouts;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// The router answers a slow body first; this is for a handler that has no time-out of its own.
const BODY_GRACE: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The rest of a head is due.
    Head = 0,
    /// The router works: as long as it likes.
    Handling = 1,
    /// The router waits for the rest of a body.
    Body = 2,
    /// The router has answered: the client reads, and may ask again. Bytes of a next head that
    /// came before the answer count from the byte after them.
    Idle = 3,
}

#[derive(Debug)]
pub(super) struct Activity {
    born: Instant,
    /// Milliseconds since `born` when the phase began, times four, plus the phase.
    phase: AtomicU64,
    /// When the client stopped reading, in milliseconds since `born` plus one; zero while it reads.
    blocked: AtomicU64,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self { born: Instant::now(), phase: AtomicU64::new(0), blocked: AtomicU64::new(0) }
    }

    pub(super) fn enter(&self, phase: Phase) {
        // While the router works nothing is due, so the time does not matter.
        let now = if phase == Phase::Handling { 0 } else { self.now() };
        self.phase.store(now << 2 | phase as u64, Relaxed);
    }

    /// Moves on, if the connection is still in the phase that one thinks it is.
    pub(super) fn enter_from(&self, from: Phase, to: Phase) {
        let word = self.phase.load(Relaxed);
        if word & 3 == from as u64 {
            let next = self.now() << 2 | to as u64;
            // Another task may hold the body; a change of phase meanwhile wins.
            let _ = self.phase.compare_exchange(word, next, Relaxed, Relaxed);
        }
    }

    pub(super) fn client_stopped_reading(&self) {
        if self.blocked.load(Relaxed) == 0 {
            self.blocked.store(self.now() + 1, Relaxed);
        }
    }

    pub(super) fn client_reads(&self) {
        if self.blocked.load(Relaxed) != 0 {
            self.blocked.store(0, Relaxed);
            self.enter_from(Phase::Idle, Phase::Idle);
        }
    }

    /// Ready when something has been due for too long.
    pub(super) async fn silence(&self, timeouts: &Timeouts) {
        let mut timer = pin!(sleep_until(self.born + timeouts.header));
        poll_fn(|cx| self.poll_silence(timeouts, timer.as_mut(), cx)).await;
    }

    /// The timer is set anew only when it would come too late, or has come too early.
    fn poll_silence(
        &self,
        timeouts: &Timeouts,
        mut timer: Pin<&mut Sleep>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        loop {
            let Some(deadline) = self.deadline(timeouts) else { return Poll::Pending };
            if deadline < timer.deadline() {
                timer.as_mut().reset(deadline);
            }
            ready!(timer.as_mut().poll(cx));
            if deadline <= timer.deadline() {
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
    }

    fn deadline(&self, timeouts: &Timeouts) -> Option<Instant> {
        let word = self.phase.load(Relaxed);
        let limit = match word & 3 {
            0 => Some(timeouts.header),
            1 => None,
            2 => Some(timeouts.body + BODY_GRACE),
            _ => Some(timeouts.idle),
        };
        let due = limit.map(|limit| self.at(word >> 2) + limit);
        let blocked = self.blocked.load(Relaxed).checked_sub(1);
        let stalled = blocked.map(|since| self.at(since) + timeouts.idle);
        [due, stalled].into_iter().flatten().min()
    }

    fn at(&self, millis: u64) -> Instant {
        self.born + Duration::from_millis(millis)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX >> 2)
    }
}
