//! Rules for signing in, and for deleting an account.

use super::given::*;
use crate::event::EventKind;
use crate::secret::Hash;
use crate::store::{Touches, Which, Who};
use crate::user::{StoredPassword, UserId};
use std::sync::Arc;

rules![
    somebody_new_signs_up_and_in_at_once,
    nobody_signs_up_with_a_taken_email,
    of_concurrent_sign_ups_with_one_email_one_succeeds,
    a_verified_user_signs_in,
    a_sign_in_needs_the_verified_password_to_stand,
    who_is_gone_does_not_sign_in,
    a_sign_in_can_replace_an_older_hash,
    a_cookie_session_has_no_token,
    the_events_of_a_sign_in_name_the_user,
    at_the_cap_the_longest_idle_session_ends,
    the_session_that_begins_is_never_the_one_that_ends,
    only_ones_own_live_sessions_count_for_the_cap,
    concurrent_sign_ins_keep_to_the_cap,
    a_session_opens_without_a_user_row,
    a_deleted_account_leaves_nothing,
    deleting_one_account_leaves_the_others,
    who_is_gone_is_not_deleted_again,
    a_deletion_needs_the_password_that_was_verified_for_it,
    ids_are_never_used_again_after_a_deletion,
    what_somebody_owned_is_deleted_without_their_row,
];

async fn somebody_new_signs_up_and_in_at_once(store: Given) {
    let record = sign_in(Who::New(new_user("Ada@example.com")), "laptop");
    let made = store.sign_in(record).await.unwrap().unwrap();
    assert_eq!(made.user.email, "ada@example.com");
    assert_eq!(made.user.created_at, Some(NOW));
    assert_eq!(store.find_user(made.user.id).await.unwrap(), Some(made.user.clone()));
    assert_eq!(stored_password(&store, made.user.id).await, Some(password("first")));
    assert!(made.new_device && made.ended.is_empty());
    assert_eq!(session(&store, "laptop").await, Some(made.session.clone()));
    assert_eq!(made.session.user_id, made.user.id);
    let token = made.token.expect("a sign-in by token");
    assert_eq!((made.session.access_token, token.user_id), (Some(token.id), made.user.id));
    let found = store.find_token(&access("laptop")).await.unwrap().unwrap();
    assert_eq!((found.token, found.session), (token, Some(made.session)));
    assert_eq!(found.user, Some(made.user));
}

async fn nobody_signs_up_with_a_taken_email(store: Given) {
    let ada = ada(&store).await;
    let written = events(&store).await;
    for taken in ["ada@example.com", "ADA@Example.com"] {
        let record = sign_in(Who::New(new_user(taken)), "laptop");
        assert!(store.sign_in(record).await.unwrap().is_none(), "{taken}");
    }
    assert_eq!(store.list_users(UserId(0), 10).await.unwrap(), [ada]);
    assert_nothing_opened(&store, "laptop").await;
    assert_eq!(events(&store).await, written);
}

async fn of_concurrent_sign_ups_with_one_email_one_succeeds(store: Given) {
    let calls = (0..10).map(|n| {
        let who = Who::New(new_user("ada@example.com"));
        let (store, record) = (Arc::clone(&store), sign_in(who, &format!("device {n}")));
        async move { store.sign_in(record).await }
    });
    assert_eq!(count_winners(calls, |made| made.as_ref().unwrap().is_some()).await, 1);
    let users = store.list_users(UserId(0), 10).await.unwrap();
    assert_eq!(users.len(), 1);
    assert_eq!(live(&store, users[0].id).await.len(), 1);
}

fn verified(id: UserId, was: &str, rehashed: Option<StoredPassword>) -> Who {
    Who::Existing { id, verified: Some(password(was)), rehashed }
}

async fn a_verified_user_signs_in(store: Given) {
    let ada = ada(&store).await;
    let record = sign_in(verified(ada.id, "first", None), "laptop");
    let signed_in = store.sign_in(record).await.unwrap().unwrap();
    assert_eq!(signed_in.user, ada);
    assert_eq!(session(&store, "laptop").await, Some(signed_in.session));
    assert_eq!(stored_password(&store, ada.id).await, Some(password("first")));
}

