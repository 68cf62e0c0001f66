//! Rules for access tokens.

use super::given::*;
use crate::ability::Abilities;
use crate::clock::Timestamp;
use crate::event::EventKind;
use crate::secret::Hash;
use crate::session::Session;
use crate::store::{Credential, Issued, TokenIssue, Touches, Which};
use crate::token::{NewToken, TokenId};
use std::sync::Arc;

rules![
    a_token_leads_to_its_owner,
    a_sessions_token_leads_to_its_session,
    the_token_before_a_refresh_leads_to_the_session_too,
    an_expired_token_is_found,
    an_unknown_token_is_none,
    a_token_reads_back_as_it_was_written,
    a_hash_stands_in_one_row,
    the_limit_counts_personal_tokens_that_have_not_expired,
    of_concurrent_tokens_no_more_than_the_limit_are_issued,
    a_token_is_issued_only_while_who_asks_is_there,
    the_event_of_a_new_token_names_it,
    only_personal_tokens_are_listed_oldest_first,
    only_ones_own_personal_tokens_are_deleted,
    ids_of_tokens_are_never_used_again,
    a_touch_writes_when_something_was_used,
    a_touch_never_moves_time_back,
    a_touch_of_what_is_gone_writes_nothing,
];

async fn a_token_leads_to_its_owner(store: Given) {
    let (ada, _) = (ada(&store).await, grace(&store).await);
    let token = personal(&store, &ada, "ci", None).await;
    let found = store.find_token(&Hash::of("ci")).await.unwrap().unwrap();
    assert_eq!(found.user, Some(ada));
    assert_eq!(found.session, None, "a personal access token has no session");
    assert_eq!(found.token, token);
    assert_eq!(store.find_token_by_id(token.id).await.unwrap(), Some(token));
}

async fn a_sessions_token_leads_to_its_session(store: Given) {
    let ada = ada(&store).await;
    signed_in(&store, &ada, "phone").await;
    let signed_in = signed_in(&store, &ada, "laptop").await;
    let found = store.find_token(&access("laptop")).await.unwrap().unwrap();
    assert_eq!(Some(found.token), signed_in.token);
    assert_eq!(found.session, Some(signed_in.session));
    assert_eq!(found.user, Some(ada));
}

async fn the_token_before_a_refresh_leads_to_the_session_too(store: Given) {
    let ada = ada(&store).await;
    let session = rotated(&store, &ada, "first", "second").await;
    for hash in [access("first"), access("second")] {
        let found = store.find_token(&hash).await.unwrap().unwrap();
        assert_eq!(found.session.as_ref(), Some(&session));
    }
}

async fn an_expired_token_is_found(store: Given) {
    let ada = ada(&store).await;
    personal(&store, &ada, "old", Some(NOW.minus(DAY))).await;
    let found = store.find_token(&Hash::of("old")).await.unwrap();
    let token = found.expect("whether it has expired is the engine's decision").token;
    assert_eq!(token.expires_at, Some(NOW.minus(DAY)));
}

async fn an_unknown_token_is_none(store: Given) {
    let ada = ada(&store).await;
    signed_in(&store, &ada, "laptop").await;
    assert!(!has_token(&store, Hash::of("never issued")).await);
    assert!(!has_token(&store, Hash::of("laptop")).await, "a session's secret is no token");
    assert!(store.find_token_by_id(TokenId(4_711)).await.unwrap().is_none());
}

async fn a_token_reads_back_as_it_was_written(store: Given) {
    let ada = ada(&store).await;
    for (name, abilities, expires_at) in [
        ("ci", Abilities::all(), None),
        ("Straße 🚀 'quoted' \"twice\" \\", Abilities::none(), Some(NOW.plus(1))),
        (" ", Abilities::parse(["b:read", "a:write"]).unwrap(), Some(NOW.plus(DAY))),
    ] {
        let new = NewToken { name: name.to_owned(), hash: Hash::of(name), abilities, expires_at };
        let event = event(EventKind::AuthnTokenCreated);
        let issued = store.insert_token(issue(ada.id, new.clone(), 10, NOW, event)).await.unwrap();
        let found = store.find_token(&new.hash).await.unwrap().unwrap().token;
        assert_eq!(issued, Issued::Token(found.clone()));
        assert_eq!((found.name, found.abilities), (new.name, new.abilities));
        assert_eq!((found.expires_at, found.created_at), (expires_at, Some(NOW)));
        assert_eq!((found.user_id, found.last_used_at), (ada.id, None));
    }
}

