//! What the rules start from: people, sessions and tokens with readable names.

use crate::ability::Abilities;
use crate::clock::Timestamp;
use crate::device::{Device, Fingerprint};
use crate::event::{Event, EventKind};
use crate::secret::{Hash, Salt};
use crate::session::{Guard, NewSession, Session, SessionId};
use crate::store::{
    DeviceSighting, EventFilter, Replacement, Revocation, Rotation, SessionTouch, SignInRecord,
    SignedIn, Store, TokenIssue, Which, Who,
};
use crate::token::{NewToken, Token};
use crate::user::{Email, NewUser, StoredPassword, User, UserId};
use std::sync::Arc;

pub(super) type Given = Arc<dyn Store>;

pub(super) const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
pub(super) const HOUR: u64 = 3600;
pub(super) const DAY: u64 = 24 * HOUR;
/// An id that no row has.
pub(super) const NOBODY: UserId = UserId(4_711);
pub(super) const MANY: u32 = 50;

pub(super) fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

pub(super) fn password(text: &str) -> StoredPassword {
    StoredPassword::new(format!("$test${text}"))
}

pub(super) fn salt(text: &str) -> Salt {
    Salt::from_hex(&Hash::of(text).to_hex()).unwrap()
}

/// A public id of the usual form for a session's secret.
pub(super) fn public_id(secret: &str) -> String {
    Hash::of(secret).to_hex()[..22].to_owned()
}

/// The hash of the access token that a session begins with.
pub(super) fn access(secret: &str) -> Hash {
    Hash::of(&format!("access token of {secret}"))
}

pub(super) fn event(kind: EventKind) -> Event {
    Event::new(kind, NOW)
}

pub(super) fn new_user(address: &str) -> NewUser {
    NewUser { name: "Ada".to_owned(), email: email(address), password: password("first") }
}

pub(super) fn new_token(hash: Hash, expires_at: Option<Timestamp>) -> NewToken {
    NewToken { name: "ci".to_owned(), hash, abilities: Abilities::all(), expires_at }
}

/// A token that the host app asks for.
pub(super) fn issue(
    user_id: UserId,
    token: NewToken,
    limit: u32,
    now: Timestamp,
    event: Event,
) -> TokenIssue {
    TokenIssue { user_id, token, by: None, limit, now, event }
}

pub(super) fn new_session(secret: &str) -> NewSession {
    NewSession {
        public_id: public_id(secret),
        guard: Guard::Token,
        secret: Hash::of(secret),
        abilities: Abilities::all(),
        device: looking_like("browser"),
        remember: false,
        expires_at: NOW.plus(30 * DAY),
    }
}

/// A device with this user agent, and the fingerprint that goes with it.
pub(super) fn looking_like(agent: &str) -> Device {
    Device {
        user_agent: Some(agent.to_owned()),
        fingerprint: Some(Fingerprint(Hash::of(agent))),
        ..Device::default()
    }
}

/// The hash of the secret that the device of a sign-in gets.
pub(super) fn device_secret(secret: &str) -> Hash {
    Hash::of(&format!("device of {secret}"))
}

/// A device that presents the secret of an earlier sign-in, if any, and would get one of its own.
pub(super) fn sighting(presented: Option<&str>, secret: &str) -> DeviceSighting {
    DeviceSighting {
        presented: presented.map(device_secret),
        issued: device_secret(secret),
        event: None,
    }
}

pub(super) fn existing(id: UserId) -> Who {
    Who::Existing { id, verified: None, rehashed: None }
}

/// A sign-in that opens a session with this secret and an access token.
pub(super) fn sign_in(who: Who, secret: &str) -> SignInRecord {
    SignInRecord {
        who,
        session: new_session(secret),
        token: Some(new_token(access(secret), Some(NOW.plus(HOUR)))),
        replaced: None,
        device: sighting(None, secret),
        sessions_per_user: MANY,
        now: NOW,
        events: vec![event(EventKind::AuthnLoginSuccess), event(EventKind::SessionCreated)],
    }
}

/// A sign-in that opens the session of a cookie with this value.
pub(super) fn cookie(user: UserId, value: &str) -> SignInRecord {
    let mut record = sign_in(existing(user), value);
    record.token = None;
    (record.session.guard, record.session.remember) = (Guard::Session, true);
    record
}

