//! Everything into another database, for who outgrows one file: rows keep their ids, and what was
//! copied is read again on both sides and compared.
//!
//! The source is only read. It must be at rest: a row that is written meanwhile makes the comparison
//! fail, and a copy that failed leaves a target that is not empty and cannot be used.

use crate::SqlStore;
use crate::adopt::Table;
use crate::db::{FromRow, Row, Tx, Value};
use crate::dialect::{Dialect, Names};
use crate::error::{Result, SqlError};
use adyton_core::clock::Timestamp;
use adyton_core::secret::Hash;
use std::slice;
use std::sync::Arc;

/// Rows that are read, and written in one transaction.
const BATCH: i64 = 500;

/// What a copy has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyReport {
    /// Each table of the source and how many of its rows were copied.
    pub tables: Vec<(String, u64)>,
    /// Columns of the source that Adyton does not know, as `table.column`: they were not copied.
    pub left_behind: Vec<String>,
}

/// A table and the texts that copy it. The first column is its key.
pub(crate) struct Part {
    pub(crate) table: &'static str,
    kinds: &'static [Kind],
    pub(crate) columns: &'static [&'static str],
    page: &'static str,
    insert: &'static str,
    count: &'static str,
    /// The statement by which MySQL goes on counting, as a text that it runs itself.
    count_on: &'static str,
    /// Whether its keys are counted up, or are texts.
    pub(crate) counts_up: bool,
}

/// What a column holds, in whatever form a database keeps it.
#[derive(Clone, Copy)]
enum Kind {
    Number,
    Text,
    Time,
}

macro_rules! mark {
    ($column:literal) => {
        ", ?"
    };
}

/// `extra` stands for further columns and their marks.
macro_rules! part {
    ($table:literal, $key:literal $first:ident $(, $column:literal $kind:ident)* $(; extra $extra:literal $marks:literal)?) => {
        Part {
            table: $table,
            kinds: &[Kind::$first $(, Kind::$kind)*],
            columns: &[$key $(, $column)*],
            page: concat!(
                "SELECT ", $key $(, ", ", $column)* $(, $extra)?, " FROM ", $table,
                " WHERE ", $key, " > ? ORDER BY ", $key, " LIMIT ?"
            ),
            insert: concat!(
                "INSERT INTO ", $table, " (", $key $(, ", ", $column)* $(, $extra)?,
                ") VALUES (?" $(, mark!($column))* $(, $marks)?, ")"
            ),
            count: concat!("SELECT COUNT(*) FROM ", $table),
            count_on: concat!(
                "SET @adyton_count = CONCAT('ALTER TABLE ", $table, " AUTO_INCREMENT = ', ? + 1)"
            ),
            counts_up: matches!(Kind::$first, Kind::Number),
        }
    };
}

pub(crate) static PARTS: [Part; 6] = [
    part!("{users}", "id" Number, "name" Text, "email" Text, "password" Text, "created_at" Time,
        "updated_at" Time; extra "{user_columns}" "{user_marks}"),
    part!("{tokens}", "id" Number, "tokenable_type" Text, "tokenable_id" Number, "name" Text,
        "{token}" Text, "abilities" Text, "last_used_at" Time, "expires_at" Time,
        "created_at" Time, "updated_at" Time),
    part!("{sessions}", "id" Number, "public_id" Text, "user_id" Number, "guard" Text,
        "abilities" Text, "secret_hash" Text, "rotation" Number, "previous_hash" Text, "salt" Text,
        "rotated_at" Time, "access_token_id" Number, "previous_access_token_id" Number,
        "device_name" Text, "user_agent" Text, "network" Text, "created_at" Time,
        "last_seen_at" Time, "expires_at" Time, "revoked_at" Time, "remember" Number,
        "device_id" Number, "fingerprint" Text),
    part!("auth_superseded_tokens", "hash" Text, "session_id" Number, "expires_at" Time),
    part!("auth_devices", "id" Number, "user_id" Number, "secret_hash" Text, "fingerprint" Text,
        "name" Text, "first_seen_at" Time, "last_seen_at" Time),
    part!("auth_events", "id" Number, "event" Text, "count" Number, "user_id" Number,
        "session_id" Text, "token_id" Number, "network" Text, "reason" Text, "created_at" Time,
        "request_id" Text, "outcome" Text),
];

