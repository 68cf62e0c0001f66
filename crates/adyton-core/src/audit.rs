//! What is told of events outside the store: each one to the log, the metrics and whoever listens;
//! refusals moreover in counted rows, one per kind, account or network, and minute, so that nobody
//! fills a disk by failing. Changes write their rows in their own transaction.

use crate::clock::Timestamp;
use crate::event::Event;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use tokio::sync::mpsc;

/// Rows of refusals that a minute may add; what goes beyond is in the log only.
const MOST: usize = 1_000;
/// Rows that wait for a store which does not take them.
const MOST_WAITING: usize = 10 * MOST;
/// Events that wait for a listener which is slower than they come.
const BACKLOG: usize = 1_024;

/// Everybody who is told of events.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    refusals: Mutex<Refusals>,
    listeners: RwLock<Vec<mpsc::Sender<Event>>>,
    /// Whether a listener was too slow for the last event.
    overflowing: AtomicBool,
}

#[derive(Debug, Default)]
struct Refusals {
    rows: HashMap<Key, Event>,
    /// The latest minute of a refusal, and how many rows it has added.
    minute: (i64, usize),
}

type Key = (i64, &'static str, Option<i64>, Option<String>, Option<String>);

/// Every event from now on, in its order. Dropping it ends it.
#[derive(Debug)]
pub struct Listener(mpsc::Receiver<Event>);

impl Listener {
    /// The next event; `None` when the engine is gone.
    pub async fn next(&mut self) -> Option<Event> {
        self.0.recv().await
    }
}

impl Audit {
    /// Tells of a change that is committed.
    pub(crate) fn changed(&self, event: &Event) {
        log(event);
        count(event);
        self.pass_on(event);
    }

    /// Tells of a refusal, and counts it in its minute.
    pub(crate) fn refused(&self, event: Event) {
        self.changed(&event);
        self.lock().add(event);
    }

    /// Takes back what the store did not.
    pub(crate) fn put_back(&self, events: Vec<Event>) {
        self.lock().put_back(events);
    }

    /// Takes the rows of minutes that are over at `now`; all of them for `None`.
    pub(crate) fn take(&self, now: Option<Timestamp>) -> Vec<Event> {
        let over = |key: &Key| now.is_none_or(|now| key.0 < minute(now));
        let mut refusals = self.lock();
        refusals.rows.extract_if(|key, _| over(key)).map(|(_, event)| event).collect()
    }

    /// Somebody more to tell.
    pub(crate) fn listen(&self) -> Listener {
        let (sender, receiver) = mpsc::channel(BACKLOG);
        self.listeners.write().unwrap_or_else(PoisonError::into_inner).push(sender);
        Listener(receiver)
    }

    /// Nobody who signs in waits for a listener: what one cannot take is lost to it.
    fn pass_on(&self, event: &Event) {
        use mpsc::error::TrySendError::{Closed, Full};
        let listeners = self.listeners.read().unwrap_or_else(PoisonError::into_inner);
        let (mut full, mut closed) = (false, false);
        for listener in listeners.iter() {
            match listener.try_send(event.clone()) {
                Ok(()) => {}
                Err(Full(_)) => full = true,
                Err(Closed(_)) => closed = true,
            }
        }
        drop(listeners);
        if closed {
            let mut listeners = self.listeners.write().unwrap_or_else(PoisonError::into_inner);
            listeners.retain(|listener| !listener.is_closed());
        }
        if full {
            metrics::counter!("adyton_event_hooks_dropped_total").increment(1);
        }
        if self.overflowing.swap(full, Ordering::Relaxed) != full && full {
            tracing::warn!("a hook is slower than events come; some are lost to it");
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Refusals> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Refusals {
    fn add(&mut self, event: Event) {
        let (minute, key) = (minute(event.created_at), key(&event));
        if let Some(row) = self.rows.get_mut(&key) {
            row.count = row.count.saturating_add(event.count);
            return;
        }
        if minute > self.minute.0 {
            self.minute = (minute, 0);
        }
        if self.minute.1 < MOST && self.rows.len() < MOST_WAITING {
            self.minute.1 += 1;
            self.rows.insert(key, event);
        }
    }

    /// They were counted when they came.
    fn put_back(&mut self, events: Vec<Event>) {
        for event in events {
            if let Some(row) = self.rows.get_mut(&key(&event)) {
                row.count = row.count.saturating_add(event.count);
            } else if self.rows.len() < MOST_WAITING {
                self.rows.insert(key(&event), event);
            }
        }
    }
}

/// By account where it is known, else by network.
fn key(event: &Event) -> Key {
    let user = event.user_id.map(|id| id.0);
    let network = event.network.clone().filter(|_| user.is_none());
    let reason = event.reason.as_deref().map(str::to_owned);
    (minute(event.created_at), event.event.as_str(), user, network, reason)
}

/// Writes an event to the log, where every single one stands.
fn log(event: &Event) {
    tracing::info!(
        target: "adyton::audit",
        event = event.event.as_str(),
        outcome = event.event.outcome().as_str(),
        count = event.count,
        user_id = event.user_id.map(|id| id.0),
        session_id = event.session_id.as_deref(),
        token_id = event.token_id.map(|id| id.0),
        network = event.network.as_deref(),
        request_id = event.request_id.as_deref(),
        reason = event.reason.as_deref(),
    );
}

/// Reasons are words of ours, so that their number is bounded. Nothing that a client chooses is a
/// label.
fn count(event: &Event) {
    let (kind, outcome) = (event.event.as_str(), event.event.outcome().as_str());
    let reason = event.reason.clone().unwrap_or_default();
    metrics::counter!("adyton_events_total", "event" => kind, "outcome" => outcome, "reason" => reason)
        .increment(event.count.into());
}

fn minute(time: Timestamp) -> i64 {
    time.unix().div_euclid(60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EventKind;
    use crate::user::UserId;

    fn fail(second: i64) -> Event {
        Event::new(EventKind::AuthnLoginFail, Timestamp::from_unix(second))
    }

    #[test]
    fn a_minute_of_refusals_is_one_row() {
        let (audit, now) = (Audit::default(), Timestamp::from_unix(600));
        for network in ["192.0.2.0", "198.51.100.0"] {
            audit.refused(fail(600).user(UserId(1)).network(Some(network.into())));
            audit.refused(fail(600).network(Some(network.into())));
        }
        assert!(audit.take(Some(now.plus(59))).is_empty());
        let mut counts: Vec<_> =
            audit.take(Some(now.plus(60))).iter().map(|row| (row.user_id, row.count)).collect();
        counts.sort_unstable();
        assert_eq!(counts, [(None, 1), (None, 1), (Some(UserId(1)), 2)]);
        assert!(audit.take(None).is_empty());
    }

    #[test]
    fn a_minute_adds_a_bounded_number_of_rows_however_often_they_are_taken() {
        let audit = Audit::default();
        let mut taken = 0;
        for id in 0..3_000 {
            audit.refused(fail(id / 100).user(UserId(id)));
            if id % 500 == 0 {
                taken += audit.take(None).len();
            }
        }
        assert_eq!(taken + audit.take(None).len(), MOST);
        audit.refused(fail(60).user(UserId(1)));
        assert_eq!(audit.take(None).len(), 1, "the next minute has room of its own");
    }

    #[test]
    fn what_no_store_takes_is_kept_within_a_bound() {
        let audit = Audit::default();
        for minute in 0..20 {
            for id in 0..1_000 {
                audit.refused(fail(60 * minute).user(UserId(id)));
            }
            let rows = audit.take(None);
            audit.put_back(rows);
        }
        assert_eq!(audit.take(None).len(), MOST_WAITING);
    }

    #[tokio::test]
    async fn a_listener_that_is_too_slow_loses_events_and_holds_nobody_up() {
        let audit = Audit::default();
        let (mut slow, gone) = (audit.listen(), audit.listen());
        drop(gone);
        for second in 0..2_000 {
            audit.changed(&fail(second));
        }
        for second in 0..1_024 {
            assert_eq!(slow.next().await, Some(fail(second)));
        }
        audit.changed(&fail(9_999));
        assert_eq!(slow.next().await, Some(fail(9_999)));
        drop(audit);
        assert_eq!(slow.next().await, None);
    }
}
