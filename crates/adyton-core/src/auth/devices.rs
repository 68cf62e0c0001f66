//! Devices: which one a client is, as far as it can show, and whether it may refresh a session.

use super::Auth;
use crate::config::DeviceBinding;
use crate::device::{Client, Fingerprint, KnownDevice};
use crate::error::{Error, Refusal};
use crate::event::{Event, EventKind};
use crate::secret::{Hash, PlainText};
use crate::session::Session;
use crate::store::DeviceSighting;
use crate::user::UserId;

/// What a sign-in tells of the client's device, which gets this secret unless it has a good one.
pub(super) fn sighting(
    client: &Client,
    secret: &PlainText,
    event: Option<Event>,
) -> DeviceSighting {
    let presented = client.device_secret.as_ref().map(PlainText::hash);
    DeviceSighting { presented, issued: secret.hash(), event }
}

impl Auth {
    /// The hash of the device secret that a client presents, if this user has signed in with it
    /// before. It says that the owner's device is there, not who sits before it.
    pub(super) async fn known_device(
        &self,
        user: UserId,
        client: &Client,
    ) -> Result<Option<Hash>, Error> {
        let Some(secret) = client.device_secret.as_ref() else { return Ok(None) };
        let known = self.find_device(user, client).await?;
        Ok(known.map(|_| secret.hash()))
    }

    /// What `device_binding` says of a refresh of this session by this client.
    pub(super) async fn check_device(
        &self,
        session: &Session,
        client: &Client,
    ) -> Result<(), Error> {
        let binding = self.config().device_binding;
        if binding == DeviceBinding::Off {
            return Ok(());
        }
        let Some(reason) = self.device_mismatch(session, client).await? else { return Ok(()) };
        let event = Event::new(EventKind::DeviceMismatch, self.now()).user(session.user_id);
        self.refused(event.session(&session.public_id).reason(reason), client);
        match binding {
            DeviceBinding::Enforce => Err(Refusal::DeviceMismatch.into()),
            _ => Ok(()),
        }
    }

    /// In what a client differs from the device that signed in. What the session does not know
    /// cannot differ, and a secret that the client does not present does not either.
    async fn device_mismatch(
        &self,
        session: &Session,
        client: &Client,
    ) -> Result<Option<&'static str>, Error> {
        let signed_in = &session.device;
        if signed_in.fingerprint.is_some() && signed_in.fingerprint != Fingerprint::of(client) {
            return Ok(Some("fingerprint"));
        }
        if signed_in.id.is_none() || client.device_secret.is_none() {
            return Ok(None);
        }
        let presented = self.find_device(session.user_id, client).await?;
        let same = presented.map(|device| device.id) == signed_in.id;
        Ok((!same).then_some("device_secret"))
    }

    async fn find_device(
        &self,
        user: UserId,
        client: &Client,
    ) -> Result<Option<KnownDevice>, Error> {
        let Some(secret) = &client.device_secret else { return Ok(None) };
        Ok(self.0.store.find_device(user, &secret.hash()).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::SignInOptions;
    use crate::config::Config;
    use crate::store::{MemoryStore, UserStore};
    use crate::testing::ManualClock;
    use crate::user::{Email, NewUser, StoredPassword};
    use std::sync::Arc;

    #[tokio::test]
    async fn a_device_is_known_to_its_own_user_once_it_has_signed_in() {
        let (store, clock) = (MemoryStore::new(), ManualClock::default());
        let auth = Auth::new(Config::default(), Arc::new(store.clone()), Arc::new(clock)).unwrap();
        let add = async |address: &str| {
            let (name, email) = ("Ada".to_owned(), Email::parse(address).unwrap());
            let new = NewUser { name, email, password: StoredPassword::new(String::new()) };
            let event = Event::new(EventKind::UserCreated, auth.now());
            store.insert_user(new, auth.now(), event).await.unwrap().unwrap().id
        };
        let (ada, grace) = (add("ada@example.com").await, add("grace@example.com").await);
        let options = SignInOptions::default();
        let signed_in = auth.sign_in_as(ada, &options, &Client::default()).await.unwrap();
        let secret = signed_in.device_secret.unwrap();
        let presenting = |secret| Client { device_secret: Some(secret), ..Client::default() };
        let known = async |user, client| auth.known_device(user, &client).await.unwrap();
        assert_eq!(known(ada, presenting(secret.clone())).await, Some(secret.hash()));
        assert_eq!(known(grace, presenting(secret)).await, None);
        let unknown = PlainText::draw(crate::secret::Kind::Device).unwrap();
        assert_eq!(known(ada, presenting(unknown)).await, None);
        assert_eq!(known(ada, Client::default()).await, None);
    }
}
