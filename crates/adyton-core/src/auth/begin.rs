//! How a session begins, whoever signs in: with a password, by signing up, or on the word of the
//! host app.

use super::login::SignInOptions;
use super::{Auth, devices};
use crate::ability::Abilities;
use crate::clock::Timestamp;
use crate::config::SessionGuard;
use crate::device::{self, Client, Device};
use crate::error::{Error, Problems};
use crate::event::{Event, EventKind};
use crate::refresh::Pair;
use crate::secret::{Kind, PlainText, public_id};
use crate::session::{Guard, NewSession};
use crate::store::{Revocation, SignInRecord, SignedIn, Which, Who};
use crate::token::NewToken;
use crate::user::User;
use std::sync::Arc;

/// What a sign-in gives, by password, by sign-up or by refresh.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SignIn {
    /// Who.
    pub user: User,
    /// How the session proves itself.
    pub guard: Guard,
    /// The session's public id.
    pub session_id: String,
    /// Whether the user had not signed in with this device before, nor with one that looks the
    /// same.
    pub new_device: bool,
    /// What it may do.
    pub abilities: Abilities,
    /// What the client proves itself by from now on.
    pub secrets: Secrets,
    /// What the device is known by from now on; none where it goes on with the one it has.
    pub device_secret: Option<PlainText>,
}

/// What a sign-in hands to its client.
#[derive(Clone, Debug)]
pub enum Secrets {
    /// Of guard `token`.
    Tokens(Tokens),
    /// Of guard `session`.
    Cookie(SessionCookie),
}

/// An access token and what renews it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Tokens {
    /// The access token.
    pub token: PlainText,
    /// The first moment at which it is refused.
    pub expires_at: Timestamp,
    /// In seconds from now.
    pub expires_in: u64,
    /// What renews it.
    pub refresh_token: PlainText,
    /// The first moment at which that is refused.
    pub refresh_expires_at: Timestamp,
}

/// What a session cookie carries.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionCookie {
    /// Its value.
    pub secret: PlainText,
    /// How many seconds the browser shall keep it; none for until it is closed.
    pub max_age: Option<u64>,
}

impl SignIn {
    /// The tokens, of guard `token`.
    #[must_use]
    pub fn tokens(&self) -> Option<&Tokens> {
        if let Secrets::Tokens(tokens) = &self.secrets { Some(tokens) } else { None }
    }

    /// The cookie, of guard `session`.
    #[must_use]
    pub fn cookie(&self) -> Option<&SessionCookie> {
        if let Secrets::Cookie(cookie) = &self.secrets { Some(cookie) } else { None }
    }
}

impl Auth {
    /// Reads what every sign-in may ask for.
    pub(super) fn read_sign_in(&self, options: &SignInOptions, problems: &mut Problems) -> Wanted {
        if let Some(name) = &options.device_name {
            let short = name.chars().count() <= device::LONGEST_NAME;
            problems.unless(short, "deviceName", "must have at most 128 characters");
            let plain = !name.chars().any(char::is_control);
            problems.unless(plain, "deviceName", "must not contain control characters");
        }
        let abilities = match options.abilities.as_ref().map(Abilities::parse).transpose() {
            Ok(wanted) => wanted.unwrap_or_else(|| self.0.abilities.clone()),
            Err(error) => {
                problems.add("abilities", error.to_string());
                Abilities::none()
            }
        };
        let allowed = self.0.abilities.cover(&abilities);
        problems.unless(allowed, "abilities", "go beyond what a sign-in may have here");
        Wanted {
            device_name: options.device_name.clone(),
            abilities,
            guard: self.read_guard(options.guard, problems),
            remember: options.remember,
            replaced: options.replaced.clone(),
        }
    }

    /// The guard that was asked for, if sign-ins may use it here; else the one that they use.
    fn read_guard(&self, wanted: Option<Guard>, problems: &mut Problems) -> Guard {
        let (guard, only) = match self.config().session_guard {
            SessionGuard::Both => return wanted.unwrap_or_default(),
            SessionGuard::Token => (Guard::Token, "must be `token` here"),
            SessionGuard::Session => (Guard::Session, "must be `session` here"),
        };
        problems.unless(wanted.is_none_or(|wanted| wanted == guard), "guard", only);
        guard
    }

