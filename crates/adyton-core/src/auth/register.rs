//! Sign up: a new user and their first session, in one transaction.

use super::begin::{SignIn, Wanted};
use super::login::{SignInOptions, read_email};
use super::{Auth, users};
use crate::device::Client;
use crate::error::{Error, Problems};
use crate::store::Who;
use crate::throttle::Limits;
use crate::user::{Email, NewUser, Password};

/// What somebody signs up with.
#[derive(Clone, Debug, Default)]
pub struct Registration {
    /// At most 255 characters.
    pub name: String,
    /// As typed.
    pub email: String,
    /// As typed.
    pub password: Password,
    /// As typed again, where the form asks for it.
    pub password_confirmation: Option<Password>,
    /// How the first session shall be.
    pub options: SignInOptions,
}

impl Auth {
    /// Signs a new user up and in. It does tell whether an e-mail is taken: a form that lets
    /// people sign up at once cannot hide it.
    ///
    /// # Errors
    /// [`Error::Invalid`], also for a taken e-mail; [`Error::TooManyAttempts`];
    /// [`Error::Overloaded`]; [`Error::Store`].
    pub async fn register(
        &self,
        registration: Registration,
        client: &Client,
    ) -> Result<SignIn, Error> {
        let mut problems = Problems::default();
        let wanted = self.read_sign_in(&registration.options, &mut problems);
        let email = self.check_new_user(&registration, problems)?;
        let buckets = |limits: &Limits, address| limits.register(address);
        let attempt = self.attempt(buckets, None, client).await?;
        let tried = self.try_register(&registration, email, wanted, client).await;
        // Who learned that an e-mail is taken has had the attempt.
        if !matches!(tried, Ok(_) | Err(Error::Invalid(_))) {
            self.give_back(attempt).await;
        }
        tried
    }

    async fn try_register(
        &self,
        new: &Registration,
        email: Email,
        wanted: Wanted,
        client: &Client,
    ) -> Result<SignIn, Error> {
        let _turn = self.0.turns.take(client)?;
        let user = self.read_new_user(new, email).await?;
        let signed_in = self.begin_session(Who::New(user), wanted, client).await?;
        signed_in.ok_or_else(taken)
    }

    /// Checks what can be checked of a new user without asking anybody.
    pub(super) fn check_new_user(
        &self,
        new: &Registration,
        mut problems: Problems,
    ) -> Result<Email, Error> {
        users::check_name(&new.name, &mut problems);
        let email = read_email(&new.email, &mut problems);
        let confirmation = new.password_confirmation.as_ref().map(Password::expose);
        self.check_new_password(new.password.expose(), confirmation, &mut problems);
        problems.into_result()?;
        email.ok_or_else(taken)
    }

    /// Hashes a new user's password. A taken e-mail is found before that, as far as it can be.
    pub(super) async fn read_new_user(
        &self,
        new: &Registration,
        email: Email,
    ) -> Result<NewUser, Error> {
        if self.0.store.find_account_by_email(&email).await?.is_some() {
            return Err(taken());
        }
        let password = self.0.hasher.hash(new.password.clone()).await??;
        Ok(NewUser { name: new.name.clone(), email, password })
    }

    /// Checks a password that is to be stored.
    pub(super) fn check_new_password(
        &self,
        password: &str,
        confirmation: Option<&str>,
        problems: &mut Problems,
    ) {
        if password.is_empty() {
            return problems.add("password", "is required");
        }
        for problem in self.0.policy.problems(password) {
            problems.add("password", problem);
        }
        let same = confirmation.is_none_or(|again| again == password);
        problems.unless(same, "passwordConfirmation", "does not match the password");
    }
}

pub(super) fn taken() -> Error {
    Problems::of("email", "has already been taken").into()
}
