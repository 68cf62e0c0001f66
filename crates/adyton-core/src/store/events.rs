//! Events in the port.

use super::StoreError;
use crate::clock::Timestamp;
use crate::event::{Event, EventKind};
use crate::user::UserId;
use async_trait::async_trait;

/// Where events are. Those of changes are written by the change itself.
#[async_trait]
pub trait EventStore: Send + Sync + 'static {
    /// Writes events that belong to no change: refusals, counted.
    async fn record(&self, events: Vec<Event>) -> Result<(), StoreError>;

    /// The latest events that the filter takes, latest first; of the same second, the one written
    /// last first.
    async fn list_events(&self, filter: EventFilter) -> Result<Vec<Event>, StoreError>;

    /// Deletes at most `limit` of the events from before `before`, and says how many it were.
    async fn prune_events(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}

/// Which events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventFilter {
    /// Of this user only.
    pub user: Option<UserId>,
    /// Of this kind only.
    pub kind: Option<EventKind>,
    /// At this time or later.
    pub since: Option<Timestamp>,
    /// At most so many.
    pub limit: u32,
}

impl EventFilter {
    /// The latest ones, whatever they are.
    #[must_use]
    pub const fn latest(limit: u32) -> Self {
        Self { user: None, kind: None, since: None, limit }
    }

    /// Whether it takes this event.
    #[must_use]
    pub fn takes(&self, event: &Event) -> bool {
        self.user.is_none_or(|user| event.user_id == Some(user))
            && self.kind.is_none_or(|kind| event.event == kind)
            && self.since.is_none_or(|since| event.created_at >= since)
    }
}
