//! Access tokens in SQL. The table is shared with whoever else issues tokens: rows of another
//! tokenable type are never read, changed or deleted.

use crate::SqlStore;
use crate::db::{Row, Tx};
use crate::error::SqlError;
use crate::{events, sessions, users};
use adyton_core::clock::Timestamp;
use adyton_core::event::Event;
use adyton_core::secret::Hash;
use adyton_core::store::{StoreError, TokenStore, Touches};
use adyton_core::token::{FoundToken, NewToken, Token, TokenId};
use adyton_core::user::UserId;
use async_trait::async_trait;

/// The columns that [`read`] takes.
pub(crate) const COLUMNS: &str =
    "t.id, t.tokenable_id, t.name, t.abilities, t.last_used_at, t.expires_at, t.created_at";

/// The look-up of every request. The session is found through its two pointers one after the
/// other: each is a probe of an index on every database, which an `OR` between them is not.
pub(crate) const FIND_TOKEN: &str = "
    SELECT t.{token}, {t.*}, {s.*}, {u.*} FROM {tokens} t
    LEFT JOIN {sessions} s ON s.user_id = t.tokenable_id AND s.id = COALESCE(
        (SELECT MAX(a.id) FROM {sessions} a WHERE a.access_token_id = t.id),
        (SELECT MAX(p.id) FROM {sessions} p WHERE p.previous_access_token_id = t.id))
    LEFT JOIN {users} u ON u.id = t.tokenable_id
    WHERE t.{token} = ? AND t.tokenable_type = ?";

#[async_trait]
impl TokenStore for SqlStore {
    async fn find_token(&self, hash: &Hash) -> Result<Option<FoundToken>, StoreError> {
        let names = self.db.names();
        let kind = names.tokenable_type.as_str().into();
        for mut row in self.db.fetch(FIND_TOKEN, &[(*hash).into(), kind]).await? {
            // A column of others may be compared without case.
            if row.get::<String>()? != hash.to_hex() {
                continue;
            }
            let token = read(&mut row)?;
            let session = row.joined(sessions::WIDTH, sessions::read)?;
            let user = row.joined(0, |row| users::read(row, names))?;
            return Ok(Some(FoundToken { token, user, session }));
        }
        Ok(None)
    }

    async fn find_token_by_id(&self, id: TokenId) -> Result<Option<Token>, StoreError> {
        let sql = "SELECT {t.*} FROM {tokens} t WHERE t.id = ? AND t.tokenable_type = ?";
        let kind = self.db.names().tokenable_type.as_str().into();
        let mut rows = self.db.fetch(sql, &[id.into(), kind]).await?;
        Ok(rows.pop().map(|mut row| read(&mut row)).transpose()?)
    }

    async fn insert_token(
        &self,
        user_id: UserId,
        token: NewToken,
        limit: u32,
        now: Timestamp,
        mut event: Event,
    ) -> Result<Option<Token>, StoreError> {
        let write = self.db.transaction(move |tx| {
            Box::pin(async move {
                users::lock(tx, user_id).await?;
                if count_live(tx, user_id, now).await? >= i64::from(limit) {
                    return Ok(None);
                }
                let token = insert(tx, user_id, token, now).await?;
                event.user_id.get_or_insert(user_id);
                event.token_id.get_or_insert(token.id);
                events::insert(tx, vec![event]).await?;
                Ok(Some(token))
            })
        });
        Ok(write.await?)
    }

    async fn list_tokens(&self, user_id: UserId) -> Result<Vec<Token>, StoreError> {
        let sql = "SELECT {t.*} FROM {tokens} t WHERE t.tokenable_type = ? AND t.tokenable_id = ?
                   AND NOT EXISTS (SELECT 1 FROM {sessions} s WHERE s.access_token_id = t.id)
                   AND NOT EXISTS (SELECT 1 FROM {sessions} s
                                   WHERE s.previous_access_token_id = t.id)
                   ORDER BY t.id";
        let kind = self.db.names().tokenable_type.as_str().into();
        let rows = self.db.fetch(sql, &[kind, user_id.into()]).await?;
        Ok(rows.into_iter().map(|mut row| read(&mut row)).collect::<Result<_, _>>()?)
    }

    async fn delete_token(
        &self,
        user_id: UserId,
        id: TokenId,
        mut event: Event,
    ) -> Result<bool, StoreError> {
        let write = self.db.transaction(move |tx| {
            Box::pin(async move {
                let deleted = delete_personal(tx, user_id, Some(id)).await? > 0;
                if deleted {
                    event.user_id.get_or_insert(user_id);
                    event.token_id.get_or_insert(id);
                    events::insert(tx, vec![event]).await?;
                }
                Ok(deleted)
            })
        });
        Ok(write.await?)
    }

