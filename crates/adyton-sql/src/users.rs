//! Users in SQL. The table may be somebody else's: no column is written but the known six.

use crate::SqlStore;
use crate::db::{Row, Tx};
use crate::dialect::Names;
use crate::error::SqlError;
use crate::events;
use adyton_core::clock::Timestamp;
use adyton_core::event::Event;
use adyton_core::store::{StoreError, UserStore, UserUpdate};
use adyton_core::user::{Account, Email, NewUser, StoredPassword, User, UserChange, UserId};
use async_trait::async_trait;

/// The columns that [`read`] takes, before those of `user_columns`.
pub(crate) const COLUMNS: &str = "u.id, u.name, u.email, u.created_at, u.updated_at";

#[async_trait]
impl UserStore for SqlStore {
    async fn find_user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let rows = self.db.fetch(BY_ID, &[id.into()]).await?;
        Ok(self.read_users(rows)?.pop())
    }

    async fn find_account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        let sql = "SELECT u.password, {u.*} FROM {users} u WHERE u.id = ?";
        let mut rows = self.db.fetch(sql, &[id.into()]).await?;
        Ok(rows.pop().map(|row| read_account(row, self.db.names())).transpose()?)
    }

    async fn find_account_by_email(&self, email: &Email) -> Result<Option<Account>, StoreError> {
        let sql = "SELECT u.password, {u.*} FROM {users} u WHERE u.email IN (?, ?) LIMIT 2";
        let rows = self.db.fetch(sql, &[email.typed().into(), email.as_str().into()]).await?;
        let accounts = rows.into_iter().map(|row| read_account(row, self.db.names()));
        let mut accounts = accounts.collect::<Result<Vec<_>, _>>()?;
        if let [first, second] = accounts.as_slice() {
            let (first, second) = (first.user.id.0, second.user.id.0);
            tracing::warn!(first, second, "two users have one e-mail: neither can sign in");
            return Ok(None);
        }
        Ok(accounts.pop())
    }

    async fn insert_user(
        &self,
        user: NewUser,
        now: Timestamp,
        mut event: Event,
    ) -> Result<Option<User>, StoreError> {
        let write = self.db.transaction(move |tx| {
            Box::pin(async move {
                let Some(id) = insert(tx, &user, now).await? else { return Ok(None) };
                event.user_id.get_or_insert(id);
                events::insert(tx, vec![event]).await?;
                find(tx, id).await
            })
        });
        Ok(write.await?)
    }

    async fn update_user(
        &self,
        id: UserId,
        change: UserChange,
        now: Timestamp,
        event: Event,
    ) -> Result<UserUpdate, StoreError> {
        let write = self.db.transaction(move |tx| Box::pin(update(tx, id, change, now, event)));
        Ok(write.await?)
    }

    async fn set_password(
        &self,
        id: UserId,
        expected: Option<&StoredPassword>,
        new: StoredPassword,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let expected = expected.cloned();
        let write = self.db.transaction(move |tx| {
            Box::pin(async move { replace_password(tx, id, expected.as_ref(), &new, now).await })
        });
        Ok(write.await?)
    }

    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError> {
        Ok(self.db.transaction(move |tx| Box::pin(delete(tx, id))).await?)
    }

    async fn list_users(&self, after: UserId, limit: u32) -> Result<Vec<User>, StoreError> {
        let sql = "SELECT {u.*} FROM {users} u WHERE u.id > ? ORDER BY u.id LIMIT ?";
        let rows = self.db.fetch(sql, &[after.into(), limit.into()]).await?;
        Ok(self.read_users(rows)?)
    }

    async fn sample_passwords(&self, limit: u32) -> Result<Vec<StoredPassword>, StoreError> {
        let sql = "SELECT password FROM {users} WHERE password <> '' ORDER BY id DESC LIMIT ?";
        let rows = self.db.fetch(sql, &[limit.into()]).await?;
        Ok(rows.into_iter().map(|mut row| row.get()).collect::<Result<_, _>>()?)
    }
}

impl SqlStore {
    fn read_users(&self, rows: Vec<Row>) -> Result<Vec<User>, SqlError> {
        rows.into_iter().map(|mut row| read(&mut row, self.db.names())).collect()
    }
}

const BY_ID: &str = "SELECT {u.*} FROM {users} u WHERE u.id = ?";

