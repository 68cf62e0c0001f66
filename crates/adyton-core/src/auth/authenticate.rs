//! Who is calling: the check on every request.

use super::flights::Waited;
use super::{Auth, Inner};
use crate::ability::Abilities;
use crate::cache::{Proof, Teller, Verified};
use crate::clock::Timestamp;
use crate::device::Client;
use crate::error::{Error, Refusal};
use crate::event::{Event, EventKind};
use crate::secret::{Hash, Kind, PlainText};
use crate::session::{Guard, Session};
use crate::store::{Credential, SessionTouch, StoreError, Touches};
use crate::token::{FoundToken, Presented, Token, TokenId, ends_at};
use crate::user::{User, UserId};
use std::net::IpAddr;
use std::sync::Arc;

/// Uses of a token within so many seconds are noted once.
const NOTED_EVERY: i64 = 60;

/// Who is calling, by which credential, and what that may do. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Principal(Verified);

impl Principal {
    /// The user.
    #[must_use]
    pub fn user(&self) -> &Arc<User> {
        self.0.user()
    }

    /// The user as JSON, as the endpoints show it: written once for as long as the principal is
    /// kept in memory.
    #[must_use]
    pub fn user_json(&self) -> &str {
        self.0.user_json()
    }

    /// The user's id.
    #[must_use]
    pub fn user_id(&self) -> UserId {
        self.0.user_id()
    }

    /// What the credential may do.
    #[must_use]
    pub fn abilities(&self) -> &Abilities {
        self.0.abilities()
    }

    /// Whether it may do this.
    #[must_use]
    pub fn can(&self, ability: &str) -> bool {
        self.abilities().allow(ability)
    }

    /// How the caller proved themselves.
    #[must_use]
    pub fn guard(&self) -> Guard {
        if self.0.token_id().is_some() { Guard::Token } else { Guard::Session }
    }

    /// The access token that was presented; `None` for a session cookie.
    #[must_use]
    pub fn token(&self) -> Option<&Token> {
        self.0.token()
    }

    /// The session of the cookie, or that which the token was issued for; `None` for a personal
    /// access token.
    #[must_use]
    pub fn session(&self) -> Option<&Session> {
        self.0.session()
    }

    /// What has to stand for a change in its name to be made.
    pub(super) fn credential(&self) -> Credential {
        self.0.credential()
    }

    /// When a use of the credential was last noted: this call's, or one less than a minute ago.
    pub(super) fn noted_at(&self) -> Timestamp {
        Timestamp::from_unix(self.0.noted())
    }

    /// A number that changes with anything that can be read of a principal, and that no other has in
    /// this process: what was made of a principal stays good for as long as a later call returns
    /// the same. It says nothing of whether the credential still stands; only a call does.
    #[must_use]
    pub fn edition(&self) -> u64 {
        self.0.edition()
    }

    /// The personal access token that was presented, if it is one.
    #[must_use]
    pub fn personal_token(&self) -> Option<TokenId> {
        self.0.token_id().filter(|_| self.session().is_none())
    }
}

impl Auth {
    /// Authenticates by the text that followed the prefix in the token header, of a client whose
    /// address is not known.
    ///
    /// # Errors
    /// `token_invalid`, `token_expired`, `session_revoked`; [`Error::Store`].
    pub async fn authenticate(&self, token: &str) -> Result<Principal, Error> {
        self.authenticate_from(token, None).await
    }

    /// The same for a client at this address: it is refused after 60 unknown tokens a minute in a
    /// form that Adyton does not issue.
    ///
    /// # Errors
    /// Those of [`authenticate`](Self::authenticate); [`Error::TooManyAttempts`].
    pub async fn authenticate_from(
        &self,
        token: &str,
        address: Option<IpAddr>,
    ) -> Result<Principal, Error> {
        let presented = self.read_token(token)?;
        match self.known(&presented.hash) {
            Some(known) => self.admit(known, presented.id),
            // In boxes: what a hit needs no room for is not carried along by every request.
            None if presented.foreign => Box::pin(self.look_up_foreign(&presented, address)).await,
            None => Box::pin(self.look_up(&presented)).await,
        }
    }

    /// Authenticates by the value of a session cookie.
    ///
    /// # Errors
    /// `token_invalid`, `session_expired`, `session_revoked`; [`Error::Store`].
    pub async fn authenticate_cookie(&self, value: &str) -> Result<Principal, Error> {
        let hash = PlainText::hash_presented(Kind::Cookie, value).ok_or(Refusal::TokenInvalid)?;
        if let Some(known) = self.known(&hash) {
            match self.admit(known, None) {
                // Uses on another node renew it too, and nobody tells of those.
                Err(Error::Unauthenticated(Refusal::SessionExpired)) => {}
                answer => return answer,
            }
        }
        Box::pin(self.look_up_cookie(hash)).await
    }