async fn a_hash_stands_in_one_row(store: Given) {
    let (ada, grace) = (ada(&store).await, grace(&store).await);
    let token = personal(&store, &ada, "ci", None).await;
    signed_in(&store, &ada, "laptop").await;
    let written = events(&store).await.len();

    let again = new_token(Hash::of("ci"), None);
    let event = event(EventKind::AuthnTokenCreated);
    assert!(store.insert_token(issue(grace.id, again, 10, NOW, event)).await.is_err());
    let same_token = {
        let mut record = sign_in(existing(grace.id), "phone");
        record.token = Some(new_token(Hash::of("ci"), None));
        record
    };
    assert!(store.sign_in(same_token).await.is_err(), "two tokens with one hash");
    let same_secret = {
        let mut record = sign_in(existing(grace.id), "laptop");
        record.session.public_id = public_id("phone");
        record.token = None;
        record
    };
    assert!(store.sign_in(same_secret).await.is_err(), "two sessions with one secret");

    let found = store.find_token(&Hash::of("ci")).await.unwrap().unwrap();
    assert_eq!((found.token, found.user), (token, Some(ada)));
    assert!(live(&store, grace.id).await.is_empty(), "what fails writes nothing");
    assert_eq!(events(&store).await.len(), written, "what fails writes no event");
}

async fn the_limit_counts_personal_tokens_that_have_not_expired(store: Given) {
    let (ada, grace) = (ada(&store).await, grace(&store).await);
    signed_in(&store, &ada, "laptop").await;
    personal(&store, &grace, "somebody else's", None).await;
    personal(&store, &ada, "expired", Some(NOW.minus(1))).await;
    personal(&store, &ada, "expires now", Some(NOW)).await;
    personal(&store, &ada, "for ever", None).await;
    personal(&store, &ada, "for a second", Some(NOW.plus(1))).await;
    let attempt = async |name: &str, limit| {
        let event = event(EventKind::AuthnTokenCreated).user(ada.id);
        let new = new_token(Hash::of(name), None);
        store.insert_token(issue(ada.id, new, limit, NOW, event)).await.unwrap()
    };
    let written = events(&store).await.len();
    assert_eq!(attempt("third", 2).await, Issued::LimitReached, "two count, so two are the limit");
    assert!(!has_token(&store, Hash::of("third")).await);
    assert_eq!(events(&store).await.len(), written, "what is refused leaves no event");
    assert!(attempt("third", 3).await.token().is_some(), "expired and session tokens do not count");
    assert_eq!(attempt("fourth", 3).await, Issued::LimitReached);
}

async fn of_concurrent_tokens_no_more_than_the_limit_are_issued(store: Given) {
    let ada = ada(&store).await;
    let calls = (0..10).map(|n| {
        let (store, id) = (Arc::clone(&store), ada.id);
        async move {
            let new = new_token(Hash::of(&format!("token {n}")), None);
            store.insert_token(issue(id, new, 3, NOW, event(EventKind::AuthnTokenCreated))).await
        }
    });
    assert_eq!(count_winners(calls, |issued| matches!(issued, Ok(Issued::Token(_)))).await, 3);
    assert_eq!(store.list_tokens(ada.id).await.unwrap().len(), 3);
}

async fn a_token_is_issued_only_while_who_asks_is_there(store: Given) {
    let ada = ada(&store).await;
    let session = signed_in(&store, &ada, "phone").await.session.id;
    let token = personal(&store, &ada, "asks", None).await.id;
    let attempt = async |name: &str, by| {
        let event = event(EventKind::AuthnTokenCreated).user(ada.id);
        let asked = issue(ada.id, new_token(Hash::of(name), None), 100, NOW, event);
        store.insert_token(TokenIssue { by: Some(by), ..asked }).await.unwrap()
    };
    let (by_session, by_token) = (Credential::Session(session), Credential::PersonalToken(token));
    assert!(attempt("a", by_session).await.token().is_some());
    assert!(attempt("b", by_token).await.token().is_some());

    revoke(&store, &ada, Which::All).await;
    let revoked = event(EventKind::AuthnTokenRevoked).user(ada.id);
    assert!(store.delete_token(ada.id, token, revoked).await.unwrap());
    let written = events(&store).await.len();
    for by in [by_session, by_token] {
        assert_eq!(attempt("c", by).await, Issued::CredentialGone);
    }
    assert!(!has_token(&store, Hash::of("c")).await);
    assert_eq!(events(&store).await.len(), written, "what is refused leaves no event");
}

async fn the_event_of_a_new_token_names_it(store: Given) {
    let ada = ada(&store).await;
    let token = personal(&store, &ada, "ci", None).await;
    let expected = event(EventKind::AuthnTokenCreated).user(ada.id).token(token.id);
    assert_eq!(events_of(&store, EventKind::AuthnTokenCreated).await, [expected]);
}

