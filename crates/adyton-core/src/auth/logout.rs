//! Sign out: end what was presented, and say nothing of whether it was still good.

use super::Auth;
use crate::device::Client;
use crate::error::Error;
use crate::event::{Event, EventKind};
use crate::secret::{Kind, PlainText};
use crate::session::Session;
use crate::store::{Revocation, Which};
use crate::token::{FoundToken, Presented, Token};
use crate::user::UserId;
use std::fmt;

/// What somebody presents in order to sign out.
#[derive(Clone, Copy, Default)]
pub struct Presentation<'a> {
    /// What followed the prefix in the token header.
    pub token: Option<&'a str>,
    /// The `refreshToken` of the body.
    pub refresh_token: Option<&'a str>,
    /// The value of the session cookie, where it counts: not beside a token.
    pub cookie: Option<&'a str>,
}

/// Which are presented, since they are secrets.
impl fmt::Debug for Presentation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { token, refresh_token, cookie } = self;
        let mut shown = f.debug_struct("Presentation");
        shown.field("token", &token.is_some());
        shown.field("refresh_token", &refresh_token.is_some());
        shown.field("cookie", &cookie.is_some()).finish()
    }
}

impl Auth {
    /// Ends the session of each secret that is presented, or the personal access token itself. A
    /// genuine secret that has expired or was replaced still ends its session; anything else ends
    /// nothing, and nobody is told.
    ///
    /// # Errors
    /// [`Error::Store`]: then nobody was signed out, and the caller must know.
    pub async fn logout(&self, presented: Presentation<'_>, client: &Client) -> Result<(), Error> {
        if let Some(token) = presented.token.and_then(|token| self.read_token(token).ok()) {
            self.end_presented(&token, client).await?;
        }
        let texts = [(Kind::Refresh, presented.refresh_token), (Kind::Cookie, presented.cookie)];
        for (kind, text) in texts {
            let secret = text.and_then(|text| PlainText::hash_presented(kind, text));
            if let Some(secret) = secret
                && let Some(found) = self.0.store.find_session(&secret).await?
            {
                self.end_session_of(found.session, client).await?;
            }
        }
        Ok(())
    }

    async fn end_presented(&self, token: &Presented, client: &Client) -> Result<(), Error> {
        match self.find_presented(token).await? {
            Some(FoundToken { session: Some(session), .. }) => {
                self.end_session_of(session, client).await
            }
            Some(FoundToken { token, .. }) => self.end_token(token, client).await,
            // Two refreshes later its row is gone, but it still names its session.
            None => match self.0.store.find_session(&token.hash).await? {
                Some(found) => self.end_session_of(found.session, client).await,
                None => Ok(()),
            },
        }
    }

    async fn end_session_of(&self, session: Session, client: &Client) -> Result<(), Error> {
        if session.revoked_at.is_none() {
            self.revoke(session.user_id, Which::One(session.id), "logout", client).await?;
        }
        Ok(())
    }

    async fn end_token(&self, token: Token, client: &Client) -> Result<(), Error> {
        self.revoke_personal_token(token.user_id, token.id, client).await.map(|_| ())
    }

    /// Ends sessions of a user and returns how many it were.
    pub(super) async fn revoke(
        &self,
        user_id: UserId,
        which: Which,
        reason: &'static str,
        client: &Client,
    ) -> Result<usize, Error> {
        let event = Event::new(EventKind::SessionRevoked, self.now()).reason(reason);
        self.revoke_with(user_id, which, vec![event], client).await
    }

    /// The same with the events that are to be written for each.
    pub(super) async fn revoke_with(
        &self,
        user_id: UserId,
        which: Which,
        events: Vec<Event>,
        client: &Client,
    ) -> Result<usize, Error> {
        let whose = |event: Event| event.user(user_id).by(client);
        let events: Vec<Event> = events.into_iter().map(whose).collect();
        let revocation = Revocation { user_id, which, now: self.now(), events: events.clone() };
        let store = self.0.store.clone();
        let change = async move { store.revoke_sessions(revocation).await };
        let ended = self.change(user_id, change).await?;
        for id in &ended {
            events.iter().for_each(|event| self.changed(&event.clone().session(id)));
        }
        Ok(ended.len())
    }
}
