//! Who is calling: the check on every request.

use super::Auth;
use crate::ability::Abilities;
use crate::cache::Verified;
use crate::clock::Timestamp;
use crate::device::Client;
use crate::error::{Error, Refusal};
use crate::event::{Event, EventKind};
use crate::session::Session;
use crate::store::{Credential, Touches};
use crate::token::{FoundToken, Presented, Token, TokenId, ends_at};
use crate::user::{User, UserId};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Uses of a token within so many seconds are noted once.
const NOTED_EVERY: i64 = 60;

/// Who is calling, by which credential, and what that may do. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Principal(Arc<Verified>);

impl Principal {
    /// The user.
    #[must_use]
    pub fn user(&self) -> &Arc<User> {
        &self.0.user
    }

    /// The user's id.
    #[must_use]
    pub fn user_id(&self) -> UserId {
        self.0.user.id
    }

    /// What the credential may do.
    #[must_use]
    pub fn abilities(&self) -> &Abilities {
        &self.token().abilities
    }

    /// Whether it may do this.
    #[must_use]
    pub fn can(&self, ability: &str) -> bool {
        self.abilities().allow(ability)
    }

    /// The access token that was presented.
    #[must_use]
    pub fn token(&self) -> &Token {
        &self.0.found.token
    }

    /// The session that the token was issued for; `None` for a personal access token.
    #[must_use]
    pub fn session(&self) -> Option<&Session> {
        self.0.found.session.as_ref()
    }

    /// What has to stand for a change in its name to be made.
    pub(super) fn credential(&self) -> Credential {
        match self.session() {
            Some(session) => Credential::Session(session.id),
            None => Credential::PersonalToken(self.token().id),
        }
    }

    /// The personal access token that was presented, if it is one.
    #[must_use]
    pub fn personal_token(&self) -> Option<TokenId> {
        self.session().is_none().then_some(self.token().id)
    }
}

impl Auth {
    /// Authenticates by the text that followed the prefix in the token header.
    ///
    /// # Errors
    /// `token_invalid`, `token_expired`, `session_revoked`; [`Error::Store`].
    pub async fn authenticate(&self, token: &str) -> Result<Principal, Error> {
        let presented = self.read_token(token)?;
        let at = self.0.clock.monotonic();
        if self.0.cache.should_ask(at) {
            self.ask_for_changes();
        }
        match self.0.cache.get(&presented.hash, at) {
            Some(known) => self.admit(known, &presented),
            None => self.look_up(&presented).await,
        }
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
        ends_at(principal.token(), principal.session(), self.config())
    }

    /// Refuses a caller whose credential was ended since the request began: a body that trickles
    /// in, or a hash that waits in the queue, takes seconds in which that can happen.
    pub(super) async fn still_stands(&self, caller: &Principal) -> Result<(), Error> {
        let stands = match caller.session() {
            Some(session) => {
                let found = self.0.store.find_session_by_public_id(&session.public_id).await?;
                found.is_some_and(|found| found.revoked_at.is_none())
            }
            None => self.0.store.find_token_by_id(caller.token().id).await?.is_some(),
        };
        if stands { Ok(()) } else { Err(Refusal::TokenInvalid.into()) }
    }

    fn lacks(&self, principal: &Principal, missing: Vec<String>, client: &Client) -> Error {
        let event = Event::new(EventKind::AuthzFail, self.now()).user(principal.user_id());
        let event = match principal.session() {
            Some(session) => event.session(&session.public_id),
            None => event.token(principal.token().id),
        };
        self.refused(event.reason("missing_ability"), client);
        Error::MissingAbility(missing)
    }

    pub(super) fn read_token(&self, token: &str) -> Result<Presented, Refusal> {
        let compat = &self.config().compat;
        let sanctum = compat.sanctum_tokens.unwrap_or(false);
        Presented::read(token, sanctum, compat.imported_tokens).ok_or(Refusal::TokenInvalid)
    }

    async fn look_up(&self, presented: &Presented) -> Result<Principal, Error> {
        let generation = self.0.cache.generation();
        let found = self.0.store.find_token(&presented.hash).await?;
        let known = found.and_then(|mut found| {
            let user = found.user.take()?;
            Some(Arc::new(Verified::new(found, user, generation)))
        });
        let known = known.ok_or(Refusal::TokenInvalid)?;
        let principal = self.admit(known, presented)?;
        self.0.cache.insert(presented.hash, Arc::clone(&principal.0));
        Ok(principal)
    }

    /// What cached and found tokens have to pass alike.
    fn admit(&self, known: Arc<Verified>, presented: &Presented) -> Result<Principal, Error> {
        let (found, now) = (&known.found, self.now());
        if presented.id.is_some_and(|id| id != found.token.id) {
            return Err(Refusal::TokenInvalid.into());
        }
        if found.session.as_ref().is_some_and(|session| session.revoked_at.is_some()) {
            return Err(Refusal::SessionRevoked.into());
        }
        if ends_at(&found.token, found.session.as_ref(), self.config())
            .is_some_and(|end| now >= end)
        {
            return Err(Refusal::TokenExpired.into());
        }
        self.note_use(&known, now);
        Ok(Principal(known))
    }

    /// Notes a use for the next flush: once a minute and token, without a lock otherwise.
    fn note_use(&self, known: &Verified, now: Timestamp) {
        let noted = known.noted.load(Ordering::Relaxed);
        let due = now.unix().saturating_sub(noted) >= NOTED_EVERY;
        let order = Ordering::Relaxed;
        if !due || known.noted.compare_exchange(noted, now.unix(), order, order).is_err() {
            return;
        }
        let FoundToken { token, session, .. } = &known.found;
        let mut touches = self.lock_touches();
        if touches.tokens.len() < Touches::MOST {
            touches.tokens.push((token.id, now));
            touches.sessions.extend(session.as_ref().map(|session| (session.id, now)));
        }
    }

    /// Asks the store, in the background, whether somebody else has written.
    fn ask_for_changes(&self) {
        let auth = self.clone();
        tokio::spawn(async move {
            let asked_at = auth.0.clock.monotonic();
            let counter = auth.0.store.change_counter().await;
            auth.0.cache.answered(counter.unwrap_or(None), asked_at);
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
