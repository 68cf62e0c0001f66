//! `/healthz` and `/readyz`.

use crate::store::Mode;
use crate::world::World;
use serde_json::json;

#[tokio::test]
async fn the_process_lives_and_the_store_answers() {
    let world = World::new().await;
    for path in ["/healthz", "/readyz"] {
        let response = world.anonymous().visit(path).await.expect(200);
        assert_eq!(response.header("cache-control"), "no-store");
        assert_eq!(response.header("x-content-type-options"), "nosniff");
    }
    let ready = world.anonymous().visit("/readyz").await;
    let checks = json!({ "store": "ok", "hashing": "ok" });
    assert_eq!(ready.json, json!({ "status": "ready", "checks": checks }));
}

#[tokio::test]
async fn a_process_lives_without_its_store_and_is_not_ready() {
    let world = World::new().await;
    world.store.set(Mode::Down);
    world.anonymous().visit("/healthz").await.expect(200);
    let response = world.anonymous().visit("/readyz").await.refused(503, "store_unavailable");
    assert_eq!(response.header("cache-control"), "no-store");
    assert_eq!(response["checks"], json!({ "store": "unreachable", "hashing": "ok" }));
    assert!(!response.body.contains("unplugged"), "the cause is nobody's business");
    world.store.set(Mode::Up);
    world.anonymous().visit("/readyz").await.expect(200);
}
