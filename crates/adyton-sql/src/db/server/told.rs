//! What the errors of database servers mean, and what would mend them.

use crate::error::SqlError;
use adyton_core::config::{DatabaseServer, Driver};
use sqlx::error::DatabaseError;
use std::sync::Arc;

/// What the server said: its code and its message, without the rows that it adds for debugging.
#[derive(Debug, thiserror::Error)]
#[error("{message} ({code})")]
struct Refusal {
    code: String,
    message: String,
}

/// That there is no way to the server.
pub(in crate::db) fn unreachable(place: &DatabaseServer, error: sqlx::Error) -> SqlError {
    SqlError::Unreachable { place: place.to_string(), source: Arc::new(error) }
}

/// Whether a table was changed under a statement that this connection of PostgreSQL has prepared.
pub(super) fn is_outdated(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(refused) = error else { return false };
    refused.code().as_deref() == Some("0A000") && refused.message().contains("cached plan")
}

/// Why there is no connection.
pub(super) fn not_connected(place: &DatabaseServer, error: sqlx::Error) -> SqlError {
    match &error {
        sqlx::Error::Database(_) => told(place, error),
        _ => unreachable(place, error),
    }
}

/// What an error means, and what would mend it.
pub(in crate::db) fn told(place: &DatabaseServer, error: sqlx::Error) -> SqlError {
    let refused = match &error {
        sqlx::Error::Database(refused) => &**refused,
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
            return SqlError::Lost(Arc::new(error));
        }
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Tls(_) => {
            return unreachable(place, error);
        }
        _ => return SqlError::Database(Arc::new(error)),
    };
    if refused.is_unique_violation() {
        return SqlError::Duplicate;
    }
    let code = code_of(refused);
    let source = Refusal { code: code.clone(), message: refused.message().to_owned() };
    refusal(place, &code, source)
}

fn refusal(place: &DatabaseServer, code: &str, source: Refusal) -> SqlError {
    let (database, source) = (place.database.clone(), Arc::new(source));
    match code {
        "40001" | "40P01" | "1213" | "1020" => SqlError::Conflict(source),
        // A column or an index of this name. No transaction of MySQL ends with it.
        "1060" | "1061" => SqlError::Repeated,
        "57P01" | "57P02" | "57P03" | "1053" | "1927" => SqlError::Lost(source),
        "3D000" | "1049" => {
            let cure = format!("CREATE DATABASE {}", quoted(place, &database));
            SqlError::NoDatabase { database, cure }
        }
        "28P01" | "28000" | "1045" | "1698" => {
            SqlError::SignInRefused { place: place.to_string(), source }
        }
        "42501" | "1044" | "1142" | "1143" | "1227" => {
            let mut cure = grant(place, &source.message);
            if code == "1044" {
                // MySQL says the same of a database that is missing.
                cure =
                    format!("CREATE DATABASE IF NOT EXISTS {}; {cure}", quoted(place, &database));
            }
            SqlError::NoRights { cure, source }
        }
        _ => SqlError::Database(source),
    }
}

/// PostgreSQL's SQLSTATE or MySQL's number.
fn code_of(refused: &dyn DatabaseError) -> String {
    #[cfg(feature = "mysql")]
    if let Some(refused) = refused.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        return refused.number().to_string();
    }
    refused.code().unwrap_or_default().into_owned()
}

fn quoted(place: &DatabaseServer, name: &str) -> String {
    if place.driver == Driver::Mysql { format!("`{name}`") } else { format!("\"{name}\"") }
}

/// The statement that gives what was missing.
fn grant(place: &DatabaseServer, message: &str) -> String {
    let database = quoted(place, &place.database);
    let user = place.user.as_deref().unwrap_or("adyton");
    if place.driver == Driver::Mysql {
        return format!("GRANT ALL ON {database}.* TO '{user}'");
    }
    let user = format!("\"{user}\"");
    if message.contains("for database") {
        format!("GRANT CONNECT ON DATABASE {database} TO {user}")
    } else if message.contains("for schema") {
        format!("GRANT USAGE, CREATE ON SCHEMA public TO {user}")
    } else {
        let rows = "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public";
        format!("GRANT {rows} TO {user}; GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {user}")
    }
}
