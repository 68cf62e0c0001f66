//! Rules for refreshing a session.

use super::given::*;
use crate::event::EventKind;
use crate::secret::Hash;
use crate::store::Which;
use std::sync::Arc;

rules![
    a_rotation_moves_the_session_to_its_next_pair,
    what_rotate_returns_is_what_is_stored,
    a_rotation_leaves_the_rest_of_the_session,
    a_second_rotation_from_the_same_state_changes_nothing,
    of_twenty_concurrent_rotations_one_succeeds,
    the_token_before_dies_when_the_grace_ends,
    the_token_before_is_never_given_more_time,
    the_token_before_that_is_deleted_and_still_names_its_session,
    a_revoked_session_is_not_rotated,
    an_expired_session_is_not_rotated,
    a_session_that_is_gone_is_not_rotated,
    without_a_replacement_the_secret_stays,
    without_a_grace_no_salt_stays,
    only_the_immediate_predecessor_is_the_previous_one,
    a_rotation_concerns_one_session,
];

async fn a_rotation_moves_the_session_to_its_next_pair(store: Given) {
    let ada = ada(&store).await;
    let before = signed_in(&store, &ada, "first").await.session;
    let step = rotation(&before, "first", "second");
    let after = store.rotate(step.clone()).await.unwrap().unwrap();
    assert_eq!(after.rotation, before.rotation + 1);
    assert_eq!((after.rotated_at, after.last_seen_at), (Some(step.now), step.now));
    assert_eq!(after.previous, Some(Hash::of("first")));
    assert_eq!((after.salt, after.expires_at), (step.salt, step.expires_at));
    assert_eq!(after.previous_access_token, before.access_token);
    let token = store.find_token(&access("second")).await.unwrap().unwrap().token;
    assert_eq!(after.access_token, Some(token.id));
    assert_eq!((token.user_id, token.created_at), (ada.id, Some(step.now)));
    assert_eq!(token.expires_at, step.token.expires_at);
    assert_eq!(events_of(&store, EventKind::SessionRenewed).await, [step.event]);
}

async fn what_rotate_returns_is_what_is_stored(store: Given) {
    let ada = ada(&store).await;
    let returned = rotated(&store, &ada, "first", "second").await;
    assert_eq!(session(&store, "second").await, Some(returned));
}

async fn a_rotation_leaves_the_rest_of_the_session(store: Given) {
    let ada = ada(&store).await;
    let before = signed_in(&store, &ada, "first").await.session;
    let after = store.rotate(rotation(&before, "first", "second")).await.unwrap().unwrap();
    assert_eq!((after.id, &after.public_id), (before.id, &before.public_id));
    assert_eq!((after.user_id, after.guard), (before.user_id, before.guard));
    assert_eq!((&after.abilities, &after.device), (&before.abilities, &before.device));
    assert_eq!((after.created_at, after.revoked_at), (before.created_at, None));
}

async fn a_second_rotation_from_the_same_state_changes_nothing(store: Given) {
    let ada = ada(&store).await;
    let before = signed_in(&store, &ada, "first").await.session;
    let after = store.rotate(rotation(&before, "first", "second")).await.unwrap();
    let mut again = rotation(&before, "first", "other");
    again.now = again.now.plus(10);
    again.grace_ends = again.now;
    let ends = store.find_token(&access("first")).await.unwrap().unwrap().token.expires_at;
    assert_eq!(store.rotate(again).await.unwrap(), None);
    assert_eq!(session(&store, "second").await, after);
    assert!(session(&store, "other").await.is_none());
    assert!(!has_token(&store, access("other")).await);
    let still = store.find_token(&access("first")).await.unwrap().unwrap().token.expires_at;
    assert_eq!(still, ends, "the token before keeps its end");
    assert_eq!(events_of(&store, EventKind::SessionRenewed).await.len(), 1);
}

async fn of_twenty_concurrent_rotations_one_succeeds(store: Given) {
    let ada = ada(&store).await;
    let before = signed_in(&store, &ada, "first").await.session;
    let calls = (0..20).map(|n| {
        let (store, step) = (Arc::clone(&store), rotation(&before, "first", &format!("next {n}")));
        async move { store.rotate(step).await }
    });
    assert_eq!(count_winners(calls, |moved| moved.as_ref().unwrap().is_some()).await, 1);
    let mut standing = 0;
    for n in 0..20 {
        let secret = format!("next {n}");
        let pair =
            (session(&store, &secret).await.is_some(), has_token(&store, access(&secret)).await);
        assert_eq!(pair.0, pair.1, "a pair stands whole or not at all");
        standing += usize::from(pair.0);
    }
    assert_eq!(standing, 1);
    assert_eq!(session(&store, "first").await.unwrap().rotation, before.rotation + 1);
    assert_eq!(events_of(&store, EventKind::SessionRenewed).await.len(), 1);
}

