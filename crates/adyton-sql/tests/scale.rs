//! What verifying costs among a million tokens, and whom the pruning of half a million rows holds up: figures
//! for each database, against their limits. Optimised and alone on its machine, or they say little.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, and knows no helpers")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "it tells what it measured"
)]

#[path = "it/databases.rs"]
mod databases;

use adyton_core::Auth;
use adyton_core::clock::Timestamp;
use adyton_core::config::{CacheMode, Config};
use adyton_core::secret::Hash;
use adyton_core::store::{Store, TokenStore, Touches};
use adyton_core::testing::ManualClock;
use adyton_core::token::TokenId;
use adyton_sql::SqlStore;
use databases::{Database, Kind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const FEW: u64 = 10_000;
const MANY: u64 = 1_000_000;
const EXPIRED: u64 = 500_000;
const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
/// As the engine prunes, which rests for as long as a batch took.
const BATCH: u32 = 100;
/// Look-ups in a round, and rounds.
const LOOKUPS: u64 = 2_000;
const ROUNDS: u64 = 9;

/// Verifying alone is at 1.5 on SQLite: among many, pages come from the system that among few are at hand. A
/// request over HTTP costs a fifth more (`docs/performance.md`).
const GROWTH: f64 = 1.75;
const LONGEST_LOCK: Duration = Duration::from_millis(50);
const SLOWDOWN: f64 = 3.0;

/// Where the tokens are.
enum Place {
    File(TempDir),
    Server(Database),
}

impl Place {
    async fn new(kind: Option<Kind>) -> Option<Self> {
        match kind {
            None => Some(Self::File(tempfile::tempdir().unwrap())),
            Some(kind) => Database::new(kind).await.map(Self::Server),
        }
    }

    fn config(&self) -> Config {
        match self {
            Self::File(folder) => {
                let mut config = Config::default();
                let path = folder.path().join("adyton.sqlite3");
                config.connector.url = Some(format!("sqlite://{}", path.display()));
                config
            }
            Self::Server(database) => database.config(),
        }
    }

    /// A store with so many tokens of a thousand users, as [`secret`] has them.
    async fn store(&self, tokens: u64, expires_at: &str) -> SqlStore {
        let store = SqlStore::open(&self.config()).await.unwrap();
        store.migrate(NOW).await.unwrap();
        match self {
            Self::File(_) => seed_file(&self.config(), tokens, expires_at),
            Self::Server(database) => seed_server(database, tokens, expires_at).await,
        }
        store
    }
}

fn seed_file(config: &Config, tokens: u64, expires_at: &str) {
    let mut conn = rusqlite::Connection::open(config.connector.sqlite_path()).unwrap();
    let tx = conn.transaction().unwrap();
    {
        let user = "INSERT INTO users (name, email, password) VALUES ('u', ?, 'x')";
        let mut user = tx.prepare(user).unwrap();
        for id in 0..1_000 {
            user.execute([format!("u{id}@example.com")]).unwrap();
        }
        let sql = "INSERT INTO personal_access_tokens
                   (tokenable_type, tokenable_id, name, token, abilities, expires_at)
                   VALUES ('user', ?, 't', ?, '[\"*\"]', ?)";
        let mut token = tx.prepare(sql).unwrap();
        for number in 0..tokens {
            let hash = Hash::of(&secret(number)).to_hex();
            token.execute((number as i64 % 1_000 + 1, hash, expires_at)).unwrap();
        }
    }
    tx.commit().unwrap();
}

/// That of the token with this number, of a form that others issue.
fn secret(number: u64) -> String {
    format!("{number:020}")
}

async fn seed_server(database: &Database, tokens: u64, expires_at: &str) {
    let (numbers, hash, text) = match database.kind {
        Kind::Postgres => (
            format!("(SELECT n FROM generate_series(0, {tokens} - 1) n) numbers"),
            "encode(sha256(LPAD(CAST(n AS text), 20, '0')::bytea), 'hex')",
            "CAST(n AS text)",
        ),
        Kind::Mysql => {
            let digits = "(SELECT 0 d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4
                           UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8
                           UNION SELECT 9)";
            let tables: Vec<_> = (0..6).map(|at| format!("{digits} t{at}")).collect();
            let sum: Vec<_> = (0..6).map(|at| format!("t{at}.d * {}", 10_u32.pow(at))).collect();
            let (sum, tables) = (sum.join(" + "), tables.join(", "));
            let numbers = format!("(SELECT {sum} AS n FROM {tables} HAVING n < {tokens}) numbers");
            (numbers, "SHA2(LPAD(CAST(n AS CHAR), 20, '0'), 256)", "CAST(n AS CHAR)")
        }
    };
    database
        .run(&format!(
            "INSERT INTO users (name, email, password)
             SELECT 'u', CONCAT('u', {text}, '@example.com'), 'x' FROM {numbers} WHERE n < 1000"
        ))
        .await;
    database
        .run(&format!(
            "INSERT INTO personal_access_tokens
             (tokenable_type, tokenable_id, name, token, abilities, expires_at)
             SELECT 'user', (SELECT MIN(id) FROM users) + n % 1000, 't', {hash}, '[\"*\"]',
             '{expires_at}' FROM {numbers}"
        ))
        .await;
    let analyze = "ANALYZE TABLE personal_access_tokens, users";
    database.run(if database.kind == Kind::Mysql { analyze } else { "ANALYZE" }).await;
}

/// An engine that keeps nothing of what it has found.
fn forgetful(store: SqlStore) -> Auth {
    let mut config = Config::default();
    config.cache.enabled = CacheMode::Off;
    config.compat.imported_tokens = true;
    Auth::new(config, Arc::new(store), Arc::new(ManualClock::at(NOW))).unwrap()
}