/// The next step of a session, from one secret to another, an hour after the last.
pub(super) fn rotation(session: &Session, from: &str, to: &str) -> Rotation {
    let now = session.rotated_at.unwrap_or(session.created_at).plus(HOUR / 2);
    Rotation {
        session: session.id,
        user_id: session.user_id,
        rotation: session.rotation,
        replace: Some(Replacement {
            old: Hash::of(from),
            old_expires_at: session.expires_at,
            new: Hash::of(to),
        }),
        salt: Some(salt(to)),
        token: new_token(access(to), Some(now.plus(HOUR))),
        grace_ends: now.plus(30),
        expires_at: now.plus(30 * DAY),
        now,
        event: Event::new(EventKind::SessionRenewed, now).user(session.user_id),
    }
}

/// A use of a session that renews nothing.
pub(super) fn used(id: SessionId, seen_at: Timestamp) -> SessionTouch {
    SessionTouch { id, seen_at, expires_at: None }
}

pub(super) async fn user(store: &Given, address: &str) -> User {
    let event = event(EventKind::UserCreated);
    store.insert_user(new_user(address), NOW, event).await.unwrap().expect("a free e-mail")
}

pub(super) async fn ada(store: &Given) -> User {
    user(store, "ada@example.com").await
}

pub(super) async fn grace(store: &Given) -> User {
    user(store, "grace@example.com").await
}

pub(super) async fn signed_in(store: &Given, who: &User, secret: &str) -> SignedIn {
    let record = sign_in(existing(who.id), secret);
    store.sign_in(record).await.unwrap().expect("an existing user is signed in")
}

/// A session that was refreshed once: from its secret to the other.
pub(super) async fn rotated(store: &Given, who: &User, from: &str, to: &str) -> Session {
    let session = signed_in(store, who, from).await.session;
    let rotation = rotation(&session, from, to);
    store.rotate(rotation).await.unwrap().expect("a live session is rotated")
}

pub(super) async fn personal(
    store: &Given,
    who: &User,
    name: &str,
    expires_at: Option<Timestamp>,
) -> Token {
    let token = new_token(Hash::of(name), expires_at);
    let event = event(EventKind::AuthnTokenCreated).user(who.id);
    let issued = store.insert_token(issue(who.id, token, 100, NOW, event)).await.unwrap();
    issued.token().expect("a token below the limit is issued")
}

pub(super) async fn revoke(store: &Given, who: &User, which: Which) -> Vec<String> {
    let event = event(EventKind::SessionRevoked).user(who.id);
    let revocation = Revocation { user_id: who.id, which, now: NOW.plus(DAY), events: vec![event] };
    store.revoke_sessions(revocation).await.unwrap()
}

pub(super) async fn has_token(store: &Given, hash: Hash) -> bool {
    store.find_token(&hash).await.unwrap().is_some()
}

/// The session row behind a secret, current or replaced.
pub(super) async fn session(store: &Given, secret: &str) -> Option<Session> {
    store.find_session(&Hash::of(secret)).await.unwrap().map(|found| found.session)
}

pub(super) async fn is_revoked(store: &Given, secret: &str) -> bool {
    session(store, secret).await.expect("an ended session is found").revoked_at.is_some()
}

pub(super) async fn live(store: &Given, who: UserId) -> Vec<SessionId> {
    let sessions = store.list_sessions(who, NOW).await.unwrap();
    sessions.into_iter().map(|session| session.id).collect()
}

pub(super) async fn stored_password(store: &Given, who: UserId) -> Option<StoredPassword> {
    store.find_account(who).await.unwrap().and_then(|account| account.password)
}

/// Every event, latest first.
pub(super) async fn events(store: &Given) -> Vec<Event> {
    store.list_events(EventFilter::latest(1000)).await.unwrap()
}

pub(super) async fn events_of(store: &Given, kind: EventKind) -> Vec<Event> {
    events(store).await.into_iter().filter(|event| event.event == kind).collect()
}

/// Makes calls at the same time, and counts those for which `won` holds.
pub(super) async fn count_winners<T, Fut>(
    calls: impl Iterator<Item = Fut>,
    won: impl Fn(&T) -> bool,
) -> usize
where
    T: Send + 'static,
    Fut: Future<Output = T> + Send + 'static,
{
    let calls: tokio::task::JoinSet<T> = calls.collect();
    calls.join_all().await.iter().filter(|outcome| won(outcome)).count()
}
