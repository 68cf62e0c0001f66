//! Whether there is a way to the server. Who would wait for a connection that cannot be made, as long
//! as the pool has patience, is refused at once instead; one at a time sees whether it is back.

use super::told::{not_connected, unreachable};
use super::{Pool, Server};
use crate::error::{Result, SqlError};
use adyton_core::clock::{Clock, SystemClock};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// Whoever waits so long for a connection wants to know why.
const SOON: Duration = Duration::from_millis(250);
/// So long what was seen is taken to hold.
const HOLDS: Duration = Duration::from_millis(500);

/// What is known of the way.
#[derive(Debug, Default)]
pub(super) struct Reach {
    clock: SystemClock,
    lost: AtomicBool,
    /// When somebody looked last; held by who looks.
    looked: Mutex<Option<Duration>>,
}

impl Reach {
    /// Whether there was no way when somebody looked last.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::SeqCst)
    }
}

impl Server {
    /// Waits for what needs the server, as long as there may be a way to it.
    pub(super) async fn wait<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut work = pin!(work);
        if self.reach.is_lost() {
            self.ask().await?;
        }
        loop {
            match timeout(SOON, &mut work).await {
                Ok(done) => return done,
                Err(_) => self.ask().await?,
            }
        }
    }

    async fn ask(&self) -> Result<()> {
        let now = || self.reach.clock.monotonic();
        if let Ok(mut looked) = self.reach.looked.try_lock()
            && looked.is_none_or(|at| now() >= at + HOLDS)
        {
            let seen = self.look().await;
            *looked = Some(now());
            // A server that refuses for another reason is there.
            let lost = matches!(seen, Err(SqlError::Unreachable { .. } | SqlError::Lost(_)));
            self.reach.lost.store(lost, Ordering::SeqCst);
            return if lost { seen } else { Ok(()) };
        }
        let refusal = || unreachable(&self.place, sqlx::Error::PoolTimedOut);
        if self.reach.is_lost() { Err(refusal()) } else { Ok(()) }
    }

    /// Opens a connection without the pool, which would try until its time is over and not tell why.
    async fn look(&self) -> Result<()> {
        use sqlx::{ConnectOptions, Connection};
        let connected = async {
            either!(Pool, &self.pool, pool in _driver => {
                pool.connect_options().connect().await?.close().await
            })
        };
        match timeout(self.place.connect_timeout.duration(), connected).await {
            Ok(connected) => connected.map_err(|error| not_connected(&self.place, error)),
            Err(_) => Err(unreachable(&self.place, sqlx::Error::PoolTimedOut)),
        }
    }
}
