//! PostgreSQL by sqlx: how its connections are set up, and how values travel. Integers are declared
//! as `bigint`; the type of everything else is left to the statement, so that a column may be of
//! any type that the value can stand for.

mod changes;

pub(super) use changes::Changes;

use super::server::{Access, IDLE};
use super::value::Value;
use crate::dialect::Rendered;
use adyton_core::clock::Timestamp;
use adyton_core::config::{DatabaseServer, SslMode};
use sqlx::encode::{Encode, IsNull};
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{
    PgArgumentBuffer, PgArguments, PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgRow,
    PgSslMode, PgTypeInfo, PgTypeKind, PgValueRef, Postgres,
};
use sqlx::{Arguments, AssertSqlSafe, Connection, Executor, Row as _, Type, TypeInfo, ValueRef};
use std::time::Duration;

/// Each statement sees what was committed before it, and rows that others held as they left them.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
pub(super) const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
/// Any number that is nobody else's: "adyton".
const MIGRATION_LOCK: &str = "SELECT pg_advisory_xact_lock(107060938928494)";
/// Seconds from 1970 to 2000, where PostgreSQL begins to count.
const EPOCH: i64 = 946_684_800;
const MICROS: i64 = 1_000_000;

/// The connections, of which none is open yet.
pub(super) fn pool(place: &DatabaseServer, access: Access, node: &str) -> PgPool {
    PgPoolOptions::new()
        .max_connections(place.max_connections)
        .acquire_timeout(place.connect_timeout.duration())
        .test_before_acquire(false)
        .before_acquire(|conn, about| {
            Box::pin(async move {
                if about.idle_for > IDLE {
                    conn.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options(place, access, node))
}

/// The node's id is a setting of the session, given at its start: a pooler refuses or ignores those,
/// so that no connection that others use too can carry it.
fn options(place: &DatabaseServer, access: Access, node: &str) -> PgConnectOptions {
    let millis = |time: Duration| time.as_millis().to_string();
    let timeout = place.statement_timeout.duration();
    let mut options = PgConnectOptions::new()
        .host(&place.host)
        .port(place.port.unwrap_or(5432))
        .database(&place.database)
        .application_name("adyton")
        .ssl_mode(ssl_mode(place.ssl_mode))
        .options([
            ("statement_timeout", millis(timeout)),
            ("idle_in_transaction_session_timeout", millis(timeout * 3)),
            ("adyton.node", node.to_owned()),
        ]);
    if access == Access::Look {
        options = options.options([("default_transaction_read_only", "on")]);
    }
    if let Some(user) = &place.user {
        options = options.username(user);
    }
    if let Some(password) = &place.password {
        options = options.password(password);
    }
    if let Some(file) = &place.ssl_root_cert {
        options = options.ssl_root_cert(file);
    }
    if let Some(capacity) = place.statement_cache_capacity {
        options = options.statement_cache_capacity(capacity);
    }
    options
}

fn ssl_mode(mode: SslMode) -> PgSslMode {
    match mode {
        SslMode::Disable => PgSslMode::Disable,
        SslMode::Prefer => PgSslMode::Prefer,
        SslMode::VerifyCa => PgSslMode::VerifyCa,
        SslMode::VerifyFull => PgSslMode::VerifyFull,
        _ => PgSslMode::Require,
    }
}

pub(super) async fn rows(
    conn: &mut PgConnection,
    sql: &Rendered,
    params: &[Value],
) -> sqlx::Result<Vec<Vec<Value>>> {
    let rows = conn.fetch_all(query(sql.text.clone(), params)?).await?;
    rows.iter().map(read).collect()
}

pub(super) async fn execute(
    conn: &mut PgConnection,
    sql: &Rendered,
    params: &[Value],
) -> sqlx::Result<u64> {
    Ok(conn.execute(query(sql.text.clone(), params)?).await?.rows_affected())
}

pub(super) async fn insert(
    conn: &mut PgConnection,
    sql: &Rendered,
    params: &[Value],
) -> sqlx::Result<Option<i64>> {
    let text = format!("{} RETURNING id", sql.text);
    let row = conn.fetch_one(query(text.into(), params)?).await?;
    Ok(match value(&row.try_get_raw(0)?)? {
        Value::Int(id) => Some(id),
        _ => None,
    })
}

pub(super) async fn script(conn: &mut PgConnection, sql: &str) -> sqlx::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await?;
    Ok(())
}

/// Begins, and waits until no other process migrates. Not every relative of PostgreSQL has such
/// locks: there two at once are refused by the tables themselves.
pub(super) async fn begin_migration(conn: &mut PgConnection, _: Duration) -> sqlx::Result<bool> {
    script(conn, BEGIN).await?;
    script(conn, "SET LOCAL statement_timeout = 0; SAVEPOINT before_lock").await?;
    match script(conn, MIGRATION_LOCK).await {
        Err(sqlx::Error::Database(error))
            if matches!(error.code().as_deref(), Some("42883" | "0A000")) =>
        {
            script(conn, "ROLLBACK TO SAVEPOINT before_lock").await?;
        }
        locked => locked?,
    }
    Ok(true)
}

fn query(
    sql: std::sync::Arc<str>,
    params: &[Value],
) -> sqlx::Result<sqlx::query::Query<'static, Postgres, PgArguments>> {
    let mut arguments = PgArguments::default();
    for param in params {
        arguments.add(Param(param)).map_err(sqlx::Error::Encode)?;
    }
    Ok(sqlx::query_with(AssertSqlSafe(sql), arguments))
}

struct Param<'v>(&'v Value);

impl Type<Postgres> for Param<'_> {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, Postgres> for Param<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        match self.0 {
            Value::Null => return Ok(IsNull::Yes),
            Value::Int(number) => buffer.extend(number.to_be_bytes()),
            Value::Bool(yes) => buffer.push(u8::from(*yes)),
            Value::Real(number) => buffer.extend(number.to_be_bytes()),
            Value::Text(text) | Value::Garbled(text) => buffer.extend(text.as_bytes()),
            Value::Blob => {}
            Value::Time(time) => buffer.extend(((time.unix() - EPOCH) * MICROS).to_be_bytes()),
        }
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        let number = matches!(self.0, Value::Int(_));
        Some(if number { <i64 as Type<Postgres>>::type_info() } else { Self::type_info() })
    }
}

