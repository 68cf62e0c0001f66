//! What the endpoints take. Each begins with what is required; the rest is added.

use crate::Secret;
use serde::{Serialize, Serializer};
use std::time::Duration;
use time::OffsetDateTime;

/// A new user.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct Registration {
    name: String,
    email: String,
    password: Secret,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_name: Option<String>,
    guard: Guard,
}

impl Registration {
    /// With this name, address and password.
    pub fn new(
        name: impl Into<String>,
        email: impl Into<String>,
        password: impl Into<Secret>,
    ) -> Self {
        let (name, email, password) = (name.into(), email.into(), password.into());
        Self { name, email, password, device_name: None, guard: Guard::Token }
    }

    /// What the device is called in the list of sessions.
    pub fn device_name(mut self, name: impl Into<String>) -> Self {
        self.device_name = Some(name.into());
        self
    }
}

/// Who wants to sign in.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct Login {
    email: String,
    password: Secret,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    abilities: Option<Vec<String>>,
    guard: Guard,
}

impl Login {
    /// With this address and password.
    pub fn new(email: impl Into<String>, password: impl Into<Secret>) -> Self {
        let (email, password) = (email.into(), password.into());
        Self { email, password, device_name: None, abilities: None, guard: Guard::Token }
    }

    /// What the device is called in the list of sessions.
    pub fn device_name(mut self, name: impl Into<String>) -> Self {
        self.device_name = Some(name.into());
        self
    }

    /// Fewer abilities than a sign-in has by default.
    pub fn abilities<S: Into<String>>(mut self, abilities: impl IntoIterator<Item = S>) -> Self {
        self.abilities = Some(abilities.into_iter().map(Into::into).collect());
        self
    }
}

/// How a sign-in is carried on: a program holds tokens, wherever the server thinks it is.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Guard {
    Token,
}

/// What is to change of the user; what is not named stays.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct UserChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_password: Option<Secret>,
}

impl UserChange {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Another name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Another address to sign in with, for which the password is asked once more.
    pub fn email(mut self, email: impl Into<String>, current_password: impl Into<Secret>) -> Self {
        self.email = Some(email.into());
        self.current_password = Some(current_password.into());
        self
    }
}

/// Another password. All other sessions end.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct PasswordChange {
    current_password: Secret,
    password: Secret,
    revoke_tokens: bool,
}

impl PasswordChange {
    /// From this password to that.
    pub fn new(current: impl Into<Secret>, new: impl Into<Secret>) -> Self {
        Self { current_password: current.into(), password: new.into(), revoke_tokens: false }
    }

    /// Revokes personal access tokens too.
    pub fn revoking_tokens(mut self) -> Self {
        self.revoke_tokens = true;
        self
    }
}

/// A personal access token to be made.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct NewToken {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    abilities: Option<Vec<String>>,
    #[serde(flatten)]
    life: Life,
}

impl NewToken {
    /// With the caller's abilities, and as long a life as the server gives by default.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), abilities: None, life: Life::Default }
    }

    /// Fewer abilities than the caller's own.
    pub fn abilities<S: Into<String>>(mut self, abilities: impl IntoIterator<Item = S>) -> Self {
        self.abilities = Some(abilities.into_iter().map(Into::into).collect());
        self
    }

    /// How long it lives, in whole seconds.
    pub fn expires_in(mut self, life: Duration) -> Self {
        self.life = Life::In(life.as_secs());
        self
    }

    /// When it ends, to the second.
    pub fn expires_at(mut self, end: OffsetDateTime) -> Self {
        self.life = Life::Until(end);
        self
    }

    /// Lets it never end, where the server allows that.
    pub fn never_expires(mut self) -> Self {
        self.life = Life::Forever;
        self
    }
}

/// One of them at most is named in a request.
#[derive(Clone, Copy, Debug)]
enum Life {
    Default,
    In(u64),
    Until(OffsetDateTime),
    Forever,
}

impl Serialize for Life {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        #[derive(Serialize)]
        #[serde(transparent)]
        struct Text(#[serde(with = "time::serde::rfc3339")] OffsetDateTime);
        let mut map = serializer.serialize_map(None)?;
        match *self {
            Self::Default => {}
            Self::In(seconds) => map.serialize_entry("expiresIn", &seconds)?,
            Self::Until(end) => map.serialize_entry("expiresAt", &Text(end))?,
            Self::Forever => map.serialize_entry("expiresIn", &())?,
        }
        map.end()
    }
}
