//! GET `/openapi.json`.

use crate::world::World;
use adyton::Config;

#[tokio::test]
async fn anybody_reads_the_document_that_the_crate_gives() {
    let world = World::new().await;
    let response = world.anonymous().get("/openapi.json").await.expect(200);
    assert_eq!(response.header("content-type"), "application/json");
    assert_eq!(response.body, adyton::openapi(&Config::default()));
    assert!(response.text("openapi").starts_with("3.1"));
    assert_eq!(response["servers"][0]["url"], "/api/auth");
    world.anonymous().with_token("nonsense").get("/openapi.json").await.expect(200);
}

#[tokio::test]
async fn it_names_the_configured_address_and_header() {
    let world = World::with(|config| {
        config.server.base_path = "/auth".into();
        config.server.public_url = Some("https://app.example.com".into());
        config.token_header = "X-Api-Key".into();
        config.prefix = "Token".into();
    })
    .await;
    let response = world.anonymous().visit("/auth/openapi.json").await.expect(200);
    assert_eq!(response["servers"][0]["url"], "https://app.example.com/auth");
    let scheme = &response["components"]["securitySchemes"]["token"];
    assert_eq!((&scheme["type"], &scheme["name"]), (&"apiKey".into(), &"X-Api-Key".into()));
}