    /// A session of a cookie with the use that is not written down yet, which keeps it alive.
    fn with_uses(&self, mut session: Session) -> Session {
        let touches = self.lock_touches();
        if let Some(touch) = touches.sessions.iter().rfind(|touch| touch.id == session.id) {
            session.last_seen_at = session.last_seen_at.max(touch.seen_at);
            session.expires_at =
                session.expires_at.max(touch.expires_at.unwrap_or(session.expires_at));
        }
        session
    }

    /// Refuses a principal that lacks any of these abilities.
    ///
    /// # Errors
    /// [`Error::MissingAbility`] with those that are missing.
    pub fn authorize(
        &self,
        principal: &Principal,
        abilities: &[&str],
        client: &Client,
    ) -> Result<(), Error> {
        let missing = principal.abilities().missing(abilities);
        if missing.is_empty() { Ok(()) } else { Err(self.lacks(principal, missing, client)) }
    }

    /// Refuses a principal that has none of these abilities.
    ///
    /// # Errors
    /// [`Error::MissingAbility`] with all of them.
    pub fn authorize_any(
        &self,
        principal: &Principal,
        abilities: &[&str],
        client: &Client,
    ) -> Result<(), Error> {
        if abilities.iter().any(|ability| principal.can(ability)) {
            return Ok(());
        }
        Err(self.lacks(principal, principal.abilities().missing(abilities), client))
    }

    /// The first moment at which a principal's credential is refused; none for never.
    #[must_use]
    pub fn expires_at(&self, principal: &Principal) -> Option<Timestamp> {
        self.credential_ends_at(&principal.0)
    }

    /// Refuses a caller whose credential was ended since the request began: a body that trickles
    /// in, or a hash that waits in the queue, takes seconds in which that can happen.
    pub(super) async fn still_stands(&self, caller: &Principal) -> Result<(), Error> {
        let stands = match caller.session() {
            Some(session) => {
                let found = self.0.store.find_session_by_public_id(&session.public_id).await?;
                found.is_some_and(|found| found.revoked_at.is_none())
            }
            None => match caller.0.token_id() {
                Some(token) => self.0.store.find_token_by_id(token).await?.is_some(),
                None => false,
            },
        };
        if stands { Ok(()) } else { Err(Refusal::TokenInvalid.into()) }
    }

    fn lacks(&self, principal: &Principal, missing: Vec<String>, client: &Client) -> Error {
        let event = Event::new(EventKind::AuthzFail, self.now()).user(principal.user_id());
        let event = match (principal.session(), principal.0.token_id()) {
            (Some(session), _) => event.session(&session.public_id),
            (None, Some(token)) => event.token(token),
            (None, None) => event,
        };
        self.refused(event.reason("missing_ability"), client);
        Error::MissingAbility(missing)
    }

    pub(super) fn read_token(&self, token: &str) -> Result<Presented, Refusal> {
        let compat = &self.config().compat;
        let sanctum = compat.sanctum_tokens.unwrap_or(false);
        Presented::read(token, sanctum, compat.imported_tokens).ok_or(Refusal::TokenInvalid)
    }

    /// A look-up that anybody can have made by inventing a token.
    async fn look_up_foreign(
        &self,
        presented: &Presented,
        address: Option<IpAddr>,
    ) -> Result<Principal, Error> {
        self.check_token_misses(address).await?;
        let found = self.look_up(presented).await;
        if let Err(Error::Unauthenticated(Refusal::TokenInvalid)) = found {
            self.count_token_miss(address).await;
        }
        found
    }

    async fn look_up(&self, presented: &Presented) -> Result<Principal, Error> {
        let look_up = async {
            let generation = self.0.cache.generation(self.0.clock.monotonic());
            let found = self.0.store.find_token(&presented.hash).await?;
            Ok::<_, StoreError>(found.and_then(|found| {
                let proof = Proof::Token(found.token, found.session);
                Some(Verified::new(proof, &found.user?, generation))
            }))
        };
        self.look_up_once(Kind::Access, presented.hash, presented.id, look_up).await
    }

    async fn look_up_cookie(&self, hash: Hash) -> Result<Principal, Error> {
        let look_up = async {
            let generation = self.0.cache.generation(self.0.clock.monotonic());
            let found = self.0.store.find_cookie(&hash).await?;
            Ok::<_, StoreError>(found.and_then(|found| {
                let proof = Proof::Cookie(self.with_uses(found.session));
                Some(Verified::new(proof, &found.user?, generation))
            }))
        };
        self.look_up_once(Kind::Cookie, hash, None, look_up).await
    }

