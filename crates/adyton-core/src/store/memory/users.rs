//! Users in memory.

use super::tables::{Tables, next};
use super::{MemoryStore, stands};
use crate::clock::Timestamp;
use crate::event::Event;
use crate::store::{StoreError, UserStore, UserUpdate};
use crate::user::{Account, Email, NewUser, StoredPassword, User, UserChange, UserId};
use async_trait::async_trait;
use std::ops::Bound;

#[async_trait]
impl UserStore for MemoryStore {
    async fn find_user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(self.tables().users.get(&id).map(|account| account.user.clone()))
    }

    async fn find_account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        Ok(self.tables().users.get(&id).cloned())
    }

    async fn find_account_by_email(&self, email: &Email) -> Result<Option<Account>, StoreError> {
        let tables = self.tables();
        let forms = [email.as_str(), email.typed()];
        let mut found = tables.users.values().filter(|a| forms.contains(&a.user.email.as_str()));
        let first = found.next().cloned();
        Ok(first.filter(|_| found.next().is_none()))
    }

    async fn insert_user(
        &self,
        user: NewUser,
        now: Timestamp,
        event: Event,
    ) -> Result<Option<User>, StoreError> {
        let tables = &mut *self.tables();
        let user = tables.insert_user(user, now);
        tables.events.extend(user.as_ref().map(|user| event.user(user.id)));
        Ok(user)
    }

    async fn update_user(
        &self,
        id: UserId,
        change: UserChange,
        now: Timestamp,
        event: Event,
    ) -> Result<UserUpdate, StoreError> {
        let tables = &mut *self.tables();
        if change.email.as_ref().is_some_and(|email| tables.has_email(email, Some(id))) {
            return Ok(UserUpdate::EmailTaken);
        }
        let Some(Account { user, password }) = tables.users.get_mut(&id) else {
            return Ok(UserUpdate::NotFound);
        };
        if change.verified.is_some() && *password != change.verified {
            return Ok(UserUpdate::PasswordChanged);
        }
        if let Some(name) = change.name {
            user.name = name;
        }
        if let Some(email) = change.email {
            email.as_str().clone_into(&mut user.email);
        }
        user.updated_at = Some(now);
        tables.events.push(event);
        Ok(UserUpdate::Updated(user.clone()))
    }

    async fn set_password(
        &self,
        id: UserId,
        expected: Option<&StoredPassword>,
        new: StoredPassword,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.tables().set_password(id, expected, new, now))
    }

    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError> {
        Ok(self.tables().users.remove(&id).is_some())
    }

    async fn list_users(&self, after: UserId, limit: u32) -> Result<Vec<User>, StoreError> {
        let tables = self.tables();
        let later = tables.users.range((Bound::Excluded(after), Bound::Unbounded));
        Ok(later.take(limit as usize).map(|(_, account)| account.user.clone()).collect())
    }

    async fn sample_passwords(&self, limit: u32) -> Result<Vec<StoredPassword>, StoreError> {
        let tables = self.tables();
        let passwords = tables.users.values().filter_map(|account| account.password.clone());
        Ok(passwords.take(limit as usize).collect())
    }
}

impl Tables {
    /// Inserts a user; `None` when the e-mail is taken.
    pub(super) fn insert_user(&mut self, new: NewUser, now: Timestamp) -> Option<User> {
        if self.has_email(&new.email, None) {
            return None;
        }
        let user = User {
            id: UserId(next(&mut self.last_user)),
            name: new.name,
            email: new.email.as_str().to_owned(),
            created_at: Some(now),
            updated_at: Some(now),
            columns: serde_json::Map::new(),
        };
        let account = Account { user: user.clone(), password: Some(new.password) };
        self.users.insert(user.id, account);
        Some(user)
    }

    pub(super) fn set_password(
        &mut self,
        id: UserId,
        expected: Option<&StoredPassword>,
        new: StoredPassword,
        now: Timestamp,
    ) -> bool {
        let account = self.users.get_mut(&id);
        let account = account.filter(|account| stands(account.password.as_ref(), expected));
        let Some(account) = account else { return false };
        account.password = Some(new);
        account.user.updated_at = Some(now);
        true
    }

    /// Whether somebody else has this e-mail, in whatever case.
    fn has_email(&self, email: &Email, own: Option<UserId>) -> bool {
        let mut others = self.users.values().filter(|account| Some(account.user.id) != own);
        others.any(|account| account.user.email.to_lowercase() == email.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn two_users_with_one_email_are_none() {
        let store = MemoryStore::new();
        let new = |email: &str| NewUser {
            name: "Ada".to_owned(),
            email: Email::parse(email).unwrap(),
            password: StoredPassword::new("hash".to_owned()),
        };
        let now = Timestamp::from_unix(0);
        store.tables().insert_user(new("ada@example.com"), now).unwrap();
        let other = store.tables().insert_user(new("grace@example.com"), now).unwrap().id;
        // An adopted table may hold what no method of the port would write.
        if let Some(account) = store.tables().users.get_mut(&other) {
            "Ada@example.com".clone_into(&mut account.user.email);
        }
        let typed = Email::parse("Ada@example.com").unwrap();
        assert!(store.find_account_by_email(&typed).await.unwrap().is_none());
        let lower = Email::parse("ada@example.com").unwrap();
        assert!(store.find_account_by_email(&lower).await.unwrap().is_some());
    }
}
