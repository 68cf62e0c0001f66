//! The order of look-ups and revocations: which look-up may still be believed.
//!
//! It holds no entries and knows no clock. Its atomics are those of the module above, so that
//! `tests/generations.rs` can put loom's in their place and try every order of steps.

use super::UserId;
use super::atomic::{AtomicU64, Ordering};

/// Where a look-up stands among the revocations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number(u64);

/// Users share so many slots; a revocation costs the others of its slot one miss.
pub(crate) struct Generations<const SLOTS: usize> {
    /// Grows with every revocation.
    latest: AtomicU64,
    /// What a look-up of anybody needs.
    floor: AtomicU64,
    /// What a look-up of the users of a slot needs.
    slots: Box<[AtomicU64]>,
}

impl<const SLOTS: usize> Generations<SLOTS> {
    pub(crate) fn new() -> Self {
        let slots = (0..SLOTS).map(|_| AtomicU64::new(0)).collect();
        Self { latest: AtomicU64::new(0), floor: AtomicU64::new(0), slots }
    }

    /// To be taken before a look-up begins.
    pub(crate) fn latest(&self) -> Number {
        Number(self.latest.load(Ordering::SeqCst))
    }

    /// No look-up of this user that has begun is believed any more: to be called after their change
    /// is committed and before anybody is told.
    pub(crate) fn forget(&self, user: UserId) {
        let next = self.latest.fetch_add(1, Ordering::SeqCst) + 1;
        self.slot(user).fetch_max(next, Ordering::SeqCst);
    }

    /// The same for everybody.
    pub(crate) fn forget_all(&self) {
        let next = self.latest.fetch_add(1, Ordering::SeqCst) + 1;
        self.floor.fetch_max(next, Ordering::SeqCst);
    }

    /// Whether what a look-up found of this user can be believed.
    pub(crate) fn stand(&self, user: UserId, began: Number) -> bool {
        let needed = self.slot(user).load(Ordering::SeqCst);
        began.0 >= needed.max(self.floor.load(Ordering::SeqCst))
    }

    fn slot(&self, user: UserId) -> &AtomicU64 {
        &self.slots[user.0.unsigned_abs() as usize % SLOTS]
    }
}
