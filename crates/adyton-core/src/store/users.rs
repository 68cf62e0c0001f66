//! Users in the port. A host app with users of its own implements this one trait.

use super::StoreError;
use crate::clock::Timestamp;
use crate::event::Event;
use crate::user::{Account, Email, NewUser, StoredPassword, User, UserChange, UserId};
use async_trait::async_trait;

/// Where users are.
#[async_trait]
pub trait UserStore: Send + Sync + 'static {
    /// The user with this id.
    async fn find_user(&self, id: UserId) -> Result<Option<User>, StoreError>;

    /// The user with this id, and their password's hash.
    async fn find_account(&self, id: UserId) -> Result<Option<Account>, StoreError>;

    /// The one user with this e-mail, in lower case or as typed. Two such users are none.
    async fn find_account_by_email(&self, email: &Email) -> Result<Option<Account>, StoreError>;

    /// Creates a user. `None` when the e-mail is taken, in whatever case.
    async fn insert_user(
        &self,
        user: NewUser,
        now: Timestamp,
        event: Event,
    ) -> Result<Option<User>, StoreError>;

    /// Changes a user and returns them as they now stand, unless the password that was verified
    /// for it was replaced meanwhile.
    async fn update_user(
        &self,
        id: UserId,
        change: UserChange,
        now: Timestamp,
        event: Event,
    ) -> Result<UserUpdate, StoreError>;

    /// Replaces a password's hash, if it is still the expected one where one is named.
    async fn set_password(
        &self,
        id: UserId,
        expected: Option<&StoredPassword>,
        new: StoredPassword,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Deletes a user and nothing else: the engine sees to what they own.
    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError>;

    /// Up to `limit` users with ids above `after`, in the order of their ids.
    async fn list_users(&self, after: UserId, limit: u32) -> Result<Vec<User>, StoreError>;

    /// Up to `limit` password hashes, of any users: what the answer for an unknown e-mail shall
    /// cost is taken from them.
    async fn sample_passwords(&self, limit: u32) -> Result<Vec<StoredPassword>, StoreError>;

    /// Whether a user may sign in at all. Asked after the password, so that nobody learns of a
    /// lock without it, and again at every refresh.
    async fn may_sign_in(&self, user: &User) -> Result<bool, StoreError> {
        let _ = user;
        Ok(true)
    }
}

/// What became of a change to a user.
#[derive(Clone, Debug, PartialEq)]
pub enum UserUpdate {
    /// It was made.
    Updated(User),
    /// Somebody else has that e-mail.
    EmailTaken,
    /// The stored password is no longer the one that was verified.
    PasswordChanged,
    /// There is no such user.
    NotFound,
}
