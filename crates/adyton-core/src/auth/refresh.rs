//! Refresh: the next pair, the same pair again, or the end of the session.

use super::Auth;
use super::begin::{Secrets, SignIn, Tokens};
use crate::clock::Timestamp;
use crate::device::Client;
use crate::error::{Error, Refusal};
use crate::event::{Event, EventKind};
use crate::password::Overloaded;
use crate::refresh::{Decision, Pair, decide};
use crate::secret::{Kind, PlainText, Salt};
use crate::session::{FoundSession, Session};
use crate::store::{Replacement, Rotation, Which};
use crate::throttle::Limits;
use crate::token::NewToken;
use crate::user::User;

/// How often a caller that lost a race looks again. One look is enough with rotation; without it
/// any number of callers may win one after another.
const TRIES: usize = 64;

impl Auth {
    /// Exchanges a refresh token for the next pair of its session.
    ///
    /// # Errors
    /// `token_invalid`, `session_expired`, `session_revoked`; `refresh_token_reused` after the
    /// session was ended; `device_mismatch`, and nothing changed; [`Error::TooManyAttempts`];
    /// [`Error::Store`].
    pub async fn refresh(&self, refresh_token: &str, client: &Client) -> Result<SignIn, Error> {
        let presented =
            PlainText::parse(Kind::Refresh, refresh_token).ok_or(Refusal::TokenInvalid)?;
        for attempt in 0..TRIES {
            let found = self.0.store.find_session(&presented.hash()).await?;
            let found = found.ok_or(Refusal::TokenInvalid)?;
            let decision = decide(presented.hash(), &found, self.now(), self.config());
            if attempt == 0 && matches!(decision, Decision::Rotate | Decision::Replay { .. }) {
                self.check_device(&found.session, client).await?;
            }
            let outcome = match decision {
                Decision::Rotate => self.rotate_once(&presented, found.session, client).await?,
                Decision::Replay { salt, rotated_at } => {
                    Some(self.replay(&presented, found.session, &salt, rotated_at).await?)
                }
                Decision::Reuse => return Err(self.end_reused(found, client).await?.into()),
                Decision::Expired => return Err(self.over(&found, client).into()),
                Decision::Revoked => return Err(Refusal::SessionRevoked.into()),
            };
            if let Some(signed_in) = outcome {
                return Ok(signed_in);
            }
        }
        Err(Overloaded.into())
    }

    /// A rotation within its limit: one that does not happen gives its attempt back.
    async fn rotate_once(
        &self,
        presented: &PlainText,
        session: Session,
        client: &Client,
    ) -> Result<Option<SignIn>, Error> {
        let id = session.public_id.clone();
        let buckets = |limits: &Limits, _| limits.refresh(&id);
        let attempt = self.attempt(buckets, Some(session.user_id), client).await?;
        let rotated = self.rotate(presented, session, client).await;
        if !matches!(rotated, Ok(Some(_))) {
            self.give_back(attempt).await;
        }
        rotated
    }

    /// Moves the session to its next pair. `None` when another call did so first.
    async fn rotate(
        &self,
        presented: &PlainText,
        session: Session,
        client: &Client,
    ) -> Result<Option<SignIn>, Error> {
        let user = self.check_user(&session).await?;
        let (now, config, salt) = (self.now(), self.config(), Salt::draw()?);
        let pair = Pair::following(presented, &salt, config.token_rotation);
        let expires_at = now
            .plus(config.refresh_token_expiration.seconds())
            .min(session.ends_absolutely_at(config));
        let event = Event::new(EventKind::SessionRenewed, now)
            .user(session.user_id)
            .session(&session.public_id)
            .by(client);
        let rotation = Rotation {
            session: session.id,
            user_id: session.user_id,
            rotation: session.rotation,
            replace: config.token_rotation.then(|| Replacement {
                old: presented.hash(),
                old_expires_at: session.ends_at(config),
                new: pair.refresh.hash(),
            }),
            salt: Some(salt).filter(|_| config.rotation_grace.seconds() > 0),
            token: NewToken {
                name: session.device.name.clone().unwrap_or_else(|| "login".to_owned()),
                hash: pair.access.hash(),
                abilities: session.abilities.clone(),
                expires_at: Some(self.access_ends_at(&session, now)),
            },
            grace_ends: now.plus(config.rotation_grace.seconds()),
            expires_at,
            now,
            event: event.clone(),
        };
        let store = self.0.store.clone();
        let change = async move { store.rotate(rotation).await };
        let Some(rotated) = self.change(session.user_id, change).await? else { return Ok(None) };
        self.changed(&event);
        Ok(Some(self.refreshed(rotated, user, pair, now)))
    }

    /// The answer of the last refresh, once more.
    async fn replay(
        &self,
        presented: &PlainText,
        session: Session,
        salt: &Salt,
        rotated_at: Timestamp,
    ) -> Result<SignIn, Error> {
        let user = self.check_user(&session).await?;
        let rotated = session.previous.is_some();
        let pair = Pair::following(presented, salt, rotated);
        Ok(self.refreshed(session, user, pair, rotated_at))
    }

    fn refreshed(&self, session: Session, user: User, pair: Pair, rotated_at: Timestamp) -> SignIn {
        let expires_at = self.access_ends_at(&session, rotated_at);
        SignIn {
            guard: session.guard,
            new_device: false,
            abilities: session.abilities.clone(),
            secrets: Secrets::Tokens(Tokens {
                token: pair.access,
                expires_in: expires_at.seconds_after(self.now()),
                expires_at,
                refresh_token: pair.refresh,
                refresh_expires_at: session.ends_at(self.config()),
            }),
            device_secret: None,
            session_id: session.public_id,
            user,
        }
    }

    /// When an access token issued then ends: never after its session.
    fn access_ends_at(&self, session: &Session, issued: Timestamp) -> Timestamp {
        let config = self.config();
        issued.plus(config.token_expiration.seconds()).min(session.ends_absolutely_at(config))
    }

    /// The session's user. One who is gone or locked out refreshes nothing; whoever goes later was
    /// still there.
    async fn check_user(&self, session: &Session) -> Result<User, Error> {
        let user = self.0.store.find_user(session.user_id).await?.ok_or(Refusal::TokenInvalid)?;
        let may = self.0.store.may_sign_in(&user).await?;
        if may { Ok(user) } else { Err(Refusal::SessionRevoked.into()) }
    }

    /// Ends a session whose replaced refresh token came back: committed before anybody is told.
    async fn end_reused(&self, found: FoundSession, client: &Client) -> Result<Refusal, Error> {
        let (session, now) = (found.session, self.now());
        let reuse = Event::new(EventKind::AuthnTokenReuse, now);
        let ended = Event::new(EventKind::SessionRevoked, now).reason("refresh_token_reused");
        let (which, events) = (Which::One(session.id), vec![reuse, ended]);
        self.revoke_with(session.user_id, which, events, client).await?;
        Ok(Refusal::RefreshTokenReused)
    }

    fn over(&self, found: &FoundSession, client: &Client) -> Refusal {
        let event = Event::new(EventKind::SessionExpired, self.now()).user(found.session.user_id);
        self.refused(event.session(&found.session.public_id), client);
        Refusal::SessionExpired
    }
}
