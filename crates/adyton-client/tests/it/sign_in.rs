//! A user's way through all that an account has.

use crate::world::{PASSWORD, World};
use adyton_client::{Client, Error, Login, NewToken, PasswordChange, Registration, UserChange};
use std::time::Duration;
use time::OffsetDateTime;

#[tokio::test]
async fn a_user_signs_up_out_and_in_again() {
    let world = World::new().await;
    let client = world.client();
    assert!(client.current().await.unwrap().user.is_none());
    let signed_in = world.sign_up(&client, "ada").await;
    assert_eq!((signed_in.user.name.as_str(), signed_in.new_device), ("ada", true));
    assert_eq!(signed_in.abilities, ["*"]);
    assert_eq!(client.user().await.unwrap(), signed_in.user);

    client.logout().await.unwrap();
    let refused = client.user().await.unwrap_err();
    assert_eq!(refused.code(), Some("unauthenticated"));
    client.logout().await.unwrap();

    let again = Login::new("ada@example.com", PASSWORD).abilities(["account"]).device_name("Phone");
    let again = client.login(&again).await.unwrap();
    assert_ne!(again.session_id, signed_in.session_id);
    assert!(!again.new_device, "the device's secret was kept");
    let current = client.current().await.unwrap();
    assert_eq!(current.abilities, ["account"]);
    let session = current.session.unwrap();
    assert_eq!((session.id, session.device_name), (again.session_id, Some("Phone".into())));
}

#[tokio::test]
async fn a_refusal_says_why() {
    let world = World::new().await;
    let client = world.client();
    let short = Registration::new("", "ada", "short");
    let refused = client.register(&short).await.unwrap_err();
    let problem = refused.problem().unwrap();
    assert_eq!((problem.status, problem.code.as_str()), (422, "validation_failed"));
    assert_eq!(problem.errors.keys().collect::<Vec<_>>(), ["email", "name", "password"]);
    assert!(refused.to_string().contains("email "), "{refused}");
    assert!(!refused.is_temporary());

    let nobody = Login::new("ada@example.com", "nonsense");
    for _ in 0..5 {
        assert_eq!(client.login(&nobody).await.unwrap_err().code(), Some("invalid_credentials"));
    }
    let limited = client.login(&nobody).await.unwrap_err();
    assert_eq!(limited.code(), Some("too_many_attempts"));
    assert!(limited.retry_after().is_some_and(|after| after > Duration::from_secs(30)));
    assert!(limited.is_temporary());

    world.ada().await.create_token(&NewToken::new("few").abilities(["orders:read"])).await.unwrap();
}

#[tokio::test]
async fn a_user_changes_everything_and_goes() {
    let world = World::new().await;
    let (here, there) = (world.ada().await, world.client());
    there.login(&Login::new("ada@example.com", PASSWORD)).await.unwrap();

    let renamed = here.update_user(&UserChange::new().name("Ada L.")).await.unwrap();
    assert_eq!(renamed.name, "Ada L.");
    let moved = UserChange::new().email("lovelace@example.com", PASSWORD);
    assert_eq!(here.update_user(&moved).await.unwrap().email, "lovelace@example.com");

    let change = PasswordChange::new(PASSWORD, "another horse 2").revoking_tokens();
    here.change_password(&change).await.unwrap();
    assert!(matches!(there.user().await, Err(Error::SessionEnded(_))));
    assert_eq!(here.sessions().await.unwrap().len(), 1);

    let wrong = here.delete_user("nonsense").await.unwrap_err();
    assert_eq!(wrong.problem().unwrap().errors.keys().collect::<Vec<_>>(), ["password"]);
    here.delete_user("another horse 2").await.unwrap();
    assert!(here.token().await.unwrap().is_none());
}

#[tokio::test]
async fn a_user_ends_sessions_elsewhere() {
    let world = World::new().await;
    let (here, there, far) = (world.ada().await, world.client(), world.client());
    let login = Login::new("ada@example.com", PASSWORD);
    let lost = there.login(&login).await.unwrap();
    far.login(&login).await.unwrap();

    here.end_session(&lost.session_id).await.unwrap();
    assert!(matches!(there.user().await, Err(Error::SessionEnded(_))));
    let gone = here.end_session(&lost.session_id).await.unwrap_err();
    assert_eq!(gone.code(), Some("not_found"));
    // Not the address of all sessions.
    assert!(matches!(here.end_session("..").await, Err(Error::Unsendable(_))));
    far.user().await.unwrap();
    here.end_other_sessions().await.unwrap();
    assert!(matches!(far.user().await, Err(Error::SessionEnded(_))));
    assert!(here.sessions().await.unwrap()[0].current);
}

