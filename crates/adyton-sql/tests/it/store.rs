//! What the port's docs promise and the conformance suite cannot know of: SQL's own pitfalls.

use crate::world::{
    NOW, World, add_user, email, event, existing, new_token, new_user, password, record, rotation,
    sign_in,
};
use adyton_core::event::{Event, EventKind};
use adyton_core::secret::Hash;
use adyton_core::store::{
    EventFilter, EventStore, OwnedRevocation, PasswordChange, SessionStore, Store, TokenIssue,
    TokenStore, UserStore, UserUpdate, Who,
};
use adyton_core::user::UserChange;

#[tokio::test]
async fn one_email_is_one_user_in_any_case() {
    let world = World::new();
    let store = world.migrated().await;
    let ada = add_user(&store, "Ada@Example.com").await;
    let created = event(EventKind::UserCreated);
    let again = store.insert_user(new_user("ADA@example.COM"), NOW, created.clone()).await;
    assert!(again.unwrap().is_none());
    let signed_up = record(Who::New(new_user("ada@EXAMPLE.com")), "s", NOW);
    assert!(store.sign_in(signed_up).await.unwrap().is_none());

    let bob = add_user(&store, "bob@example.com").await;
    let change = UserChange { email: Some(email("ADA@example.com")), ..UserChange::default() };
    let updated = event(EventKind::UserUpdated);
    let update = store.update_user(bob.id, change, NOW, updated.clone()).await.unwrap();
    assert_eq!(update, UserUpdate::EmailTaken);
    let name = Some("A".into());
    let change = UserChange { email: Some(email("ADA@example.com")), name, verified: None };
    let update = store.update_user(ada.id, change, NOW, updated).await.unwrap();
    assert!(matches!(update, UserUpdate::Updated(user) if user.name == "A"));
    assert_eq!(world.count("SELECT COUNT(*) FROM users"), 2);
}

#[tokio::test]
async fn two_rows_for_one_email_sign_nobody_in() {
    let world = World::with_tables(crate::migrate::LARAVEL);
    let store = world.migrated().await;
    world
        .raw()
        .execute_batch(
            "INSERT INTO users (name, email, password) VALUES
             ('a', 'ada@example.com', 'x'), ('b', 'Ada@Example.com', 'y'), ('c', 'BOB@x.org', 'z');",
        )
        .unwrap();
    let find = async |text: &str| store.find_account_by_email(&email(text)).await.unwrap();
    assert!(find("Ada@Example.com").await.is_none());
    assert_eq!(find("ada@example.com").await.unwrap().user.name, "a");
    assert_eq!(find("BOB@x.org").await.unwrap().user.name, "c");
    let created = event(EventKind::UserCreated);
    assert!(store.insert_user(new_user("bob@x.org"), NOW, created).await.unwrap().is_none());
}

#[tokio::test]
async fn ids_are_never_used_again() {
    let world = World::new();
    let store = world.migrated().await;
    let user = add_user(&store, "ada@example.com").await;
    let signed_in = sign_in(&store, &user, "a").await;
    let deleted = event(EventKind::UserDeleted);
    assert!(store.delete_account(user.id, None, deleted.clone()).await.unwrap());
    assert!(!store.delete_account(user.id, None, deleted).await.unwrap());
    for table in ["users", "personal_access_tokens", "auth_sessions"] {
        assert_eq!(world.count(&format!("SELECT COUNT(*) FROM {table}")), 0, "{table}");
    }
    let next = add_user(&store, "ada@example.com").await;
    let again = sign_in(&store, &next, "a").await;
    assert!(next.id > user.id);
    assert!(again.session.id > signed_in.session.id);
    assert!(again.token.map(|token| token.id) > signed_in.token.map(|token| token.id));
}

#[tokio::test]
async fn the_longest_idle_session_makes_room() {
    let world = World::new();
    let store = world.migrated().await;
    let user = add_user(&store, "ada@example.com").await;
    assert!(sign_in(&store, &user, "a").await.new_device);
    for secret in ["b", "c"] {
        let signed_in = sign_in(&store, &user, secret).await;
        assert!(!signed_in.new_device && signed_in.ended.is_empty());
    }
    assert_eq!(sign_in(&store, &user, "d").await.ended, ["public-a"]);
    assert!(store.find_token(&Hash::of("access of a")).await.unwrap().is_none());
    let ended = event(EventKind::SessionRevoked).user(user.id).session("public-a");
    assert_eq!(
        store.list_events(EventFilter::latest(1)).await.unwrap(),
        [ended.reason("too_many_sessions")]
    );
    let live = store.list_sessions(user.id, NOW).await.unwrap();
    assert_eq!(
        live.iter().map(|s| &*s.public_id).collect::<Vec<_>>(),
        ["public-d", "public-c", "public-b"]
    );
}