/// The median time of verifying a token, in microseconds.
async fn verify(auth: &Auth, tokens: u64, round: u64) -> f64 {
    let mut times = Vec::new();
    for number in 0..LOOKUPS {
        // Spread over the table, and others in each round.
        let number = (number * 7_919 + round * 104_729) % tokens;
        let token = secret(number);
        let start = Instant::now();
        auth.authenticate(&token).await.unwrap();
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    percentile(&mut times, 0.5)
}

fn percentile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * part) as usize]
}

async fn verifies(kind: Option<Kind>, name: &str) {
    let Some(small) = Place::new(kind).await else { return };
    let large = Place::new(kind).await.unwrap();
    let far = "2040-01-01 00:00:00";
    let few = forgetful(small.store(FEW, far).await);
    let many = forgetful(large.store(MANY, far).await);
    let (mut ratios, mut costs) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let (less, more) = (verify(&few, FEW, round).await, verify(&many, MANY, round).await);
        if round > 0 {
            ratios.push(more / less);
            costs.push(more);
        }
    }
    let (ratio, cost) = (percentile(&mut ratios, 0.5), percentile(&mut costs, 0.5));
    println!(
        "{name}: verifying among {MANY} takes {cost:.1} µs, {ratio:.2} times that among {FEW}"
    );
    assert!(ratio <= GROWTH, "more than {GROWTH} times");
}

/// What others notice: readers look tokens up, a writer notes uses.
#[derive(Default)]
struct Others {
    reads: Vec<f64>,
    longest_write: Duration,
}

async fn others(store: &SqlStore, until: Arc<AtomicBool>) -> Others {
    let mut noticed = Others::default();
    for number in 0.. {
        if until.load(Ordering::Relaxed) {
            break;
        }
        let hash = Hash::of(&secret(number * 7_919 % FEW));
        let start = Instant::now();
        store.find_token(&hash).await.unwrap();
        noticed.reads.push(start.elapsed().as_secs_f64() * 1e6);
        if number % 50 == 0 {
            let uses = Touches { tokens: vec![(TokenId(1), NOW)], sessions: Vec::new() };
            let start = Instant::now();
            store.touch(uses).await.unwrap();
            noticed.longest_write = noticed.longest_write.max(start.elapsed());
        }
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
    noticed
}

/// Has a pool open what it may: a connection that is made meanwhile takes longer than any lock.
async fn open_connections(store: &SqlStore) {
    for _ in 0..20 {
        let reads = (0..8).map(|number: u64| {
            let store = store.clone();
            tokio::spawn(async move { store.find_token(&Hash::of(&secret(number))).await })
        });
        for read in reads.collect::<Vec<_>>() {
            read.await.unwrap().unwrap();
        }
    }
}

/// Whether the limits hold; they do where there is no such database.
async fn prunes(kind: Option<Kind>, name: &str) -> bool {
    let Some(place) = Place::new(kind).await else { return true };
    let store = place.store(EXPIRED, "2020-01-01 00:00:00").await;
    open_connections(&store).await;
    let quiet = watched(&store, tokio::time::sleep(Duration::from_secs(2))).await.1;
    let (start, mut longest) = (Instant::now(), Duration::ZERO);
    let pruning = async {
        let mut pruned = 0;
        loop {
            let start = Instant::now();
            let batch = store.prune(NOW, BATCH).await.unwrap();
            let took = start.elapsed();
            longest = longest.max(took);
            pruned += batch.tokens;
            if batch.total() == 0 {
                return pruned;
            }
            tokio::time::sleep(took).await;
        }
    };
    let (pruned, mut busy) = watched(&store, pruning).await;
    assert_eq!(pruned, EXPIRED);
    let mut quiet = quiet;
    let (before, during) = (percentile(&mut quiet.reads, 0.99), percentile(&mut busy.reads, 0.99));
    let (took, wait) = (start.elapsed(), busy.longest_write);
    println!(
        "{name}: {EXPIRED} rows were pruned in {took:.0?}, a batch in at most {longest:.1?}; a writer waited at most \
         {wait:.1?} ({:.1?} when it was quiet); readers' p99 {during:.0} µs, {:.2} times that when it was quiet",
        quiet.longest_write,
        during / before,
    );
    longest <= LONGEST_LOCK && during <= SLOWDOWN * before
}

/// Does something beside others, and says what came of it and what they noticed.
async fn watched<T>(store: &SqlStore, work: impl Future<Output = T>) -> (T, Others) {
    let over = Arc::new(AtomicBool::new(false));
    let (theirs, until) = (store.clone(), Arc::clone(&over));
    let noticed = tokio::spawn(async move { others(&theirs, until).await });
    let done = work.await;
    over.store(true, Ordering::Relaxed);
    (done, noticed.await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(debug_assertions, ignore = "slow unless optimised: `scripts/test --full` runs it")]
async fn a_token_among_a_million_is_verified_as_fast_as_among_few() {
    verifies(None, "SQLite").await;
    verifies(Some(Kind::Postgres), "PostgreSQL").await;
    verifies(Some(Kind::Mysql), "MariaDB").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(debug_assertions, ignore = "slow unless optimised: `scripts/test --full` runs it")]
async fn nobody_waits_for_the_pruning_of_half_a_million_rows() {
    let held = [
        prunes(None, "SQLite").await,
        prunes(Some(Kind::Postgres), "PostgreSQL").await,
        prunes(Some(Kind::Mysql), "MariaDB").await,
    ];
    assert_eq!(held, [true; 3], "more than {LONGEST_LOCK:?}, or more than {SLOWDOWN} times");
}