async fn a_sign_in_needs_the_verified_password_to_stand(store: Given) {
    let ada = ada(&store).await;
    let written = events(&store).await;
    for rehashed in [None, Some(password("rehashed"))] {
        let record = sign_in(verified(ada.id, "an older one", rehashed), "laptop");
        assert!(store.sign_in(record).await.unwrap().is_none());
    }
    assert_eq!(stored_password(&store, ada.id).await, Some(password("first")));
    assert_nothing_opened(&store, "laptop").await;
    assert_eq!(events(&store).await, written);
}

async fn who_is_gone_does_not_sign_in(store: Given) {
    for who in [existing(NOBODY), verified(NOBODY, "first", Some(password("rehashed")))] {
        assert!(store.sign_in(sign_in(who, "laptop")).await.unwrap().is_none());
    }
    assert_nothing_opened(&store, "laptop").await;
    assert!(events(&store).await.is_empty());
}

async fn a_sign_in_can_replace_an_older_hash(store: Given) {
    let (ada, grace) = (ada(&store).await, grace(&store).await);
    let who = verified(ada.id, "first", Some(password("rehashed")));
    let signed_in = store.sign_in(sign_in(who, "laptop")).await.unwrap().unwrap();
    assert_eq!(stored_password(&store, ada.id).await, Some(password("rehashed")));
    assert_eq!(stored_password(&store, grace.id).await, Some(password("first")));
    let stored = store.find_user(ada.id).await.unwrap();
    assert_eq!(stored, Some(signed_in.user), "the user as they now stand");
}

async fn a_cookie_session_has_no_token(store: Given) {
    let ada = ada(&store).await;
    let mut record = sign_in(existing(ada.id), "laptop");
    record.token = None;
    let signed_in = store.sign_in(record).await.unwrap().unwrap();
    assert_eq!((signed_in.token, signed_in.session.access_token), (None, None));
}

async fn the_events_of_a_sign_in_name_the_user(store: Given) {
    let mut record = sign_in(Who::New(new_user("ada@example.com")), "laptop");
    record.events = vec![
        event(EventKind::UserCreated),
        event(EventKind::SessionCreated).session(&public_id("laptop")),
    ];
    let given = record.events.clone();
    let id = store.sign_in(record).await.unwrap().unwrap().user.id;
    let mut written = events(&store).await;
    written.reverse();
    let named: Vec<_> = given.into_iter().map(|event| event.user(id)).collect();
    assert_eq!(written, named);
}

async fn at_the_cap_the_longest_idle_session_ends(store: Given) {
    let ada = ada(&store).await;
    let mut ids = Vec::new();
    for secret in ["busy", "idle", "idler"] {
        ids.push(signed_in(&store, &ada, secret).await.session.id);
    }
    let seen = |n: usize, seconds| used(ids[n], NOW.plus(seconds));
    let sessions = vec![seen(0, 300), seen(1, 200), seen(2, 100)];
    store.touch(Touches { sessions, ..Touches::default() }).await.unwrap();
    let mut record = sign_in(existing(ada.id), "new");
    (record.sessions_per_user, record.now) = (2, NOW.plus(HOUR / 2));
    let signed_in = store.sign_in(record).await.unwrap().unwrap();

    let mut expected = [public_id("idle"), public_id("idler")];
    let mut ended = signed_in.ended;
    ended.sort();
    expected.sort();
    assert_eq!(ended, expected);
    assert_eq!(live(&store, ada.id).await, [signed_in.session.id, ids[0]]);
    for secret in ["idle", "idler"] {
        assert!(is_revoked(&store, secret).await && !has_token(&store, access(secret)).await);
    }
    assert!(has_token(&store, access("busy")).await && has_token(&store, access("new")).await);
    let mut revoked = events_of(&store, EventKind::SessionRevoked).await;
    revoked.sort_by_key(|event| event.session_id.clone());
    let named: Vec<_> = revoked.iter().map(|event| (event.user_id, &event.session_id)).collect();
    let [first, second] = expected.map(Some);
    assert_eq!(named, [(Some(ada.id), &first), (Some(ada.id), &second)]);
}

