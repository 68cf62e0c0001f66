//! Changing a password: whoever else was signed in with the old one is signed out.

use super::{Auth, Principal};
use crate::auth::login::check_typed;
use crate::device::Client;
use crate::error::{Error, Problems};
use crate::event::{Event, EventKind};
use crate::session::SessionId;
use crate::store::PasswordChange;
use crate::throttle::Limits;
use crate::user::{Account, StoredPassword, UserId};

impl Auth {
    /// Changes the caller's password. Every other session of theirs ends; personal access tokens
    /// too if asked. Nobody has to sign in again on the device that they hold.
    ///
    /// # Errors
    /// [`Error::Invalid`] on `currentPassword` or `password`; [`Error::TooManyAttempts`];
    /// [`Error::Overloaded`]; [`Error::Store`].
    pub async fn change_password(
        &self,
        caller: &Principal,
        current: &str,
        new: &str,
        revoke_tokens: bool,
        client: &Client,
    ) -> Result<(), Error> {
        let mut problems = Problems::default();
        check_typed("currentPassword", current, &mut problems);
        self.check_new_password(new, None, &mut problems);
        problems.into_result()?;
        let account = self.confirm(caller, "currentPassword", current, client).await?;
        let keep = caller.session().map(|session| session.id);
        let turn = self.0.turns.take(client)?;
        let hash = self.0.hasher.hash(new.into()).await??;
        drop(turn);
        self.still_stands(caller).await?;
        let change = (account.password, keep, revoke_tokens);
        match self.store_password(account.user.id, hash, change, client).await? {
            true => Ok(()),
            // Somebody else changed it in between.
            false => Err(wrong("currentPassword")),
        }
    }

    /// Sets a user's password without asking for the current one, as an operator does: every
    /// session and, if asked, every personal access token ends.
    ///
    /// # Errors
    /// [`Error::Invalid`]; [`Error::NotFound`]; [`Error::Overloaded`]; [`Error::Store`].
    pub async fn set_password(
        &self,
        user: UserId,
        new: &str,
        revoke_tokens: bool,
    ) -> Result<(), Error> {
        let mut problems = Problems::default();
        self.check_new_password(new, None, &mut problems);
        problems.into_result()?;
        let change = (None, None, revoke_tokens);
        let hash = self.0.hasher.hash(new.into()).await??;
        let found = self.store_password(user, hash, change, &Client::default()).await?;
        if found { Ok(()) } else { Err(Error::NotFound) }
    }

    async fn store_password(
        &self,
        user_id: UserId,
        new: StoredPassword,
        (expected, keep, revoke_tokens): (Option<StoredPassword>, Option<SessionId>, bool),
        client: &Client,
    ) -> Result<bool, Error> {
        let now = self.now();
        let event = Event::new(EventKind::AuthnPasswordChange, now).user(user_id).by(client);
        let change = PasswordChange { user_id, expected, new, keep, revoke_tokens, now, event };
        let store = self.0.store.clone();
        let change = async move { store.change_password(change).await };
        let changed = self.change(user_id, change).await?;
        changed.iter().flatten().for_each(|event| self.changed(event));
        Ok(changed.is_some())
    }

    /// The account, if this is its password; otherwise a problem of that field, never a 401: the
    /// caller is signed in.
    pub(super) async fn confirm(
        &self,
        caller: &Principal,
        field: &'static str,
        password: &str,
        client: &Client,
    ) -> Result<Account, Error> {
        let (user, session) = (caller.user_id(), caller.session());
        let session = session.map(|session| session.public_id.as_str());
        let buckets = |limits: &Limits, _| limits.password(session, user);
        let attempt = self.attempt(buckets, Some(user), client).await?;
        let tried = self.try_confirm(user, field, password, client).await;
        match &tried {
            Ok(_) => self.succeeded(attempt).await,
            Err(Error::Invalid(_)) => {}
            Err(_) => self.give_back(attempt).await,
        }
        tried
    }

    async fn try_confirm(
        &self,
        user: UserId,
        field: &'static str,
        password: &str,
        client: &Client,
    ) -> Result<Account, Error> {
        let _turn = self.0.turns.take(client)?;
        let account = self.0.store.find_account(user).await?.ok_or(Error::NotFound)?;
        let right = self.verify_password(Some(&account), password).await?;
        if right { Ok(account) } else { Err(wrong(field)) }
    }
}

pub(super) fn wrong(field: &'static str) -> Error {
    Problems::of(field, "is not the current password").into()
}