#[tokio::test]
async fn a_program_goes_on_with_a_personal_token() {
    let world = World::new().await;
    let ada = world.ada().await;
    let new = NewToken::new("deploy").abilities(["account", "orders:read"]);
    let hour = new.clone().expires_in(Duration::from_secs(3600));
    let created = ada.create_token(&hour).await.unwrap();
    assert_eq!(created.info.abilities, ["account", "orders:read"]);
    let end = created.info.expires_at.unwrap();
    let at_once = ada.create_token(&new.clone().expires_at(end)).await.unwrap();
    assert_eq!(at_once.info.expires_at, Some(end));
    let forever = ada.create_token(&new.never_expires()).await.unwrap();
    assert_eq!(forever.info.expires_at, None);
    assert!(end > OffsetDateTime::UNIX_EPOCH);

    let program = world.builder().token(created.token.clone()).build().unwrap();
    let mine = program.tokens().await.unwrap();
    let current = mine.iter().filter(|token| token.current).map(|token| token.id);
    assert_eq!(current.collect::<Vec<_>>(), [created.info.id]);
    program.revoke_token(forever.info.id).await.unwrap();
    assert_eq!(ada.tokens().await.unwrap().len(), 2);
    // Nothing can renew it.
    world.wait(3601);
    assert_eq!(program.user().await.unwrap_err().code(), Some("token_expired"));
    assert_eq!(program.refresh().await.unwrap(), None);
    assert_eq!(world.refreshes(), 0);
    // The end of what the client is signed in with is the end of the token.
    let other = world.client();
    other.use_token(at_once.token.clone()).await.unwrap();
    other.logout().await.unwrap();
    assert!(other.token().await.unwrap().is_none());
}

#[tokio::test]
async fn a_service_asks_whose_a_token_is() {
    let world = World::new().await;
    let ada = world.ada().await;
    let few = NewToken::new("few").abilities(["orders:read", "a.b"]);
    let token = ada.create_token(&few).await.unwrap().token;
    let service = world.client();
    let identity = service.verify(&token, &["orders:read"]).await.unwrap();
    assert_eq!(identity.email, "ada@example.com");
    assert_eq!(identity.user_id, ada.user().await.unwrap().id);
    assert_eq!(identity.abilities, ["orders:read", "a.b"]);
    let refused = service.verify(&token, &["orders:write", "orders:read"]).await.unwrap_err();
    assert_eq!(refused.problem().unwrap().missing, ["orders:write"]);
    let nobody = service.verify(&"adt_nonsense".into(), &[]).await.unwrap_err();
    assert_eq!(nobody.code(), Some("token_invalid"));
    let unsendable = service.verify(&"a\nb".into(), &[]).await;
    assert!(matches!(unsendable, Err(Error::Unsendable(_))));
}

#[tokio::test]
async fn a_server_with_other_words_for_the_token_is_served_too() {
    let world = World::with(|config| {
        config.token_header = "X-Token".into();
        config.prefix = String::new();
    })
    .await;
    let client = world.builder().token_header("x-token".parse().unwrap()).prefix("").build();
    let client = client.unwrap();
    world.sign_up(&client, "ada").await;
    assert_eq!(client.user().await.unwrap().name, "ada");
}

#[tokio::test]
async fn what_is_no_adyton_is_told_as_that() {
    let world = World::new().await;
    let base = format!("http://{}/hello", world.address).parse().unwrap();
    let lost = Client::new(base).unwrap();
    let error = lost.current().await.unwrap_err();
    assert!(matches!(error, Error::Unexpected(status, _) if status == 404), "{error:?}");
    assert!(error.to_string().contains("base URL"), "{error}");
}

#[test]
fn nothing_goes_over_plain_http_to_another_machine() {
    for url in ["http://app.example.com", "http://adyton:8000", "http://10.0.0.1/auth"] {
        let error = Client::new(url.parse().unwrap()).unwrap_err();
        assert!(matches!(error, Error::PlainHttp(_)), "{error:?}");
        assert!(error.to_string().contains("use https, or `Builder::allow_http`"), "{error}");
        Client::builder(url.parse().unwrap()).allow_http().build().unwrap();
    }
    Client::new("http://localhost:8000".parse().unwrap()).unwrap();
}

#[tokio::test]
async fn https_is_spoken_by_default() {
    let world = World::new().await;
    let base = format!("https://{}", world.address).parse().unwrap();
    let Ok(client) = Client::new(base) else {
        println!("skipped: this machine trusts no roots");
        return;
    };
    // Whoever answers there does so in plain text, which is no answer.
    assert!(matches!(client.current().await, Err(Error::Unanswered(_))));
}
