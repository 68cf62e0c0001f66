//! Events in SQL.

use crate::SqlStore;
use crate::db::{Row, Tx};
use crate::error::SqlError;
use adyton_core::event::{Event, EventKind};
use adyton_core::store::{EventStore, StoreError};
use async_trait::async_trait;
use std::borrow::Cow;

#[async_trait]
impl EventStore for SqlStore {
    async fn record(&self, events: Vec<Event>) -> Result<(), StoreError> {
        let write = self.db.transaction(|tx| Box::pin(insert(tx, events)));
        Ok(write.await?)
    }

    async fn list_events(&self, limit: u32) -> Result<Vec<Event>, StoreError> {
        let sql = "SELECT event, count, user_id, session_id, token_id, network, reason, created_at
                   FROM auth_events ORDER BY id DESC LIMIT ?";
        let rows = self.db.fetch(sql, &[limit.into()]).await?;
        // What a newer version has written is passed over.
        let events = rows.into_iter().filter_map(|row| read(row).transpose());
        Ok(events.collect::<Result<_, _>>()?)
    }
}

/// Writes events as a part of a transaction.
pub(crate) async fn insert(tx: &mut Tx, events: Vec<Event>) -> Result<(), SqlError> {
    for event in events {
        tx.execute(
            "INSERT INTO auth_events
             (event, count, user_id, session_id, token_id, network, reason, created_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            &[
                event.event.as_str().into(),
                event.count.into(),
                event.user_id.into(),
                event.session_id.into(),
                event.token_id.into(),
                event.network.into(),
                event.reason.as_deref().into(),
                event.created_at.into(),
            ],
        )
        .await?;
    }
    Ok(())
}

fn read(mut row: Row) -> Result<Option<Event>, SqlError> {
    let name: String = row.get()?;
    let Some(event) = EventKind::from_name(&name) else { return Ok(None) };
    Ok(Some(Event {
        event,
        count: row.get()?,
        user_id: row.get()?,
        session_id: row.get()?,
        token_id: row.get()?,
        network: row.get()?,
        reason: row.get::<Option<String>>()?.map(Cow::Owned),
        created_at: row.get()?,
    }))
}
