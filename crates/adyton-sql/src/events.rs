//! Events in SQL.

use crate::SqlStore;
use crate::db::{FromRow, Row, Tx};
use crate::dialect::Names;
use crate::error::Result;
use adyton_core::clock::Timestamp;
use adyton_core::event::{Event, EventKind};
use adyton_core::store::{EventFilter, EventStore, StoreError};
use async_trait::async_trait;
use std::borrow::Cow;

/// The events that a condition takes, latest first. Each condition leads along an index.
macro_rules! select {
    ($condition:literal) => {
        concat!(
            "SELECT event, count, user_id, session_id, token_id, network, request_id, reason,
             created_at FROM auth_events WHERE ",
            $condition,
            " ORDER BY created_at DESC, id DESC LIMIT ?"
        )
    };
}

#[async_trait]
impl EventStore for SqlStore {
    async fn record(&self, events: Vec<Event>) -> Result<(), StoreError> {
        self.write(|tx| Box::pin(insert(tx, events))).await
    }

    async fn list_events(&self, filter: EventFilter) -> Result<Vec<Event>, StoreError> {
        let EventFilter { user, kind, since, limit } = filter;
        let since = since.unwrap_or(Timestamp::from_unix(i64::MIN)).into();
        let kind = kind.map(|kind| kind.as_str().into());
        let (sql, mut params) = match (user, kind) {
            (None, None) => (select!("created_at >= ?"), vec![]),
            (None, Some(kind)) => (select!("event = ? AND created_at >= ?"), vec![kind]),
            (Some(user), None) => (select!("user_id = ? AND created_at >= ?"), vec![user.into()]),
            (Some(user), Some(kind)) => {
                (select!("user_id = ? AND event = ? AND created_at >= ?"), vec![user.into(), kind])
            }
        };
        params.extend([since, limit.into()]);
        let read: Vec<Known> = self.db.fetch(sql, &params).await?;
        Ok(read.into_iter().filter_map(|Known(event)| event).collect())
    }

    async fn prune_events(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        // Looked for by a reader, so that an hour with nothing to do takes no lock.
        let due = "SELECT id FROM auth_events WHERE created_at < ? ORDER BY created_at LIMIT ?";
        let due: Vec<i64> = self.db.fetch(due, &[before.into(), limit.into()]).await?;
        if due.is_empty() {
            return Ok(0);
        }
        self.write(|tx| Box::pin(delete(tx, due))).await
    }
}

/// Writes events as a part of a transaction.
pub(crate) async fn insert(tx: &mut Tx, events: Vec<Event>) -> Result<()> {
    let sql = "INSERT INTO auth_events
               (event, outcome, count, user_id, session_id, token_id, network, request_id, reason,
                created_at)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    for event in events {
        let (what, why) = (event.event.as_str().into(), event.reason.as_deref().into());
        let outcome = event.event.outcome().as_str().into();
        let (user, session) = (event.user_id.into(), event.session_id.into());
        let (token, network) = (event.token_id.into(), event.network.into());
        let request = event.request_id.into();
        let (count, at) = (event.count.into(), event.created_at.into());
        let row = [what, outcome, count, user, session, token, network, request, why, at];
        tx.execute(sql, &row).await?;
    }
    Ok(())
}

async fn delete(tx: &mut Tx, due: Vec<i64>) -> Result<u64> {
    let mut deleted = 0;
    for id in due {
        deleted += tx.execute("DELETE FROM auth_events WHERE id = ?", &[id.into()]).await?;
    }
    Ok(deleted)
}

/// An event; none where a newer version has written one of a kind that is not known here.
struct Known(Option<Event>);

impl FromRow for Known {
    fn from_row(row: &mut Row<'_>, _: &Names) -> Result<Self> {
        let Some(event) = EventKind::from_name(&row.get::<String>()?) else {
            return Ok(Self(None));
        };
        Ok(Self(Some(Event {
            event,
            count: row.get()?,
            user_id: row.get()?,
            session_id: row.get()?,
            token_id: row.get()?,
            network: row.get()?,
            request_id: row.get()?,
            reason: row.get::<Option<String>>()?.map(Cow::Owned),
            created_at: row.get()?,
        })))
    }
}
