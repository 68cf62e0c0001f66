//! Limits on attempts: fixed windows, counted from the first attempt.

use crate::clock::Timestamp;

/// A limit that is used up, as its caller is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// Attempts that a window lets through.
    pub limit: u32,
    /// Seconds until the window ends, at least one.
    pub retry_after: u64,
    /// When the window ends.
    pub resets_at: Timestamp,
}
