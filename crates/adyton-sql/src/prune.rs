//! Pruning: one batch of what had its time. What is due is looked for by a reader, so that the
//! search in somebody else's table without an index holds nobody up; the transaction that deletes
//! it asks again whether it still is due.

use crate::db::{Db, Tx, Value};
use crate::error::Result;
use crate::{devices, tokens};
use adyton_core::clock::Timestamp;
use adyton_core::device::{DeviceId, KNOWN_FOR};
use adyton_core::session::SessionId;
use adyton_core::store::Pruned;
use adyton_core::token::TokenId;

/// In a form that no index serves: all tokens have one type, and SQLite, which has no statistics, would
/// walk through each of them by the index that leads by it, for every batch.
pub(crate) const DUE_TOKENS: &str = "
    SELECT id FROM {tokens}
    WHERE expires_at < ? AND CASE WHEN {ours} THEN 1 ELSE 0 END = 1 LIMIT ?";
pub(crate) const DUE_SESSIONS: &str = "
    SELECT id FROM {sessions} WHERE expires_at < ? OR revoked_at < ? LIMIT ?";
pub(crate) const DUE_SUPERSEDED: &str = "
    SELECT hash FROM auth_superseded_tokens WHERE expires_at < ? LIMIT ?";
pub(crate) const DUE_DEVICES: &str = "
    SELECT id FROM auth_devices WHERE last_seen_at < ? LIMIT ?";

#[derive(Clone)]
struct Due {
    tokens: Vec<TokenId>,
    sessions: Vec<SessionId>,
    superseded: Vec<String>,
    devices: Vec<DeviceId>,
}

impl Due {
    fn is_empty(&self) -> bool {
        self.tokens.is_empty()
            && self.sessions.is_empty()
            && self.superseded.is_empty()
            && self.devices.is_empty()
    }
}

/// Deletes at most `limit` rows of each kind.
pub(crate) async fn prune(db: &Db, before: Timestamp, limit: u32) -> Result<Pruned> {
    let (time, most) = (Value::from(before), Value::from(limit));
    let kind = db.names().tokenable_type.as_str().into();
    let due = Due {
        tokens: db.fetch(DUE_TOKENS, &[time.clone(), kind, most.clone()]).await?,
        sessions: db.fetch(DUE_SESSIONS, &[time.clone(), time.clone(), most.clone()]).await?,
        superseded: db.fetch(DUE_SUPERSEDED, &[time, most.clone()]).await?,
        devices: db.fetch(DUE_DEVICES, &[before.minus(KNOWN_FOR).into(), most]).await?,
    };
    if due.is_empty() {
        return Ok(Pruned::default());
    }
    db.transaction(move |tx| Box::pin(delete(tx, due, before, limit.into()))).await
}

async fn delete(tx: &mut Tx, due: Due, before: Timestamp, limit: u64) -> Result<Pruned> {
    let mut pruned = Pruned::default();
    let mut due = due;
    due.tokens.sort_unstable_by_key(|id| id.0);
    due.sessions.sort_unstable_by_key(|id| id.0);
    due.devices.sort_unstable_by_key(|id| id.0);
    for ids in due.tokens.chunks(CHUNK) {
        pruned.tokens += delete_tokens(tx, ids, before).await?;
    }
    for hash in due.superseded {
        let sql = "DELETE FROM auth_superseded_tokens WHERE hash = ? AND expires_at < ?";
        pruned.superseded += tx.execute(sql, &[hash.into(), before.into()]).await?;
    }
    for id in due.sessions {
        delete_session(tx, id, before, limit, &mut pruned).await?;
    }
    for id in due.devices {
        pruned.devices += delete_device(tx, id, before).await?;
    }
    Ok(pruned)
}

/// Ids that one statement names: a server is asked a few times for a batch, and not for each row.
const CHUNK: usize = 25;

/// A statement with as many marks as there are ids in a chunk.
macro_rules! among {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            $after
        )
    };
}

