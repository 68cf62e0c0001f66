//! Copies what is committed from SQLite's log into its file, on a thread of its own beside the
//! writer, whose commits otherwise wait for it and for two syncs of the disk. SQLite begins the
//! log anew once all of it is in the file, which under a steady load is never the case when this
//! thread is done: the writer then copies the little that came meanwhile, by itself at [`MOST`].

use super::sqlite::told;
use crate::error::{Result, SqlError};
use rusqlite::Connection;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Pages of the log that are worth copying.
const ENOUGH: i64 = 500;
/// Pages of the log with which the writer does not go on.
pub(super) const MOST: i64 = 4_000;

/// The thread's handle. When it is dropped the thread ends, and its connection is closed.
pub(super) struct Checkpoints {
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    /// Starts the thread on its connection. It logs to where the caller does.
    pub(super) fn start(conn: Connection) -> Result<Self> {
        let (wake, woken) = sync_channel(1);
        let log = tracing::dispatcher::get_default(Clone::clone);
        let thread = std::thread::Builder::new()
            .name("adyton-log".into())
            .spawn(move || tracing::dispatcher::with_default(&log, || serve(&conn, &woken)))
            .map_err(|error| SqlError::Database(Arc::new(error)))?;
        Ok(Self { wake: Some(wake), thread: Some(thread) })
    }

    /// Wakes the thread if there is enough to do. `conn` is the writer's, outside a transaction.
    pub(super) fn after_commit(&self, conn: &Connection) {
        let waiting = log_of(conn, "PRAGMA wal_checkpoint(NOOP)");
        if waiting.is_ok_and(|waiting| waiting >= ENOUGH)
            && let Some(wake) = &self.wake
        {
            // Where it is awake, or was woken already, this commit is for the next time.
            let _ = wake.try_send(());
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(conn: &Connection, woken: &Receiver<()>) {
    while woken.recv().is_ok() {
        if let Err(error) = log_of(conn, "PRAGMA wal_checkpoint(PASSIVE)") {
            tracing::warn!(error = &error as &dyn std::error::Error, "no checkpoint");
        }
    }
}

/// How many pages of the log are not in the file, after a checkpoint of some kind.
fn log_of(conn: &Connection, checkpoint: &str) -> Result<i64> {
    let pages = |row: &rusqlite::Row<'_>| Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?);
    conn.prepare_cached(checkpoint).and_then(|mut it| it.query_row([], pages)).map_err(told)
}