#[tokio::test]
async fn a_password_that_changed_meanwhile_signs_nobody_in() {
    let world = World::new();
    let store = world.migrated().await;
    let user = add_user(&store, "ada@example.com").await;
    let kept = sign_in(&store, &user, "kept").await.session;
    sign_in(&store, &user, "other").await;
    let created = event(EventKind::AuthnTokenCreated);
    store
        .insert_token(issue(user.id, new_token("pat"), 9, NOW, created))
        .await
        .unwrap()
        .token()
        .unwrap();
    let change = PasswordChange {
        user_id: user.id,
        expected: Some(password("hash-1")),
        new: password("hash-2"),
        keep: Some(kept.id),
        revoke_tokens: false,
        now: NOW,
        event: event(EventKind::AuthnPasswordChange),
    };
    assert!(store.change_password(change.clone()).await.unwrap().is_some());
    assert!(store.change_password(change.clone()).await.unwrap().is_none());
    assert!(store.sign_in(record(existing(&user), "late", NOW)).await.unwrap().is_none());
    assert_eq!(store.list_sessions(user.id, NOW).await.unwrap(), [kept]);
    assert_eq!(store.list_tokens(user.id).await.unwrap().len(), 1);
    let change = PasswordChange { expected: None, revoke_tokens: true, ..change };
    assert!(store.change_password(change).await.unwrap().is_some());
    assert!(store.list_tokens(user.id).await.unwrap().is_empty());
    assert!(store.find_token(&Hash::of("access of kept")).await.unwrap().is_some());
}

#[tokio::test]
async fn rows_of_another_owner_type_are_none() {
    let world = World::new();
    let store = world.migrated().await;
    let user = add_user(&store, "ada@example.com").await;
    let sql = "INSERT INTO personal_access_tokens (tokenable_type, tokenable_id, name, token)
               VALUES ('team', ?, 't', ?)";
    world.raw().execute(sql, (user.id.0, Hash::of("team").to_hex())).unwrap();
    let id = adyton_core::token::TokenId(world.count("SELECT id FROM personal_access_tokens"));
    assert!(store.find_token(&Hash::of("team")).await.unwrap().is_none());
    assert!(store.find_token_by_id(id).await.unwrap().is_none());
    assert!(store.list_tokens(user.id).await.unwrap().is_empty());
    let revoked = event(EventKind::AuthnTokenRevoked);
    assert!(!store.delete_token(user.id, id, revoked).await.unwrap());
    assert!(store.delete_account(user.id, None, event(EventKind::UserDeleted)).await.unwrap());
    assert_eq!(world.count("SELECT COUNT(*) FROM personal_access_tokens"), 1);
}

#[tokio::test]
async fn a_hash_matches_exactly() {
    let sql = crate::migrate::LARAVEL
        .replace("\"token\" varchar not null", "\"token\" varchar not null collate nocase");
    let world = World::with_tables(&sql);
    let store = world.migrated().await;
    let sql = "INSERT INTO personal_access_tokens (tokenable_type, tokenable_id, name, token)
               VALUES ('user', 1, 't', ?)";
    world.raw().execute(sql, [Hash::of("x").to_hex().to_uppercase()]).unwrap();
    assert!(store.find_token(&Hash::of("x")).await.unwrap().is_none());
}

#[tokio::test]
async fn a_personal_token_counts_against_the_limit() {
    let world = World::new();
    let store = world.migrated().await;
    let user = add_user(&store, "ada@example.com").await;
    sign_in(&store, &user, "a").await;
    let created = || event(EventKind::AuthnTokenCreated);
    let token =
        store.insert_token(issue(user.id, new_token("p"), 1, NOW, created())).await.unwrap();
    let token = token.token().unwrap();
    assert!(
        store
            .insert_token(issue(user.id, new_token("q"), 1, NOW, created()))
            .await
            .unwrap()
            .token()
            .is_none()
    );
    let later = NOW.plus(3600);
    assert!(
        store
            .insert_token(issue(user.id, new_token("q"), 1, later, created()))
            .await
            .unwrap()
            .token()
            .is_some()
    );
    assert!(store.delete_token(user.id, token.id, created()).await.unwrap());
    assert!(!store.delete_token(user.id, token.id, created()).await.unwrap());
}