impl SqlStore {
    /// Copies every user, token, session, device and event into an empty database, with their ids,
    /// and compares what arrived by counts and hashes. Both must be migrated and named by the same
    /// options; nobody may write to either meanwhile. `progress` hears the table, and how many of
    /// how many rows are done.
    ///
    /// # Errors
    /// [`SqlError::NotMigrated`]; [`SqlError::NotEmpty`] for a target with rows in it;
    /// [`SqlError::CannotCopy`] with the row that the target does not take; [`SqlError::Differs`]
    /// when what was read again is not the same. After the last two the target is of no use.
    pub async fn copy_to(
        &self,
        target: &Self,
        mut progress: impl FnMut(&str, u64, u64) + Send,
    ) -> Result<CopyReport, SqlError> {
        if !self.is_current().await? || !target.is_current().await? {
            return Err(SqlError::NotMigrated);
        }
        for part in &PARTS {
            if target.rows_of(part).await? > 0 {
                return Err(SqlError::NotEmpty { table: target.name_of(part) });
            }
        }
        // Its tokens have the form of others, wherever they lie.
        if self.adopted_token_table().await? {
            target.db.transaction(|tx| Box::pin(adopt_tokens(tx))).await?;
        }
        let mut report =
            CopyReport { left_behind: self.left_behind().await?, ..Default::default() };
        for part in &PARTS {
            let name = self.name_of(part);
            let total = self.rows_of(part).await?;
            let done = self.copy_part(target, part, |done| progress(&name, done, total)).await?;
            report.tables.push((name, done));
        }
        for part in &PARTS {
            if self.digest(part).await? != target.digest(part).await? {
                return Err(SqlError::Differs { table: self.name_of(part) });
            }
        }
        Ok(report)
    }

    async fn copy_part(
        &self,
        target: &Self,
        part: &'static Part,
        mut progress: impl FnMut(u64),
    ) -> Result<u64> {
        let (mut after, mut done) = (part.start(), 0);
        let kinds = target.kinds_of_user_columns(part).await?;
        loop {
            let mut rows = self.page(part, &after).await?;
            let Some(last) = rows.last().and_then(|row| row.first()) else { break };
            after = last.clone();
            done += rows.len() as u64;
            for row in &mut rows {
                fit(row.iter_mut().skip(part.columns.len()), &kinds);
            }
            let rows = Arc::new(rows);
            target.db.transaction(move |tx| Box::pin(insert(tx, part, rows))).await?;
            progress(done);
        }
        if part.counts_up {
            let last = self.last_id(part, &after).await?;
            target.db.migration(move |tx| Box::pin(count_on(tx, part, last))).await?;
        }
        Ok(done)
    }

    /// The types that `user_columns` have on PostgreSQL, which is exact about them.
    async fn kinds_of_user_columns(&self, part: &Part) -> Result<Vec<String>> {
        let names = self.db.names();
        if names.dialect != Dialect::Postgres || part.table != "{users}" {
            return Ok(Vec::new());
        }
        let table = names.users.clone();
        let table = self.db.snapshot(|tx| Box::pin(async move { Table::find(tx, &table).await }));
        let table = table.await?.ok_or(SqlError::NotMigrated)?;
        names.user_columns.iter().map(|column| table.kind(column).map(str::to_owned)).collect()
    }

    /// The highest id that a table has given, although its row may be deleted.
    async fn last_id(&self, part: &Part, highest: &Value) -> Result<i64> {
        let names = self.db.names();
        let sql = match names.dialect {
            Dialect::Sqlite => "SELECT seq FROM sqlite_sequence WHERE name = ? COLLATE NOCASE",
            Dialect::Postgres => {
                "SELECT pg_sequence_last_value(pg_get_serial_sequence(quote_ident(?), 'id')::regclass)"
            }
            Dialect::Mysql => {
                "SELECT CAST(AUTO_INCREMENT AS SIGNED) - 1 FROM information_schema.TABLES
                 WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?"
            }
        };
        let given: Option<Option<i64>> = self.db.fetch_one(sql, &[part.name(names).into()]).await?;
        let highest = if let Value::Int(id) = highest { *id } else { 0 };
        Ok(given.flatten().unwrap_or_default().max(highest))
    }

