//! Who has passwords hashed just now: one address gets at most half of the queue, so that whoever
//! knows one password, and so is under no limit of failures, keeps nobody else from signing in.
//!
//! It knows nothing of limits on attempts, and counts only what is under way.

use crate::config::Hashing;
use crate::device::Client;
use crate::password::Overloaded;
use crate::throttle::block;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is under way, by address.
pub(super) struct Turns {
    most: usize,
    taken: Mutex<HashMap<IpAddr, usize>>,
}

/// One password that is being hashed, until this is dropped.
#[must_use = "dropped, it is over"]
pub(super) struct Turn<'a>(Option<(&'a Turns, IpAddr)>);

impl Turns {
    /// Half of the queue beside those that are being hashed.
    pub(super) fn new(threads: usize, hashing: &Hashing) -> Self {
        Self { most: threads + hashing.queue.div_ceil(2), taken: Mutex::default() }
    }

    /// A turn for this client; any number for those whose address is not known.
    ///
    /// # Errors
    /// [`Overloaded`] when its address has as many as it may.
    pub(super) fn take(&self, client: &Client) -> Result<Turn<'_>, Overloaded> {
        let Some(address) = client.address.map(block) else { return Ok(Turn(None)) };
        let mut taken = self.lock();
        let count = taken.entry(address).or_default();
        if *count >= self.most {
            metrics::counter!("adyton_hash_rejected_total").increment(1);
            return Err(Overloaded);
        }
        *count += 1;
        Ok(Turn(Some((self, address))))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let Some((turns, address)) = self.0 else { return };
        let mut taken = turns.lock();
        if let Some(count) = taken.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gets_half_of_the_queue_and_gives_it_back() {
        let turns = Turns::new(1, &Hashing { queue: 3, ..Hashing::default() });
        let at = |address: &str| Client::at(Some(address.parse().unwrap()));
        let take = |address: &str| turns.take(&at(address));
        let mut held: Vec<_> = (1..=3).map(|_| take("2001:db8::1").unwrap()).collect();
        assert!(take("2001:db8::2").is_err(), "one customer has 64 bits");
        let other = take("192.0.2.1").unwrap();
        held.pop();
        held.push(take("2001:db8::2").unwrap());
        assert!(take("2001:db8::1").is_err());
        let unknown: Vec<_> = (0..9).map(|_| turns.take(&Client::at(None)).unwrap()).collect();
        drop((held, other, unknown));
        assert!(turns.lock().is_empty());
    }
}
