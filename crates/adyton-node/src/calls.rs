//! `auth.api.*`: the engine's use cases for the host app itself, which no limit holds back.
//!
//! A call comes as JSON and its result goes as JSON. What is refused is refused with the status and
//! in the words that HTTP has for it.

use adyton::core::clock::{Clock, SystemClock, Timestamp};
use adyton::core::config::Lifetime;
use adyton::core::store::{EventFilter, Pruned, StoreError};
use adyton::core::token::TokenId;
use adyton::sql::{SqlError, SqlStore};
use adyton::{
    Adyton, Client, Error, EventKind, NewPersonalToken, Problems, Registration, User, UserId,
    WantedExpiry,
};
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Rows of a list whose length nobody names.
const SOME: u32 = 100;
/// What expired longer ago than this many hours is pruned where nobody says.
const PRUNED_AFTER: u32 = 24;

/// One call: its name, and its arguments by theirs.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub(crate) enum Call {
    CreateUser {
        name: String,
        email: String,
        password: Password,
    },
    FindUser {
        user_id: Id,
    },
    FindUserByEmail {
        email: String,
    },
    ListUsers {
        after: Option<Id>,
        limit: Option<u32>,
    },
    SetPassword {
        user_id: Id,
        password: Password,
        #[serde(default)]
        revoke_tokens: bool,
    },
    DeleteUser {
        user_id: Id,
    },
    CreateToken {
        user_id: Id,
        name: String,
        abilities: Option<Vec<String>>,
        #[serde(default, deserialize_with = "present")]
        expires_in: Option<Option<Lifetime>>,
        #[serde(default, deserialize_with = "present")]
        expires_at: Option<Option<String>>,
    },
    ListTokens {
        user_id: Id,
    },
    RevokeToken {
        user_id: Id,
        token_id: Id,
    },
    ListSessions {
        user_id: Id,
    },
    EndSession {
        user_id: Id,
        session_id: String,
    },
    EndAllSessions {
        user_id: Id,
    },
    ListEvents {
        user_id: Option<Id>,
        event: Option<String>,
        since: Option<String>,
        limit: Option<u32>,
    },
    Prune {
        hours: Option<u32>,
    },
    ImportPlaintextTokens {},
}

/// Why a call has no result.
pub(crate) enum Refused {
    /// As HTTP would answer.
    Engine(Error),
    /// What only whoever runs the app can mend, in words.
    Operator(String),
}