/// A user, from [`COLUMNS`] and what stands behind them. Somebody else's table may allow nulls.
pub(crate) fn read(row: &mut Row, names: &Names) -> Result<User, SqlError> {
    Ok(User {
        id: row.get()?,
        name: row.get::<Option<_>>()?.unwrap_or_default(),
        email: row.get::<Option<_>>()?.unwrap_or_default(),
        created_at: row.get()?,
        updated_at: row.get()?,
        columns: names
            .user_columns
            .iter()
            .map(|column| Ok((column.clone(), row.get()?)))
            .collect::<Result<_, SqlError>>()?,
    })
}

fn read_account(mut row: Row, names: &Names) -> Result<Account, SqlError> {
    Ok(Account { password: row.get()?, user: read(&mut row, names)? })
}

/// The user with this id.
pub(crate) async fn find(tx: &mut Tx, id: UserId) -> Result<Option<User>, SqlError> {
    let mut rows = tx.fetch(BY_ID, &[id.into()]).await?;
    rows.pop().map(|mut row| read(&mut row, tx.names())).transpose()
}

/// The user's password, with the row held until the commit: `None` when there is no such user.
pub(crate) async fn lock(
    tx: &mut Tx,
    id: UserId,
) -> Result<Option<Option<StoredPassword>>, SqlError> {
    let sql = "SELECT password FROM {users} WHERE id = ?{for_update}";
    tx.fetch(sql, &[id.into()]).await?.pop().map(|mut row| row.get()).transpose()
}

/// Inserts a user; `None` when the e-mail is taken. In a table of others an index may know nothing
/// of case, so it is asked for first; of two at once the unique index stops the second.
pub(crate) async fn insert(
    tx: &mut Tx,
    user: &NewUser,
    now: Timestamp,
) -> Result<Option<UserId>, SqlError> {
    if email_is_taken(tx, &user.email, UserId(0)).await? {
        return Ok(None);
    }
    let inserted = tx
        .insert(
            "INSERT INTO {users} (name, email, password, created_at, updated_at)
             VALUES (?, ?, ?, ?, ?)",
            &[
                user.name.as_str().into(),
                user.email.as_str().into(),
                (&user.password).into(),
                now.into(),
                now.into(),
            ],
        )
        .await;
    match inserted {
        Ok(id) => Ok(Some(UserId(id))),
        Err(SqlError::Duplicate) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaces a password, if it still is the expected one where one is named.
pub(crate) async fn replace_password(
    tx: &mut Tx,
    id: UserId,
    expected: Option<&StoredPassword>,
    new: &StoredPassword,
    now: Timestamp,
) -> Result<bool, SqlError> {
    // Compared here and not by the database, whose collation may take two hashes for one.
    let stands = match (lock(tx, id).await?, expected) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(stored), Some(expected)) => stored.as_ref() == Some(expected),
    };
    if stands {
        let sql = "UPDATE {users} SET password = ?, updated_at = ? WHERE id = ?";
        tx.execute(sql, &[new.into(), now.into(), id.into()]).await?;
    }
    Ok(stands)
}

/// Deletes a user and nothing else.
pub(crate) async fn delete(tx: &mut Tx, id: UserId) -> Result<bool, SqlError> {
    Ok(tx.execute("DELETE FROM {users} WHERE id = ?", &[id.into()]).await? > 0)
}

async fn update(
    tx: &mut Tx,
    id: UserId,
    change: UserChange,
    now: Timestamp,
    mut event: Event,
) -> Result<UserUpdate, SqlError> {
    if let Some(email) = &change.email
        && email_is_taken(tx, email, id).await?
    {
        let known = find(tx, id).await?.is_some();
        return Ok(if known { UserUpdate::EmailTaken } else { UserUpdate::NotFound });
    }
    let email = change.email.as_ref().map(Email::as_str);
    let sql = "UPDATE {users} SET name = COALESCE(?, name), email = COALESCE(?, email),
               updated_at = ? WHERE id = ?";
    let params = [change.name.into(), email.into(), now.into(), id.into()];
    match tx.execute(sql, &params).await {
        Err(SqlError::Duplicate) => return Ok(UserUpdate::EmailTaken),
        Err(error) => return Err(error),
        Ok(_) => {}
    }
    let Some(user) = find(tx, id).await? else { return Ok(UserUpdate::NotFound) };
    event.user_id.get_or_insert(id);
    events::insert(tx, vec![event]).await?;
    Ok(UserUpdate::Updated(user))
}

async fn email_is_taken(tx: &mut Tx, email: &Email, except: UserId) -> Result<bool, SqlError> {
    let sql = "SELECT id FROM {users} WHERE {lower_email} = ? AND id <> ? LIMIT 1";
    Ok(!tx.fetch(sql, &[email.as_str().into(), except.into()]).await?.is_empty())
}
