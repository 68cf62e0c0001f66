//! A user's own account, and what an operator does with users.

use super::login::{check_typed, read_email};
use super::password::wrong;
use super::register::{Registration, taken};
use super::{Auth, Principal};
use crate::device::Client;
use crate::error::{Error, Problems};
use crate::event::{Event, EventKind};
use crate::store::UserUpdate;
use crate::throttle::Limits;
use crate::user::{Email, Password, StoredPassword, User, UserChange, UserId};

const LONGEST_NAME: usize = 255;

/// What of a profile shall change; `None` stays.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    /// A new name.
    pub name: Option<String>,
    /// A new address; needs the password.
    pub email: Option<String>,
    /// The password, to confirm a new address.
    pub current_password: Option<Password>,
}

impl Auth {
    /// Changes the caller's name or e-mail.
    ///
    /// # Errors
    /// [`Error::Invalid`], also for a taken e-mail or a wrong password; [`Error::NotFound`] when
    /// the user is gone; [`Error::TooManyAttempts`]; [`Error::Store`].
    pub async fn update_user(
        &self,
        caller: &Principal,
        change: ProfileChange,
        client: &Client,
    ) -> Result<User, Error> {
        let id = caller.user_id();
        let change = self.read_change(caller, change, client).await?;
        if change.name.is_none() && change.email.is_none() {
            return self.0.store.find_user(id).await?.ok_or(Error::NotFound);
        }
        self.still_stands(caller).await?;
        // The answer tells whether an e-mail is taken, as that to a sign-up does.
        let asks = change.email.is_some();
        let buckets = |limits: &Limits, address| match asks {
            true => limits.register(address),
            false => Vec::new(),
        };
        let question = self.attempt(buckets, Some(id), client).await?;
        let updated = self.write_change(id, change, client).await;
        if !matches!(updated, Ok(_) | Err(Error::Invalid(_))) {
            self.give_back(question).await;
        }
        updated
    }

    async fn write_change(
        &self,
        id: UserId,
        change: UserChange,
        client: &Client,
    ) -> Result<User, Error> {
        let now = self.now();
        let event = Event::new(EventKind::UserUpdated, now).user(id).by(client);
        let (store, written) = (self.0.store.clone(), event.clone());
        let update = async move { store.update_user(id, change, now, written).await };
        match self.change(id, update).await? {
            UserUpdate::Updated(user) => {
                self.changed(&event);
                Ok(user)
            }
            UserUpdate::EmailTaken => Err(taken()),
            UserUpdate::PasswordChanged => Err(wrong("currentPassword")),
            UserUpdate::NotFound => Err(Error::NotFound),
        }
    }

    /// Deletes the caller with everything that they own.
    ///
    /// # Errors
    /// [`Error::Invalid`] on `password`; [`Error::TooManyAttempts`]; [`Error::Store`].
    pub async fn delete_user(
        &self,
        caller: &Principal,
        password: &str,
        client: &Client,
    ) -> Result<(), Error> {
        let mut problems = Problems::default();
        check_typed("password", password, &mut problems);
        problems.into_result()?;
        let id = caller.user_id();
        let verified = self.confirm(caller, "password", password, client).await?.password;
        self.still_stands(caller).await?;
        // A password that was replaced meanwhile deletes nothing.
        let deleted = self.delete_account(id, verified, client).await?;
        if deleted { Ok(()) } else { Err(wrong("password")) }
    }

    /// Deletes a user with everything that they own, as an operator does.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Store`].
    pub async fn remove_user(&self, id: UserId, client: &Client) -> Result<(), Error> {
        let deleted = self.delete_account(id, None, client).await?;
        if deleted { Ok(()) } else { Err(Error::NotFound) }
    }

    async fn delete_account(
        &self,
        id: UserId,
        verified: Option<StoredPassword>,
        client: &Client,
    ) -> Result<bool, Error> {
        let event = Event::new(EventKind::UserDeleted, self.now()).user(id).by(client);
        let (store, written) = (self.0.store.clone(), event.clone());
        let delete = async move { store.delete_account(id, verified, written).await };
        let deleted = self.change(id, delete).await?;
        if deleted {
            self.changed(&event);
        }
        Ok(deleted)
    }

    /// Creates a user without signing them in, as an operator does.
    ///
    /// # Errors
    /// [`Error::Invalid`], also for a taken e-mail; [`Error::Store`].
    pub async fn create_user(&self, new: &Registration) -> Result<User, Error> {
        let email = self.check_new_user(new, Problems::default())?;
        let user = self.read_new_user(new, email).await?;
        let (store, now) = (self.0.store.clone(), self.now());
        let event = Event::new(EventKind::UserCreated, now);
        let written = event.clone();
        let insert = async move { store.insert_user(user, now, written).await };
        let user = self.change(None, insert).await?;
        let user = user.ok_or_else(taken)?;
        self.changed(&event.user(user.id));
        Ok(user)
    }

    /// The user with this id.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Store`].
    pub async fn find_user(&self, id: UserId) -> Result<User, Error> {
        self.0.store.find_user(id).await?.ok_or(Error::NotFound)
    }

    /// The user with this e-mail.
    ///
    /// # Errors
    /// [`Error::NotFound`], also for what is no address; [`Error::Store`].
    pub async fn find_user_by_email(&self, email: &str) -> Result<User, Error> {
        let email = Email::parse(email).ok_or(Error::NotFound)?;
        let found = self.0.store.find_account_by_email(&email).await?;
        found.map(|account| account.user).ok_or(Error::NotFound)
    }

    /// Up to `limit` users with ids above `after`, in the order of their ids.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn list_users(&self, after: UserId, limit: u32) -> Result<Vec<User>, Error> {
        Ok(self.0.store.list_users(after, limit).await?)
    }

    async fn read_change(
        &self,
        caller: &Principal,
        change: ProfileChange,
        client: &Client,
    ) -> Result<UserChange, Error> {
        let mut problems = Problems::default();
        if let Some(name) = &change.name {
            check_name(name, &mut problems);
        }
        let email = change.email.map(|email| read_email(&email, &mut problems));
        let password = change.current_password.unwrap_or_default();
        if email.is_some() {
            check_typed("currentPassword", password.expose(), &mut problems);
        }
        problems.into_result()?;
        let verified = match email {
            Some(_) => {
                self.confirm(caller, "currentPassword", password.expose(), client).await?.password
            }
            None => None,
        };
        Ok(UserChange { name: change.name, email: email.flatten(), verified })
    }
}

/// Checks the name of a user or of a token.
pub(super) fn check_name(name: &str, problems: &mut Problems) {
    problems.unless(!name.trim().is_empty(), "name", "is required");
    let short = name.chars().count() <= LONGEST_NAME;
    problems.unless(short, "name", "must have at most 255 characters");
    let plain = !name.chars().any(char::is_control);
    problems.unless(plain, "name", "must not contain control characters");
}
