//! Events in the port.

use super::StoreError;
use crate::event::Event;
use async_trait::async_trait;

/// Where events are. Those of changes are written by the change itself.
#[async_trait]
pub trait EventStore: Send + Sync + 'static {
    /// Writes events that belong to no change: refusals, counted.
    async fn record(&self, events: Vec<Event>) -> Result<(), StoreError>;

    /// The latest events, latest first.
    async fn list_events(&self, limit: u32) -> Result<Vec<Event>, StoreError>;
}
