//! The promises of the port, on each database.

use crate::databases::{Database, Kind};
use crate::world::{NOW, World};
use adyton_core::testing::conformance;
use adyton_sql::SqlStore;
use std::sync::{Arc, Mutex};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_promises_of_the_port() {
    let worlds = Arc::new(Mutex::new(Vec::new()));
    conformance::run(|| {
        let worlds = Arc::clone(&worlds);
        async move {
            let world = World::new();
            let store = world.migrated().await;
            worlds.lock().unwrap().push(world);
            store
        }
    })
    .await;
}

async fn keeps_the_promises(kind: Kind) {
    if Database::new(kind).await.is_none() {
        return;
    }
    let databases = Arc::new(Mutex::new(Vec::new()));
    conformance::run(|| {
        let databases = Arc::clone(&databases);
        async move {
            let database = Database::new(kind).await.unwrap();
            let store = SqlStore::open(&database.config()).await.unwrap();
            store.migrate(NOW).await.unwrap();
            if kind == Kind::Postgres {
                store.install_triggers().await.unwrap();
            }
            databases.lock().unwrap().push(database);
            store
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_them_on_postgresql() {
    keeps_the_promises(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_them_on_mysql() {
    keeps_the_promises(Kind::Mysql).await;
}
