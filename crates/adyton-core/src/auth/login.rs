//! Sign in with e-mail and password, or on the word of the host app.

use super::Auth;
use crate::ability::Abilities;
use crate::clock::Timestamp;
use crate::device::{self, Client, Device};
use crate::error::{Error, Problems, Refusal};
use crate::event::{Event, EventKind};
use crate::password::{LONGEST, is_usable, needs_rehash};
use crate::refresh::Pair;
use crate::secret::{Kind, PlainText, public_id};
use crate::session::{Guard, NewSession};
use crate::store::{SignInRecord, SignedIn, Who};
use crate::token::NewToken;
use crate::user::{Account, Email, User, UserId};
use zeroize::Zeroizing;

/// How often a sign-in looks again when the stored hash was replaced after it was verified: once,
/// since another sign-in with the same password may have brought it up to date.
const TRIES: usize = 2;

/// What somebody signs in with.
#[derive(Clone, Default)]
pub struct Credentials {
    /// As typed.
    pub email: String,
    /// As typed.
    pub password: Zeroizing<String>,
    /// How the session shall be.
    pub options: SignInOptions,
}

/// How a session shall be.
#[derive(Clone, Debug, Default)]
pub struct SignInOptions {
    /// What the user calls the device.
    pub device_name: Option<String>,
    /// Fewer abilities than `token_abilities`.
    pub abilities: Option<Vec<String>>,
    /// How the session shall prove itself. Whether `session_guard` allows it is checked.
    pub guard: Guard,
    /// Keeps a cookie session beyond the browser's.
    pub remember: bool,
    /// The session cookie that the client presented: its session ends with the sign-in.
    pub replaced: Option<PlainText>,
}

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
    /// Whether the user had not signed in with this user agent before.
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
    /// Signs in with e-mail and password.
    ///
    /// # Errors
    /// `invalid_credentials` for an unknown e-mail and a wrong password alike, in equal time;
    /// [`Error::Invalid`]; [`Error::Overloaded`]; [`Error::Store`].
    pub async fn login(&self, credentials: Credentials, client: &Client) -> Result<SignIn, Error> {
        let mut problems = Problems::default();
        let email = read_email(&credentials.email, &mut problems);
        check_typed("password", &credentials.password, &mut problems);
        let wanted = self.read_sign_in(&credentials.options, &mut problems);
        problems.into_result()?;
        let Some(email) = email else { return Err(Refusal::InvalidCredentials.into()) };

        for _ in 0..TRIES {
            let found = self.0.store.find_account_by_email(&email).await?;
            let account = self.identify(found, &credentials.password, client).await?;
            let who = self.returning(account, &credentials.password).await?;
            if let Some(signed_in) = self.begin_session(who, wanted.clone(), client).await? {
                return Ok(signed_in);
            }
        }
        Err(Refusal::InvalidCredentials.into())
    }

    /// Somebody whose password was verified, with a hash of today's scheme if theirs is older.
    async fn returning(&self, account: Account, password: &str) -> Result<Who, Error> {
        let Account { user, password: verified } = account;
        let rehashed = match &verified {
            Some(stored) if self.config().password.rehash && needs_rehash(stored) => {
                Some(self.0.hasher.hash(Zeroizing::new(password.to_owned())).await??)
            }
            _ => None,
        };
        Ok(Who::Existing { id: user.id, verified, rehashed })
    }

    /// Signs a user in without a password, on the word of the host app: after its own OAuth flow,
    /// say, or in a test.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such user; [`Error::Invalid`]; [`Error::Store`].
    pub async fn sign_in_as(
        &self,
        user: UserId,
        options: &SignInOptions,
        client: &Client,
    ) -> Result<SignIn, Error> {
        let mut problems = Problems::default();
        let wanted = self.read_sign_in(options, &mut problems);
        problems.into_result()?;
        let who = Who::Existing { id: user, verified: None, rehashed: None };
        self.begin_session(who, wanted, client).await?.ok_or(Error::NotFound)
    }

    /// The account, if the password is its own and it may sign in. Whoever it is, one password is
    /// verified: an unknown user's against the decoy.
    async fn identify(
        &self,
        found: Option<Account>,
        password: &str,
        client: &Client,
    ) -> Result<Account, Error> {
        let right = self.verify_password(found.as_ref(), password).await?;
        let user = found.as_ref().map(|account| account.user.id);
        match found.filter(|_| right) {
            Some(account) if self.0.store.may_sign_in(&account.user).await? => Ok(account),
            refused => {
                let reason = if refused.is_some() { "disabled" } else { "credentials" };
                let mut event = Event::new(EventKind::AuthnLoginFail, self.now()).reason(reason);
                event.user_id = user;
                self.refused(event, client);
                Err(Refusal::InvalidCredentials.into())
            }
        }
    }

    /// Whether this is the account's password; no account, and none without a usable hash, has one.
    /// Whichever it is, one hash is computed.
    pub(super) async fn verify_password(
        &self,
        account: Option<&Account>,
        password: &str,
    ) -> Result<bool, Error> {
        let stored = account.and_then(|account| account.password.clone());
        let stored = stored.filter(is_usable);
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.decoy().stored().clone());
        let password = Zeroizing::new(password.to_owned());
        Ok(self.0.hasher.verify(password, stored).await? && known)
    }

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
        Wanted { device_name: options.device_name.clone(), abilities }
    }

    /// Begins a session: one row, its access token and its events, in one transaction.
    pub(super) async fn begin_session(
        &self,
        who: Who,
        wanted: Wanted,
        client: &Client,
    ) -> Result<Option<SignIn>, Error> {
        let now = self.now();
        let pair = Pair {
            access: PlainText::draw(Kind::Access)?,
            refresh: PlainText::draw(Kind::Refresh)?,
        };
        let device = Device::of(client, wanted.device_name);
        let session = NewSession {
            public_id: public_id()?,
            guard: Guard::Token,
            secret: pair.refresh.hash(),
            abilities: wanted.abilities.clone(),
            expires_at: now.plus(self.config().refresh_token_expiration.seconds()),
            device,
        };
        let token = NewToken {
            name: session.device.name.clone().unwrap_or_else(|| "login".to_owned()),
            hash: pair.access.hash(),
            abilities: wanted.abilities,
            expires_at: Some(now.plus(self.config().token_expiration.seconds())),
        };
        let (first, existing) = match &who {
            Who::New(_) => (EventKind::UserCreated, None),
            // Sessions beyond the cap end with it.
            Who::Existing { id, .. } => (EventKind::AuthnLoginSuccess, Some(*id)),
        };
        let events: Vec<Event> = [first, EventKind::SessionCreated]
            .into_iter()
            .map(|kind| Event::new(kind, now).session(&session.public_id).by(client))
            .collect();
        let record = SignInRecord {
            sessions_per_user: self.config().sessions_per_user,
            token: Some(token),
            events: events.clone(),
            who,
            session,
            now,
        };
        let store = self.0.store.clone();
        let sign_in = async move { store.sign_in(record).await };
        let Some(written) = self.change(existing, sign_in).await? else { return Ok(None) };
        events.into_iter().for_each(|event| self.changed(&event.user(written.user.id)));
        for id in &written.ended {
            let event = Event::new(EventKind::SessionRevoked, now).user(written.user.id);
            self.changed(&event.session(id).reason("too_many_sessions").by(client));
        }
        Ok(Some(self.sign_in_of(written, pair, now)))
    }

    fn sign_in_of(&self, written: SignedIn, pair: Pair, now: Timestamp) -> SignIn {
        let config = self.config();
        let expires_at = now.plus(config.token_expiration.seconds());
        SignIn {
            guard: written.session.guard,
            new_device: written.new_device,
            abilities: written.session.abilities.clone(),
            secrets: Secrets::Tokens(Tokens {
                token: pair.access,
                expires_in: expires_at.seconds_after(now),
                expires_at,
                refresh_token: pair.refresh,
                refresh_expires_at: written.session.ends_at(config),
            }),
            device_secret: None,
            session_id: written.session.public_id,
            user: written.user,
        }
    }
}

/// What a sign-in asked for, read.
#[derive(Clone)]
pub(super) struct Wanted {
    pub(super) device_name: Option<String>,
    pub(super) abilities: Abilities,
}

/// Reads an e-mail address that somebody typed.
pub(super) fn read_email(text: &str, problems: &mut Problems) -> Option<Email> {
    let email = Email::parse(text);
    if text.trim_ascii().is_empty() {
        problems.add("email", "is required");
    } else {
        problems.unless(email.is_some(), "email", "must be an e-mail address");
    }
    email
}

/// Checks a password that is to be compared: it may be weak, but it must be one.
pub(super) fn check_typed(field: &'static str, password: &str, problems: &mut Problems) {
    problems.unless(!password.is_empty(), field, "is required");
    problems.unless(password.len() <= LONGEST, field, "must have at most 1024 bytes");
    problems.unless(!password.contains('\0'), field, "must not contain the NUL character");
}
