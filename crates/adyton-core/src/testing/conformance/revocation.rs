//! Rules for ending sessions, by themselves and with a password.

use super::given::*;
use crate::event::{Event, EventKind};
use crate::secret::Hash;
use crate::store::{OwnedRevocation, PasswordChange, Which};
use crate::user::{StoredPassword, User};
use std::sync::Arc;

rules![
    one_session_ends,
    every_session_but_one_ends,
    every_session_ends,
    an_ended_session_loses_its_tokens_and_its_salt,
    a_session_ends_once,
    nobody_ends_somebody_elses_session,
    each_end_has_its_event,
    personal_tokens_outlive_sessions,
    a_salt_is_erased_once_its_grace_is_over,
    a_new_password_ends_every_session_but_the_kept_one,
    a_new_password_can_end_personal_tokens_too,
    all_that_a_new_password_ends_has_its_event,
    a_password_changes_only_while_the_expected_one_stands,
    who_is_gone_gets_no_new_password,
    of_concurrent_password_changes_one_succeeds,
    what_somebody_owns_is_revoked_without_their_row,
];

async fn one_session_ends(store: Given) {
    let ada = ada(&store).await;
    let laptop = signed_in(&store, &ada, "laptop").await.session.id;
    signed_in(&store, &ada, "phone").await;
    assert_eq!(revoke(&store, &ada, Which::One(laptop)).await, [public_id("laptop")]);
    assert!(is_revoked(&store, "laptop").await && !is_revoked(&store, "phone").await);
    let ended = session(&store, "laptop").await.unwrap();
    assert_eq!(ended.revoked_at, Some(NOW.plus(DAY)));
    assert!(has_token(&store, access("phone")).await);
}

async fn every_session_but_one_ends(store: Given) {
    let ada = ada(&store).await;
    let kept = signed_in(&store, &ada, "kept").await.session.id;
    for secret in ["laptop", "phone"] {
        signed_in(&store, &ada, secret).await;
    }
    let mut ended = revoke(&store, &ada, Which::AllBut(kept)).await;
    let mut expected = [public_id("laptop"), public_id("phone")];
    ended.sort();
    expected.sort();
    assert_eq!(ended, expected);
    assert_eq!(live(&store, ada.id).await, [kept]);
    assert!(has_token(&store, access("kept")).await);
}

async fn every_session_ends(store: Given) {
    let (ada, grace) = (ada(&store).await, grace(&store).await);
    for secret in ["laptop", "phone"] {
        signed_in(&store, &ada, secret).await;
    }
    signed_in(&store, &grace, "somebody else's").await;
    assert_eq!(revoke(&store, &ada, Which::All).await.len(), 2);
    assert!(live(&store, ada.id).await.is_empty());
    assert_eq!(live(&store, grace.id).await.len(), 1, "others stay signed in");
    assert!(has_token(&store, access("somebody else's")).await);
}

async fn an_ended_session_loses_its_tokens_and_its_salt(store: Given) {
    let ada = ada(&store).await;
    rotated(&store, &ada, "first", "second").await;
    revoke(&store, &ada, Which::All).await;
    for secret in ["first", "second"] {
        assert!(!has_token(&store, access(secret)).await, "token of {secret}");
        let session = session(&store, secret).await.expect("its secrets still lead to it");
        assert_eq!(session.salt, None, "nothing is left to derive a pair from");
        assert!(session.revoked_at.is_some());
    }
}

async fn a_session_ends_once(store: Given) {
    let ada = ada(&store).await;
    let laptop = signed_in(&store, &ada, "laptop").await.session.id;
    assert_eq!(revoke(&store, &ada, Which::One(laptop)).await.len(), 1);
    let first = session(&store, "laptop").await;
    for which in [Which::One(laptop), Which::All] {
        assert!(revoke(&store, &ada, which).await.is_empty());
    }
    assert_eq!(session(&store, "laptop").await, first);
    assert_eq!(events_of(&store, EventKind::SessionRevoked).await.len(), 1);
}

async fn nobody_ends_somebody_elses_session(store: Given) {
    let (ada, grace) = (ada(&store).await, grace(&store).await);
    let laptop = signed_in(&store, &ada, "laptop").await.session.id;
    assert!(revoke(&store, &grace, Which::One(laptop)).await.is_empty());
    assert!(!is_revoked(&store, "laptop").await);
    assert!(has_token(&store, access("laptop")).await);
    assert!(events_of(&store, EventKind::SessionRevoked).await.is_empty());
}