async fn the_session_that_begins_is_never_the_one_that_ends(store: Given) {
    let ada = ada(&store).await;
    let old = signed_in(&store, &ada, "old").await.session.id;
    let sessions = vec![used(old, NOW.plus(DAY))];
    store.touch(Touches { sessions, ..Touches::default() }).await.unwrap();
    let mut record = sign_in(existing(ada.id), "new");
    record.sessions_per_user = 1;
    let signed_in = store.sign_in(record).await.unwrap().unwrap();
    assert_eq!(signed_in.ended, [public_id("old")], "even if its clock is behind");
    assert_eq!(live(&store, ada.id).await, [signed_in.session.id]);
}

async fn only_ones_own_live_sessions_count_for_the_cap(store: Given) {
    let (ada, grace) = (ada(&store).await, grace(&store).await);
    signed_in(&store, &grace, "somebody else's").await;
    let ended = signed_in(&store, &ada, "ended").await.session.id;
    revoke(&store, &ada, Which::One(ended)).await;
    let mut expired = sign_in(existing(ada.id), "expired");
    expired.session.expires_at = NOW;
    store.sign_in(expired).await.unwrap().unwrap();
    signed_in(&store, &ada, "laptop").await;
    let mut record = sign_in(existing(ada.id), "phone");
    record.sessions_per_user = 2;
    let signed_in = store.sign_in(record).await.unwrap().unwrap();
    assert!(signed_in.ended.is_empty(), "{:?}", signed_in.ended);
    assert_eq!(live(&store, ada.id).await.len(), 2);
    assert_eq!(live(&store, grace.id).await.len(), 1);
}

async fn concurrent_sign_ins_keep_to_the_cap(store: Given) {
    let ada = ada(&store).await;
    let calls = (0..10).map(|n| {
        let mut record = sign_in(existing(ada.id), &format!("device {n}"));
        record.sessions_per_user = 3;
        let store = Arc::clone(&store);
        async move { store.sign_in(record).await }
    });
    assert_eq!(count_winners(calls, |made| made.as_ref().unwrap().is_some()).await, 10);
    assert_eq!(live(&store, ada.id).await.len(), 3);
}

async fn a_session_opens_without_a_user_row(store: Given) {
    let opening = sign_in(existing(NOBODY), "laptop").opening(NOBODY);
    let expected: Vec<_> = opening.events.iter().rev().cloned().collect();
    let opened = store.open_session(opening).await.unwrap();
    assert!(opened.new_device && opened.ended.is_empty());
    assert_eq!(session(&store, "laptop").await, Some(opened.session));
    let found = store.find_token(&access("laptop")).await.unwrap().unwrap();
    assert_eq!((Some(found.token), found.user), (opened.token, None));
    assert_eq!(events(&store).await, expected);
    let mut again = sign_in(existing(NOBODY), "phone").opening(NOBODY);
    again.sessions_per_user = 1;
    assert_eq!(store.open_session(again).await.unwrap().ended, [public_id("laptop")]);
}

async fn a_deleted_account_leaves_nothing(store: Given) {
    let ada = ada(&store).await;
    rotated(&store, &ada, "first", "second").await;
    let ci = personal(&store, &ada, "ci", None).await.id;
    let deleted = event(EventKind::UserDeleted).user(ada.id);
    assert!(store.delete_account(ada.id, None, deleted.clone()).await.unwrap());

    assert!(store.find_account(ada.id).await.unwrap().is_none());
    assert!(store.find_account_by_email(&email("ada@example.com")).await.unwrap().is_none());
    for hash in [access("first"), access("second"), Hash::of("ci")] {
        assert!(!has_token(&store, hash).await);
    }
    assert!(store.find_token_by_id(ci).await.unwrap().is_none());
    for secret in ["first", "second"] {
        assert_eq!(session(&store, secret).await, None, "{secret}");
    }
    assert!(store.find_session_by_public_id(&public_id("first")).await.unwrap().is_none());
    let rest = store.prune(NOW.plus(1000 * DAY), 100).await.unwrap();
    assert_eq!(rest.total(), 0, "not even replaced refresh tokens");
    assert_eq!(events_of(&store, EventKind::UserDeleted).await, [deleted]);
}

