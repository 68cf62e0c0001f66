//! Import of plain-text tokens, as `nuxt-token-authentication` keeps them in its table of users:
//! each becomes a row with its hash, and the plain text goes from the row, the file and its log.
//!
//! It judges no token but by its form, and drops no column.

use crate::SqlStore;
use crate::adopt::Table;
use crate::db::{AnyText, Tx, Value};
use crate::error::{Result, SqlError};
use crate::tokens;
use adyton_core::ability::Abilities;
use adyton_core::clock::Timestamp;
use adyton_core::secret::{Hash, Salt};
use adyton_core::token::NewToken;
use adyton_core::user::UserId;
use std::sync::Arc;

/// Users in one transaction: sign-ins of others get their turn in between.
const BATCH: i64 = 200;
/// What stands in a column that takes no null begins so. It has a blank, which no token has, so
/// that the next run passes it over.
const ERASED: &str = "erased ";

/// What an import has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportReport {
    /// How many tokens were imported.
    pub imported: u64,
    /// Users whose value has not the form of a token. It stands as it stood.
    pub malformed: Vec<UserId>,
    /// Users whose value is a token already, somebody else's mostly. It was erased: left in the
    /// row, it would be a working credential in plain text.
    pub duplicates: Vec<UserId>,
}

impl SqlStore {
    /// Imports the plain-text tokens that stand in column `token_field` of `auth_table`. It can be
    /// stopped and repeated at any time; `progress` hears how many users of how many are done.
    ///
    /// # Errors
    /// [`SqlError::MissingColumn`] when there is no such column; [`SqlError::Busy`] when others
    /// keep the old pages of the file alive: the import is done then, and a repetition cleans up.
    ///
    /// On a server the rows hold no plain text any more, but what they held may be found in its
    /// files for a while: in PostgreSQL's dead rows until `VACUUM FULL` of the table of users, in the
    /// logs of transactions of either database (WAL, binary log) and in backups until they are gone.
    pub async fn import_plaintext_tokens(
        &self,
        now: Timestamp,
        mut progress: impl FnMut(u64, u64) + Send,
    ) -> Result<ImportReport, SqlError> {
        let (nullable, total) = self.db.transaction(|tx| Box::pin(survey(tx))).await?;
        if !self.is_current().await? {
            return Err(SqlError::NotMigrated);
        }
        let life = self.personal_token_expiration.seconds();
        let expires_at = (life > 0).then(|| now.plus(life));
        let (mut report, mut done, mut after) = (ImportReport::default(), 0, UserId(i64::MIN));
        loop {
            let task = Task { after, nullable, expires_at, now };
            let batch = self.db.transaction(move |tx| Box::pin(import(tx, task))).await?;
            let Some(last) = batch.last else { break };
            after = last;
            done += batch.seen;
            report.imported += batch.report.imported;
            report.malformed.extend(batch.report.malformed);
            report.duplicates.extend(batch.report.duplicates);
            progress(done, total);
        }
        self.db.rewrite().await?;
        Ok(report)
    }
}

/// Whether the column takes null, and how many users have something in it.
async fn survey(tx: &mut Tx) -> Result<(bool, u64), SqlError> {
    let (users, column) = (tx.names().users.clone(), tx.names().token_field.clone());
    let Some(table) = Table::find(tx, &users).await? else { return Err(SqlError::NotMigrated) };
    let nullable = table.takes_null(&column)?;
    let sql = "SELECT COUNT(*) FROM {users} u WHERE u.{token} <> '' AND u.{token} NOT LIKE ?";
    let total: i64 = tx.fetch_one(sql, &[pattern()]).await?.unwrap_or_default();
    Ok((nullable, total.unsigned_abs()))
}

#[derive(Clone, Copy)]
struct Task {
    after: UserId,
    nullable: bool,
    expires_at: Option<Timestamp>,
    now: Timestamp,
}

#[derive(Default)]
struct Batch {
    last: Option<UserId>,
    seen: u64,
    report: ImportReport,
}

enum Found {
    New,
    Duplicate,
    Malformed,
}

async fn import(tx: &mut Tx, task: Task) -> Result<Batch> {
    let sql = "SELECT u.id, u.{token} FROM {users} u WHERE u.id > ? AND u.{token} <> ''
               AND u.{token} NOT LIKE ? ORDER BY u.id LIMIT ?{for_update}";
    let mut batch = Batch::default();
    let params = [task.after.into(), pattern(), BATCH.into()];
    for (id, AnyText(text)) in tx.fetch::<(UserId, AnyText)>(sql, &params).await? {
        batch.last = Some(id);
        batch.seen += 1;
        match import_one(tx, id, &text.unwrap_or_default(), task).await? {
            Found::New => batch.report.imported += 1,
            Found::Duplicate => batch.report.duplicates.push(id),
            Found::Malformed => batch.report.malformed.push(id),
        }
    }
    Ok(batch)
}

async fn import_one(tx: &mut Tx, id: UserId, text: &str, task: Task) -> Result<Found> {
    let shape = (16..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    let hash = Hash::of(text);
    let known = "SELECT 1 FROM {tokens} WHERE {token} = ?";
    let found = match tx.fetch_one::<i64>(known, &[hash.into()]).await? {
        Some(_) => Found::Duplicate,
        None if shape => Found::New,
        None => return Ok(Found::Malformed),
    };
    if let Found::New = found {
        let token = NewToken {
            name: "imported".into(),
            hash,
            abilities: Abilities::all(),
            expires_at: task.expires_at,
        };
        tokens::insert(tx, id, token, task.now).await?;
    }
    let erased = if task.nullable { Value::Null } else { unusable()?.into() };
    tx.execute("UPDATE {users} SET {token} = ? WHERE id = ?", &[erased, id.into()]).await?;
    Ok(found)
}

/// A value that is nobody's token, and like no other where the column is unique.
fn unusable() -> Result<String> {
    let drawn = Salt::draw().map_err(|error| SqlError::Entropy(Arc::new(error)))?;
    Ok(format!("{ERASED}{:.32}", drawn.to_hex()))
}

fn pattern() -> Value {
    format!("{ERASED}%").into()
}