async fn each_end_has_its_event(store: Given) {
    let ada = ada(&store).await;
    for secret in ["laptop", "phone"] {
        signed_in(&store, &ada, secret).await;
    }
    revoke(&store, &ada, Which::All).await;
    let written = events_of(&store, EventKind::SessionRevoked).await;
    assert_eq!(written.len(), 2);
    for secret in ["laptop", "phone"] {
        let event = event(EventKind::SessionRevoked).user(ada.id).session(&public_id(secret));
        assert!(written.contains(&event), "{secret}: {written:?}");
    }
}

async fn personal_tokens_outlive_sessions(store: Given) {
    let ada = ada(&store).await;
    signed_in(&store, &ada, "laptop").await;
    personal(&store, &ada, "ci", None).await;
    revoke(&store, &ada, Which::All).await;
    assert!(has_token(&store, Hash::of("ci")).await);
}

async fn a_salt_is_erased_once_its_grace_is_over(store: Given) {
    let ada = ada(&store).await;
    signed_in(&store, &ada, "never refreshed").await;
    let rotated_at = rotated(&store, &ada, "first", "second").await.rotated_at.unwrap();
    assert_eq!(store.erase_salts(rotated_at).await.unwrap(), 0, "not before, but at that time");
    assert_eq!(session(&store, "second").await.unwrap().salt, Some(salt("second")));
    assert_eq!(store.erase_salts(rotated_at.plus(1)).await.unwrap(), 1);
    let erased = session(&store, "second").await.unwrap();
    assert_eq!((erased.salt, erased.rotation, erased.revoked_at), (None, 1, None));
    assert_eq!(store.erase_salts(rotated_at.plus(1)).await.unwrap(), 0);
}

fn change(who: &User, expected: Option<StoredPassword>) -> PasswordChange {
    PasswordChange {
        user_id: who.id,
        expected,
        new: password("second"),
        keep: None,
        revoke_tokens: false,
        now: NOW.plus(DAY),
        event: Event::new(EventKind::AuthnPasswordChange, NOW.plus(DAY)).user(who.id),
    }
}

async fn a_new_password_ends_every_session_but_the_kept_one(store: Given) {
    let (ada, grace) = (ada(&store).await, grace(&store).await);
    let kept = signed_in(&store, &ada, "kept").await.session.id;
    rotated(&store, &ada, "first", "second").await;
    signed_in(&store, &grace, "somebody else's").await;
    personal(&store, &ada, "ci", None).await;
    let mut change = change(&ada, Some(password("first")));
    change.keep = Some(kept);
    assert!(store.change_password(change.clone()).await.unwrap().is_some());

    assert_eq!(stored_password(&store, ada.id).await, Some(password("second")));
    assert_eq!(stored_password(&store, grace.id).await, Some(password("first")));
    let ended = session(&store, "second").await.unwrap();
    assert_eq!((ended.revoked_at, ended.salt), (Some(NOW.plus(DAY)), None));
    for secret in ["first", "second"] {
        assert!(!has_token(&store, access(secret)).await, "token of {secret}");
    }
    assert_eq!(live(&store, ada.id).await, [kept]);
    assert_eq!(live(&store, grace.id).await.len(), 1);
    for hash in [access("kept"), Hash::of("ci"), access("somebody else's")] {
        assert!(has_token(&store, hash).await, "what was not to go stays");
    }
    assert_eq!(events_of(&store, EventKind::AuthnPasswordChange).await, [change.event]);
}

async fn a_new_password_can_end_personal_tokens_too(store: Given) {
    let (ada, grace) = (ada(&store).await, grace(&store).await);
    let kept = signed_in(&store, &ada, "kept").await.session.id;
    personal(&store, &ada, "ci", None).await;
    personal(&store, &grace, "somebody else's", None).await;
    let mut change = change(&ada, None);
    (change.keep, change.revoke_tokens) = (Some(kept), true);
    assert!(store.change_password(change).await.unwrap().is_some());
    assert!(!has_token(&store, Hash::of("ci")).await);
    assert!(has_token(&store, access("kept")).await, "the kept session keeps its token");
    assert!(has_token(&store, Hash::of("somebody else's")).await);
}

