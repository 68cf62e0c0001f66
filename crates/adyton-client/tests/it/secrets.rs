//! No secret is shown where people look.

use crate::world::{PASSWORD, World};
use adyton_client::{Login, Memory, NewToken, PasswordChange, Registration, Storage, UserChange};
use std::sync::Arc;

#[tokio::test]
async fn debug_shows_no_secret() {
    let world = World::new().await;
    let storage = Arc::new(Memory::default());
    let client = world.builder().storage(Arc::clone(&storage)).build().unwrap();
    let signed_in = world.sign_up(&client, "ada").await;
    let created = client.create_token(&NewToken::new("deploy")).await.unwrap();
    let stored = storage.load().await.unwrap().unwrap();
    let inputs = (
        Registration::new("Ada", "ada@example.com", PASSWORD),
        Login::new("ada@example.com", PASSWORD),
        UserChange::new().email("ada@example.com", PASSWORD),
        PasswordChange::new(PASSWORD, PASSWORD),
    );
    let token = client.token().await.unwrap();
    let shown =
        format!("{client:?} {signed_in:?} {created:?} {stored:?} {storage:?} {inputs:?} {token:?}");
    let again = client.login(&Login::new("ada@example.com", "wrong horse 1")).await.unwrap_err();
    let shown = format!("{shown} {again:?} {again}");
    for secret in [PASSWORD, "wrong horse", "adt_", "adr_", "add_"] {
        assert!(!shown.contains(secret), "{secret} is in {shown}");
    }
    // They are there, only not to be seen.
    let json = serde_json::to_string(&stored).unwrap();
    for secret in ["adt_", "adr_", "add_"] {
        assert!(json.contains(secret), "{json}");
    }
}