    /// Looks up, or shares the look-up of somebody who asks for the same at the same time.
    async fn look_up_once(
        &self,
        kind: Kind,
        hash: Hash,
        row: Option<TokenId>,
        look_up: impl Future<Output = Result<Option<Verified>, StoreError>>,
    ) -> Result<Principal, Error> {
        let seat = self.0.flights.board(kind, hash);
        let mut turn = match seat.wait().await {
            Waited::Found(found) => return self.admit(found?.ok_or(Refusal::TokenInvalid)?, row),
            Waited::Turn(turn) => turn,
        };
        if turn.waited
            && let Some(known) = self.known(&hash)
            && let Ok(principal) = self.admit(known, row)
        {
            return Ok(principal);
        }
        let known = turn.take(look_up).await?.ok_or(Refusal::TokenInvalid)?;
        let principal = self.admit(known, row)?;
        self.0.cache.insert(hash, principal.0.clone());
        Ok(principal)
    }

    /// What cached and found credentials have to pass alike. Where the caller names a token's row,
    /// it must be that one.
    pub(super) fn admit(&self, known: Verified, row: Option<TokenId>) -> Result<Principal, Error> {
        let (now, session) = (self.now(), known.session());
        if row.is_some() && row != known.token_id() {
            return Err(Refusal::TokenInvalid.into());
        }
        if session.is_some_and(|session| session.revoked_at.is_some()) {
            return Err(Refusal::SessionRevoked.into());
        }
        if self.credential_ends_at(&known).is_some_and(|end| now >= end) {
            let cookie = known.token_id().is_none();
            let over = if cookie { Refusal::SessionExpired } else { Refusal::TokenExpired };
            return Err(over.into());
        }
        self.note_use(&known, now);
        Ok(Principal(known))
    }

    /// The first moment at which a credential is refused; a session of a cookie is renewed by the
    /// uses that were noted since it was read.
    fn credential_ends_at(&self, known: &Verified) -> Option<Timestamp> {
        let Some(session) = known.cookie() else {
            return ends_at(known.dates(), known.session(), self.config());
        };
        let noted = known.noted();
        Some(match noted > session.last_seen_at.unix() {
            true => session.ends_if_renewed_at(Timestamp::from_unix(noted), self.config()),
            false => session.ends_at(self.config()),
        })
    }

    /// Notes a use for the next flush: once a minute and credential, without a lock otherwise.
    fn note_use(&self, known: &Verified, now: Timestamp) {
        let noted = known.noted();
        let due = now.unix().saturating_sub(noted) >= self.noted_every(known);
        if !due || !known.note(noted, now.unix()) {
            return;
        }
        let mut touches = self.lock_touches();
        if touches.tokens.len().max(touches.sessions.len()) >= Touches::MOST {
            return;
        }
        touches.tokens.extend(known.token_id().map(|id| (id, now)));
        let cookie = known.token_id().is_none();
        let touch = |session| self.touch(session, now, cookie);
        touches.sessions.extend(known.session().map(touch));
    }

    /// What a use at this time makes of a session: its cookie's renews it, its token's does not.
    pub(super) fn touch(&self, session: &Session, at: Timestamp, by_cookie: bool) -> SessionTouch {
        let expires_at = by_cookie.then(|| session.ends_if_renewed_at(at, self.config()));
        SessionTouch { id: session.id, seen_at: at, expires_at }
    }

    /// How many seconds pass between two uses that are noted: fewer where a session would not live
    /// for a minute.
    fn noted_every(&self, known: &Verified) -> i64 {
        let Some(session) = known.cookie() else { return NOTED_EVERY };
        let idle = session.guard.idle_limit(session.remember, self.config());
        i64::try_from(idle / 4).unwrap_or(NOTED_EVERY).min(NOTED_EVERY)
    }

    /// Asks, in the background, whether somebody else has changed something.
    pub(super) fn ask_for_changes(&self) {
        let auth = self.clone();
        tokio::spawn(async move {
            let Inner { cache, clock, store, channel, .. } = &*auth.0;
            let asked_at = clock.monotonic();
            match channel {
                Some(channel) if cache.teller() == Teller::Channel => {
                    cache.heard(channel.news(cache.mark()).await.ok(), asked_at);
                }
                _ => cache.answered(store.change_counter().await.unwrap_or(None), asked_at),
            }
        });
    }

    /// What stands behind a presented token, whether or not it is still good.
    pub(super) async fn find_presented(
        &self,
        presented: &Presented,
    ) -> Result<Option<FoundToken>, Error> {
        let found = self.0.store.find_token(&presented.hash).await?;
        Ok(found.filter(|found| presented.id.is_none_or(|id: TokenId| id == found.token.id)))
    }
}
