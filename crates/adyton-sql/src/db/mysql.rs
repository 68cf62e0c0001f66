//! MySQL and MariaDB by sqlx: how their connections are set up, and how values travel. Times travel
//! as text, so that they mean the same to columns of both types, `timestamp` and `datetime`.

use super::server::{Access, IDLE};
use super::value::Value;
use crate::dialect::Rendered;
use adyton_core::clock::Timestamp;
use adyton_core::config::{DatabaseServer, SslMode};
use sqlx::mysql::{
    MySql, MySqlArguments, MySqlConnectOptions, MySqlConnection, MySqlPool, MySqlPoolOptions,
    MySqlRow, MySqlSslMode, MySqlTypeInfo, MySqlValueRef,
};
use sqlx::{
    Arguments, AssertSqlSafe, Connection, Decode, Executor, Row as _, Type, TypeInfo, ValueRef,
};
use std::time::Duration;

pub(super) const BEGIN: &str = "START TRANSACTION";
pub(super) const SNAPSHOT: &str =
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; START TRANSACTION READ ONLY";
/// The lock's name holds for a whole server, and so it names the database. It ends with the
/// connection.
const MIGRATION_LOCK: &str = "SELECT GET_LOCK(CONCAT('adyton_', MD5(DATABASE())), ?)";

/// The connections, of which none is open yet.
pub(super) fn pool(place: &DatabaseServer, access: Access) -> MySqlPool {
    let settings = settings(place, access);
    MySqlPoolOptions::new()
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
        .after_connect(move |conn, _| {
            let settings = settings.clone();
            Box::pin(async move { script(conn, &settings).await })
        })
        .connect_lazy_with(options(place))
}

/// The session's time zone stays what the server's is: Laravel sets none either, and reads and
/// writes columns of type `timestamp` in it.
fn options(place: &DatabaseServer) -> MySqlConnectOptions {
    let mut options = MySqlConnectOptions::new()
        .database(&place.database)
        .ssl_mode(ssl_mode(place.ssl_mode))
        .charset("utf8mb4")
        .timezone(None)
        .pipes_as_concat(false)
        .no_engine_substitution(false);
    options = if place.is_socket() {
        options.socket(&place.host)
    } else {
        options.host(&place.host).port(place.port.unwrap_or(3306))
    };
    if let Some(user) = &place.user {
        options = options.username(user);
    }
    if let Some(password) = &place.password {
        options = options.password(password);
    }
    if let Some(file) = &place.ssl_root_cert {
        options = options.ssl_ca(file);
    }
    if let Some(capacity) = place.statement_cache_capacity {
        options = options.statement_cache_capacity(capacity);
    }
    options
}

fn ssl_mode(mode: SslMode) -> MySqlSslMode {
    match mode {
        SslMode::Disable => MySqlSslMode::Disabled,
        SslMode::Prefer => MySqlSslMode::Preferred,
        SslMode::VerifyCa => MySqlSslMode::VerifyCa,
        SslMode::VerifyFull => MySqlSslMode::VerifyIdentity,
        _ => MySqlSslMode::Required,
    }
}

/// Each statement sees what was committed before it; a value that is too long is refused, and never
/// cut. The two databases have different names for the limit of a statement.
fn settings(place: &DatabaseServer, access: Access) -> String {
    let seconds = place.statement_timeout.seconds();
    let look = if access == Access::Look { "SET SESSION TRANSACTION READ ONLY;" } else { "" };
    format!(
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; {look}
         SET SESSION autocommit = 1, SESSION innodb_lock_wait_timeout = {seconds},
         SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_TRANS_TABLES')
         /*!50708 , SESSION max_execution_time = {seconds}000 */
         /*M!100101 , SESSION max_statement_time = {seconds} */"
    )
}

pub(super) async fn rows(
    conn: &mut MySqlConnection,
    sql: &Rendered,
    params: &[Value],
) -> sqlx::Result<Vec<Vec<Value>>> {
    let rows = conn.fetch_all(query(sql, params)?).await?;
    rows.iter().map(read).collect()
}

pub(super) async fn execute(
    conn: &mut MySqlConnection,
    sql: &Rendered,
    params: &[Value],
) -> sqlx::Result<u64> {
    Ok(conn.execute(query(sql, params)?).await?.rows_affected())
}

pub(super) async fn insert(
    conn: &mut MySqlConnection,
    sql: &Rendered,
    params: &[Value],
) -> sqlx::Result<Option<i64>> {
    let inserted = conn.execute(query(sql, params)?).await?;
    Ok(i64::try_from(inserted.last_insert_id()).ok())
}

pub(super) async fn script(conn: &mut MySqlConnection, sql: &str) -> sqlx::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await?;
    Ok(())
}

