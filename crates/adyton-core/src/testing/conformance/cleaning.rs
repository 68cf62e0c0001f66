//! Rules for pruning, for events, and for the store as a whole.

use super::given::*;
use crate::clock::Timestamp;
use crate::event::{Event, EventKind};
use crate::secret::Hash;
use crate::store::{EventFilter, Pruned, Which};
use crate::token::TokenId;
use crate::user::{User, UserId};

rules![
    what_had_its_time_is_pruned,
    what_is_live_or_younger_stays,
    a_pruned_session_takes_its_tokens_with_it,
    a_batch_has_at_most_as_many_rows_as_asked_for,
    a_large_batch_takes_what_is_due_and_nothing_else,
    pruning_comes_to_an_end,
    events_are_listed_latest_first,
    an_event_reads_back_as_it_was_written,
    events_are_found_by_user_kind_and_time,
    what_is_recorded_late_is_listed_where_it_happened,
    old_events_are_pruned_in_batches,
    a_store_answers,
    a_counter_stands_still_while_nobody_writes,
];

/// Everything here expires or ends at this time, or long after.
const OLD: Timestamp = NOW.minus(10 * DAY);
/// What pruning is asked to go up to.
const BEFORE: Timestamp = NOW.minus(DAY);

async fn cookie_session(store: &Given, who: &User, secret: &str, expires_at: Timestamp) {
    let mut record = sign_in(existing(who.id), secret);
    record.token = None;
    record.session.expires_at = expires_at;
    store.sign_in(record).await.unwrap().unwrap();
}

/// A live session whose first refresh token would have expired at that time.
async fn superseded(store: &Given, who: &User, from: &str, to: &str, expired: Timestamp) {
    let session = signed_in(store, who, from).await.session;
    let mut step = rotation(&session, from, to);
    if let Some(replace) = &mut step.replace {
        replace.old_expires_at = expired;
    }
    store.rotate(step).await.unwrap().unwrap();
}

async fn what_had_its_time_is_pruned(store: Given) {
    let ada = ada(&store).await;
    personal(&store, &ada, "ci", Some(OLD)).await;
    cookie_session(&store, &ada, "expired", OLD).await;
    superseded(&store, &ada, "first", "second", OLD).await;
    let pruned = store.prune(BEFORE, 100).await.unwrap();
    assert_eq!(pruned, Pruned { tokens: 1, sessions: 1, superseded: 1, devices: 0, events: 0 });
    assert!(!has_token(&store, Hash::of("ci")).await);
    assert!(session(&store, "expired").await.is_none());
    assert!(session(&store, "first").await.is_none());
    assert!(session(&store, "second").await.is_some(), "its session lives on");

    cookie_session(&store, &ada, "ended", NOW.plus(DAY)).await;
    let ended = session(&store, "ended").await.unwrap().id;
    revoke(&store, &ada, Which::One(ended)).await;
    let pruned = store.prune(NOW.plus(2 * DAY), 100).await.unwrap();
    assert!(pruned.sessions >= 1);
    assert!(session(&store, "ended").await.is_none(), "a revoked one goes, too");
}

async fn what_is_live_or_younger_stays(store: Given) {
    let ada = ada(&store).await;
    personal(&store, &ada, "for ever", None).await;
    personal(&store, &ada, "just expired", Some(BEFORE)).await;
    cookie_session(&store, &ada, "just over", BEFORE).await;
    superseded(&store, &ada, "first", "second", BEFORE).await;
    cookie_session(&store, &ada, "just ended", NOW.plus(DAY)).await;
    let ended = session(&store, "just ended").await.unwrap().id;
    revoke(&store, &ada, Which::One(ended)).await;
    assert_eq!(store.prune(BEFORE, 100).await.unwrap(), Pruned::default());
    for hash in [Hash::of("for ever"), Hash::of("just expired"), access("first"), access("second")]
    {
        assert!(has_token(&store, hash).await);
    }
    for secret in ["just over", "just ended", "first", "second"] {
        assert!(session(&store, secret).await.is_some(), "{secret}");
    }
    assert_eq!(store.find_user(ada.id).await.unwrap(), Some(ada));
}

async fn a_pruned_session_takes_its_tokens_with_it(store: Given) {
    let ada = ada(&store).await;
    let session = rotated(&store, &ada, "first", "second").await;
    let mut step = rotation(&session, "second", "third");
    (step.expires_at, step.token.expires_at) = (OLD, None);
    store.rotate(step).await.unwrap().unwrap();
    assert_eq!(store.prune(BEFORE, 100).await.unwrap().sessions, 1);
    for secret in ["second", "third"] {
        assert!(!has_token(&store, access(secret)).await, "token of {secret}");
    }
    for secret in ["first", "second", "third"] {
        assert!(self::session(&store, secret).await.is_none(), "{secret}");
    }
}

async fn a_batch_has_at_most_as_many_rows_as_asked_for(store: Given) {
    let ada = ada(&store).await;
    for n in 0..5 {
        personal(&store, &ada, &format!("token {n}"), Some(OLD)).await;
        cookie_session(&store, &ada, &format!("session {n}"), OLD).await;
        superseded(&store, &ada, &format!("old {n}"), &format!("new {n}"), OLD).await;
    }
    let pruned = store.prune(BEFORE, 2).await.unwrap();
    assert_eq!(pruned, Pruned { tokens: 2, sessions: 2, superseded: 2, devices: 0, events: 0 });
    assert_eq!(store.list_tokens(ada.id).await.unwrap().len(), 3);
}

