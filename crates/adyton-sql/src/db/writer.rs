//! The one thread that writes to SQLite. It groups commits: what has queued up while the disk was
//! busy becomes one transaction, and is answered after the commit. Where a piece of work fails, all
//! of them run again, each in a savepoint of its own, so that it is rolled back alone: savepoints
//! copy every page that is changed, which is an eighth of what a refresh costs.
//!
//! A commit that fails is not tried again and fails everybody, and while another process holds the
//! lock, everybody is who was queued by the end of the wait.

use super::checkpoints::Checkpoints;
use super::sqlite::told;
use super::{Body, Session, Tx};
use crate::error::{Result, SqlError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

/// Most pieces of work in one commit, and in the queue before callers wait to join it.
const BATCH: usize = 256;
/// Most that are answered at once when no transaction can begin.
const MOST_TURNED_AWAY: usize = 64 * BATCH;

/// The thread's handle. When it is dropped the thread finishes what is queued, then ends.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Message>>,
    thread: Option<JoinHandle<()>>,
}

struct Message {
    job: Box<dyn Job>,
    alone: bool,
}

impl Writer {
    /// Starts the thread on its connection. It logs to where the caller does.
    pub(super) fn start(tx: Tx, checkpoints: Option<Checkpoints>) -> Result<Self> {
        let (queue, messages) = mpsc::channel(BATCH);
        let log = tracing::dispatcher::get_default(Clone::clone);
        let thread = std::thread::Builder::new()
            .name("adyton-sqlite".into())
            .spawn(move || {
                // Dropped in reverse: the connection that writes is the last to be closed.
                let (mut tx, checkpoints) = (tx, checkpoints);
                tracing::dispatcher::with_default(&log, || {
                    serve(&mut tx, messages, checkpoints.as_ref());
                });
            })
            .map_err(|error| SqlError::Database(Arc::new(error)))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Queues work and waits for its commit.
    pub(super) async fn run<T, F>(&self, body: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> Body<'t, T> + Clone + Send + 'static,
    {
        self.queue(body, |body| body.clone(), false).await
    }

    /// Queues work that is outside any transaction, and waits for its end.
    pub(super) async fn run_alone<T, F>(&self, body: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> Body<'t, T> + Send + 'static,
    {
        self.queue(body, Option::take, true).await
    }

    async fn queue<T, F>(&self, body: F, next: Next<F>, alone: bool) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> Body<'t, T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Work { body: Some(body), next, result: None, reply });
        let queue = self.queue.as_ref().ok_or(SqlError::Stopped)?;
        queue.send(Message { job, alone }).await.map_err(|_| SqlError::Stopped)?;
        answer.await.map_err(|_| SqlError::Stopped)?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Queued work: it runs, perhaps twice, and is answered later.
trait Job: Send {
    /// Whether its changes shall stay.
    fn run(&mut self, tx: &mut Tx) -> bool;
    /// Tells the caller its result, or why there is none.
    fn answer(self: Box<Self>, committed: Result<()>);
}

/// What runs next: a copy of the body, or the body itself.
type Next<F> = fn(&mut Option<F>) -> Option<F>;

struct Work<F, T> {
    body: Option<F>,
    next: Next<F>,
    /// None before it has run.
    result: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Job for Work<F, T>
where
    T: Send,
    F: for<'t> FnOnce(&'t mut Tx) -> Body<'t, T> + Send,
{
    fn run(&mut self, tx: &mut Tx) -> bool {
        if let Some(body) = (self.next)(&mut self.body) {
            let caught = catch_unwind(AssertUnwindSafe(|| poll_once(body(tx))));
            self.result = Some(caught.unwrap_or(Err(SqlError::Stopped)));
        }
        matches!(self.result, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, committed: Result<()>) {
        let result = match (committed, self.result) {
            (Err(error), None | Some(Ok(_))) => Err(error),
            (_, result) => result.unwrap_or(Err(SqlError::Stopped)),
        };
        // The caller may have gone away; the work is done all the same.
        let _ = self.reply.send(result);
    }
}

/// SQLite's methods never wait, so that one poll is all that their futures need.
fn poll_once<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(SqlError::Stopped),
    }
}

fn serve(tx: &mut Tx, mut messages: mpsc::Receiver<Message>, checkpoints: Option<&Checkpoints>) {
    let mut batch = Vec::with_capacity(BATCH);
    while messages.blocking_recv_many(&mut batch, BATCH) > 0 {
        let (alone, grouped): (Vec<_>, Vec<_>) = batch.drain(..).partition(|message| message.alone);
        if !grouped.is_empty()
            && let Err(error) = commit_together(tx, jobs_of(grouped))
        {
            turn_away(tx, &mut messages, &error);
        }
        run_alone(tx, alone);
        if let (Some(checkpoints), Ok(conn)) = (checkpoints, tx.connection()) {
            checkpoints.after_commit(conn);
        }
    }
}

/// Answers what is queued with the error for which nothing could begin, so that nobody waits for
/// several time-outs in a row.
fn turn_away(tx: &mut Tx, messages: &mut mpsc::Receiver<Message>, error: &SqlError) {
    // Bounded, since callers may try again at once.
    let queued: Vec<_> =
        std::iter::from_fn(|| messages.try_recv().ok()).take(MOST_TURNED_AWAY).collect();
    let (alone, grouped): (Vec<_>, Vec<_>) = queued.into_iter().partition(|message| message.alone);
    for job in jobs_of(grouped) {
        job.answer(Err(error.clone()));
    }
    run_alone(tx, alone);
}

fn jobs_of(messages: Vec<Message>) -> Vec<Box<dyn Job>> {
    messages.into_iter().map(|message| message.job).collect()
}

fn run_alone(tx: &mut Tx, messages: Vec<Message>) {
    for Message { mut job, .. } in messages {
        job.run(tx);
        job.answer(Ok(()));
    }
}

/// Commits what the jobs do. An error is that nothing could begin; all others are told the jobs
/// alone.
fn commit_together(tx: &mut Tx, mut jobs: Vec<Box<dyn Job>>) -> Result<()> {
    let begun = tx.control("BEGIN IMMEDIATE");
    let committed = begun
        .clone()
        .and_then(|()| run_together(tx, &mut jobs))
        .and_then(|()| tx.control("COMMIT"));
    if let Err(error) = &committed {
        tracing::warn!(error = error as &dyn std::error::Error, jobs = jobs.len(), "no commit");
        if !tx.is_outside() {
            let _ = tx.control("ROLLBACK");
        }
    }
    for job in jobs {
        job.answer(committed.clone());
    }
    begun
}

/// Runs the jobs in the transaction, and if one fails all of them anew in another.
fn run_together(tx: &mut Tx, jobs: &mut [Box<dyn Job>]) -> Result<()> {
    let kept = jobs.iter_mut().all(|job| job.run(tx));
    check_inside(tx)?;
    if kept {
        return Ok(());
    }
    tx.control("ROLLBACK")?;
    tx.control("BEGIN IMMEDIATE")?;
    jobs.iter_mut().try_for_each(|job| run_in_savepoint(tx, job.as_mut()))
}

/// A full disk, for one, makes SQLite roll everything back by itself.
fn check_inside(tx: &Tx) -> Result<()> {
    if tx.is_outside() { Err(SqlError::RolledBack) } else { Ok(()) }
}

fn run_in_savepoint(tx: &mut Tx, job: &mut dyn Job) -> Result<()> {
    tx.control("SAVEPOINT job")?;
    let keep = job.run(tx);
    check_inside(tx)?;
    if !keep {
        tx.control("ROLLBACK TO job")?;
    }
    tx.control("RELEASE job")
}

impl Tx {
    fn control(&self, sql: &str) -> Result<()> {
        let run = self.connection()?.prepare_cached(sql).and_then(|mut it| it.execute([]));
        run.map(drop).map_err(told)
    }

    /// Whether no transaction is open.
    fn is_outside(&self) -> bool {
        self.connection().is_ok_and(rusqlite::Connection::is_autocommit)
    }

    fn connection(&self) -> Result<&rusqlite::Connection> {
        match &self.session {
            Session::Sqlite(conn) => Ok(conn),
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Session::Server(_) => Err(SqlError::Stopped),
        }
    }
}
