//! Changes by others, as PostgreSQL tells of them: the triggers of `migrate --with-triggers` notify
//! a channel, and one connection listens to it.
//!
//! A question is a round trip on that very connection: the server hands out every notification that
//! was committed before it together with the answer. The same round trip looks at the triggers, so
//! that nothing is believed without them. What a node writes itself it hears of too, marked with
//! the node's own id, and does not count it: it has forgotten by itself what that changed.
//!
//! Before a new connection is believed, a notification is sent to it through the pool: behind a
//! pooler that shares connections, or on a relative of PostgreSQL that takes LISTEN for nothing, it
//! does not arrive. Nothing here writes, and nothing here knows what a change means.

use super::super::doubt::Doubt;
use super::super::server::{told, unreachable};
use super::query;
use crate::dialect::Names;
use crate::error::{Result, SqlError};
use crate::triggers::{COUNT, INSTALLED};
use adyton_core::clock::{Clock, SystemClock};
use adyton_core::config::DatabaseServer;
use sqlx::postgres::{PgListener, PgPool, PgPoolOptions};
use sqlx::{Executor, Row};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

const CHANNEL: &str = "adyton";
const PROBE: &str = "SELECT pg_notify('adyton', ?)";
/// A round trip that takes longer has lost its connection. Until it is given up nothing counts,
/// since the lease ends long before; a server that is slow for a moment keeps its connection.
const PATIENCE: Duration = Duration::from_secs(1);
/// The pause before a lost connection is made anew.
const RETRY: Duration = Duration::from_millis(250);
/// The pause before triggers are looked for again.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

type Answer = Result<Option<i64>>;
type Ask = oneshot::Sender<Answer>;

/// Counts changes by others.
pub(in super::super) struct Changes {
    setting: Setting,
    ear: Mutex<Option<mpsc::Sender<Ask>>>,
}

/// What stays the same however often the connection is made anew.
#[derive(Clone)]
struct Setting {
    pool: PgPool,
    names: Arc<Names>,
    place: Arc<DatabaseServer>,
    node: String,
    doubt: Arc<Doubt>,
    count: Arc<AtomicI64>,
}

impl Changes {
    pub(in super::super) fn new(
        pool: PgPool,
        names: Arc<Names>,
        place: Arc<DatabaseServer>,
        node: String,
        doubt: Arc<Doubt>,
    ) -> Self {
        let count = Arc::default();
        Self { setting: Setting { pool, names, place, node, doubt, count }, ear: Mutex::default() }
    }

    /// A number that has moved if others have written, or may have; `None` where they cannot be
    /// heard of.
    pub(in super::super) async fn count(&self) -> Answer {
        let (ask, answer) = oneshot::channel();
        self.ear().send(ask).await.map_err(|_| SqlError::Stopped)?;
        answer.await.unwrap_or(Err(SqlError::Stopped))
    }

    /// The task that listens. It outlives whoever asks, and ends with this.
    fn ear(&self) -> mpsc::Sender<Ask> {
        let mut ear = self.ear.lock().unwrap_or_else(PoisonError::into_inner);
        match &*ear {
            Some(open) if !open.is_closed() => open.clone(),
            _ => {
                let (sender, asks) = mpsc::channel(8);
                tokio::spawn(Ear::new(self.setting.clone()).run(asks));
                ear.insert(sender).clone()
            }
        }
    }
}

struct Ear {
    setting: Setting,
    listener: Option<Listener>,
    clock: SystemClock,
    /// Nobody is connected to before this moment.
    rests_until: Duration,
    standing: Standing,
}

/// How it stands, for the log.
#[derive(Clone, Copy, PartialEq)]
enum Standing {
    Unknown,
    Hears,
    NoTriggers,
    Deaf,
    Lost,
}

impl Ear {
    fn new(setting: Setting) -> Self {
        let (clock, rests_until) = (SystemClock::default(), Duration::ZERO);
        Self { setting, listener: None, clock, rests_until, standing: Standing::Unknown }
    }

    async fn run(mut self, mut asks: mpsc::Receiver<Ask>) {
        while let Some(ask) = asks.recv().await {
            // Whoever asked may have gone.
            let _ = ask.send(self.answer().await);
        }
    }

    async fn answer(&mut self) -> Answer {
        let heard = match self.listener.take() {
            Some(listener) => self.ask(listener).await,
            None if self.clock.monotonic() < self.rests_until => return Ok(None),
            None => self.listen().await,
        };
        match heard {
            Ok(Ok(listener)) => {
                self.listener = Some(listener);
                self.stands(Standing::Hears, None);
                Ok(Some(self.setting.count.load(Ordering::SeqCst)))
            }
            Ok(Err(standing)) => {
                self.rests_until = self.clock.monotonic() + LOOK_AGAIN;
                self.stands(standing, None);
                Ok(None)
            }
            Err(error) => {
                self.rests_until = self.clock.monotonic() + RETRY;
                self.stands(Standing::Lost, Some(&error));
                Err(error)
            }
        }
    }