async fn deleting_one_account_leaves_the_others(store: Given) {
    let (ada, grace) = (ada(&store).await, grace(&store).await);
    rotated(&store, &grace, "first", "second").await;
    personal(&store, &grace, "ci", None).await;
    store.delete_account(ada.id, None, event(EventKind::UserDeleted)).await.unwrap();
    assert_eq!(store.find_user(grace.id).await.unwrap(), Some(grace));
    assert!(session(&store, "first").await.is_some() && session(&store, "second").await.is_some());
    for hash in [access("first"), access("second"), Hash::of("ci")] {
        assert!(has_token(&store, hash).await);
    }
}

async fn who_is_gone_is_not_deleted_again(store: Given) {
    let ada = ada(&store).await;
    let deleted = || event(EventKind::UserDeleted).user(ada.id);
    assert!(store.delete_account(ada.id, None, deleted()).await.unwrap());
    assert!(!store.delete_account(ada.id, None, deleted()).await.unwrap());
    assert_eq!(events_of(&store, EventKind::UserDeleted).await.len(), 1);
}

async fn a_deletion_needs_the_password_that_was_verified_for_it(store: Given) {
    let ada = ada(&store).await;
    signed_in(&store, &ada, "laptop").await;
    let attempt = async |verified| {
        let event = event(EventKind::UserDeleted).user(ada.id);
        store.delete_account(ada.id, Some(password(verified)), event).await.unwrap()
    };
    assert!(!attempt("older").await);
    assert_eq!(store.find_user(ada.id).await.unwrap(), Some(ada.clone()), "nothing is deleted");
    assert!(has_token(&store, access("laptop")).await);
    assert!(events_of(&store, EventKind::UserDeleted).await.is_empty());
    assert!(attempt("first").await);
}

async fn ids_are_never_used_again_after_a_deletion(store: Given) {
    let ada = ada(&store).await;
    let before = signed_in(&store, &ada, "laptop").await;
    let ci = personal(&store, &ada, "ci", None).await.id;
    store.delete_account(ada.id, None, event(EventKind::UserDeleted)).await.unwrap();
    let record = sign_in(Who::New(new_user("ada@example.com")), "laptop");
    let after = store.sign_in(record).await.unwrap().unwrap();
    assert_ne!(after.user.id, ada.id);
    assert_ne!(after.session.id, before.session.id);
    assert!(![before.token.unwrap().id, ci].contains(&after.token.unwrap().id));
}

async fn what_somebody_owned_is_deleted_without_their_row(store: Given) {
    let ada = ada(&store).await;
    let grace = grace(&store).await;
    rotated(&store, &ada, "first", "second").await;
    personal(&store, &ada, "ci", None).await;
    signed_in(&store, &grace, "somebody else's").await;
    store.delete_user(ada.id).await.unwrap();
    store.delete_owned(ada.id).await.unwrap();
    for secret in ["first", "second"] {
        assert_nothing_opened(&store, secret).await;
    }
    assert!(!has_token(&store, Hash::of("ci")).await);
    assert!(has_token(&store, access("somebody else's")).await);
    assert!(session(&store, "somebody else's").await.is_some());
}

async fn assert_nothing_opened(store: &Given, secret: &str) {
    assert_eq!(session(store, secret).await, None, "no session of {secret}");
    assert!(!has_token(store, access(secret)).await, "no token of {secret}");
}
