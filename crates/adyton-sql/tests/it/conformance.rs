//! The promises of the port, on SQLite.

use crate::world::{NOW, World};
use adyton_core::testing::conformance;
use std::sync::Mutex;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_promises_of_the_port() {
    let worlds = Mutex::new(Vec::new());
    conformance::run(|| {
        let world = World::new();
        let store = world.open();
        worlds.lock().unwrap().push(world);
        async move {
            store.migrate(NOW).await.unwrap();
            store
        }
    })
    .await;
}
