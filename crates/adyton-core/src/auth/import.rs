//! Users of another system, taken over with the hashes of their passwords: nobody has to choose a
//! new one, and the plain text is never seen.

use super::login::read_email;
use super::{Auth, users};
use crate::clock::Timestamp;
use crate::error::{Error, Problems};
use crate::event::{Event, EventKind};
use crate::password;
use crate::user::{Email, NewUser, StoredPassword, User};

/// A user of another system who can be one of ours.
#[derive(Clone, Debug)]
pub struct ImportedUser {
    user: NewUser,
    created_at: Option<Timestamp>,
}

impl ImportedUser {
    /// Reads a user. The hash must be one that a sign-in can verify: bcrypt or argon2 with its
    /// parameters, as PHP, Node or Python write them.
    ///
    /// # Errors
    /// [`Error::Invalid`] on `name`, `email` or `password_hash`; the hash is in none of its words.
    pub fn read(
        name: &str,
        email: &str,
        password_hash: &str,
        created_at: Option<Timestamp>,
    ) -> Result<Self, Error> {
        let mut problems = Problems::default();
        users::check_name(name, &mut problems);
        let email = read_email(email, &mut problems);
        let password = StoredPassword::new(password_hash.to_owned());
        if let Some(problem) = password::problem_of_hash(&password) {
            problems.add("password_hash", problem);
        }
        match email {
            Some(email) if problems.fields().is_empty() => {
                Ok(Self { user: NewUser { name: name.to_owned(), email, password }, created_at })
            }
            _ => Err(Error::Invalid(problems)),
        }
    }

    /// The address that the user will sign in with.
    #[must_use]
    pub fn email(&self) -> &Email {
        &self.user.email
    }
}

impl Auth {
    /// Takes a user over. Whoever has this e-mail already stays as they are, and then it is `None`:
    /// an import can be stopped and repeated.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn import_user(&self, imported: ImportedUser) -> Result<Option<User>, Error> {
        let (store, now) = (self.0.store.clone(), self.now());
        let ImportedUser { user, created_at } = imported;
        let event = Event::new(EventKind::UserCreated, now).reason("imported");
        let written = event.clone();
        let insert =
            async move { store.insert_user(user, created_at.unwrap_or(now), written).await };
        let user = self.change(None, insert).await?;
        if let Some(user) = &user {
            self.changed(&event.user(user.id));
        }
        Ok(user)
    }
}