impl Call {
    /// Reads a call.
    ///
    /// # Errors
    /// The argument that is none, in words: a mistake of whoever wrote the call.
    pub(crate) fn read(json: &str) -> Result<Self, String> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        serde_path_to_error::deserialize(&mut deserializer).map_err(|error| error.to_string())
    }

    /// Does it, and returns the result as JSON.
    pub(crate) async fn run(self, auth: &Adyton) -> Result<String, Refused> {
        let nobody = Client::default();
        match self {
            Self::CreateUser { name, email, password } => {
                let new = Registration { name, email, password: password.0, ..Default::default() };
                written(auth.create_user(&new).await?)
            }
            Self::FindUser { user_id } => written(found(auth.find_user(user_id.user()).await)?),
            Self::FindUserByEmail { email } => {
                written(found(auth.find_user_by_email(&email).await)?)
            }
            Self::ListUsers { after, limit } => {
                let after = after.map_or(UserId(i64::MIN), Id::user);
                written(auth.list_users(after, limit.unwrap_or(SOME)).await?)
            }
            Self::SetPassword { user_id, password, revoke_tokens } => written(
                auth.set_password(user_id.user(), password.0.expose(), revoke_tokens).await?,
            ),
            Self::DeleteUser { user_id } => {
                written(auth.remove_user(user_id.user(), &nobody).await?)
            }
            Self::CreateToken { user_id, name, abilities, expires_in, expires_at } => {
                let expiry = read_expiry(auth, expires_in, expires_at)?;
                let new = NewPersonalToken { name, abilities, expiry };
                let created = auth.create_token(user_id.user(), new, None, &nobody).await?;
                written(json!({ "token": created.token, "accessToken": created.info }))
            }
            Self::ListTokens { user_id } => written(auth.list_tokens(user_id.user(), None).await?),
            Self::RevokeToken { user_id, token_id } => {
                let id = TokenId(token_id.0);
                written(auth.revoke_token(user_id.user(), id, &nobody).await?)
            }
            Self::ListSessions { user_id } => {
                let sessions = auth.list_sessions(user_id.user(), None).await?;
                let described = sessions.into_iter().map(Adyton::describe_session);
                written(described.collect::<Vec<_>>())
            }
            Self::EndSession { user_id, session_id } => {
                written(auth.end_session(user_id.user(), &session_id, &nobody).await?)
            }
            Self::EndAllSessions { user_id } => {
                written(auth.end_all_sessions(user_id.user(), &nobody).await?)
            }
            Self::ListEvents { user_id, event, since, limit } => {
                let filter = EventFilter {
                    user: user_id.map(Id::user),
                    kind: event.as_deref().map(read_kind).transpose()?,
                    since: since.as_deref().map(|text| read_time("since", text)).transpose()?,
                    limit: limit.unwrap_or(SOME),
                };
                let events = auth.list_events(filter).await?;
                written(events.iter().map(adyton::Event::to_json).collect::<Vec<_>>())
            }
            Self::Prune { hours } => {
                let hours = hours.unwrap_or(PRUNED_AFTER).into();
                let pruned = auth.prune(hours, |_| ()).await?;
                let Pruned { tokens, sessions, superseded, devices, events } = pruned;
                written(json!({
                    "tokens": tokens, "sessions": sessions, "superseded": superseded,
                    "devices": devices, "events": events,
                }))
            }
            Self::ImportPlaintextTokens {} => import(auth).await,
        }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

impl From<SqlError> for Refused {
    fn from(error: SqlError) -> Self {
        match error {
            SqlError::Busy | SqlError::MissingColumn { .. } | SqlError::NotMigrated => {
                Self::Operator(error.to_string())
            }
            error => Self::Engine(StoreError::new(error).into()),
        }
    }
}

fn written(result: impl Serialize) -> Result<String, Refused> {
    serde_json::to_string(&result).map_err(|error| Refused::Operator(error.to_string()))
}

/// Whoever looks for somebody asks whether there is one.
fn found(user: Result<User, Error>) -> Result<Option<User>, Error> {
    match user {
        Ok(user) => Ok(Some(user)),
        Err(Error::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// `expiresIn` or `expiresAt`; null for never, absent for the default.
fn read_expiry(
    auth: &Adyton,
    within: Option<Option<Lifetime>>,
    at: Option<Option<String>>,
) -> Result<WantedExpiry, Error> {
    Ok(match (within, at) {
        (None, None) => WantedExpiry::Default,
        (Some(None), None) | (None, Some(None)) => WantedExpiry::Never,
        (Some(Some(lifetime)), None) => auth.in_seconds(lifetime.seconds()),
        (None, Some(Some(time))) => WantedExpiry::At(read_time("expiresAt", &time)?),
        _ => return Err(Problems::of("expiresIn", "must not stand beside expiresAt").into()),
    })
}

fn read_time(field: &'static str, text: &str) -> Result<Timestamp, Error> {
    let problem = || Problems::of(field, "must be a time such as 2030-01-31T12:00:00Z");
    Ok(Timestamp::from_rfc3339(text).ok_or_else(problem)?)
}

fn read_kind(name: &str) -> Result<EventKind, Error> {
    let problem = || Problems::of("event", "is no kind of event, such as authn_login_fail");
    Ok(EventKind::from_name(name).ok_or_else(problem)?)
}

/// Imports through a store of its own: the engine knows of no tokens in plain text.
async fn import(auth: &Adyton) -> Result<String, Refused> {
    let store = SqlStore::open(auth.config()).await?;
    let report = store.import_plaintext_tokens(SystemClock::default().now(), |_, _| ()).await?;
    written(json!({
        "imported": report.imported,
        "malformed": report.malformed,
        "duplicates": report.duplicates,
    }))
}

/// An id, which is a number that JavaScript holds exactly.
#[derive(Clone, Copy)]
pub(crate) struct Id(i64);

impl Id {
    const MOST: i64 = (1 << 53) - 1;

    fn user(self) -> UserId {
        UserId(self.0)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = Value::deserialize(deserializer)?.as_i64();
        let safe = id.filter(|id| (-Self::MOST..=Self::MOST).contains(id));
        safe.map(Self).ok_or_else(|| D::Error::custom("must be a safe integer"))
    }
}

/// A password, which no error repeats.
pub(crate) struct Password(adyton::Password);

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(text.into())),
            _ => Err(D::Error::custom("must be a string")),
        }
    }
}

/// What stands there, even if it is null.
fn present<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}
