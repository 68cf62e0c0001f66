//! The tokens: when they are renewed, by whom, and what becomes of a refusal. The storage is the
//! truth; what is kept here is what was last seen of it.

use crate::answers::{SignInAnswer, SignedIn};
use crate::builder::Clock;
use crate::client::{Client, PATIENCE};
use crate::storage::{Renewal, Storage, StorageLock, Stored, Tokens};
use crate::{Error, Secret};
use reqwest::Method;
use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use time::OffsetDateTime;
use tokio::sync::Mutex as Turn;

/// The next pair is had this long before the end, but for a short life not before four fifths of it.
const AHEAD: Duration = Duration::from_secs(30);

/// A server may say that it is away for longer; it is asked all the same.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

pub(crate) struct Keeper {
    storage: Box<dyn Storage>,
    clock: Clock,
    seen: Mutex<Seen>,
    /// Whoever has it may change what is stored. In it is how the last refresh failed, if it did.
    turn: Turn<Option<Failure>>,
    /// How many refreshes have ended.
    ended: AtomicU64,
}

#[derive(Default)]
struct Seen {
    stored: Option<Stored>,
    /// The storage has failed to take it: until it does, this is what counts.
    is_unsaved: bool,
}

struct Failure {
    number: u64,
    /// The server says not to ask before.
    until: OffsetDateTime,
    error: Arc<Error>,
}

impl Keeper {
    pub(crate) fn new(storage: Box<dyn Storage>, clock: Clock) -> Self {
        let (seen, turn) = (Mutex::default(), Turn::default());
        Self { storage, clock, seen, turn, ended: AtomicU64::new(0) }
    }

    /// What to sign a request with: the stored token, renewed if it is about to end. Where that fails
    /// for now, the old one is good to its end.
    pub(crate) async fn fresh(&self, client: &Client) -> Result<Option<Secret>, Error> {
        let Some(Tokens { token, renewal }) = self.stored().await?.tokens else { return Ok(None) };
        let now = (self.clock)();
        let Some(renewal) = renewal.filter(|renewal| renewal.renew_at <= now) else {
            return Ok(Some(token));
        };
        match self.renew(&token, client).await {
            Err(Error::NotRenewed(_)) if now < renewal.expires_at => Ok(Some(token)),
            renewed => renewed,
        }
    }

    /// The token as it stands.
    pub(crate) async fn token(&self) -> Result<Option<Secret>, Error> {
        Ok(self.stored().await?.tokens.map(|tokens| tokens.token))
    }

    /// The token after this one; none where there is nothing to renew. Whoever comes while a refresh
    /// is under way waits for it and shares what comes of it.
    pub(crate) async fn renew(
        &self,
        stale: &Secret,
        client: &Client,
    ) -> Result<Option<Secret>, Error> {
        let arrived = self.ended.load(Ordering::Acquire);
        let mut last = self.turn.lock().await;
        if let Some(next) = self.read().await?.other_than(stale) {
            return Ok(Some(next));
        }
        if let Some(failure) = last.as_ref().filter(|last| last.is_for(arrived, (self.clock)())) {
            return Err(failure.shared());
        }
        let renewed = match self.lock().await {
            Ok(_lock) => self.refresh(stale, client).await,
            Err(error) => Err(error),
        };
        let number = self.ended.fetch_add(1, Ordering::AcqRel) + 1;
        *last = None;
        match renewed {
            // The next pair is there all the same.
            Err(error @ Error::Storage(_)) => Err(error),
            Err(error) => Err(last.insert(Failure::new(number, error, (self.clock)())).shared()),
            next => next,
        }
    }

    /// For whoever has the lock, since a refresh token is good for one use.
    async fn refresh(&self, stale: &Secret, client: &Client) -> Result<Option<Secret>, Error> {
        let stored = self.read().await?;
        if let Some(next) = stored.other_than(stale) {
            return Ok(Some(next));
        }
        let device = stored.device_secret.as_ref();
        let Some(renewal) = stored.tokens.and_then(|tokens| tokens.renewal) else {
            return Ok(None);
        };
        let refresh_token = &renewal.refresh_token;
        match client.enter("/refresh", &RefreshToken { refresh_token }, device).await {
            Ok(answer) => {
                let token = answer.token.clone();
                self.keep(answer, device).await?;
                Ok(Some(token))
            }
            Err(Error::Refused(problem)) if problem.is_final() => {
                // Whoever shares a storage without a lock may have been faster: then their word counts.
                if let Some(next) = self.read().await?.other_than(stale) {
                    return Ok(Some(next));
                }
                let _ = self.write(Stored::guest(device)).await;
                Err(Error::SessionEnded(problem))
            }
            Err(error) => Err(error),
        }
    }

