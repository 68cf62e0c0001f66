//! Sign in with e-mail and password, or on the word of the host app.

use super::Auth;
use super::begin::{SignIn, Wanted};
use super::limits::Attempt;
use crate::device::Client;
use crate::error::{Error, Problems, Refusal};
use crate::event::{Event, EventKind};
use crate::password::{LONGEST, is_usable, needs_rehash};
use crate::secret::PlainText;
use crate::session::Guard;
use crate::store::Who;
use crate::user::{Account, Email, Password, UserId};

/// How often a sign-in looks again when the stored hash was replaced after it was verified: once,
/// since another sign-in with the same password may have brought it up to date.
const TRIES: usize = 2;

/// What somebody signs in with.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// As typed.
    pub email: String,
    /// As typed.
    pub password: Password,
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
    /// How the session shall prove itself: by a token unless `session_guard` is `session`.
    pub guard: Option<Guard>,
    /// Keeps a cookie session beyond the browser's.
    pub remember: bool,
    /// The session cookie that the client presented: its session ends with the sign-in.
    pub replaced: Option<PlainText>,
}

impl Auth {
    /// Signs in with e-mail and password.
    ///
    /// # Errors
    /// `invalid_credentials` for an unknown e-mail and a wrong password alike, in equal time;
    /// [`Error::Invalid`]; [`Error::TooManyAttempts`]; [`Error::Overloaded`]; [`Error::Store`].
    pub async fn login(&self, credentials: Credentials, client: &Client) -> Result<SignIn, Error> {
        let mut problems = Problems::default();
        let email = read_email(&credentials.email, &mut problems);
        let password = credentials.password.expose();
        check_typed("password", password, &mut problems);
        let wanted = self.read_sign_in(&credentials.options, &mut problems);
        problems.into_result()?;
        let Some(email) = email else { return Err(Refusal::InvalidCredentials.into()) };

        let attempt = self.attempt_login(&email, client).await?;
        let tried = self.try_login(&email, password, wanted, &attempt, client).await;
        match &tried {
            Ok(_) => self.succeeded(attempt).await,
            Err(Error::Unauthenticated(_)) => {}
            // It never came to comparing passwords.
            Err(_) => self.give_back(attempt).await,
        }
        tried
    }

    /// Takes the attempt before anybody is looked up, but for those who present the secret of a
    /// device: whether it is one of this account's decides which buckets are theirs.
    async fn attempt_login<'a>(
        &self,
        email: &Email,
        client: &'a Client,
    ) -> Result<Attempt<'a>, Error> {
        let device = match &client.device_secret {
            Some(_) => {
                let found = self.0.store.find_account_by_email(email).await?;
                // An unknown e-mail is asked for as much: nobody has this id.
                let user = found.map_or(UserId(0), |account| account.user.id);
                self.known_device(user, client).await?
            }
            None => None,
        };
        self.attempt(|limits, address| limits.login(email, address, device.as_ref()), None, client)
            .await
    }

    async fn try_login(
        &self,
        email: &Email,
        password: &str,
        wanted: Wanted,
        attempt: &Attempt<'_>,
        client: &Client,
    ) -> Result<SignIn, Error> {
        let _turn = self.0.turns.take(client)?;
        for _ in 0..TRIES {
            let found = self.0.store.find_account_by_email(email).await?;
            let account = self.identify(found, password, attempt, client).await?;
            let who = self.returning(account, password).await?;
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
                Some(self.0.hasher.hash(password.into()).await??)
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
        attempt: &Attempt<'_>,
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
                self.note_lock(attempt, user);
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
        Ok(self.0.hasher.verify(password.into(), stored).await? && known)
    }
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
