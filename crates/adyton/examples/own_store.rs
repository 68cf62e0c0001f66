//! An app whose users are where Adyton has no table: it brings a [`UserStore`], and Adyton keeps
//! tokens and sessions only. Here they are in a map; a directory or another service is no different.
//!
//! `cargo run --example own_store [ADDRESS [DATABASE]]`, then
//!
//! ```sh
//! ADA=$(curl -s localhost:3000/api/auth/register --json '{"name":"Ada","email":"ada@example.com","password":"correct horse 1"}' | grep -o 'adt_[0-9A-Za-z]*')
//! curl -s localhost:3000/hello -H "Authorization: Bearer $ADA"
//! curl -s localhost:3000/api/auth/login --json '{"email":"ada@example.com","password":"wrong"}'
//! curl -s localhost:3000/api/auth/register --json '{"name":"Ada","email":"ADA@example.com","password":"correct horse 1"}'
//! ```

#![allow(clippy::print_stdout, reason = "it tells where it listens")]

use adyton::core::clock::Timestamp;
use adyton::core::store::{StoreError, UserStore, UserUpdate};
use adyton::core::user::{Account, Email, NewUser, StoredPassword, UserChange};
use adyton::{Adyton, CurrentUser, Event, User, UserId};
use async_trait::async_trait;
use axum::{Router, routing::get};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio::sync::Mutex;

/// The app's users by their ids. A method holds the lock to its end, so each is one transaction.
#[derive(Default)]
struct People(Mutex<(i64, BTreeMap<i64, Account>)>);

fn holds(account: &Account, email: &Email) -> bool {
    account.user.email == email.as_str()
}

#[async_trait]
impl UserStore for People {
    async fn find_user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(self.find_account(id).await?.map(|account| account.user))
    }

    async fn find_account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        Ok(self.0.lock().await.1.get(&id.0).cloned())
    }

    async fn find_account_by_email(&self, email: &Email) -> Result<Option<Account>, StoreError> {
        Ok(self.0.lock().await.1.values().find(|account| holds(account, email)).cloned())
    }

    async fn insert_user(
        &self,
        new: NewUser,
        now: Timestamp,
        _: Event,
    ) -> Result<Option<User>, StoreError> {
        let (last, people) = &mut *self.0.lock().await;
        if people.values().any(|account| holds(account, &new.email)) {
            return Ok(None);
        }
        // An id is never used again: a token that outlives its user must not be the next one's.
        *last += 1;
        let (id, email, dates) = (UserId(*last), new.email.as_str().to_owned(), Some(now));
        let (created_at, updated_at) = (dates, dates);
        let columns = serde_json::Map::new();
        let user = User { id, name: new.name, email, created_at, updated_at, columns };
        people.insert(*last, Account { user: user.clone(), password: Some(new.password) });
        Ok(Some(user))
    }

    async fn update_user(
        &self,
        id: UserId,
        change: UserChange,
        now: Timestamp,
        _: Event,
    ) -> Result<UserUpdate, StoreError> {
        let people = &mut self.0.lock().await.1;
        let taken = |email| people.values().any(|other| other.user.id != id && holds(other, email));
        if change.email.as_ref().is_some_and(taken) {
            return Ok(UserUpdate::EmailTaken);
        }
        let Some(Account { user, password }) = people.get_mut(&id.0) else {
            return Ok(UserUpdate::NotFound);
        };
        if change.verified.is_some() && *password != change.verified {
            return Ok(UserUpdate::PasswordChanged);
        }
        user.name = change.name.unwrap_or_else(|| user.name.clone());
        user.email = change.email.map_or_else(|| user.email.clone(), |new| new.as_str().to_owned());
        user.updated_at = Some(now);
        Ok(UserUpdate::Updated(user.clone()))
    }

    async fn set_password(
        &self,
        id: UserId,
        expected: Option<&StoredPassword>,
        new: StoredPassword,
        _: Timestamp,
    ) -> Result<bool, StoreError> {
        let people = &mut self.0.lock().await.1;
        let stands =
            |account: &&mut Account| expected.is_none() || account.password.as_ref() == expected;
        let account = people.get_mut(&id.0).filter(stands);
        Ok(account.map(|account| account.password = Some(new)).is_some())
    }

    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError> {
        Ok(self.0.lock().await.1.remove(&id.0).is_some())
    }

    async fn list_users(&self, after: UserId, limit: u32) -> Result<Vec<User>, StoreError> {
        let people = &self.0.lock().await.1;
        let later = people.range(after.0 + 1..).take(limit as usize);
        Ok(later.map(|(_, account)| account.user.clone()).collect())
    }

    async fn sample_passwords(&self, limit: u32) -> Result<Vec<StoredPassword>, StoreError> {
        let people = &self.0.lock().await.1;
        let hashes = people.values().filter_map(|account| account.password.clone());
        Ok(hashes.take(limit as usize).collect())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:3000".into());
    let database = arguments.next().unwrap_or_else(|| "own_store.sqlite3".into());

    let builder = Adyton::builder().url(format!("sqlite://{database}"));
    let auth = builder.users(People::default()).build().await?;
    let hello = get(async |user: CurrentUser| format!("Hello, {}!\n", user.name));
    let app = Router::new().route("/hello", hello).layer(auth.layer()).merge(auth.router());

    let listener = TcpListener::bind(address).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
