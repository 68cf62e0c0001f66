//! Rules for finding and listing sessions.

use super::given::*;
use crate::ability::Abilities;
use crate::device::{Device, Fingerprint};
use crate::event::EventKind;
use crate::secret::Hash;
use crate::session::{Guard, Superseded};
use crate::store::{Revocation, SessionTouch, Touches, Which};

rules![
    a_session_reads_back_as_it_was_written,
    a_session_is_found_by_its_secret,
    a_replaced_secret_leads_to_its_session,
    an_unknown_secret_is_none,
    a_cookie_leads_to_its_session_and_user,
    a_use_renews_the_session_of_a_cookie,
    a_sign_in_ends_the_session_that_it_replaces,
    a_session_is_found_by_its_public_id,
    an_ended_or_expired_session_is_found,
    live_sessions_are_listed_latest_first,
];

async fn a_session_reads_back_as_it_was_written(store: Given) {
    let ada = ada(&store).await;
    let mut record = sign_in(existing(ada.id), "laptop");
    record.token = None;
    record.session.guard = Guard::Session;
    record.session.abilities = Abilities::parse(["orders:read", "account"]).unwrap();
    record.session.device = Device {
        name: Some("Ada's \"Straße\" 🚀".to_owned()),
        user_agent: Some("Mozilla/5.0".to_owned()),
        network: Some("192.0.2.0".to_owned()),
        fingerprint: Some(Fingerprint(Hash::of("desktop"))),
        id: None,
    };
    let new = record.session.clone();
    let session = store.sign_in(record).await.unwrap().unwrap().session;
    assert_eq!((&session.public_id, session.guard), (&new.public_id, new.guard));
    let device = Device { id: session.device.id, ..new.device };
    assert_eq!((&session.abilities, &session.device), (&new.abilities, &device));
    assert_eq!((session.user_id, session.expires_at), (ada.id, new.expires_at));
    assert_eq!((session.created_at, session.last_seen_at), (NOW, NOW));
    assert_eq!((session.rotation, session.rotated_at, session.revoked_at), (0, None, None));
    assert_eq!((session.previous, session.salt), (None, None));
    assert_eq!((session.access_token, session.previous_access_token), (None, None));
    assert_eq!(self::session(&store, "laptop").await, Some(session));
}

async fn a_session_is_found_by_its_secret(store: Given) {
    let ada = ada(&store).await;
    signed_in(&store, &ada, "phone").await;
    let signed_in = signed_in(&store, &ada, "laptop").await;
    let found = store.find_session(&Hash::of("laptop")).await.unwrap().unwrap();
    assert_eq!((found.session, found.superseded), (signed_in.session, None));
}

async fn a_replaced_secret_leads_to_its_session(store: Given) {
    let ada = ada(&store).await;
    let first_end = new_session("first").expires_at;
    let session = rotated(&store, &ada, "first", "second").await;
    let second_end = session.expires_at;
    let step = rotation(&session, "second", "third");
    let session = store.rotate(step).await.unwrap().unwrap();
    for (secret, superseded) in [
        ("first", Some(Superseded { expires_at: first_end })),
        ("second", Some(Superseded { expires_at: second_end })),
        ("third", None),
    ] {
        let found = store.find_session(&Hash::of(secret)).await.unwrap().unwrap();
        assert_eq!((&found.session, found.superseded), (&session, superseded), "{secret}");
    }
}

async fn a_cookie_leads_to_its_session_and_user(store: Given) {
    let ada = ada(&store).await;
    signed_in(&store, &ada, "refresh token").await;
    let session = store.sign_in(cookie(ada.id, "cookie")).await.unwrap().unwrap().session;
    assert!(session.remember);
    let found = store.find_cookie(&Hash::of("cookie")).await.unwrap().unwrap();
    assert_eq!((found.session, found.user), (session.clone(), Some(ada.clone())));
    for other in ["refresh token", "never issued"] {
        assert!(store.find_cookie(&Hash::of(other)).await.unwrap().is_none(), "{other}");
    }
    revoke(&store, &ada, Which::One(session.id)).await;
    let found = store.find_cookie(&Hash::of("cookie")).await.unwrap().unwrap();
    assert!(found.session.revoked_at.is_some(), "the engine says what an ended one is worth");
}