fn read(row: &PgRow) -> sqlx::Result<Vec<Value>> {
    let values = (0..row.len()).map(|at| value(&row.try_get_raw(at)?));
    values.collect()
}

fn value(raw: &PgValueRef<'_>) -> sqlx::Result<Value> {
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = raw.type_info().into_owned();
    let bytes = raw.as_bytes().map_err(sqlx::Error::Decode)?;
    Ok(decode(&kind, bytes).unwrap_or(Value::Blob))
}

/// A value by the type of its column. What is of a type that nothing of Adyton's has is a blob: it
/// is there, and what it is, is not told.
fn decode(kind: &PgTypeInfo, bytes: &[u8]) -> Option<Value> {
    let text = |bytes: &[u8]| Some(Value::Text(str::from_utf8(bytes).ok()?.to_owned()));
    match kind.name() {
        "BOOL" => Some(Value::Bool(bytes.first()? != &0)),
        "INT2" => Some(Value::Int(i16::from_be_bytes(bytes.try_into().ok()?).into())),
        "INT4" => Some(Value::Int(i32::from_be_bytes(bytes.try_into().ok()?).into())),
        "INT8" => Some(Value::Int(i64::from_be_bytes(bytes.try_into().ok()?))),
        "FLOAT4" => Some(Value::Real(f32::from_be_bytes(bytes.try_into().ok()?).into())),
        "FLOAT8" => Some(Value::Real(f64::from_be_bytes(bytes.try_into().ok()?))),
        "NUMERIC" => numeric(bytes).map(Value::Text),
        "TIMESTAMP" | "TIMESTAMPTZ" => {
            let micros = i64::from_be_bytes(bytes.try_into().ok()?);
            let seconds = micros.div_euclid(MICROS).saturating_add(EPOCH);
            Some(Value::Time(Timestamp::from_unix(seconds)))
        }
        "DATE" => {
            let days = i32::from_be_bytes(bytes.try_into().ok()?);
            let time = Timestamp::from_unix(i64::from(days) * 86_400 + EPOCH);
            Some(Value::Text(time.to_sql().get(..10)?.to_owned()))
        }
        "UUID" => Some(Value::Text(uuid(bytes))),
        "JSONB" => text(bytes.get(1..)?),
        "TEXT" | "VARCHAR" | "CHAR" | "NAME" | "JSON" | "citext" => text(bytes),
        _ if matches!(kind.kind(), PgTypeKind::Enum(_)) => text(bytes),
        _ => None,
    }
}

fn uuid(bytes: &[u8]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [0..8, 8..12, 12..16, 16..20, 20..32]
        .into_iter()
        .filter_map(|part| hex.get(part))
        .collect::<Vec<_>>()
        .join("-")
}

/// A number of any length: four decimal digits in each group, the first of which has this weight.
fn numeric(bytes: &[u8]) -> Option<String> {
    let word = |at: usize| Some(i16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let (count, weight, sign, scale) = (word(0)?, word(2)?, word(4)?, word(6)?);
    if !matches!(sign, 0 | 0x4000) {
        return Some("NaN".to_owned());
    }
    let group = |place: i16| match usize::try_from(weight - place) {
        Ok(at) if at < usize::try_from(count).unwrap_or_default() => word(8 + 2 * at),
        _ => Some(0),
    };
    let mut text = String::from(if sign == 0 { "" } else { "-" });
    let whole = (0..=weight.max(0)).rev().map(group).collect::<Option<Vec<_>>>()?;
    let whole: String = whole.iter().map(|group| format!("{group:04}")).collect();
    let whole = whole.trim_start_matches('0');
    text += if whole.is_empty() { "0" } else { whole };
    let scale = usize::try_from(scale).ok()?;
    if scale > 0 {
        let groups = i16::try_from(scale.div_ceil(4)).ok()?;
        let parts = (1..=groups).map(|place| group(-place)).collect::<Option<Vec<_>>>()?;
        let parts: String = parts.iter().map(|group| format!("{group:04}")).collect();
        text += &format!(".{}", parts.get(..scale)?);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_length_are_read() {
        let number = |words: &[i16]| {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
            numeric(&bytes).unwrap()
        };
        assert_eq!(number(&[2, 0, 0, 2, 12, 5000]), "12.50");
        assert_eq!(number(&[3, 1, 0x4000, 3, 1, 2345, 6780]), "-12345.678");
        assert_eq!(number(&[0, 0, 0, 0]), "0");
        assert_eq!(number(&[1, -1, 0, 4, 7]), "0.0007");
        assert_eq!(number(&[1, 1, 0, 0, 5]), "50000");
    }
}