#[tokio::test]
async fn pruning_goes_batch_by_batch() {
    let world = World::new();
    let store = world.migrated().await;
    let user = add_user(&store, "ada@example.com").await;
    let mut session = sign_in(&store, &user, "r0").await.session;
    for n in 0..3 {
        let step = rotation(&session, &format!("r{n}"), &format!("r{}", n + 1), NOW);
        session = store.rotate(step).await.unwrap().unwrap();
    }
    assert_eq!(store.prune(NOW, 2).await.unwrap().total(), 0);
    let pruned = store.prune(NOW.plus(31), 2).await.unwrap();
    // The two access tokens before the last two, and the last but one of which the grace is over.
    assert_eq!((pruned.tokens, pruned.sessions, pruned.superseded), (1, 0, 2));
    let found = store.find_session(&Hash::of("r3")).await.unwrap().unwrap();
    assert_eq!(found.session.previous_access_token, None);

    let late = NOW.plus(100_000);
    let first = store.prune(late, 2).await.unwrap();
    assert_eq!((first.sessions, first.superseded), (0, 2));
    let second = store.prune(late, 2).await.unwrap();
    assert_eq!((second.sessions, second.superseded), (1, 1));
    assert_eq!(store.prune(late, 2).await.unwrap().total(), 0);
    assert_eq!(world.count("SELECT COUNT(*) FROM auth_sessions"), 0);
}

#[tokio::test]
async fn configured_columns_are_shown_as_they_are_stored() {
    let world = World::with_tables(
        "CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name, email, password, created_at,
         updated_at, \"order\" TEXT, plan, quota REAL, avatar BLOB);
         INSERT INTO users (email, \"order\", plan, quota, avatar) VALUES ('a@b.c', 'x', 7, 0.5, x'00');",
    );
    let mut world = world;
    world.config.user_columns = ["order", "plan", "quota", "avatar"].map(String::from).into();
    let store = world.migrated().await;
    let user = store.list_users(adyton_core::user::UserId(0), 9).await.unwrap().remove(0);
    let shown = serde_json::to_value(&user.columns).unwrap();
    assert_eq!(shown, serde_json::json!({"order": "x", "plan": 7, "quota": 0.5, "avatar": null}));
}

#[tokio::test]
async fn bytes_where_a_time_belongs_are_no_null() {
    let world = World::new();
    let store = world.migrated().await;
    let user = add_user(&store, "ada@example.com").await;
    sign_in(&store, &user, "a").await;
    let access = Hash::of("access of a");
    for column in ["expires_at", "abilities", "last_used_at"] {
        let set = |value: &str| {
            let sql = format!("UPDATE personal_access_tokens SET {column} = {value}");
            world.raw().execute(&sql, []).unwrap();
        };
        set("x'00'");
        assert!(store.find_token(&access).await.is_err(), "{column}");
        set("NULL");
        assert!(store.find_token(&access).await.unwrap().is_some(), "{column}");
    }
    world.raw().execute("UPDATE auth_sessions SET revoked_at = x'00'", []).unwrap();
    assert!(store.find_session(&Hash::of("a")).await.is_err());
}

#[tokio::test]
async fn a_spoilt_password_spoils_no_sample() {
    let world = World::new();
    let store = world.migrated().await;
    for address in ["ada@example.com", "bob@example.com"] {
        add_user(&store, address).await;
    }
    world.raw().execute("UPDATE users SET password = x'00ff' WHERE id = 2", []).unwrap();
    assert_eq!(store.sample_passwords(9).await.unwrap(), [password("hash-1")]);
    assert!(store.find_account(adyton_core::user::UserId(2)).await.is_err());
}

#[tokio::test]
async fn what_ends_with_a_password_is_told_one_by_one() {
    let world = World::new();
    let store = world.migrated().await;
    let user = add_user(&store, "ada@example.com").await;
    let kept = sign_in(&store, &user, "kept").await.session;
    sign_in(&store, &user, "other").await;
    let created = event(EventKind::AuthnTokenCreated);
    let token = store.insert_token(issue(user.id, new_token("pat"), 9, NOW, created)).await;
    let token = token.unwrap().token().unwrap();
    let network = Some("203.0.113.0/24".to_owned());
    let now = NOW.plus(5);
    let why =
        Event::new(EventKind::AuthnPasswordChange, now).user(user.id).network(network.clone());
    let revocation = OwnedRevocation {
        user_id: user.id,
        keep: Some(kept.id),
        tokens: true,
        now,
        event: Some(why.clone()),
    };
    store.revoke_owned(revocation.clone()).await.unwrap();
    let told = |kind| {
        let told = Event::new(kind, now).user(user.id).network(network.clone());
        told.reason("password_change")
    };
    let ended = told(EventKind::SessionRevoked).session("public-other");
    let deleted = told(EventKind::AuthnTokenRevoked).token(token.id);
    assert_eq!(
        store.list_events(EventFilter::latest(3)).await.unwrap(),
        [deleted, ended, why.clone()]
    );
    store.revoke_owned(revocation).await.unwrap();
    assert_eq!(
        store.list_events(EventFilter::latest(1)).await.unwrap(),
        [why],
        "nothing ends twice"
    );
}

fn issue(
    user_id: adyton_core::user::UserId,
    token: adyton_core::token::NewToken,
    limit: u32,
    now: adyton_core::clock::Timestamp,
    event: adyton_core::event::Event,
) -> TokenIssue {
    TokenIssue { user_id, token, by: None, limit, now, event }
}
