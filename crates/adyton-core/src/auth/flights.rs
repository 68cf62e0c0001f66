//! Look-ups that several callers share: a hundred requests at once with a token that is not in memory
//! are a question or two to the store, not a hundred.
//!
//! Nobody is answered by a look-up that began before they came: whatever was revoked by then, by
//! whomever, is revoked for them too, so this knows nothing of generations and leases. Who comes
//! while one is under way waits for its end; if the cache has no answer for them then, all who wait
//! share the next. Nothing is kept when nobody is left: not a credential, and not that there is none.

use crate::cache::Verified;
use crate::secret::{Hash, Kind};
use crate::store::StoreError;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::timeout;

/// What a look-up found, as often as it is needed.
pub(super) type Found = Result<Option<Verified>, StoreError>;

/// How long one waits for the others: a connection that hangs shall hold up only whose it is.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is being looked up.
#[derive(Default)]
pub(super) struct Flights(Mutex<HashMap<(Kind, Hash), Flight>>);

#[derive(Default)]
struct Flight {
    aboard: usize,
    begun: u64,
    landed: Arc<Landed>,
}

/// The number of the latest look-up, and what it found. It is locked while one is under way.
type Landed = tokio::sync::Mutex<Option<(u64, Found)>>;
type Held<'a> = tokio::sync::MutexGuard<'a, Option<(u64, Found)>>;

/// Somebody who wants a credential looked up, until this is dropped.
pub(super) struct Seat<'a> {
    flights: &'a Flights,
    key: (Kind, Hash),
    /// How many look-ups had begun by then.
    came: u64,
    landed: Arc<Landed>,
}

/// What comes of waiting.
pub(super) enum Waited<'a> {
    /// What a look-up found that began after the seat was taken.
    Found(Found),
    /// Nothing: this caller looks up.
    Turn(Turn<'a>),
}

/// The turn to look up. When it is dropped, with an answer or without, the next one wakes.
pub(super) struct Turn<'a> {
    seat: &'a Seat<'a>,
    /// None for who looks up beside a look-up that takes too long.
    landed: Option<Held<'a>>,
    /// Whether another look-up was under way before it: the cache may have the answer.
    pub(super) waited: bool,
}

impl Flights {
    pub(super) fn board(&self, kind: Kind, hash: Hash) -> Seat<'_> {
        let mut flights = self.lock();
        let flight = flights.entry((kind, hash)).or_default();
        flight.aboard += 1;
        let (came, landed) = (flight.begun, Arc::clone(&flight.landed));
        Seat { flights: self, key: (kind, hash), came, landed }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Kind, Hash), Flight>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat<'_> {
    pub(super) async fn wait(&self) -> Waited<'_> {
        if let Ok(landed) = self.landed.try_lock() {
            return self.turn(Some(landed), false);
        }
        self.turn(timeout(PATIENCE, self.landed.lock()).await.ok(), true)
    }

    fn turn<'a>(&'a self, landed: Option<Held<'a>>, waited: bool) -> Waited<'a> {
        match landed.as_deref() {
            Some(Some((number, found))) if *number > self.came => Waited::Found(found.clone()),
            _ => Waited::Turn(Turn { seat: self, landed, waited }),
        }
    }

    /// Counts a look-up that begins now: under the lock under which seats are taken, so that it sees
    /// whatever had happened when those came whom it will answer.
    fn begin(&self) -> u64 {
        let mut flights = self.flights.lock();
        let Some(flight) = flights.get_mut(&self.key) else { return 0 };
        flight.begun += 1;
        flight.begun
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut flights = self.flights.lock();
        if let Some(flight) = flights.get_mut(&self.key) {
            flight.aboard -= 1;
            if flight.aboard == 0 {
                flights.remove(&self.key);
            }
        }
    }
}

impl Turn<'_> {
    /// Looks up, for this caller and for all who wait by the time it begins; they wake when this
    /// turn is dropped.
    pub(super) async fn take(
        &mut self,
        look_up: impl Future<Output = Result<Option<Verified>, StoreError>>,
    ) -> Found {
        let number = self.seat.begin();
        let found = look_up.await;
        if let Some(landed) = &mut self.landed {
            **landed = Some((number, found.clone()));
        }
        found
    }
}