async fn only_personal_tokens_are_listed_oldest_first(store: Given) {
    let (ada, grace) = (ada(&store).await, grace(&store).await);
    let first = personal(&store, &ada, "first", None).await;
    rotated(&store, &ada, "laptop", "laptop again").await;
    personal(&store, &grace, "somebody else's", None).await;
    let second = personal(&store, &ada, "second", Some(NOW.minus(1))).await;
    assert_eq!(store.list_tokens(ada.id).await.unwrap(), [first, second]);
    assert!(store.list_tokens(NOBODY).await.unwrap().is_empty());
}

async fn only_ones_own_personal_tokens_are_deleted(store: Given) {
    let (ada, grace) = (ada(&store).await, grace(&store).await);
    let own = personal(&store, &ada, "own", None).await.id;
    let other = personal(&store, &grace, "other", None).await.id;
    let of_session = signed_in(&store, &ada, "laptop").await.token.unwrap().id;
    let delete = async |id| {
        let event = event(EventKind::AuthnTokenRevoked).user(ada.id).token(id);
        store.delete_token(ada.id, id, event).await.unwrap()
    };
    assert!(!delete(other).await, "somebody else's token");
    assert!(!delete(of_session).await, "a session's token");
    assert!(events_of(&store, EventKind::AuthnTokenRevoked).await.is_empty());
    assert!(
        has_token(&store, Hash::of("other")).await && has_token(&store, access("laptop")).await
    );
    assert!(delete(own).await);
    assert!(!has_token(&store, Hash::of("own")).await);
    assert!(!delete(own).await, "a token that is gone");
    let expected = event(EventKind::AuthnTokenRevoked).user(ada.id).token(own);
    assert_eq!(events_of(&store, EventKind::AuthnTokenRevoked).await, [expected]);
}

async fn ids_of_tokens_are_never_used_again(store: Given) {
    let ada = ada(&store).await;
    let id = personal(&store, &ada, "first", None).await.id;
    store.delete_token(ada.id, id, event(EventKind::AuthnTokenRevoked)).await.unwrap();
    assert_ne!(personal(&store, &ada, "second", None).await.id, id);
}

async fn a_touch_writes_when_something_was_used(store: Given) {
    let ada = ada(&store).await;
    let token = personal(&store, &ada, "ci", None).await;
    let session = signed_in(&store, &ada, "laptop").await.session;
    touch(&store, &[token.id], &session, NOW.plus(60)).await;
    let (used, seen) = last_use(&store, token.id).await;
    assert_eq!((used, seen), (Some(NOW.plus(60)), NOW.plus(60)));
    store.touch(Touches::default()).await.expect("nothing to write is no failure");
    let untouched = store.find_token(&access("laptop")).await.unwrap().unwrap().token;
    assert_eq!(untouched.last_used_at, None, "what was not named stays");
}

async fn a_touch_never_moves_time_back(store: Given) {
    let ada = ada(&store).await;
    let token = personal(&store, &ada, "ci", None).await;
    let session = signed_in(&store, &ada, "laptop").await.session;
    touch(&store, &[token.id], &session, NOW.plus(120)).await;
    touch(&store, &[token.id], &session, NOW.plus(60)).await;
    let (used, seen) = last_use(&store, token.id).await;
    assert_eq!((used, seen), (Some(NOW.plus(120)), NOW.plus(120)));
}

async fn a_touch_of_what_is_gone_writes_nothing(store: Given) {
    let ada = ada(&store).await;
    let (gone, stays) =
        (personal(&store, &ada, "gone", None).await, personal(&store, &ada, "ci", None).await);
    let session = signed_in(&store, &ada, "laptop").await.session;
    store.delete_token(ada.id, gone.id, event(EventKind::AuthnTokenRevoked)).await.unwrap();
    touch(&store, &[gone.id, stays.id], &session, NOW.plus(60)).await;
    assert!(store.find_token_by_id(gone.id).await.unwrap().is_none());
    assert_eq!(last_use(&store, stays.id).await.0, Some(NOW.plus(60)), "the others are written");
}

async fn touch(store: &Given, tokens: &[TokenId], session: &Session, time: Timestamp) {
    let tokens = tokens.iter().map(|id| (*id, time)).collect();
    store.touch(Touches { tokens, sessions: vec![used(session.id, time)] }).await.unwrap();
}

/// When this token and the session `laptop` were last used.
async fn last_use(store: &Given, token: TokenId) -> (Option<Timestamp>, Timestamp) {
    let token = store.find_token_by_id(token).await.unwrap().unwrap();
    (token.last_used_at, session(store, "laptop").await.unwrap().last_seen_at)
}