/// Waits until no other process migrates, and says whether that came to pass. A statement that changes tables commits by itself, so
/// that this is no transaction, and each migration can be repeated.
pub(super) async fn begin_migration(
    conn: &mut MySqlConnection,
    patience: Duration,
) -> sqlx::Result<bool> {
    let patient = "SET SESSION innodb_lock_wait_timeout = 300
                   /*!50708 , SESSION max_execution_time = 0 */
                   /*M!100101 , SESSION max_statement_time = 0 */";
    script(conn, patient).await?;
    let lock = sqlx::query_scalar(MIGRATION_LOCK).bind(patience.as_secs());
    let locked: Option<i64> = lock.fetch_one(&mut *conn).await?;
    if locked != Some(1) {
        return Ok(false);
    }
    script(conn, BEGIN).await?;
    Ok(true)
}

fn query(
    sql: &Rendered,
    params: &[Value],
) -> sqlx::Result<sqlx::query::Query<'static, MySql, MySqlArguments>> {
    let mut arguments = MySqlArguments::default();
    for param in sql.in_place(params) {
        match param {
            Value::Null | Value::Blob => arguments.add(None::<i64>),
            Value::Int(number) => arguments.add(number),
            Value::Bool(yes) => arguments.add(i64::from(*yes)),
            Value::Real(number) => arguments.add(number),
            Value::Text(text) | Value::Garbled(text) => arguments.add(text.as_str()),
            Value::Time(time) => arguments.add(time.to_sql()),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(sqlx::query_with(AssertSqlSafe(sql.text.clone()), arguments))
}

fn read(row: &MySqlRow) -> sqlx::Result<Vec<Value>> {
    let values = (0..row.len()).map(|at| Ok(value(row.try_get_raw(at)?)));
    values.collect()
}

fn value(raw: MySqlValueRef<'_>) -> Value {
    let kind = raw.type_info().into_owned();
    // Asked for its bytes, since sqlx takes a date of zeroes for null, and what has no end lives
    // for ever.
    match <&[u8] as Decode<'_, MySql>>::decode(raw) {
        Ok(bytes) => decode(&kind, bytes).unwrap_or(Value::Blob),
        Err(_) => Value::Null,
    }
}

/// A value by the type of its column. What is of a type that nothing of Adyton's has is a blob: it
/// is there, and what it is, is not told.
fn decode(kind: &MySqlTypeInfo, bytes: &[u8]) -> Option<Value> {
    let text = |bytes: &[u8]| Some(Value::Text(str::from_utf8(bytes).ok()?.to_owned()));
    match kind.name() {
        "NULL" => Some(Value::Null),
        "FLOAT" => Some(Value::Real(f32::from_le_bytes(bytes.try_into().ok()?).into())),
        "DOUBLE" => Some(Value::Real(f64::from_le_bytes(bytes.try_into().ok()?))),
        "DECIMAL" | "JSON" | "ENUM" | "SET" => text(bytes),
        "TIMESTAMP" | "DATETIME" => Timestamp::from_sql(&date_time(bytes)?).map(Value::Time),
        "DATE" => Some(Value::Text(date_time(bytes)?.get(..10)?.to_owned())),
        "BOOLEAN" | "TINYINT" | "SMALLINT" | "INT" | "MEDIUMINT" | "BIGINT" => {
            integer(bytes).map(Value::Int)
        }
        "YEAR" => unsigned(bytes).map(Value::Int),
        name if name.ends_with("INT UNSIGNED") => unsigned(bytes).map(Value::Int),
        _ if <str as Type<MySql>>::compatible(kind) => text(bytes),
        _ => text(bytes).filter(|_| !bytes.contains(&0) && is_bytes(kind)),
    }
}

/// Whether a column holds bytes, which may be a text.
fn is_bytes(kind: &MySqlTypeInfo) -> bool {
    <[u8] as Type<MySql>>::compatible(kind)
}

fn integer(bytes: &[u8]) -> Option<i64> {
    Some(match bytes.len() {
        1 => i8::from_le_bytes(bytes.try_into().ok()?).into(),
        2 => i16::from_le_bytes(bytes.try_into().ok()?).into(),
        4 => i32::from_le_bytes(bytes.try_into().ok()?).into(),
        8 => i64::from_le_bytes(bytes.try_into().ok()?),
        _ => return None,
    })
}

fn unsigned(bytes: &[u8]) -> Option<i64> {
    let mut wide = [0; 8];
    wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
    i64::try_from(u64::from_le_bytes(wide)).ok()
}

/// The length, two bytes of the year, then one each down to the second; what is left out is zero.
fn date_time(bytes: &[u8]) -> Option<String> {
    let [_, low, high, month, day, rest @ ..] = bytes else { return None };
    let year = u16::from_le_bytes([*low, *high]);
    let at = |at: usize| rest.get(at).copied().unwrap_or_default();
    let (hour, minute, second) = (at(0), at(1), at(2));
    Some(format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"))
}
