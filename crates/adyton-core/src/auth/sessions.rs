//! Where a user is signed in, and how they end it.

use super::{Auth, Principal};
use crate::clock::Timestamp;
use crate::device::{Client, Device};
use crate::error::Error;
use crate::session::{Guard, Session, SessionId};
use crate::store::{SessionTouch, Which};
use crate::user::UserId;
use std::collections::HashMap;

/// A live session as its user sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionInfo {
    /// Its public id.
    pub id: String,
    /// How it proves itself.
    pub guard: Guard,
    /// What is known of the client behind it.
    pub device: Device,
    /// When it was signed in.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen_at: Timestamp,
    /// When it is over if it is not used.
    pub expires_at: Timestamp,
    /// Whether it is the one that asks.
    pub current: bool,
}

impl Auth {
    /// The live sessions of a user, latest sign-in first; `by` marks the one that asks.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn list_sessions(
        &self,
        user: UserId,
        by: Option<&Principal>,
    ) -> Result<Vec<SessionInfo>, Error> {
        let now = self.now();
        let current = by.and_then(Principal::session).map(|session| session.id);
        let noted = self.noted_sessions();
        let sessions = self.0.store.list_sessions(user, now).await?;
        let live = sessions.into_iter().filter(|session| session.is_live(now, self.config()));
        let info = |session: Session| {
            let touch = noted.get(&session.id);
            self.info(session, current, touch)
        };
        Ok(live.map(info).collect())
    }

    /// Ends one session of a user, named by its public id.
    ///
    /// # Errors
    /// [`Error::NotFound`] when they have no live session of this id; [`Error::Store`].
    pub async fn end_session(&self, user: UserId, id: &str, client: &Client) -> Result<(), Error> {
        let found = self.0.store.find_session_by_public_id(id).await?;
        let session =
            found.filter(|found| found.user_id == user && found.is_live(self.now(), self.config()));
        let session = session.ok_or(Error::NotFound)?;
        let ended = self.revoke(user, Which::One(session.id), "ended_by_user", client).await?;
        if ended == 0 { Err(Error::NotFound) } else { Ok(()) }
    }

    /// Ends every session of the caller but their own; with a personal access token, every one.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn end_other_sessions(
        &self,
        caller: &Principal,
        client: &Client,
    ) -> Result<usize, Error> {
        let which = caller.session().map_or(Which::All, |session| Which::AllBut(session.id));
        self.revoke(caller.user_id(), which, "ended_by_user", client).await
    }

    /// Ends every session of a user, as an operator does.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn end_all_sessions(&self, user: UserId, client: &Client) -> Result<usize, Error> {
        self.revoke(user, Which::All, "ended_by_operator", client).await
    }

    /// The session with this public id, whoever owns it.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Store`].
    pub async fn find_session(&self, id: &str) -> Result<Session, Error> {
        self.0.store.find_session_by_public_id(id).await?.ok_or(Error::NotFound)
    }

    /// The session of a call as its user sees it; `None` for a personal access token.
    #[must_use]
    pub fn session_of(&self, caller: &Principal) -> Option<SessionInfo> {
        let session = caller.session()?;
        let touch = self.touch(session, caller.noted_at(), caller.token().is_none());
        Some(self.info(session.clone(), Some(session.id), Some(&touch)))
    }

    fn noted_sessions(&self) -> HashMap<SessionId, SessionTouch> {
        self.lock_touches().sessions.iter().map(|touch| (touch.id, *touch)).collect()
    }

    /// A session as its user sees it, with uses that are not written down yet.
    fn info(
        &self,
        session: Session,
        current: Option<SessionId>,
        touch: Option<&SessionTouch>,
    ) -> SessionInfo {
        let mut session = session;
        if let Some(touch) = touch {
            session.last_seen_at = session.last_seen_at.max(touch.seen_at);
            session.expires_at = touch.expires_at.unwrap_or(session.expires_at);
        }
        SessionInfo {
            expires_at: session.ends_at(self.config()),
            last_seen_at: session.last_seen_at,
            current: current == Some(session.id),
            id: session.public_id,
            guard: session.guard,
            device: session.device,
            created_at: session.created_at,
        }
    }
}
