//! Access tokens in SQL. The table is shared with whoever else issues tokens: rows of another
//! tokenable type are never read, changed or deleted.

use crate::SqlStore;
use crate::db::{FromRow, Row, Tx, Value};
use crate::dialect::Names;
use crate::error::Result;
use crate::{events, sessions, users};
use adyton_core::clock::Timestamp;
use adyton_core::event::Event;
use adyton_core::secret::Hash;
use adyton_core::store::{
    Credential, Issued, SessionTouch, StoreError, TokenIssue, TokenStore, Touches,
};
use adyton_core::token::{FoundToken, NewToken, Token, TokenId};
use adyton_core::user::UserId;
use async_trait::async_trait;

/// The columns that [`read`] takes.
pub(crate) const COLUMNS: &str =
    "t.id, t.tokenable_id, t.name, t.abilities, t.last_used_at, t.expires_at, t.created_at";

/// How many rows are touched in one transaction.
const TOUCHES: usize = 500;

/// The look-up of every request. The session is found through its two pointers one after the
/// other: each is a probe of an index on every database, which an `OR` between them is not.
pub(crate) const FIND_TOKEN: &str = "
    SELECT t.{token}, {t.*}, {s.*}, {u.*} FROM {tokens} t
    LEFT JOIN {sessions} s ON s.user_id = t.tokenable_id AND s.id = COALESCE(
        (SELECT MAX(a.id) FROM {sessions} a WHERE a.access_token_id = t.id),
        (SELECT MAX(p.id) FROM {sessions} p WHERE p.previous_access_token_id = t.id))
    LEFT JOIN {users} u ON u.id = t.tokenable_id
    WHERE t.{token} = ? AND {t.ours}";

#[async_trait]
impl TokenStore for SqlStore {
    async fn find_token(&self, hash: &Hash) -> Result<Option<FoundToken>, StoreError> {
        let params = [(*hash).into(), self.tokenable_type()];
        let found: Option<(String, FoundToken)> = self.db.fetch_one(FIND_TOKEN, &params).await?;
        // A column of others may be compared without case.
        Ok(found.filter(|(stored, _)| *stored == hash.to_hex()).map(|(_, found)| found))
    }

    async fn find_token_by_id(&self, id: TokenId) -> Result<Option<Token>, StoreError> {
        let sql = "SELECT {t.*} FROM {tokens} t WHERE t.id = ? AND {t.ours}";
        Ok(self.db.fetch_one(sql, &[id.into(), self.tokenable_type()]).await?)
    }

    async fn insert_token(&self, token: TokenIssue) -> Result<Issued, StoreError> {
        self.write(move |tx| Box::pin(issue(tx, token))).await
    }

    async fn list_tokens(&self, user_id: UserId) -> Result<Vec<Token>, StoreError> {
        let sql = "SELECT {t.*} FROM {tokens} t WHERE {t.ours} AND t.tokenable_id = ?
                   AND NOT EXISTS (SELECT 1 FROM {sessions} s WHERE s.access_token_id = t.id)
                   AND NOT EXISTS (SELECT 1 FROM {sessions} s
                                   WHERE s.previous_access_token_id = t.id)
                   ORDER BY t.id";
        Ok(self.db.fetch(sql, &[self.tokenable_type(), user_id.into()]).await?)
    }

    async fn delete_token(
        &self,
        user_id: UserId,
        id: TokenId,
        event: Event,
    ) -> Result<bool, StoreError> {
        self.write(move |tx| Box::pin(revoke(tx, user_id, id, event))).await
    }

    /// In several transactions, each of which holds its rows for a moment only: no time moves back,
    /// so that it makes no difference who comes first.
    async fn touch(&self, touches: Touches) -> Result<(), StoreError> {
        let Touches { mut tokens, mut sessions } = touches;
        // All who hold several rows take them in one order.
        sessions.sort_unstable_by_key(|touch| touch.id.0);
        tokens.sort_unstable_by_key(|(id, _)| id.0);
        for batch in sessions.chunks(TOUCHES) {
            let batch = batch.to_vec();
            self.write(|tx| Box::pin(touch_sessions(tx, batch))).await?;
        }
        for batch in tokens.chunks(TOUCHES) {
            let batch = batch.to_vec();
            self.write(|tx| Box::pin(touch_tokens(tx, batch))).await?;
        }
        Ok(())
    }
}

impl FromRow for Token {
    fn from_row(row: &mut Row<'_>, _: &Names) -> Result<Self> {
        Ok(Self {
            id: row.get()?,
            user_id: row.get()?,
            name: row.get()?,
            abilities: row.get()?,
            last_used_at: row.get()?,
            expires_at: row.get()?,
            created_at: row.get()?,
        })
    }
}

impl FromRow for FoundToken {
    fn from_row(row: &mut Row<'_>, names: &Names) -> Result<Self> {
        let token = Token::from_row(row, names)?;
        let session = row.joined(sessions::WIDTH, names)?;
        Ok(Self { token, session, user: row.joined(0, names)? })
    }
}

async fn issue(tx: &mut Tx, issue: TokenIssue) -> Result<Issued> {
    let TokenIssue { user_id, token, by, limit, now, event } = issue;
    users::lock(tx, user_id).await?;
    if let Some(by) = by
        && !has_credential(tx, by).await?
    {
        return Ok(Issued::CredentialGone);
    }
    if count_live(tx, user_id, now).await? >= i64::from(limit) {
        return Ok(Issued::LimitReached);
    }
    let token = insert(tx, user_id, token, now).await?;
    events::insert(tx, vec![event.user(user_id).token(token.id)]).await?;
    Ok(Issued::Token(token))
}

