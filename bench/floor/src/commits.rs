//! Refreshes without grouping: one thread writes what Adyton writes for a refresh into Adyton's own
//! tables, and commits each alone, with the same settings of SQLite.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use rusqlite::{Connection, params};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::sync::mpsc;
use std::thread;
use tokio::sync::oneshot;

const SETTINGS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON;";
const STEP: &str = "UPDATE auth_sessions SET rotation = rotation + 1, salt = ?1, rotated_at = ?2,
    secret_hash = ?3, previous_hash = ?4 WHERE secret_hash = ?4 RETURNING id, user_id";
const TOKEN: &str = "INSERT INTO personal_access_tokens (tokenable_type, tokenable_id, name, token,
    abilities, expires_at, created_at, updated_at)
    VALUES ('user', ?1, 'login', ?2, '[\"*\"]', ?3, ?3, ?3)";
const POINT: &str = "UPDATE auth_sessions SET access_token_id = ?1 WHERE id = ?2";
const SUPERSEDE: &str =
    "INSERT INTO auth_superseded_tokens (hash, session_id, expires_at) VALUES (?1, ?2, ?3)";
const EVENT: &str = "INSERT INTO auth_events (event, count, user_id, created_at)
    VALUES ('session_renewed', 1, ?1, ?2)";
const NOW: &str = "2026-01-01 00:00:00";

type Job = (String, oneshot::Sender<rusqlite::Result<()>>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refresh {
    refresh_token: String,
}

pub(crate) fn router(database: &str) -> rusqlite::Result<Router> {
    let mut connection = Connection::open(database)?;
    connection.execute_batch(SETTINGS)?;
    let (sender, jobs) = mpsc::channel::<Job>();
    thread::spawn(move || {
        for (token, done) in jobs {
            // Who does not wait any more gets no answer.
            let _ = done.send(rotate(&mut connection, &token));
        }
    });
    Ok(Router::new().route("/api/auth/refresh", post(refresh)).with_state(sender))
}

async fn refresh(State(jobs): State<mpsc::Sender<Job>>, Json(body): Json<Refresh>) -> StatusCode {
    let (done, result) = oneshot::channel();
    match jobs.send((body.refresh_token, done)) {
        Ok(()) if matches!(result.await, Ok(Ok(()))) => StatusCode::OK,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn rotate(connection: &mut Connection, token: &str) -> rusqlite::Result<()> {
    let old = hash(token);
    let (refresh, access) = (hash(&old), hash(&format!("{old} access")));
    let transaction = connection.transaction()?;
    let both = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let (session, user): (i64, i64) =
        transaction.prepare_cached(STEP)?.query_row(params![access, NOW, refresh, old], both)?;
    transaction.prepare_cached(TOKEN)?.execute(params![user, access, NOW])?;
    let id = transaction.last_insert_rowid();
    transaction.prepare_cached(POINT)?.execute(params![id, session])?;
    transaction.prepare_cached(SUPERSEDE)?.execute(params![old, session, NOW])?;
    transaction.prepare_cached(EVENT)?.execute(params![user, NOW])?;
    transaction.commit()
}

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