/// Deletes expired tokens, and whatever sessions pointed at them point at nothing.
async fn delete_tokens(tx: &mut Tx, ids: &[TokenId], before: Timestamp) -> Result<u64> {
    let Some(last) = ids.last() else { return Ok(0) };
    // A chunk that is not full names its last id more than once.
    let mut params: Vec<Value> =
        ids.iter().chain(std::iter::repeat(last)).take(CHUNK).map(|id| (*id).into()).collect();
    // Sessions are held before their tokens, wherever both are.
    for sql in [
        among!("SELECT id FROM {sessions} WHERE access_token_id IN", " ORDER BY id{for_update}"),
        among!(
            "SELECT id FROM {sessions} WHERE previous_access_token_id IN",
            " ORDER BY id{for_update}"
        ),
    ] {
        tx.fetch::<SessionId>(sql, &params).await?;
    }
    params.push(before.into());
    let sql = among!("DELETE FROM {tokens} WHERE id IN", " AND expires_at < ?");
    let deleted = tx.execute(sql, &params).await?;
    params.pop();
    if deleted > 0 {
        for sql in [
            among!(
                "UPDATE {sessions} SET access_token_id = NULL WHERE access_token_id IN",
                " AND NOT EXISTS (SELECT 1 FROM {tokens} t WHERE t.id = access_token_id)"
            ),
            among!(
                "UPDATE {sessions} SET previous_access_token_id = NULL
                 WHERE previous_access_token_id IN",
                " AND NOT EXISTS (SELECT 1 FROM {tokens} t WHERE t.id = previous_access_token_id)"
            ),
        ] {
            tx.execute(sql, &params).await?;
        }
    }
    Ok(deleted)
}

/// Deletes a device that was not seen meanwhile.
async fn delete_device(tx: &mut Tx, id: DeviceId, before: Timestamp) -> Result<u64> {
    let sql = "DELETE FROM auth_devices WHERE id = ? AND last_seen_at < ?";
    let deleted = tx.execute(sql, &[id.into(), before.minus(KNOWN_FOR).into()]).await?;
    if deleted > 0 {
        devices::forget_in_sessions(tx, id).await?;
    }
    Ok(deleted)
}

/// Deletes a session with what belongs to it. One whose replaced tokens are more than this batch
/// has room for stays until the next.
async fn delete_session(
    tx: &mut Tx,
    id: SessionId,
    before: Timestamp,
    limit: u64,
    pruned: &mut Pruned,
) -> Result<()> {
    let sql = "SELECT access_token_id, previous_access_token_id FROM {sessions}
               WHERE id = ? AND (expires_at < ? OR revoked_at < ?){for_update}";
    let params = [id.into(), before.into(), before.into()];
    let found: Option<(Option<TokenId>, Option<TokenId>)> = tx.fetch_one(sql, &params).await?;
    let Some((current, previous)) = found else { return Ok(()) };
    let room = limit.saturating_sub(pruned.superseded);
    pruned.superseded += forget_superseded(tx, id, room).await?;
    if has_superseded(tx, id).await? {
        return Ok(());
    }
    for token in [current, previous].into_iter().flatten() {
        tokens::delete(tx, token).await?;
    }
    pruned.sessions += tx.execute("DELETE FROM {sessions} WHERE id = ?", &[id.into()]).await?;
    Ok(())
}

async fn forget_superseded(tx: &mut Tx, id: SessionId, room: u64) -> Result<u64> {
    let sql = "SELECT hash FROM auth_superseded_tokens WHERE session_id = ? LIMIT ?";
    let room = i64::try_from(room).unwrap_or(i64::MAX);
    let mut deleted = 0;
    for hash in tx.fetch::<String>(sql, &[id.into(), room.into()]).await? {
        let sql = "DELETE FROM auth_superseded_tokens WHERE hash = ?";
        deleted += tx.execute(sql, &[hash.into()]).await?;
    }
    Ok(deleted)
}

async fn has_superseded(tx: &mut Tx, id: SessionId) -> Result<bool> {
    let sql = "SELECT 1 FROM auth_superseded_tokens WHERE session_id = ? LIMIT 1";
    Ok(tx.fetch_one::<i64>(sql, &[id.into()]).await?.is_some())
}
