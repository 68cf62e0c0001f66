//! Refusals, counted: one row per kind, account or network, and minute, so that nobody fills a disk
//! by failing. Changes are not here: they write their events in their own transaction.

use crate::clock::Timestamp;
use crate::event::Event;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Rows kept for one batch; what goes beyond is in the log only.
const MOST: usize = 1_000;

#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<HashMap<Key, Event>>);

type Key = (i64, &'static str, Option<i64>, Option<String>, Option<String>);

impl Refusals {
    /// Counts a refusal in its minute, and logs it.
    pub(crate) fn count(&self, event: Event) {
        log(&event);
        self.add(event);
    }

    /// Takes back what the store did not.
    pub(crate) fn put_back(&self, events: Vec<Event>) {
        events.into_iter().for_each(|event| self.add(event));
    }

    fn add(&self, event: Event) {
        let user = event.user_id.map(|id| id.0);
        // By account where it is known, else by network.
        let network = event.network.clone().filter(|_| user.is_none());
        let reason = event.reason.as_deref().map(str::to_owned);
        let key = (minute(event.created_at), event.event.as_str(), user, network, reason);
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(row) = rows.get_mut(&key) {
            row.count = row.count.saturating_add(event.count);
        } else if rows.len() < MOST {
            rows.insert(key, event);
        }
    }

    /// Takes the rows of minutes that are over at `now`; all of them for `None`.
    pub(crate) fn take(&self, now: Option<Timestamp>) -> Vec<Event> {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let over = |key: &Key| now.is_none_or(|now| key.0 < minute(now));
        rows.extract_if(|key, _| over(key)).map(|(_, event)| event).collect()
    }
}

/// Writes an event to the log, where every single one stands.
pub(crate) fn log(event: &Event) {
    tracing::info!(
        target: "adyton::audit",
        event = event.event.as_str(),
        count = event.count,
        user_id = event.user_id.map(|id| id.0),
        session_id = event.session_id.as_deref(),
        token_id = event.token_id.map(|id| id.0),
        network = event.network.as_deref(),
        reason = event.reason.as_deref(),
    );
}

fn minute(time: Timestamp) -> i64 {
    time.unix().div_euclid(60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EventKind;
    use crate::user::UserId;

    #[test]
    fn a_minute_of_refusals_is_one_row() {
        let (refusals, now) = (Refusals::default(), Timestamp::from_unix(600));
        let fail = || Event::new(EventKind::AuthnLoginFail, now);
        for network in ["192.0.2.0", "198.51.100.0"] {
            refusals.count(fail().user(UserId(1)).network(Some(network.into())));
            refusals.count(fail().network(Some(network.into())));
        }
        assert!(refusals.take(Some(now.plus(59))).is_empty());
        let mut counts: Vec<_> =
            refusals.take(Some(now.plus(60))).iter().map(|row| (row.user_id, row.count)).collect();
        counts.sort_unstable();
        assert_eq!(counts, [(None, 1), (None, 1), (Some(UserId(1)), 2)]);
        assert!(refusals.take(None).is_empty());
    }

    #[test]
    fn its_rows_are_bounded() {
        let refusals = Refusals::default();
        for id in 0..2_000 {
            refusals
                .count(Event::new(EventKind::AuthzFail, Timestamp::from_unix(0)).user(UserId(id)));
        }
        assert_eq!(refusals.take(None).len(), MOST);
    }
}
