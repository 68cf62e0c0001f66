//! An app's own requests: who sees the token, and which are sent twice.

use crate::world::World;
use adyton_client::{Client, Error, Method};
use time::OffsetDateTime;

async fn text(client: &Client, method: Method, path: &str, body: &'static str) -> (u16, String) {
    let request = client.request(method, path).unwrap().body(body);
    let response = client.send(request).await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn a_request_of_the_app_is_signed() {
    let world = World::new().await;
    let client = world.ada().await;
    assert_eq!(text(&client, Method::GET, "/hello", "").await, (200, "Hello, ada!".into()));
    let guest = world.client();
    assert_eq!(text(&guest, Method::GET, "/hello", "").await.0, 401);
}

#[tokio::test]
async fn a_request_whose_token_has_ended_is_sent_once_more() {
    let world = World::new().await;
    let behind = Client::builder(world.base()).clock(|| OffsetDateTime::UNIX_EPOCH);
    let client = behind.build().unwrap();
    world.sign_up(&client, "ada").await;
    world.wait(3601);
    let answer = text(&client, Method::POST, "/orders", "for two").await;
    assert_eq!(answer, (200, "orders for two".into()));
    assert_eq!(world.refreshes(), 1);
}

#[tokio::test]
async fn a_401_of_the_apps_own_is_an_answer() {
    let world = World::new().await;
    let client = world.ada().await;
    assert_eq!(text(&client, Method::GET, "/door", "").await, (401, "no key".into()));
    assert_eq!(world.refreshes(), 0);
}

#[tokio::test]
async fn no_other_server_sees_the_token() {
    let (world, other) = (World::new().await, World::new().await);
    let client = world.ada().await;
    for there in [format!("http://{}/hello", other.address), "//127.0.0.2/hello".into()] {
        let request = client.request(Method::GET, &there).unwrap();
        assert!(matches!(client.send(request).await, Err(Error::Elsewhere(_))), "{there}");
    }
    assert!(matches!(client.request(Method::GET, "http://["), Err(Error::Unsendable(_))));
}

#[tokio::test]
async fn a_token_of_the_apps_own_choice_is_left_alone() {
    let world = World::new().await;
    let client = world.ada().await;
    let request = client.request(Method::GET, "/hello").unwrap().bearer_auth("adt_nonsense");
    assert_eq!(client.send(request).await.unwrap().status(), 401);
    assert_eq!(world.refreshes(), 0);
}
