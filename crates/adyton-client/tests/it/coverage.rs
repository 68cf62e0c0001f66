//! The client has a method for each endpoint of the document.

use crate::world::{PASSWORD, World};
use adyton_client::{Login, NewToken, PasswordChange, UserChange};
use std::collections::BTreeSet;

/// What is for browsers: a client of tokens needs no CSRF cookie.
const NOT_FOR_PROGRAMS: [&str; 1] = ["GET /csrf-cookie"];

#[tokio::test]
async fn every_endpoint_of_the_document_has_its_method() {
    let world = World::new().await;
    let client = world.ada().await;
    let other = world.client();
    let session = other.login(&Login::new("ada@example.com", PASSWORD)).await.unwrap().session_id;
    client.user().await.unwrap();
    client.update_user(&UserChange::new().name("Ada L.")).await.unwrap();
    client.change_password(&PasswordChange::new(PASSWORD, "another horse 2")).await.unwrap();
    client.current().await.unwrap();
    client.sessions().await.unwrap();
    client.end_session(&session).await.unwrap_err();
    client.end_other_sessions().await.unwrap();
    let created = client.create_token(&NewToken::new("deploy")).await.unwrap();
    client.tokens().await.unwrap();
    client.verify(&created.token, &[]).await.unwrap();
    client.revoke_token(created.info.id).await.unwrap();
    client.refresh().await.unwrap();
    let document = client.openapi().await.unwrap();
    client.logout().await.unwrap();
    let new = Login::new("ada@example.com", "another horse 2");
    client.login(&new).await.unwrap();
    client.delete_user("another horse 2").await.unwrap();

    let asked = world.asked().into_iter().map(|(method, path)| {
        let path =
            path.replace(&session, "{id}").replace(&format!("/{}", created.info.id), "/{id}");
        format!("{method} {path}")
    });
    let mut described = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let methods = methods.as_object().unwrap().keys().map(|method| method.to_uppercase());
        described.extend(methods.map(|method| format!("{method} {path}")));
    }
    for path in NOT_FOR_PROGRAMS {
        assert!(described.remove(path), "{path}");
    }
    assert_eq!(asked.collect::<BTreeSet<_>>(), described);
}
