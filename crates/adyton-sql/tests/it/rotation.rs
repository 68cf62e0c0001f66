//! Rotation and revocation.

use crate::world::{NOW, World, add_user, event, rotation, sign_in};
use adyton_core::event::EventKind;
use adyton_core::secret::Hash;
use adyton_core::store::{EventFilter, EventStore, Revocation, SessionStore, TokenStore, Which};

#[tokio::test]
async fn a_rotation_moves_every_pointer() {
    let world = World::new();
    let store = world.migrated().await;
    let user = add_user(&store, "ada@example.com").await;
    let signed_in = sign_in(&store, &user, "r0").await;

    let step = rotation(&signed_in.session, "r0", "r1", NOW.plus(10));
    let first = store.rotate(step).await.unwrap().unwrap();
    assert_eq!((first.rotation, first.previous), (1, Some(Hash::of("r0"))));
    assert_eq!(first.previous_access_token, signed_in.token.map(|token| token.id));
    let before = store.find_token(&Hash::of("access of r0")).await.unwrap().unwrap();
    assert_eq!(before.token.expires_at, Some(NOW.plus(40)));
    assert_eq!(before.session.as_ref(), Some(&first));
    assert_eq!(before.user.as_ref(), Some(&user));

    let found = store.find_session(&Hash::of("r0")).await.unwrap().unwrap();
    assert_eq!((found.session, found.superseded.is_some()), (first.clone(), true));
    let found = store.find_session(&Hash::of("r1")).await.unwrap().unwrap();
    assert_eq!((&found.session, found.superseded), (&first, None));

    let second = store.rotate(rotation(&first, "r1", "r2", NOW.plus(60))).await.unwrap().unwrap();
    assert_eq!(second.previous_access_token, first.access_token);
    assert!(store.find_token(&Hash::of("access of r0")).await.unwrap().is_none());
    assert!(store.list_tokens(user.id).await.unwrap().is_empty());
    assert_eq!(world.count("SELECT COUNT(*) FROM personal_access_tokens"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_rotations_one_succeeds() {
    let world = World::new();
    let (store, other) = (world.migrated().await, world.open().await);
    let user = add_user(&store, "ada@example.com").await;
    let session = sign_in(&store, &user, "r0").await.session;
    let tries = (0..40).map(|n| {
        let store = if n % 2 == 0 { store.clone() } else { other.clone() };
        let step = rotation(&session, "r0", &format!("r1-{n}"), NOW);
        tokio::spawn(async move { store.rotate(step).await.unwrap().is_some() })
    });
    let mut successes = 0;
    for attempt in tries.collect::<Vec<_>>() {
        successes += u32::from(attempt.await.unwrap());
    }
    assert_eq!(successes, 1);
    assert_eq!(world.count("SELECT COUNT(*) FROM auth_superseded_tokens"), 1);
    assert_eq!(world.count("SELECT COUNT(*) FROM personal_access_tokens"), 2);
}

#[tokio::test]
async fn a_revoked_session_is_not_ended_again() {
    let world = World::new();
    let store = world.migrated().await;
    let user = add_user(&store, "ada@example.com").await;
    let (one, two) = (sign_in(&store, &user, "a").await, sign_in(&store, &user, "b").await);
    let revocation = |which| Revocation {
        user_id: user.id,
        which,
        now: NOW,
        events: vec![event(EventKind::SessionRevoked)],
    };
    let ended = store.revoke_sessions(revocation(Which::One(one.session.id))).await.unwrap();
    assert_eq!(ended, ["public-a"]);
    let ended = store.revoke_sessions(revocation(Which::All)).await.unwrap();
    assert_eq!(ended, ["public-b"]);
    assert!(store.revoke_sessions(revocation(Which::All)).await.unwrap().is_empty());
    assert!(store.rotate(rotation(&two.session, "b", "c", NOW)).await.unwrap().is_none());
    assert_eq!(world.count("SELECT COUNT(*) FROM personal_access_tokens"), 0);
    let latest = store.list_events(EventFilter::latest(1)).await.unwrap().remove(0);
    assert_eq!(
        (latest.event, latest.session_id.as_deref()),
        (EventKind::SessionRevoked, Some("public-b"))
    );
}