    /// How many rows there are, and a hash over all of them in the order of their keys.
    async fn digest(&self, part: &Part) -> Result<(u64, Hash)> {
        let (mut after, mut count, mut hash) = (part.start(), 0, Hash::of(part.table));
        loop {
            let rows = self.page(part, &after).await?;
            let Some(last) = rows.last().and_then(|row| row.first()) else { break };
            after = last.clone();
            count += rows.len() as u64;
            let text: String = rows.iter().flatten().map(canonical).collect();
            hash = Hash::of(&(hash.to_hex() + &text));
        }
        Ok((count, hash))
    }

    async fn page(&self, part: &Part, after: &Value) -> Result<Vec<Vec<Value>>> {
        let params = [after.clone(), BATCH.into()];
        let rows: Vec<Whole> = self.db.fetch(part.page, &params).await?;
        rows.into_iter().map(|Whole(row)| self.uniform(part, row)).collect()
    }

    /// A row with each value in the form that every database takes.
    fn uniform(&self, part: &Part, row: Vec<Value>) -> Result<Vec<Value>> {
        let kinds = part.kinds.iter().copied().map(Some).chain(std::iter::repeat(None));
        let key = row.first().map(canonical).unwrap_or_default();
        let values = row.into_iter().zip(kinds).map(|(value, kind)| convert(value, kind));
        values.collect::<Option<_>>().ok_or_else(|| SqlError::CannotCopy {
            table: self.name_of(part),
            key: key.trim_end_matches('\n').to_owned(),
            source: Box::new(SqlError::Unreadable),
        })
    }

    async fn rows_of(&self, part: &Part) -> Result<u64> {
        let count: Option<i64> = self.db.fetch_one(part.count, &[]).await?;
        Ok(count.unwrap_or_default().unsigned_abs())
    }

    /// Columns of tables that were adopted.
    async fn left_behind(&self) -> Result<Vec<String>> {
        self.db.snapshot(|tx| Box::pin(unknown_columns(tx))).await
    }

    fn name_of(&self, part: &Part) -> String {
        part.name(self.db.names()).to_owned()
    }
}

impl Part {
    /// Before the first key.
    fn start(&self) -> Value {
        if self.counts_up { i64::MIN.into() } else { "".into() }
    }

    pub(crate) fn name<'n>(&self, names: &'n Names) -> &'n str
    where
        'static: 'n,
    {
        match self.table {
            "{users}" => &names.users,
            "{tokens}" => &names.tokens,
            "{sessions}" => &names.sessions,
            own => own,
        }
    }
}

/// Truths and times as PostgreSQL's own types, where a column has these.
fn fit<'v>(values: impl Iterator<Item = &'v mut Value>, kinds: &[String]) {
    for (value, kind) in values.zip(kinds) {
        let fitting = match (&*value, &**kind) {
            (Value::Int(number @ (0 | 1)), "bool") => Some(Value::Bool(*number == 1)),
            (Value::Text(text), "timestamp" | "timestamptz") => {
                Timestamp::from_sql(text).map(Value::Time)
            }
            _ => None,
        };
        if let Some(fitting) = fitting {
            *value = fitting;
        }
    }
}

/// Has the table of tokens count as one that was there before Adyton.
async fn adopt_tokens(tx: &mut Tx) -> Result<()> {
    let sql = "UPDATE adyton_migrations SET adopted = 1 WHERE name = '0002_personal_access_tokens'";
    tx.execute(sql, &[]).await.map(drop)
}

async fn insert(tx: &mut Tx, part: &Part, rows: Arc<Vec<Vec<Value>>>) -> Result<()> {
    for row in rows.iter() {
        if let Err(error) = tx.execute(part.insert, row).await {
            let table = part.name(tx.names()).to_owned();
            let key = row.first().map(canonical).unwrap_or_default();
            let key = key.trim_end_matches('\n').to_owned();
            // One that others hold is tried once more.
            return Err(match error {
                error @ (SqlError::Conflict(_) | SqlError::Lost(_)) => error,
                error => SqlError::CannotCopy { table, key, source: Box::new(error) },
            });
        }
    }
    Ok(())
}

