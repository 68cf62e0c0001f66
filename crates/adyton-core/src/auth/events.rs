//! What happened: looked up, or listened to.

use super::Auth;
use crate::audit::Listener;
use crate::error::Error;
use crate::event::Event;
use crate::store::EventFilter;

impl Auth {
    /// The latest events that the filter takes, latest first. Refusals stand here a minute after
    /// they happened, counted.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn list_events(&self, filter: EventFilter) -> Result<Vec<Event>, Error> {
        Ok(self.0.store.list_events(filter).await?)
    }

    /// Every event from now on: changes once they are committed, refusals one by one. A listener
    /// that falls more than 1,024 events behind loses some, and the log says so; what must not be
    /// lost stands in the table `auth_events`.
    #[must_use]
    pub fn listen(&self) -> Listener {
        self.0.audit.listen()
    }
}
