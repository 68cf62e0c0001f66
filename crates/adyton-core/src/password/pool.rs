//! Threads that hash: as many as are allowed, each with memory of its own that it uses again, and
//! a queue that sheds. Without the bound a flood of sign-ins takes gigabytes.

use super::scheme::{self, HashError, Memory};
use crate::clock::Stopwatch;
use crate::user::{Password, StoredPassword};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;
use tokio::sync::oneshot;

/// After so long without work a thread gives its 19 MiB back.
const IDLE: Duration = Duration::from_secs(30);

/// Work and the caller who waits for it.
trait Job: Send {
    /// Since it was queued.
    fn waited(&self) -> Duration;
    fn is_abandoned(&self) -> bool;
    fn run(self: Box<Self>, memory: &mut Memory);
}

struct Task<T, F> {
    queued: Stopwatch,
    work: F,
    reply: oneshot::Sender<T>,
}

impl<T: Send, F: FnOnce(&mut Memory) -> T + Send> Job for Task<T, F> {
    fn waited(&self) -> Duration {
        self.queued.elapsed()
    }

    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn run(self: Box<Self>, memory: &mut Memory) {
        let _ = self.reply.send((self.work)(memory));
    }
}

/// Hashes and verifies passwords on threads of its own. Dropping it ends them.
#[derive(Debug)]
pub(crate) struct Hasher(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    work: Condvar,
    longest_queue: usize,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Box<dyn Job>>,
    /// Threads that wait for work.
    idle: usize,
    closed: bool,
}

impl Hasher {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub(crate) fn start(threads: usize, queue: usize) -> std::io::Result<Self> {
        let hasher = Self(Arc::new(Shared {
            state: Mutex::default(),
            work: Condvar::new(),
            longest_queue: queue,
        }));
        for _ in 0..threads {
            let shared = Arc::clone(&hasher.0);
            thread::Builder::new().name("adyton-hash".into()).spawn(move || shared.work())?;
        }
        Ok(hasher)
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// [`Overloaded`] when the queue is full; the inner error when it cannot be hashed.
    pub(crate) async fn hash(
        &self,
        password: Password,
    ) -> Result<Result<StoredPassword, HashError>, Overloaded> {
        self.run(move |memory| scheme::hash(password.expose(), memory)).await
    }

    /// Whether a password is the one behind a stored hash.
    ///
    /// # Errors
    /// [`Overloaded`] when the queue is full.
    pub(crate) async fn verify(
        &self,
        password: Password,
        stored: StoredPassword,
    ) -> Result<bool, Overloaded> {
        self.run(move |memory| scheme::verify(password.expose(), stored.as_str(), memory)).await
    }

    /// Whether one more hash would be shed.
    pub(crate) fn is_full(&self) -> bool {
        let state = self.0.lock();
        state.queue.len() >= self.0.longest_queue + state.idle
    }

    /// Sets the metric of its queue.
    pub(crate) fn observe(&self) {
        metrics::gauge!("adyton_hash_queue_length").set(self.0.lock().queue.len() as f64);
    }

    /// Queues work and waits for it. Work whose caller has gone is not begun.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, Overloaded> {
        let (reply, answer) = oneshot::channel();
        self.0.push(Box::new(Task { queued: Stopwatch::start(), work, reply }))?;
        answer.await.map_err(|_| Overloaded)
    }
}

impl Drop for Hasher {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.work.notify_all();
    }
}

impl Shared {
    fn push(&self, job: Box<dyn Job>) -> Result<(), Overloaded> {
        let mut state = self.lock();
        let room = self.longest_queue + state.idle;
        if state.queue.len() >= room {
            state.queue.retain(|job| !job.is_abandoned());
        }
        if state.queue.len() >= room {
            metrics::counter!("adyton_hash_rejected_total").increment(1);
            return Err(Overloaded);
        }
        state.queue.push_back(job);
        self.work.notify_one();
        Ok(())
    }

    fn work(&self) {
        let mut memory = Memory::default();
        while let Some(job) = self.next(&mut memory) {
            if !job.is_abandoned() {
                metrics::histogram!("adyton_hash_wait_seconds").record(job.waited());
                let begun = Stopwatch::start();
                // A panic would take the thread along; the caller learns from the closed channel.
                let _ = catch_unwind(AssertUnwindSafe(|| job.run(&mut memory)));
                metrics::histogram!("adyton_hash_duration_seconds").record(begun.elapsed());
            }
        }
    }

    /// The next job; `None` when there will be no more.
    fn next(&self, memory: &mut Memory) -> Option<Box<dyn Job>> {
        let mut state = self.lock();
        state.idle += 1;
        let job = loop {
            if let Some(job) = state.queue.pop_front() {
                break Some(job);
            }
            if state.closed {
                break None;
            }
            let (woken, waited) =
                self.work.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            if waited.timed_out() {
                memory.release();
            }
        };
        state.idle -= 1;
        job
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("longest_queue", &self.longest_queue).finish_non_exhaustive()
    }
}

/// More passwords wait to be hashed than the queue takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords wait to be hashed")]
pub struct Overloaded;

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    #[tokio::test]
    async fn a_full_queue_sheds_and_a_caller_who_left_costs_nothing() {
        let hasher = Arc::new(Hasher::start(1, 3).unwrap());
        let done = Arc::new(AtomicUsize::new(0));
        let (started, has_started) = mpsc::channel();
        let (release, wait) = mpsc::channel::<()>();
        let running = tokio::spawn({
            let hasher = Arc::clone(&hasher);
            async move { hasher.run(move |_| started.send(()).is_ok() && wait.recv().is_err()).await }
        });
        tokio::task::spawn_blocking(move || has_started.recv()).await.unwrap().unwrap();

        let queued: Vec<_> = (0..2)
            .map(|_| {
                let (hasher, done) = (Arc::clone(&hasher), Arc::clone(&done));
                tokio::spawn(async move {
                    hasher.run(move |_| done.fetch_add(1, Ordering::SeqCst)).await
                })
            })
            .collect();
        // Who stays is behind those who will leave: their turn comes first.
        let last = tokio::spawn({
            let hasher = Arc::clone(&hasher);
            async move { hasher.run(|_| ()).await }
        });
        tokio::task::yield_now().await;
        assert_eq!(hasher.run(|_| ()).await, Err(Overloaded));

        queued.iter().for_each(|left| left.abort());
        tokio::task::yield_now().await;
        drop(release);
        assert_eq!(running.await.unwrap(), Ok(true));
        assert_eq!(last.await.unwrap(), Ok(()));
        assert_eq!(done.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn a_panic_does_not_take_the_thread_along() {
        let hasher = Hasher::start(1, 1).unwrap();
        assert_eq!(hasher.run(|_| -> () { panic!("on purpose") }).await, Err(Overloaded));
        assert_eq!(hasher.run(|_| 7).await, Ok(7));
    }
}