    /// One question; the connection comes back if it is still good for another.
    async fn ask(&self, mut listener: Listener) -> Result<Result<Listener, Standing>> {
        let heard = self.within(PATIENCE, listener.hear(&self.setting)).await?;
        self.setting.count.fetch_add(heard.changes, Ordering::SeqCst);
        Ok(if heard.complete { Ok(listener) } else { Err(Standing::NoTriggers) })
    }

    /// A new connection. What happened before it is not known, so it counts as a change.
    async fn listen(&self) -> Result<Result<Listener, Standing>> {
        let wait = self.setting.place.connect_timeout.duration();
        let opened = self.within(wait, Listener::open(&self.setting)).await?;
        self.setting.count.fetch_add(1, Ordering::SeqCst);
        Ok(opened)
    }

    async fn within<T>(
        &self,
        wait: Duration,
        work: impl Future<Output = sqlx::Result<T>>,
    ) -> Result<T> {
        let place = &self.setting.place;
        match timeout(wait, work).await {
            Ok(done) => done.map_err(|error| told(place, error)),
            Err(_) => Err(unreachable(place, sqlx::Error::PoolTimedOut)),
        }
    }

    fn stands(&mut self, standing: Standing, error: Option<&SqlError>) {
        if std::mem::replace(&mut self.standing, standing) == standing {
            return;
        }
        match (standing, error) {
            (Standing::Lost, Some(error)) => {
                tracing::warn!(%error, "changes by others are not heard of: {NOT_KEPT}");
            }
            (Standing::Hears, _) => {
                tracing::info!("changes by others are heard of: {KEPT}");
            }
            (Standing::NoTriggers, _) => {
                tracing::info!("nobody tells of changes: {NOT_KEPT}; {INSTALL}");
            }
            (Standing::Deaf, _) => {
                tracing::warn!("notifications do not arrive: {NOT_KEPT}; {POOLER}");
            }
            _ => {}
        }
    }
}

const KEPT: &str = "verified tokens are kept in memory";
const NOT_KEPT: &str = "verified tokens are not kept in memory";
const INSTALL: &str = "`adyton migrate --with-triggers` installs what does";
const POOLER: &str = "is there a pooler in between that shares connections?";

struct Listener {
    conn: PgListener,
    /// The tables whose triggers tell of changes, and since which transaction these are as they are.
    tables: Vec<(i64, i64)>,
}

/// What came with an answer.
struct Heard {
    /// Whether all triggers are there.
    complete: bool,
    changes: i64,
    probed: bool,
}

impl Listener {
    async fn open(setting: &Setting) -> sqlx::Result<Result<Self, Standing>> {
        let installed = query(setting.names.render(INSTALLED).text, &[])?;
        if setting.pool.fetch_all(installed).await?.len() != COUNT {
            return Ok(Err(Standing::NoTriggers));
        }
        // A pool of its own for each connection: one that is stuck is in nobody's way.
        let options = (*setting.pool.connect_options()).clone().application_name("adyton changes");
        let pool = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        let mut conn = PgListener::connect_with(&pool.connect_lazy_with(options)).await?;
        conn.listen(CHANNEL).await?;
        let mut listener = Self { conn, tables: Vec::new() };
        let probe = format!("probe {}", setting.node).into();
        setting.pool.execute(query(setting.names.render(PROBE).text, &[probe])?).await?;
        let heard = listener.hear(setting).await?;
        Ok(match heard {
            Heard { complete: false, .. } => Err(Standing::NoTriggers),
            Heard { probed: false, .. } => Err(Standing::Deaf),
            Heard { .. } => Ok(listener),
        })
    }

    /// Asks whether the triggers are there, and takes in what has arrived with the answer.
    async fn hear(&mut self, setting: &Setting) -> sqlx::Result<Heard> {
        let installed = query(setting.names.render(INSTALLED).text, &[])?;
        let rows = self.conn.fetch_all(installed).await?;
        let mut tables: Vec<(i64, i64)> = rows
            .iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect::<sqlx::Result<_>>()?;
        tables.sort_unstable();
        let mut heard = Heard { complete: tables.len() == COUNT, changes: 0, probed: false };
        if tables != self.tables {
            self.tables = tables;
            heard.changes += 1;
        }
        while let Some(notification) = self.conn.next_buffered() {
            let Some((what, node)) = notification.payload().split_once(' ') else { continue };
            let ours = node == setting.node;
            let known = |id: &i64| self.tables.iter().any(|(table, _)| table == id);
            let table = what.parse::<i64>().ok().filter(known);
            heard.probed |= what == "probe" && ours;
            if table.is_some() && (!ours || setting.doubt.stands()) {
                heard.changes += 1;
            }
        }
        Ok(heard)
    }
}