async fn a_password_changes_only_while_the_expected_one_stands(store: Given) {
    let ada = ada(&store).await;
    signed_in(&store, &ada, "laptop").await;
    personal(&store, &ada, "ci", None).await;
    let mut stale = change(&ada, Some(password("an older one")));
    stale.revoke_tokens = true;
    assert!(store.change_password(stale).await.unwrap().is_none());
    assert_eq!(stored_password(&store, ada.id).await, Some(password("first")));
    assert!(!is_revoked(&store, "laptop").await);
    assert!(has_token(&store, access("laptop")).await && has_token(&store, Hash::of("ci")).await);
    assert!(events_of(&store, EventKind::AuthnPasswordChange).await.is_empty());

    assert!(
        store.change_password(change(&ada, None)).await.unwrap().is_some(),
        "nobody asked for it"
    );
    assert_eq!(stored_password(&store, ada.id).await, Some(password("second")));
    assert!(live(&store, ada.id).await.is_empty(), "without one to keep, all end");
}

async fn who_is_gone_gets_no_new_password(store: Given) {
    let ada = ada(&store).await;
    store.delete_user(ada.id).await.unwrap();
    assert!(store.change_password(change(&ada, None)).await.unwrap().is_none());
    assert!(events_of(&store, EventKind::AuthnPasswordChange).await.is_empty());
}

async fn all_that_a_new_password_ends_has_its_event(store: Given) {
    let ada = ada(&store).await;
    let kept = signed_in(&store, &ada, "kept").await.session.id;
    signed_in(&store, &ada, "laptop").await;
    let ci = personal(&store, &ada, "ci", None).await.id;
    let mut change = change(&ada, Some(password("first")));
    (change.keep, change.revoke_tokens) = (Some(kept), true);
    let (now, why) = (change.now, change.event.clone());
    let told = store.change_password(change).await.unwrap().unwrap();
    let of = |kind| Event::new(kind, now).user(ada.id).reason("password_change");
    let sessions = events_of(&store, EventKind::SessionRevoked).await;
    assert_eq!(sessions, [of(EventKind::SessionRevoked).session(&public_id("laptop"))]);
    let tokens = events_of(&store, EventKind::AuthnTokenRevoked).await;
    assert_eq!(tokens, [of(EventKind::AuthnTokenRevoked).token(ci)]);
    assert_eq!(told, [vec![why], sessions, tokens].concat(), "whoever asked is told of them all");
}

async fn of_concurrent_password_changes_one_succeeds(store: Given) {
    let ada = ada(&store).await;
    let calls = (0..10).map(|n| {
        let (store, mut change) = (Arc::clone(&store), change(&ada, Some(password("first"))));
        change.new = password(&format!("new {n}"));
        async move { store.change_password(change).await }
    });
    assert_eq!(count_winners(calls, |changed| changed.as_ref().unwrap().is_some()).await, 1);
    assert_eq!(events_of(&store, EventKind::AuthnPasswordChange).await.len(), 1);
}

async fn what_somebody_owns_is_revoked_without_their_row(store: Given) {
    for secret in ["kept", "laptop"] {
        let opening = sign_in(existing(NOBODY), secret).opening(NOBODY);
        store.open_session(opening).await.unwrap();
    }
    let ci = new_token(Hash::of("ci"), None);
    let issued =
        store.insert_token(issue(NOBODY, ci, 1, NOW, event(EventKind::AuthnTokenCreated))).await;
    assert!(issued.unwrap().token().is_some());
    let kept = session(&store, "kept").await.unwrap().id;
    let written = event(EventKind::AuthnPasswordChange).user(NOBODY);
    let mut revocation = OwnedRevocation {
        user_id: NOBODY,
        keep: Some(kept),
        tokens: false,
        now: NOW,
        event: Some(written.clone()),
    };
    store.revoke_owned(revocation.clone()).await.unwrap();
    assert_eq!(live(&store, NOBODY).await, [kept]);
    assert!(has_token(&store, access("kept")).await && has_token(&store, Hash::of("ci")).await);
    assert!(!has_token(&store, access("laptop")).await);
    (revocation.keep, revocation.tokens, revocation.event) = (None, true, None);
    store.revoke_owned(revocation).await.unwrap();
    assert!(live(&store, NOBODY).await.is_empty());
    assert!(!has_token(&store, access("kept")).await && !has_token(&store, Hash::of("ci")).await);
    assert_eq!(events_of(&store, EventKind::AuthnPasswordChange).await, [written]);
}