    /// Begins a session: one row, its access token and its events, in one transaction. The session
    /// whose cookie the client has presented ends in it.
    pub(super) async fn begin_session(
        &self,
        who: Who,
        wanted: Wanted,
        client: &Client,
    ) -> Result<Option<SignIn>, Error> {
        let now = self.now();
        let secrets = Drawn::of(wanted.guard)?;
        let replaced = self.replaced_by(wanted.replaced.as_ref(), client).await?;
        let (session, token) = self.new_session(wanted, &secrets, client, now)?;
        let (first, existing) = match &who {
            Who::New(_) => (EventKind::UserCreated, None),
            // Sessions beyond the cap end with it.
            Who::Existing { id, .. } => (EventKind::AuthnLoginSuccess, Some(*id)),
        };
        let events: Vec<Event> = [first, EventKind::SessionCreated]
            .into_iter()
            .map(|kind| Event::new(kind, now).session(&session.public_id).by(client))
            .collect();
        let device_secret = PlainText::draw(Kind::Device)?;
        let new_device = Event::new(EventKind::NewDevice, now).session(&session.public_id);
        // Nobody needs to hear of the device that they sign up with.
        let new_device = existing.map(|_| new_device.by(client));
        let sighting = devices::sighting(client, &device_secret, new_device);
        let record = SignInRecord {
            device: sighting.clone(),
            sessions_per_user: self.config().sessions_per_user,
            token,
            replaced: replaced.clone(),
            events: events.clone(),
            who,
            session,
            now,
        };
        let inner = Arc::clone(&self.0);
        let other = replaced.as_ref().map(|replaced| replaced.user_id);
        let sign_in = async move {
            let signed_in = inner.store.sign_in(record).await;
            if let Some(other) = other {
                inner.forget(other).await;
            }
            signed_in
        };
        let Some(written) = self.change(existing, sign_in).await? else { return Ok(None) };
        events.into_iter().for_each(|event| self.changed(&event.user(written.user.id)));
        if let Some(event) = sighting.event.filter(|_| written.new_device) {
            self.changed(&event.user(written.user.id));
        }
        for id in &written.ended {
            let event = Event::new(EventKind::SessionRevoked, now).user(written.user.id);
            self.changed(&event.session(id).reason("too_many_sessions").by(client));
        }
        for event in replaced.into_iter().flat_map(|replaced| replaced.events) {
            self.changed(&event);
        }
        let device_secret = Some(device_secret).filter(|_| !written.known_device);
        Ok(Some(SignIn { device_secret, ..self.sign_in_of(written, secrets, now) }))
    }

    /// The rows of a new session and of its access token, which a cookie does without.
    fn new_session(
        &self,
        wanted: Wanted,
        secrets: &Drawn,
        client: &Client,
        now: Timestamp,
    ) -> Result<(NewSession, Option<NewToken>), Error> {
        let config = self.config();
        let device = Device::of(client, wanted.device_name);
        let token = secrets.access().map(|access| NewToken {
            name: device.name.clone().unwrap_or_else(|| "login".to_owned()),
            hash: access.hash(),
            abilities: wanted.abilities.clone(),
            expires_at: Some(now.plus(config.token_expiration.seconds())),
        });
        let idle = wanted.guard.idle_limit(wanted.remember, config);
        let session = NewSession {
            public_id: public_id()?,
            guard: wanted.guard,
            secret: secrets.of_session().hash(),
            abilities: wanted.abilities,
            remember: wanted.remember,
            expires_at: now.plus(idle.min(config.session_max_age.seconds())),
            device,
        };
        Ok((session, token))
    }

    /// What ends the session whose cookie was presented, if there is a live one.
    async fn replaced_by(
        &self,
        cookie: Option<&PlainText>,
        client: &Client,
    ) -> Result<Option<Revocation>, Error> {
        let Some(cookie) = cookie else { return Ok(None) };
        let found = self.0.store.find_cookie(&cookie.hash()).await?;
        let session = found.map(|found| found.session).filter(|old| old.revoked_at.is_none());
        let now = self.now();
        Ok(session.map(|old| {
            let event = Event::new(EventKind::SessionRevoked, now)
                .user(old.user_id)
                .session(&old.public_id)
                .by(client)
                .reason("signed_in_again");
            Revocation { user_id: old.user_id, which: Which::One(old.id), now, events: vec![event] }
        }))
    }

    fn sign_in_of(&self, written: SignedIn, secrets: Drawn, now: Timestamp) -> SignIn {
        let config = self.config();
        let secrets = match secrets {
            Drawn::Pair(pair) => {
                let expires_at = now.plus(config.token_expiration.seconds());
                Secrets::Tokens(Tokens {
                    token: pair.access,
                    expires_in: expires_at.seconds_after(now),
                    expires_at,
                    refresh_token: pair.refresh,
                    refresh_expires_at: written.session.ends_at(config),
                })
            }
            Drawn::Cookie(secret) => {
                let max_age = config.session_max_age.seconds();
                let max_age = written.session.remember.then_some(max_age);
                Secrets::Cookie(SessionCookie { secret, max_age })
            }
        };
        SignIn {
            guard: written.session.guard,
            new_device: written.new_device,
            abilities: written.session.abilities,
            secrets,
            device_secret: None,
            session_id: written.session.public_id,
            user: written.user,
        }
    }
}

/// The secrets of a session that begins.
enum Drawn {
    Pair(Pair),
    Cookie(PlainText),
}

impl Drawn {
    fn of(guard: Guard) -> Result<Self, Error> {
        Ok(match guard {
            Guard::Token => Self::Pair(Pair {
                access: PlainText::draw(Kind::Access)?,
                refresh: PlainText::draw(Kind::Refresh)?,
            }),
            Guard::Session => Self::Cookie(PlainText::draw(Kind::Cookie)?),
        })
    }

    fn access(&self) -> Option<&PlainText> {
        if let Self::Pair(pair) = self { Some(&pair.access) } else { None }
    }

    fn of_session(&self) -> &PlainText {
        match self {
            Self::Pair(pair) => &pair.refresh,
            Self::Cookie(secret) => secret,
        }
    }
}

/// What a sign-in asked for, read.
#[derive(Clone)]
pub(super) struct Wanted {
    pub(super) device_name: Option<String>,
    pub(super) abilities: Abilities,
    guard: Guard,
    remember: bool,
    replaced: Option<PlainText>,
}
