//! What the endpoints answer. What a server adds later is passed over.

use crate::Secret;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;

/// A user, with the columns of the table by their own names.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct User {
    /// The id, which never changes.
    pub id: i64,
    /// What the user is called.
    pub name: String,
    /// The address to sign in with.
    pub email: String,
    /// When the row was made, if the table says so.
    #[serde(with = "time::serde::rfc3339::option")]
    pub created_at: Option<OffsetDateTime>,
    /// When the row was changed last, if the table says so.
    #[serde(with = "time::serde::rfc3339::option")]
    pub updated_at: Option<OffsetDateTime>,
    /// The columns of `user_columns`.
    #[serde(flatten)]
    pub columns: Map<String, Value>,
}

/// Who has signed in. The tokens are the client's.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SignedIn {
    /// Whose session it is.
    pub user: User,
    /// The session's public id.
    pub session_id: String,
    /// Whether the user had not signed in on this device before.
    pub new_device: bool,
    /// What the session may do.
    pub abilities: Vec<String>,
    /// When the access token ends.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// When the session ends unless it is used.
    #[serde(with = "time::serde::rfc3339")]
    pub refresh_expires_at: OffsetDateTime,
}

/// The whole of such an answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SignInAnswer {
    #[serde(flatten)]
    pub(crate) signed_in: SignedIn,
    pub(crate) token: Secret,
    pub(crate) expires_in: u32,
    pub(crate) refresh_token: Secret,
    pub(crate) device_secret: Option<Secret>,
}

/// What the server takes the caller for.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Current {
    /// Whose token it is; none for a guest.
    pub user: Option<User>,
    /// What the token may do.
    #[serde(default)]
    pub abilities: Vec<String>,
    /// When it ends; none for a token that does not, and for a guest.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub expires_at: Option<OffsetDateTime>,
    /// The session; none for a personal access token.
    #[serde(default)]
    pub session: Option<Session>,
    /// The code of what is wrong with the token, where a guest has sent one.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A place where a user is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Session {
    /// Its public id, which opens nothing.
    pub id: String,
    /// What the device was called at sign-in.
    pub device_name: Option<String>,
    /// What the device's program calls itself.
    pub user_agent: Option<String>,
    /// The network that it was last seen in, cut to /24 or /48.
    pub ip_address: Option<String>,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was last used.
    #[serde(with = "time::serde::rfc3339")]
    pub last_seen_at: OffsetDateTime,
    /// When it ends unless it is used.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// A personal access token as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PersonalToken {
    /// Its id, which opens nothing.
    pub id: i64,
    /// What its owner calls it.
    pub name: String,
    /// What it may do.
    pub abilities: Vec<String>,
    /// When it was last used, to the minute.
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_used_at: Option<OffsetDateTime>,
    /// When it ends; none for one that does not.
    #[serde(with = "time::serde::rfc3339::option")]
    pub expires_at: Option<OffsetDateTime>,
    /// When it was made, if the table says so.
    #[serde(with = "time::serde::rfc3339::option")]
    pub created_at: Option<OffsetDateTime>,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// A token that was just made.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CreatedToken {
    /// The token itself, this once.
    pub token: Secret,
    /// What is known of it from now on.
    #[serde(rename = "accessToken")]
    pub info: PersonalToken,
}

/// Whose a token is, as a server hears it that was given one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// The user's id.
    pub user_id: i64,
    /// The user's address.
    pub email: String,
    /// What the token may do.
    pub abilities: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct Sessions {
    pub(crate) sessions: Vec<Session>,
}

#[derive(Deserialize)]
pub(crate) struct PersonalTokens {
    pub(crate) tokens: Vec<PersonalToken>,
}