async fn the_token_before_dies_when_the_grace_ends(store: Given) {
    let ada = ada(&store).await;
    let before = signed_in(&store, &ada, "first").await.session;
    let step = rotation(&before, "first", "second");
    let grace_ends = step.grace_ends;
    store.rotate(step).await.unwrap().unwrap();
    let token = store.find_token(&access("first")).await.unwrap().unwrap().token;
    assert_eq!(token.expires_at, Some(grace_ends));
    let mut record = sign_in(existing(ada.id), "endless");
    record.token = Some(new_token(access("endless"), None));
    let session = store.sign_in(record).await.unwrap().unwrap().session;
    store.rotate(rotation(&session, "endless", "next")).await.unwrap().unwrap();
    let token = store.find_token(&access("endless")).await.unwrap().unwrap().token;
    assert_eq!(token.expires_at, Some(grace_ends), "one without an expiry, too");
}

async fn the_token_before_is_never_given_more_time(store: Given) {
    let ada = ada(&store).await;
    let before = signed_in(&store, &ada, "first").await;
    let mut step = rotation(&before.session, "first", "second");
    step.grace_ends = NOW.plus(DAY);
    store.rotate(step).await.unwrap().unwrap();
    let token = store.find_token(&access("first")).await.unwrap().unwrap().token;
    assert_eq!(token.expires_at, before.token.unwrap().expires_at);
}

async fn the_token_before_that_is_deleted_and_still_names_its_session(store: Given) {
    let ada = ada(&store).await;
    let session = rotated(&store, &ada, "first", "second").await;
    store.rotate(rotation(&session, "second", "third")).await.unwrap().unwrap();
    assert!(!has_token(&store, access("first")).await);
    assert!(has_token(&store, access("second")).await && has_token(&store, access("third")).await);
    let found = store.find_session(&access("first")).await.unwrap().unwrap();
    assert_eq!(found.session.id, session.id);
    assert!(found.superseded.is_some(), "it was replaced");
    assert!(store.find_session(&access("second")).await.unwrap().is_none());
}

async fn a_revoked_session_is_not_rotated(store: Given) {
    let ada = ada(&store).await;
    let before = signed_in(&store, &ada, "first").await.session;
    revoke(&store, &ada, Which::All).await;
    assert_eq!(store.rotate(rotation(&before, "first", "second")).await.unwrap(), None);
    assert!(session(&store, "second").await.is_none());
    assert!(!has_token(&store, access("second")).await);
}

async fn an_expired_session_is_not_rotated(store: Given) {
    let ada = ada(&store).await;
    let before = signed_in(&store, &ada, "first").await.session;
    let mut step = rotation(&before, "first", "second");
    step.now = before.expires_at;
    step.expires_at = step.now.plus(DAY);
    assert_eq!(store.rotate(step.clone()).await.unwrap(), None);
    assert_eq!(session(&store, "first").await, Some(before.clone()));
    step.now = before.expires_at.minus(1);
    assert!(store.rotate(step).await.unwrap().is_some(), "a second earlier it is live");
}

async fn a_session_that_is_gone_is_not_rotated(store: Given) {
    let ada = ada(&store).await;
    let before = signed_in(&store, &ada, "first").await.session;
    store.delete_owned(ada.id).await.unwrap();
    assert_eq!(store.rotate(rotation(&before, "first", "second")).await.unwrap(), None);
    assert!(!has_token(&store, access("second")).await);
}

async fn without_a_replacement_the_secret_stays(store: Given) {
    let ada = ada(&store).await;
    let before = signed_in(&store, &ada, "first").await.session;
    let mut step = rotation(&before, "first", "second");
    step.replace = None;
    let after = store.rotate(step).await.unwrap().unwrap();
    assert_eq!((after.rotation, after.previous), (before.rotation + 1, None));
    let found = store.find_session(&Hash::of("first")).await.unwrap().unwrap();
    assert_eq!((found.session, found.superseded), (after, None));
    assert!(session(&store, "second").await.is_none());
    assert!(has_token(&store, access("second")).await);
}

async fn without_a_grace_no_salt_stays(store: Given) {
    let ada = ada(&store).await;
    let session = rotated(&store, &ada, "first", "second").await;
    let mut step = rotation(&session, "second", "third");
    step.salt = None;
    assert_eq!(store.rotate(step).await.unwrap().unwrap().salt, None);
}

/// A salt derives the next pair from the secret that its own refresh replaced, from no other.
async fn only_the_immediate_predecessor_is_the_previous_one(store: Given) {
    let ada = ada(&store).await;
    let session = rotated(&store, &ada, "first", "second").await;
    let session = store.rotate(rotation(&session, "second", "third")).await.unwrap().unwrap();
    assert_eq!(session.previous, Some(Hash::of("second")));
    let mut step = rotation(&session, "third", "fourth");
    step.replace = None;
    let session = store.rotate(step).await.unwrap().unwrap();
    assert_eq!(session.previous, None, "this refresh replaced nothing");
}

async fn a_rotation_concerns_one_session(store: Given) {
    let ada = ada(&store).await;
    let other = signed_in(&store, &ada, "phone").await;
    rotated(&store, &ada, "first", "second").await;
    assert_eq!(session(&store, "phone").await, Some(other.session));
    let token = store.find_token(&access("phone")).await.unwrap().unwrap().token;
    assert_eq!(Some(token), other.token);
}