    /// Signs in, and keeps what that brings.
    pub(crate) async fn enter(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
        client: &Client,
    ) -> Result<SignedIn, Error> {
        let mut last = self.turn.lock().await;
        let _lock = self.lock().await?;
        let device = self.read().await?.device_secret;
        let answer = client.enter(path, body, device.as_ref()).await?;
        *last = None;
        self.keep(answer, device.as_ref()).await
    }

    /// Ends at the server what the client is signed in with, and forgets it.
    pub(crate) async fn leave(&self, client: &Client) -> Result<(), Error> {
        let _turn = self.turn.lock().await;
        if self.read().await?.tokens.is_none() {
            return Ok(());
        }
        let _lock = self.lock().await?;
        let Stored { tokens: Some(Tokens { token, renewal }), device_secret } = self.read().await?
        else {
            return Ok(());
        };
        let request = client.endpoint(Method::POST, "/logout").timeout(PATIENCE);
        match renewal {
            // It ends the session even when the access token is no longer good.
            Some(Renewal { refresh_token, .. }) => {
                let body = RefreshToken { refresh_token: &refresh_token };
                client.call_as(request.json(&body), None).await?;
            }
            None => drop(client.call_as(request, Some(&token)).await?),
        }
        self.write(Stored::guest(device_secret.as_ref())).await
    }

    /// Goes on with this token, or as a guest.
    pub(crate) async fn replace(&self, tokens: Option<Tokens>) -> Result<(), Error> {
        let mut last = self.turn.lock().await;
        let _lock = self.lock().await?;
        let device_secret = self.read().await?.device_secret;
        *last = None;
        self.write(Stored { tokens, device_secret }).await
    }

    async fn keep(
        &self,
        SignInAnswer { signed_in, token, expires_in, refresh_token, device_secret }: SignInAnswer,
        device: Option<&Secret>,
    ) -> Result<SignedIn, Error> {
        let (now, life) = ((self.clock)(), Duration::from_secs(expires_in.into()));
        let renewal = Renewal {
            refresh_token,
            session_id: signed_in.session_id.clone(),
            renew_at: now + (life - AHEAD.min(life / 5)),
            expires_at: now + life,
        };
        let tokens = Some(Tokens { token, renewal: Some(renewal) });
        let device_secret = device_secret.or_else(|| device.cloned());
        self.write(Stored { tokens, device_secret }).await?;
        Ok(signed_in)
    }

    async fn stored(&self) -> Result<Stored, Error> {
        let seen = || self.seen().stored.clone();
        if let Some(stored) = seen() {
            return Ok(stored);
        }
        // What is read must not be older than what somebody else writes meanwhile.
        let _turn = self.turn.lock().await;
        match seen() {
            Some(stored) => Ok(stored),
            None => self.read().await,
        }
    }

    /// Keeps other programs from what is stored. For whoever has the turn.
    async fn lock(&self) -> Result<StorageLock, Error> {
        self.storage.lock().await.map_err(Error::Locked)
    }

    /// What the storage has now. For whoever has the turn, as is `write`.
    async fn read(&self) -> Result<Stored, Error> {
        let unsaved = Some(self.seen()).filter(|seen| seen.is_unsaved);
        if let Some(stored) = unsaved.and_then(|seen| seen.stored.clone()) {
            let _ = self.write(stored.clone()).await;
            return Ok(stored);
        }
        let stored = self.storage.load().await.map_err(Error::Storage)?.unwrap_or_default();
        *self.seen() = Seen { stored: Some(stored.clone()), is_unsaved: false };
        Ok(stored)
    }

    async fn write(&self, stored: Stored) -> Result<(), Error> {
        *self.seen() = Seen { stored: Some(stored.clone()), is_unsaved: true };
        self.storage.save(&stored).await.map_err(Error::Storage)?;
        self.seen().is_unsaved = false;
        Ok(())
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stored {
    fn guest(device: Option<&Secret>) -> Self {
        Self { tokens: None, device_secret: device.cloned() }
    }

    fn other_than(&self, stale: &Secret) -> Option<Secret> {
        let token = &self.tokens.as_ref()?.token;
        (token != stale).then(|| token.clone())
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RefreshToken<'a> {
    refresh_token: &'a Secret,
}

impl Failure {
    fn new(number: u64, error: Error, now: OffsetDateTime) -> Self {
        let until = now + error.retry_after().unwrap_or_default().min(LONGEST_PAUSE);
        Self { number, until, error: Arc::new(error) }
    }

    /// Whether it is the answer to somebody who came when so many refreshes had ended.
    fn is_for(&self, arrived: u64, now: OffsetDateTime) -> bool {
        self.number > arrived || now < self.until
    }

    fn shared(&self) -> Error {
        match &*self.error {
            Error::SessionEnded(problem) => Error::SessionEnded(problem.clone()),
            _ => Error::NotRenewed(Arc::clone(&self.error)),
        }
    }
}
