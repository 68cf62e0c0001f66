//! A server that nobody gets to: whoever asks is told at once, and no longer than it lasts.

use crate::databases::{Database, Kind};
use crate::servers::each;
use crate::world::NOW;
use adyton_core::config::Config;
use adyton_core::store::Store;
use adyton_sql::SqlStore;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

/// A way to a server, which can be closed and opened again.
struct Way {
    server: String,
    address: SocketAddr,
    open: JoinHandle<()>,
}

impl Way {
    /// One, and a configuration that leads along it.
    async fn to(database: &Database) -> (Self, Config) {
        let url = database.config().connector.url.unwrap();
        let server = url.split_once('@').unwrap().1.split_once('/').unwrap().0.to_owned();
        let (address, open) = lead("127.0.0.1:0".parse().unwrap(), server.clone()).await;
        let mut config = database.config();
        config.connector.url = Some(url.replace(&server, &address.to_string()));
        (Self { server, address, open }, config)
    }

    async fn close(&mut self) {
        self.open.abort();
        let _ = (&mut self.open).await;
    }

    async fn open_again(&mut self) {
        self.open = lead(self.address, self.server.clone()).await.1;
    }
}

async fn lead(from: SocketAddr, to: String) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind(from).await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = async move {
        let mut connections = JoinSet::new();
        loop {
            let (mut near, _) = listener.accept().await.unwrap();
            let to = to.clone();
            connections.spawn(async move {
                let mut far = TcpStream::connect(to).await.unwrap();
                tokio::io::copy_bidirectional(&mut near, &mut far).await
            });
        }
    };
    (address, tokio::spawn(task))
}

async fn at_once(store: &SqlStore, count: usize) -> (usize, Duration) {
    let start = Instant::now();
    let mut asking = JoinSet::new();
    for _ in 0..count {
        let store = store.clone();
        asking.spawn(async move { store.ping().await.is_ok() });
    }
    let answered = asking.join_all().await.into_iter().filter(|done| *done).count();
    (answered, start.elapsed())
}

/// The time for a connection is 30 seconds here.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_is_told_of_at_once_and_found_when_it_is_back() {
    for database in each().await {
        let kind = database.kind;
        let (mut way, config) = Way::to(&database).await;
        let store = SqlStore::open(&config).await.unwrap();
        store.migrate(NOW).await.unwrap();
        for round in 0..2 {
            assert_eq!(at_once(&store, 9).await.0, 9, "{kind:?}, round {round}");
            way.close().await;
            let (answered, took) = at_once(&store, 9).await;
            assert!(answered == 0 && took < Duration::from_secs(2), "{kind:?}: {took:?}");
            let (answered, took) = at_once(&store, 99).await;
            println!("{kind:?}: 99 were refused in {took:?}");
            assert!(answered == 0 && took < Duration::from_millis(500), "{kind:?}: {took:?}");
            way.open_again().await;
            let back = Instant::now();
            while store.ping().await.is_err() {
                assert!(back.elapsed() < Duration::from_secs(2), "{kind:?}");
                sleep(Duration::from_millis(10)).await;
            }
            println!("{kind:?}: found again after {:?}", back.elapsed());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_connections_are_all_in_use_is_waited_for() {
    for database in each().await {
        let store = SqlStore::open(&database.config()).await.unwrap();
        store.migrate(NOW).await.unwrap();
        let held = match database.kind {
            Kind::Postgres => "BEGIN; LOCK TABLE users; SELECT pg_sleep(1.5); COMMIT",
            Kind::Mysql => "LOCK TABLES users WRITE; SELECT SLEEP(1.5); UNLOCK TABLES",
        };
        let asked = async {
            sleep(Duration::from_millis(300)).await;
            at_once(&store, 9).await
        };
        let (answered, took) = tokio::join!(asked, database.run(held)).0;
        assert_eq!(answered, 9);
        assert!(took > Duration::from_secs(1), "{took:?}: more than there are connections");
    }
}