/// Whether a credential is still there; it is held, so it stays as long as this lasts.
async fn has_credential(tx: &mut Tx, credential: Credential) -> Result<bool> {
    let found = match credential {
        Credential::Session(id) => {
            let sql = "SELECT id FROM {sessions} WHERE id = ? AND revoked_at IS NULL{for_update}";
            tx.fetch_one::<i64>(sql, &[id.into()]).await?
        }
        Credential::PersonalToken(id) => {
            let sql = "SELECT id FROM {tokens} WHERE id = ?{for_update}";
            tx.fetch_one::<i64>(sql, &[id.into()]).await?
        }
    };
    Ok(found.is_some())
}

async fn revoke(tx: &mut Tx, user: UserId, id: TokenId, event: Event) -> Result<bool> {
    let deleted = delete_personal(tx, user, id).await?;
    if deleted {
        events::insert(tx, vec![event.user(user).token(id)]).await?;
    }
    Ok(deleted)
}

/// Inserts a token.
pub(crate) async fn insert(
    tx: &mut Tx,
    user_id: UserId,
    new: NewToken,
    now: Timestamp,
) -> Result<Token> {
    let sql = "INSERT INTO {tokens} (tokenable_type, tokenable_id, name, {token}, abilities,
               expires_at, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let (kind, name) = (tx.tokenable_type(), new.name.as_str().into());
    let (hash, abilities) = (new.hash.into(), (&new.abilities).into());
    let end = new.expires_at.into();
    let params = [kind, user_id.into(), name, hash, abilities, end, now.into(), now.into()];
    let id = TokenId(tx.insert(sql, &params).await?);
    Ok(new.issued(id, user_id, now))
}

/// Deletes a token of a session.
pub(crate) async fn delete(tx: &mut Tx, id: TokenId) -> Result<u64> {
    let kind = tx.tokenable_type();
    tx.execute("DELETE FROM {tokens} WHERE id = ? AND {ours}", &[id.into(), kind]).await
}

/// Deletes a personal access token of a user.
async fn delete_personal(tx: &mut Tx, user_id: UserId, id: TokenId) -> Result<bool> {
    let sql = "DELETE FROM {tokens} WHERE {ours} AND tokenable_id = ? AND id = ?
               AND NOT EXISTS (SELECT 1 FROM {sessions} s WHERE s.access_token_id = {tokens}.id)
               AND NOT EXISTS (SELECT 1 FROM {sessions} s
                               WHERE s.previous_access_token_id = {tokens}.id)";
    let kind = tx.tokenable_type();
    Ok(tx.execute(sql, &[kind, user_id.into(), id.into()]).await? > 0)
}

/// Deletes every personal access token of a user, and returns their ids.
pub(crate) async fn delete_all_personal(tx: &mut Tx, user_id: UserId) -> Result<Vec<TokenId>> {
    let sql = "SELECT id FROM {tokens} WHERE {ours} AND tokenable_id = ? ORDER BY id";
    let kind = tx.tokenable_type();
    let mut deleted = Vec::new();
    for id in tx.fetch::<TokenId>(sql, &[kind, user_id.into()]).await? {
        if delete_personal(tx, user_id, id).await? {
            deleted.push(id);
        }
    }
    Ok(deleted)
}

/// Deletes every token of a user.
pub(crate) async fn delete_all(tx: &mut Tx, user_id: UserId) -> Result<u64> {
    let sql = "DELETE FROM {tokens} WHERE {ours} AND tokenable_id = ?";
    let kind = tx.tokenable_type();
    tx.execute(sql, &[kind, user_id.into()]).await
}

async fn count_live(tx: &mut Tx, user_id: UserId, now: Timestamp) -> Result<i64> {
    let sql = "SELECT COUNT(*) FROM {tokens} t WHERE {t.ours} AND t.tokenable_id = ?
               AND (t.expires_at IS NULL OR t.expires_at > ?)
               AND NOT EXISTS (SELECT 1 FROM {sessions} s WHERE s.access_token_id = t.id)
               AND NOT EXISTS (SELECT 1 FROM {sessions} s
                               WHERE s.previous_access_token_id = t.id)";
    let kind = tx.tokenable_type();
    Ok(tx.fetch_one(sql, &[kind, user_id.into(), now.into()]).await?.unwrap_or_default())
}

async fn touch_tokens(tx: &mut Tx, touches: Vec<(TokenId, Timestamp)>) -> Result<()> {
    for (id, time) in touches {
        let sql = "UPDATE {tokens} SET last_used_at = ? WHERE id = ? AND {ours}
                   AND (last_used_at IS NULL OR last_used_at < ?)";
        let kind = tx.tokenable_type();
        tx.execute(sql, &[time.into(), id.into(), kind, time.into()]).await?;
    }
    Ok(())
}

async fn touch_sessions(tx: &mut Tx, touches: Vec<SessionTouch>) -> Result<()> {
    for SessionTouch { id, seen_at, expires_at } in touches {
        let (seen, id) = (Value::from(seen_at), id.into());
        // An end that stays is not named: its index would be written anew all the same.
        if let Some(end) = expires_at {
            let sql = "UPDATE {sessions} SET last_seen_at = ?, expires_at = ?
                       WHERE id = ? AND last_seen_at < ? AND revoked_at IS NULL";
            tx.execute(sql, &[seen.clone(), end.into(), id, seen]).await?;
        } else {
            let sql = "UPDATE {sessions} SET last_seen_at = ?
                       WHERE id = ? AND last_seen_at < ? AND revoked_at IS NULL";
            tx.execute(sql, &[seen.clone(), id, seen]).await?;
        }
    }
    Ok(())
}
