//! The connection to the server: in use, or lost and tried again.
//!
//! A call waits a quarter of a second at most. One that fails ends the connection for all, so that
//! the next caller does not wait: until a new connection has shown that scripts run on it, which is
//! tried every second, each call fails at once. While nobody calls, a script runs every second too,
//! so that a loss is known before it is met.

use crate::address::{Address, Connection};
use crate::channel::Waiting;
use crate::error::Failure;
use redis::{FromRedisValue, Script, ScriptInvocation};
use std::error::Error;
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(1);
/// Longest wait for an answer.
const ANSWER: Duration = Duration::from_millis(250);
/// Between two tries.
const RETRY: Duration = Duration::from_secs(1);

pub(crate) struct Link {
    address: Address,
    /// What all keys begin with, in braces: a cluster keeps them together, so that one script can
    /// see them all.
    prefix: String,
    connection: RwLock<State>,
    probe: Script,
    waiting: Waiting,
}

/// The connection, and how many there were before.
#[derive(Default)]
struct State {
    connection: Option<Connection>,
    number: u64,
    /// Whether the log knows that there is none.
    told: bool,
}

impl Link {
    /// Tries to connect once, and keeps at it in the background.
    pub(crate) async fn open(address: Address, prefix: &str) -> Arc<Self> {
        let link = Arc::new(Self {
            address,
            prefix: format!("{{{prefix}}}"),
            connection: RwLock::default(),
            probe: Script::new(include_str!("probe.lua")),
            waiting: Waiting::new(),
        });
        link.connect().await;
        tokio::spawn(keep(Arc::downgrade(&link)));
        link
    }

    pub(crate) fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.prefix)
    }

    /// What other nodes have to hear of.
    pub(crate) fn waiting(&self) -> &Waiting {
        &self.waiting
    }

    pub(crate) fn is_up(&self) -> bool {
        self.read(|state| state.connection.is_some())
    }

    /// Runs a script.
    pub(crate) async fn run<T: FromRedisValue>(
        &self,
        call: &ScriptInvocation<'_>,
    ) -> Result<T, Failure> {
        let (connection, number) = self.current();
        let connection = connection.ok_or(Failure::Away)?;
        let outcome = within(ANSWER, async { Ok(connection.run(call).await?) }).await;
        outcome.inspect_err(|failure| self.lose(number, failure))
    }

    fn current(&self) -> (Option<Connection>, u64) {
        self.read(|state| (state.connection.clone(), state.number))
    }

    async fn connect(&self) {
        match within(CONNECT, self.prepared()).await {
            Ok(connection) => {
                let number = self.gain(connection.clone());
                // What came to wait while it was tried out.
                self.probe(&connection, number).await;
            }
            Err(failure) => self.lose(self.read(|state| state.number), &failure),
        }
    }

    /// A connection on which scripts run that write: a server that is full, still loading or a
    /// replica accepts connections too.
    async fn prepared(&self) -> Result<Connection, Failure> {
        let connection = self.address.connect(ANSWER).await?;
        self.try_out(&connection).await?;
        Ok(connection)
    }

    /// Says what waits to be said, and runs a script in any case.
    async fn try_out(&self, connection: &Connection) -> Result<(), Failure> {
        self.waiting.flush(self, connection.clone()).await?;
        let call = self.probe.key(self.key("probe"));
        Ok(connection.clone().run(&call).await?)
    }

    async fn probe(&self, connection: &Connection, number: u64) {
        if let Err(failure) = within(ANSWER, self.try_out(connection)).await {
            self.lose(number, &failure);
        }
    }

    fn gain(&self, connection: Connection) -> u64 {
        self.write(|state| {
            if std::mem::take(&mut state.told) {
                tracing::info!("Redis is back");
            }
            state.connection = Some(connection);
            state.number += 1;
            state.number
        })
    }

    /// Gives the connection with this number up, and says so once.
    fn lose(&self, number: u64, failure: &Failure) {
        self.write(|state| {
            if state.number != number {
                return;
            }
            state.connection = None;
            if !std::mem::replace(&mut state.told, true) {
                let causes = std::iter::successors(failure.source(), |&cause| cause.source());
                let causes = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
                tracing::warn!(
                    error = %failure,
                    causes,
                    "Redis is lost: until it is back, limits are this node's own, and the cache is \
                     off where nodes tell each other through it"
                );
            }
        });
    }

    fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.connection.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.connection.write().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Looks after a link until nobody has it any more.
async fn keep(link: Weak<Link>) {
    loop {
        sleep(RETRY).await;
        let Some(link) = link.upgrade() else { return };
        match link.current() {
            (Some(connection), number) => link.probe(&connection, number).await,
            (None, _) => link.connect().await,
        }
    }
}

async fn within<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    timeout(limit, call).await.unwrap_or(Err(Failure::Late))
}