    async fn touch(&self, touches: Touches) -> Result<(), StoreError> {
        Ok(self.db.transaction(move |tx| Box::pin(touch(tx, touches))).await?)
    }
}

/// A token, from [`COLUMNS`].
pub(crate) fn read(row: &mut Row) -> Result<Token, SqlError> {
    Ok(Token {
        id: row.get()?,
        user_id: row.get()?,
        name: row.get()?,
        abilities: row.get()?,
        last_used_at: row.get()?,
        expires_at: row.get()?,
        created_at: row.get()?,
    })
}

/// Inserts a token.
pub(crate) async fn insert(
    tx: &mut Tx,
    user_id: UserId,
    new: NewToken,
    now: Timestamp,
) -> Result<Token, SqlError> {
    let sql = "INSERT INTO {tokens} (tokenable_type, tokenable_id, name, {token}, abilities,
               expires_at, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let params = [
        tx.tokenable_type(),
        user_id.into(),
        new.name.as_str().into(),
        new.hash.into(),
        (&new.abilities).into(),
        new.expires_at.into(),
        now.into(),
        now.into(),
    ];
    Ok(Token {
        id: TokenId(tx.insert(sql, &params).await?),
        user_id,
        name: new.name,
        abilities: new.abilities,
        last_used_at: None,
        expires_at: new.expires_at,
        created_at: Some(now),
    })
}

/// Deletes a token of a session.
pub(crate) async fn delete(tx: &mut Tx, id: TokenId) -> Result<u64, SqlError> {
    let kind = tx.tokenable_type();
    tx.execute("DELETE FROM {tokens} WHERE id = ? AND tokenable_type = ?", &[id.into(), kind]).await
}

/// Deletes personal access tokens of a user: one, or all. The id bounds what is compared, so that
/// one statement serves both.
pub(crate) async fn delete_personal(
    tx: &mut Tx,
    user_id: UserId,
    id: Option<TokenId>,
) -> Result<u64, SqlError> {
    let sql = "DELETE FROM {tokens} WHERE tokenable_type = ? AND tokenable_id = ?
               AND id BETWEEN ? AND ?
               AND NOT EXISTS (SELECT 1 FROM {sessions} s WHERE s.access_token_id = {tokens}.id)
               AND NOT EXISTS (SELECT 1 FROM {sessions} s
                               WHERE s.previous_access_token_id = {tokens}.id)";
    let (first, last) = id.map_or((i64::MIN, i64::MAX), |id| (id.0, id.0));
    let kind = tx.tokenable_type();
    tx.execute(sql, &[kind, user_id.into(), first.into(), last.into()]).await
}

/// Deletes every token of a user.
pub(crate) async fn delete_all(tx: &mut Tx, user_id: UserId) -> Result<u64, SqlError> {
    let sql = "DELETE FROM {tokens} WHERE tokenable_type = ? AND tokenable_id = ?";
    let kind = tx.tokenable_type();
    tx.execute(sql, &[kind, user_id.into()]).await
}

async fn count_live(tx: &mut Tx, user_id: UserId, now: Timestamp) -> Result<i64, SqlError> {
    let sql = "SELECT COUNT(*) FROM {tokens} t WHERE t.tokenable_type = ? AND t.tokenable_id = ?
               AND (t.expires_at IS NULL OR t.expires_at > ?)
               AND NOT EXISTS (SELECT 1 FROM {sessions} s WHERE s.access_token_id = t.id)
               AND NOT EXISTS (SELECT 1 FROM {sessions} s
                               WHERE s.previous_access_token_id = t.id)";
    let kind = tx.tokenable_type();
    let mut rows = tx.fetch(sql, &[kind, user_id.into(), now.into()]).await?;
    rows.pop().ok_or(SqlError::Unreadable)?.get()
}

async fn touch(tx: &mut Tx, touches: Touches) -> Result<(), SqlError> {
    for (id, time) in touches.tokens {
        let sql = "UPDATE {tokens} SET last_used_at = ? WHERE id = ? AND tokenable_type = ?
                   AND (last_used_at IS NULL OR last_used_at < ?)";
        let kind = tx.tokenable_type();
        tx.execute(sql, &[time.into(), id.into(), kind, time.into()]).await?;
    }
    for (id, time) in touches.sessions {
        let sql = "UPDATE {sessions} SET last_seen_at = ? WHERE id = ? AND last_seen_at < ?";
        tx.execute(sql, &[time.into(), id.into(), time.into()]).await?;
    }
    Ok(())
}
