//! Sign up: a new user and their first session, in one transaction.

use super::begin::SignIn;
use super::login::{SignInOptions, read_email};
use super::{Auth, users};
use crate::device::Client;
use crate::error::{Error, Problems};
use crate::store::Who;
use crate::user::NewUser;
use zeroize::Zeroizing;

/// What somebody signs up with.
#[derive(Clone, Default)]
pub struct Registration {
    /// At most 255 characters.
    pub name: String,
    /// As typed.
    pub email: String,
    /// As typed.
    pub password: Zeroizing<String>,
    /// As typed again, where the form asks for it.
    pub password_confirmation: Option<Zeroizing<String>>,
    /// How the first session shall be.
    pub options: SignInOptions,
}

impl Auth {
    /// Signs a new user up and in. It does tell whether an e-mail is taken: a form that lets
    /// people sign up at once cannot hide it.
    ///
    /// # Errors
    /// [`Error::Invalid`], also for a taken e-mail; [`Error::Overloaded`]; [`Error::Store`].
    pub async fn register(
        &self,
        registration: Registration,
        client: &Client,
    ) -> Result<SignIn, Error> {
        let mut problems = Problems::default();
        let wanted = self.read_sign_in(&registration.options, &mut problems);
        let user = self.read_new_user(&registration, problems).await?;
        let signed_in = self.begin_session(Who::New(user), wanted, client).await?;
        signed_in.ok_or_else(taken)
    }

    /// Checks a new user and hashes their password. A taken e-mail is found before hashing, as
    /// far as it can be.
    pub(super) async fn read_new_user(
        &self,
        new: &Registration,
        mut problems: Problems,
    ) -> Result<NewUser, Error> {
        users::check_name(&new.name, &mut problems);
        let email = read_email(&new.email, &mut problems);
        self.check_new_password(&new.password, new.password_confirmation.as_deref(), &mut problems);
        problems.into_result()?;
        let Some(email) = email else { return Err(taken()) };
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
        confirmation: Option<&String>,
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