/// Has a table go on counting after this id: a deleted one is never given again.
async fn count_on(tx: &mut Tx, part: &Part, last: i64) -> Result<()> {
    if last < 1 {
        return Ok(());
    }
    let name = Value::from(part.name(tx.names()));
    match tx.names().dialect {
        Dialect::Sqlite => {
            tx.execute("DELETE FROM sqlite_sequence WHERE name = ?", slice::from_ref(&name))
                .await?;
            let sql = "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)";
            tx.execute(sql, &[name, last.into()]).await?;
        }
        Dialect::Postgres => {
            let sql = "SELECT setval(pg_get_serial_sequence(quote_ident(?), 'id'), ?)";
            tx.fetch_one::<Option<i64>>(sql, &[name, last.into()]).await?;
        }
        Dialect::Mysql => {
            tx.execute(part.count_on, &[last.into()]).await?;
            let sql = "PREPARE adyton_count FROM @adyton_count; EXECUTE adyton_count;
                       DEALLOCATE PREPARE adyton_count";
            tx.script(sql).await?;
        }
    }
    Ok(())
}

async fn unknown_columns(tx: &mut Tx) -> Result<Vec<String>> {
    let mut unknown = Vec::new();
    let names = [tx.names().users.clone(), tx.names().tokens.clone()];
    for (name, part) in names.into_iter().zip(&PARTS) {
        let Some(table) = Table::find(tx, &name).await? else { continue };
        let known = |column: &str| {
            let (names, is_users) = (tx.names(), part.table == "{users}");
            part.columns.contains(&column)
                || (is_users && names.user_columns.iter().any(|own| own == column))
                || (!is_users && names.token_field == column)
        };
        let columns = table.names().filter(|column| !known(column));
        unknown.extend(columns.map(|column| format!("{name}.{column}")));
    }
    Ok(unknown)
}

/// All columns of a row.
struct Whole(Vec<Value>);

impl FromRow for Whole {
    fn from_row(row: &mut Row<'_>, _: &Names) -> Result<Self> {
        Ok(Self(row.rest()))
    }
}

/// `None` for what the column cannot hold, and for what would not arrive as it was: bytes, and a text
/// that is not UTF-8. Of a column that nobody knows, anything else is taken.
fn convert(value: Value, kind: Option<Kind>) -> Option<Value> {
    if let Value::Blob | Value::Garbled(_) = value {
        return None;
    }
    let Some(kind) = kind else { return Some(value) };
    Some(match (kind, value) {
        (_, Value::Null) => Value::Null,
        (Kind::Number, Value::Int(number)) => number.into(),
        (Kind::Number, Value::Bool(yes)) => i64::from(yes).into(),
        (Kind::Number, Value::Text(digits)) => digits.parse::<i64>().ok()?.into(),
        (Kind::Text, Value::Text(text)) => text.into(),
        (Kind::Text, Value::Int(number)) => number.to_string().into(),
        (Kind::Time, Value::Time(time)) => time.into(),
        (Kind::Time, Value::Text(text)) => Timestamp::from_sql(&text)?.into(),
        _ => return None,
    })
}

/// A value as it is compared: the same in every database. It ends with a line, and a text tells its
/// length, so that no two rows look alike.
fn canonical(value: &Value) -> String {
    match value {
        Value::Null => "null\n".to_owned(),
        Value::Blob => "bytes\n".to_owned(),
        Value::Int(number) => format!("{number}\n"),
        Value::Bool(yes) => format!("{}\n", i64::from(*yes)),
        Value::Real(number) => format!("{number}\n"),
        Value::Time(time) => format!("{}\n", time.unix()),
        Value::Text(text) | Value::Garbled(text) => match Timestamp::from_sql(text) {
            // As SQLite has it; others have a type for it.
            Some(time) if time.to_sql() == *text => format!("{}\n", time.unix()),
            _ => format!("{} {text}\n", text.len()),
        },
    }
}
