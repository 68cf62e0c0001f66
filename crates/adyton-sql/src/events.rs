//! Events in SQL.

use crate::SqlStore;
use crate::db::{FromRow, Row, Tx};
use crate::dialect::Names;
use crate::error::Result;
use adyton_core::event::{Event, EventKind};
use adyton_core::store::{EventStore, StoreError};
use async_trait::async_trait;
use std::borrow::Cow;

#[async_trait]
impl EventStore for SqlStore {
    async fn record(&self, events: Vec<Event>) -> Result<(), StoreError> {
        self.write(|tx| Box::pin(insert(tx, events))).await
    }

    async fn list_events(&self, limit: u32) -> Result<Vec<Event>, StoreError> {
        let sql = "SELECT event, count, user_id, session_id, token_id, network, reason, created_at
                   FROM auth_events ORDER BY id DESC LIMIT ?";
        let read: Vec<Known> = self.db.fetch(sql, &[limit.into()]).await?;
        Ok(read.into_iter().filter_map(|Known(event)| event).collect())
    }
}

/// Writes events as a part of a transaction.
pub(crate) async fn insert(tx: &mut Tx, events: Vec<Event>) -> Result<()> {
    let sql = "INSERT INTO auth_events
               (event, count, user_id, session_id, token_id, network, reason, created_at)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    for event in events {
        let (what, why) = (event.event.as_str().into(), event.reason.as_deref().into());
        let (user, session) = (event.user_id.into(), event.session_id.into());
        let (token, network) = (event.token_id.into(), event.network.into());
        let (count, at) = (event.count.into(), event.created_at.into());
        tx.execute(sql, &[what, count, user, session, token, network, why, at]).await?;
    }
    Ok(())
}

/// An event; none where a newer version has written one of a kind that is not known here.
struct Known(Option<Event>);

impl FromRow for Known {
    fn from_row(row: &mut Row, _: &Names) -> Result<Self> {
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
            reason: row.get::<Option<String>>()?.map(Cow::Owned),
            created_at: row.get()?,
        })))
    }
}