async fn a_use_renews_the_session_of_a_cookie(store: Given) {
    let ada = ada(&store).await;
    let id = store.sign_in(cookie(ada.id, "cookie")).await.unwrap().unwrap().session.id;
    let touch = async |seen_at, expires_at| {
        let sessions = vec![SessionTouch { id, seen_at, expires_at }];
        store.touch(Touches { sessions, ..Touches::default() }).await.unwrap();
        let session = session(&store, "cookie").await.unwrap();
        (session.last_seen_at, session.expires_at)
    };
    let (later, end) = (NOW.plus(HOUR), NOW.plus(60 * DAY));
    assert_eq!(touch(later, Some(end)).await, (later, end));
    assert_eq!(touch(later, Some(NOW)).await, (later, end), "the same moment changes nothing");
    assert_eq!(touch(NOW, Some(NOW)).await, (later, end), "nor does an earlier one");
    let last = later.plus(1);
    assert_eq!(touch(last, None).await, (last, end));
    revoke(&store, &ada, Which::One(id)).await;
    let ended = touch(last.plus(1), Some(end.plus(DAY))).await;
    assert_eq!(ended, (last, end), "an ended session is not renewed");
}

async fn a_sign_in_ends_the_session_that_it_replaces(store: Given) {
    let (ada, grace) = (ada(&store).await, grace(&store).await);
    let old = store.sign_in(cookie(ada.id, "old")).await.unwrap().unwrap().session;
    signed_in(&store, &ada, "elsewhere").await;
    let mut record = cookie(grace.id, "new");
    record.replaced = Some(Revocation {
        user_id: ada.id,
        which: Which::One(old.id),
        now: NOW,
        events: vec![event(EventKind::SessionRevoked).reason("signed_in_again")],
    });
    store.sign_in(record).await.unwrap().unwrap();
    assert!(is_revoked(&store, "old").await);
    assert!(!is_revoked(&store, "elsewhere").await && !is_revoked(&store, "new").await);
    let [revoked] = events_of(&store, EventKind::SessionRevoked).await.try_into().unwrap();
    assert_eq!((revoked.user_id, revoked.session_id), (Some(ada.id), Some(old.public_id)));
}

async fn an_unknown_secret_is_none(store: Given) {
    let ada = ada(&store).await;
    signed_in(&store, &ada, "laptop").await;
    assert!(session(&store, "never issued").await.is_none());
    let token = store.find_session(&access("laptop")).await.unwrap();
    assert!(token.is_none(), "an access token is no session's secret");
}

async fn a_session_is_found_by_its_public_id(store: Given) {
    let ada = ada(&store).await;
    let session = signed_in(&store, &ada, "laptop").await.session;
    let found = store.find_session_by_public_id(&public_id("laptop")).await.unwrap();
    assert_eq!(found, Some(session));
    let other = store.find_session_by_public_id(&public_id("phone")).await.unwrap();
    assert_eq!(other, None);
}

async fn an_ended_or_expired_session_is_found(store: Given) {
    let ada = ada(&store).await;
    let ended = signed_in(&store, &ada, "ended").await.session;
    revoke(&store, &ada, Which::One(ended.id)).await;
    let mut record = sign_in(existing(ada.id), "expired");
    record.session.expires_at = NOW.minus(DAY);
    store.sign_in(record).await.unwrap().unwrap();
    assert!(is_revoked(&store, "ended").await);
    assert!(!is_revoked(&store, "expired").await, "to expire is not to be revoked");
    let by_id = store.find_session_by_public_id(&public_id("ended")).await.unwrap();
    assert!(by_id.is_some());
}

async fn live_sessions_are_listed_latest_first(store: Given) {
    let (ada, grace) = (ada(&store).await, grace(&store).await);
    let first = signed_in(&store, &ada, "first").await.session.id;
    let ended = signed_in(&store, &ada, "ended").await.session.id;
    revoke(&store, &ada, Which::One(ended)).await;
    signed_in(&store, &grace, "somebody else's").await;
    let mut over = sign_in(existing(ada.id), "over");
    over.session.expires_at = NOW.plus(DAY);
    over.token = None;
    store.sign_in(over).await.unwrap().unwrap();
    let mut later = sign_in(existing(ada.id), "later");
    later.now = NOW.plus(60);
    let later = store.sign_in(later).await.unwrap().unwrap().session.id;
    let at = async |time| {
        let sessions = store.list_sessions(ada.id, time).await.unwrap();
        sessions.into_iter().map(|session| session.id).collect::<Vec<_>>()
    };
    assert_eq!(at(NOW.plus(DAY).minus(1)).await.len(), 3);
    assert_eq!(at(NOW.plus(DAY)).await, [later, first], "the moment of expiry is too late");
}