/// More than a statement names at once, and a few left over.
async fn a_large_batch_takes_what_is_due_and_nothing_else(store: Given) {
    let ada = ada(&store).await;
    personal(&store, &ada, "for ever", None).await;
    for n in 0..60 {
        personal(&store, &ada, &format!("token {n}"), Some(OLD)).await;
    }
    let mut outlived = sign_in(existing(ada.id), "outlived");
    outlived.token.as_mut().unwrap().expires_at = Some(OLD);
    store.sign_in(outlived).await.unwrap().unwrap();
    let other = signed_in(&store, &ada, "other").await.session;

    assert_eq!(store.prune(BEFORE, 100).await.unwrap().tokens, 61);
    assert_eq!(store.list_tokens(ada.id).await.unwrap().len(), 1);
    assert!(session(&store, "outlived").await.is_some(), "it can be refreshed");
    assert_eq!(session(&store, "other").await.unwrap().access_token, other.access_token);
    assert!(other.access_token.is_some() && has_token(&store, access("other")).await);
}

async fn pruning_comes_to_an_end(store: Given) {
    let ada = ada(&store).await;
    for n in 0..5 {
        personal(&store, &ada, &format!("token {n}"), Some(OLD)).await;
        cookie_session(&store, &ada, &format!("session {n}"), OLD).await;
    }
    let mut all = Pruned::default();
    for _ in 0..5 {
        let batch = store.prune(BEFORE, 2).await.unwrap();
        all += batch;
        if batch.total() == 0 {
            break;
        }
    }
    assert_eq!(all, Pruned { tokens: 5, sessions: 5, superseded: 0, devices: 0, events: 0 });
    assert_eq!(store.prune(BEFORE, 2).await.unwrap().total(), 0);
}

async fn events_are_listed_latest_first(store: Given) {
    let at = |n| Event::new(EventKind::AuthzFail, NOW.plus(n));
    store.record(vec![at(0), at(1)]).await.unwrap();
    store.record(vec![at(2)]).await.unwrap();
    store.record(Vec::new()).await.unwrap();
    assert_eq!(events(&store).await, [at(2), at(1), at(0)]);
    assert_eq!(store.list_events(EventFilter::latest(2)).await.unwrap(), [at(2), at(1)]);
}

async fn an_event_reads_back_as_it_was_written(store: Given) {
    let bare = event(EventKind::AuthnLoginFail);
    let mut full = bare.clone().user(UserId(7)).token(TokenId(9)).session(&public_id("laptop"));
    full = full.network(Some("2001:db8::".to_owned())).reason("unknown_email");
    full.count = 12;
    full.request_id = Some("aB3-_x".to_owned());
    store.record(vec![bare.clone()]).await.unwrap();
    store.record(vec![full.clone()]).await.unwrap();
    assert_eq!(events(&store).await, [full, bare]);
}

async fn events_are_found_by_user_kind_and_time(store: Given) {
    let of = |kind, user, n| Event::new(kind, NOW.plus(n)).user(UserId(user));
    let all = [
        of(EventKind::AuthnLoginFail, 1, 0),
        of(EventKind::AuthzFail, 1, 1),
        of(EventKind::AuthnLoginFail, 2, 2),
        of(EventKind::AuthnLoginFail, 1, 3),
        Event::new(EventKind::AuthnLoginFail, NOW.plus(4)),
    ];
    store.record(all.to_vec()).await.unwrap();
    let latest = EventFilter::latest(10);
    let ones = EventFilter { user: Some(UserId(1)), ..latest };
    let fails = EventFilter { kind: Some(EventKind::AuthnLoginFail), ..latest };
    let since = |n, filter| EventFilter { since: Some(NOW.plus(n)), ..filter };
    let both = EventFilter { kind: fails.kind, ..ones };
    for (filter, found) in [
        (latest, vec![4, 3, 2, 1, 0]),
        (ones, vec![3, 1, 0]),
        (fails, vec![4, 3, 2, 0]),
        (since(1, latest), vec![4, 3, 2, 1]),
        (both, vec![3, 0]),
        (since(1, ones), vec![3, 1]),
        (since(2, fails), vec![4, 3, 2]),
        (since(3, both), vec![3]),
        (EventFilter { limit: 1, ..ones }, vec![3]),
    ] {
        let found: Vec<_> = found.into_iter().map(|at: usize| all[at].clone()).collect();
        assert_eq!(store.list_events(filter).await.unwrap(), found, "{filter:?}");
    }
}

async fn what_is_recorded_late_is_listed_where_it_happened(store: Given) {
    let at = |n| Event::new(EventKind::AuthzFail, NOW.plus(n));
    store.record(vec![at(5)]).await.unwrap();
    store.record(vec![at(2)]).await.unwrap();
    assert_eq!(events(&store).await, [at(5), at(2)]);
}

async fn old_events_are_pruned_in_batches(store: Given) {
    let at = |n| Event::new(EventKind::AuthzFail, NOW.plus(n));
    store.record((0..6).map(at).collect()).await.unwrap();
    assert_eq!(store.prune_events(NOW.plus(5), 3).await.unwrap(), 3);
    assert_eq!(store.prune_events(NOW.plus(5), 3).await.unwrap(), 2);
    assert_eq!(store.prune_events(NOW.plus(5), 3).await.unwrap(), 0);
    assert_eq!(events(&store).await, [at(5)], "one of that very second stays");
}

async fn a_store_answers(store: Given) {
    store.ping().await.expect("a store that works answers");
}

async fn a_counter_stands_still_while_nobody_writes(store: Given) {
    let first = store.change_counter().await.unwrap();
    assert_eq!(store.change_counter().await.unwrap(), first);
    ada(&store).await;
    let after = store.change_counter().await.unwrap();
    assert_eq!(after, first, "what this store writes itself does not count");
}
