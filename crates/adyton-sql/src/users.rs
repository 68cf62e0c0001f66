//! Users in SQL. The table may be somebody else's: no column is written but the known six.

use crate::SqlStore;
use crate::db::{AnyText, FromRow, Row, Tx};
use crate::dialect::Names;
use crate::error::{Result, SqlError};
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
        Ok(self.db.fetch_one(BY_ID, &[id.into()]).await?)
    }

    async fn find_account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        let sql = "SELECT u.password, {u.*} FROM {users} u WHERE u.id = ?";
        Ok(self.db.fetch_one(sql, &[id.into()]).await?)
    }

    async fn find_account_by_email(&self, email: &Email) -> Result<Option<Account>, StoreError> {
        // Two would do, but for those whom MySQL takes for the same.
        let sql = "SELECT u.password, {u.*} FROM {users} u WHERE u.email IN (?, ?) LIMIT 100";
        let params = [email.typed().into(), email.as_str().into()];
        let mut accounts: Vec<Account> = self.db.fetch(sql, &params).await?;
        // A collation of MySQL takes letters with and without accents for the same.
        accounts.retain(|account| account.user.email.to_lowercase() == email.as_str());
        if let [first, second, ..] = accounts.as_slice() {
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
        event: Event,
    ) -> Result<Option<User>, StoreError> {
        self.write(move |tx| Box::pin(insert_and_tell(tx, user, now, event))).await
    }

    async fn update_user(
        &self,
        id: UserId,
        change: UserChange,
        now: Timestamp,
        event: Event,
    ) -> Result<UserUpdate, StoreError> {
        self.write(move |tx| Box::pin(update(tx, id, change, now, event))).await
    }

    async fn set_password(
        &self,
        id: UserId,
        expected: Option<&StoredPassword>,
        new: StoredPassword,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let expected = expected.cloned();
        self.write(move |tx| Box::pin(replace_password(tx, id, expected, new, now))).await
    }

    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError> {
        self.write(move |tx| Box::pin(delete(tx, id))).await
    }

    async fn list_users(&self, after: UserId, limit: u32) -> Result<Vec<User>, StoreError> {
        let sql = "SELECT {u.*} FROM {users} u WHERE u.id > ? ORDER BY u.id LIMIT ?";
        Ok(self.db.fetch(sql, &[after.into(), limit.into()]).await?)
    }

    async fn sample_passwords(&self, limit: u32) -> Result<Vec<StoredPassword>, StoreError> {
        let sql = "SELECT password FROM {users} WHERE password <> '' ORDER BY id DESC LIMIT ?";
        let sample: Vec<AnyText> = self.db.fetch(sql, &[limit.into()]).await?;
        Ok(sample.into_iter().filter_map(|AnyText(hash)| hash.map(StoredPassword::new)).collect())
    }
}

const BY_ID: &str = "SELECT {u.*} FROM {users} u WHERE u.id = ?";

/// Somebody else's table may allow nulls where Adyton's does not.
impl FromRow for User {
    fn from_row(row: &mut Row<'_>, names: &Names) -> Result<Self> {
        let extra = names.user_columns.iter();
        Ok(Self {
            id: row.get()?,
            name: row.get::<Option<_>>()?.unwrap_or_default(),
            email: row.get::<Option<_>>()?.unwrap_or_default(),
            created_at: row.get()?,
            updated_at: row.get()?,
            columns: extra.map(|name| Ok((name.clone(), row.get()?))).collect::<Result<_>>()?,
        })
    }
}

impl FromRow for Account {
    fn from_row(row: &mut Row<'_>, names: &Names) -> Result<Self> {
        Ok(Self { password: row.get()?, user: User::from_row(row, names)? })
    }
}

/// The user with this id.
pub(crate) async fn find(tx: &mut Tx, id: UserId) -> Result<Option<User>> {
    tx.fetch_one(BY_ID, &[id.into()]).await
}

/// The user's password, with the row held until the commit: `None` when there is no such user.
pub(crate) async fn lock(tx: &mut Tx, id: UserId) -> Result<Option<Option<StoredPassword>>> {
    tx.fetch_one("SELECT password FROM {users} WHERE id = ?{for_update}", &[id.into()]).await
}

async fn insert_and_tell(
    tx: &mut Tx,
    user: NewUser,
    now: Timestamp,
    event: Event,
) -> Result<Option<User>> {
    let Some(id) = insert(tx, &user, now).await? else { return Ok(None) };
    events::insert(tx, vec![event.user(id)]).await?;
    find(tx, id).await
}

/// Inserts a user; `None` when the e-mail is taken. In a table of others an index may know nothing
/// of case, so it is asked for first; of two at once the unique index stops the second.
pub(crate) async fn insert(tx: &mut Tx, user: &NewUser, now: Timestamp) -> Result<Option<UserId>> {
    if email_is_taken(tx, &user.email, UserId(0)).await? {
        return Ok(None);
    }
    let sql = "INSERT INTO {users} (name, email, password, created_at, updated_at)
               VALUES (?, ?, ?, ?, ?)";
    let (name, email) = (user.name.as_str().into(), user.email.as_str().into());
    let row = [name, email, (&user.password).into(), now.into(), now.into()];
    match tx.insert(sql, &row).await {
        Ok(id) => Ok(Some(UserId(id))),
        Err(SqlError::Duplicate) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaces a password, if it still is the expected one where one is named.
pub(crate) async fn replace_password(
    tx: &mut Tx,
    id: UserId,
    expected: Option<StoredPassword>,
    new: StoredPassword,
    now: Timestamp,
) -> Result<bool> {
    // Compared here and not by the database, whose collation may take two hashes for one.
    let stands = match (lock(tx, id).await?, expected) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(stored), expected) => stored == expected,
    };
    if stands {
        let sql = "UPDATE {users} SET password = ?, updated_at = ? WHERE id = ?";
        tx.execute(sql, &[(&new).into(), now.into(), id.into()]).await?;
    }
    Ok(stands)
}

/// Deletes a user and nothing else.
pub(crate) async fn delete(tx: &mut Tx, id: UserId) -> Result<bool> {
    Ok(tx.execute("DELETE FROM {users} WHERE id = ?", &[id.into()]).await? > 0)
}

async fn update(
    tx: &mut Tx,
    id: UserId,
    change: UserChange,
    now: Timestamp,
    event: Event,
) -> Result<UserUpdate> {
    // Compared here and not by the database, whose collation may take two hashes for one.
    if change.verified.is_some() && lock(tx, id).await?.is_some_and(|now| now != change.verified) {
        return Ok(UserUpdate::PasswordChanged);
    }
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
    events::insert(tx, vec![event.user(id)]).await?;
    Ok(UserUpdate::Updated(user))
}

async fn email_is_taken(tx: &mut Tx, email: &Email, except: UserId) -> Result<bool> {
    let sql = "SELECT id FROM {users} WHERE {lower_email} = ? AND id <> ? LIMIT 1";
    let params = [email.as_str().into(), except.into()];
    Ok(tx.fetch_one::<UserId>(sql, &params).await?.is_some())
}
