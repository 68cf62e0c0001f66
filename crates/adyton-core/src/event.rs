//! Events: what happened, in OWASP's vocabulary. No event carries a secret.

use crate::clock::Timestamp;
use crate::device::{self, Client};
use crate::token::TokenId;
use crate::user::UserId;
use serde::Serialize;
use std::borrow::Cow;

/// The kinds of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// A user signed up, or was made by hand.
    UserCreated,
    /// A user's name or e-mail changed.
    UserUpdated,
    /// A user and all that they owned was deleted.
    UserDeleted,
    /// A sign-in.
    AuthnLoginSuccess,
    /// A refused sign-in.
    AuthnLoginFail,
    /// Sign-ins of an account or from an address were stopped for a while.
    AuthnLoginLock,
    /// A personal access token was issued.
    AuthnTokenCreated,
    /// A personal access token was revoked.
    AuthnTokenRevoked,
    /// A replaced refresh token came back.
    AuthnTokenReuse,
    /// A password changed.
    AuthnPasswordChange,
    /// A session began.
    SessionCreated,
    /// A session was refreshed.
    SessionRenewed,
    /// A session was over when it was presented.
    SessionExpired,
    /// A session was ended.
    SessionRevoked,
    /// A sign-in from a device that the user had not signed in with before.
    NewDevice,
    /// A refresh from another device than the one that signed in.
    DeviceMismatch,
    /// A credential lacked an ability.
    AuthzFail,
    /// More attempts than a limit lets through.
    ExcessRateLimitExceeded,
    /// A request that another site made a browser send, or that looks like it.
    MaliciousCsrf,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 19] = [
        Self::UserCreated,
        Self::UserUpdated,
        Self::UserDeleted,
        Self::AuthnLoginSuccess,
        Self::AuthnLoginFail,
        Self::AuthnLoginLock,
        Self::AuthnTokenCreated,
        Self::AuthnTokenRevoked,
        Self::AuthnTokenReuse,
        Self::AuthnPasswordChange,
        Self::SessionCreated,
        Self::SessionRenewed,
        Self::SessionExpired,
        Self::SessionRevoked,
        Self::NewDevice,
        Self::DeviceMismatch,
        Self::AuthzFail,
        Self::ExcessRateLimitExceeded,
        Self::MaliciousCsrf,
    ];

    /// Its name in the database, in logs and in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserCreated => "user_created",
            Self::UserUpdated => "user_updated",
            Self::UserDeleted => "user_deleted",
            Self::AuthnLoginSuccess => "authn_login_success",
            Self::AuthnLoginFail => "authn_login_fail",
            Self::AuthnLoginLock => "authn_login_lock",
            Self::AuthnTokenCreated => "authn_token_created",
            Self::AuthnTokenRevoked => "authn_token_revoked",
            Self::AuthnTokenReuse => "authn_token_reuse",
            Self::AuthnPasswordChange => "authn_password_change",
            Self::SessionCreated => "session_created",
            Self::SessionRenewed => "session_renewed",
            Self::SessionExpired => "session_expired",
            Self::SessionRevoked => "session_revoked",
            Self::NewDevice => "new_device",
            Self::DeviceMismatch => "device_mismatch",
            Self::AuthzFail => "authz_fail",
            Self::ExcessRateLimitExceeded => "excess_rate_limit_exceeded",
            Self::MaliciousCsrf => "malicious_csrf",
        }
    }

    /// Reads its name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether what somebody wanted came to pass, or was refused.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::AuthnLoginFail
            | Self::AuthnLoginLock
            | Self::AuthnTokenReuse
            | Self::SessionExpired
            | Self::DeviceMismatch
            | Self::AuthzFail
            | Self::ExcessRateLimitExceeded
            | Self::MaliciousCsrf => Outcome::Failure,
            _ => Outcome::Success,
        }
    }
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It came to pass.
    Success,
    /// It was refused.
    Failure,
}

impl Outcome {
    /// Its name in the database, in logs and in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}

/// One thing that happened, or several of the same kind within a minute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// What.
    pub event: EventKind,
    /// How often: refusals are counted, not listed.
    pub count: u32,
    /// To whom. A store fills it in where the user is made by the same call.
    pub user_id: Option<UserId>,
    /// The public id of the session concerned.
    pub session_id: Option<String>,
    /// The personal access token concerned. A store fills it in where the same call makes it.
    pub token_id: Option<TokenId>,
    /// The client's network.
    pub network: Option<String>,
    /// The request that it happened in; of several, the first.
    pub request_id: Option<String>,
    /// Why, for a refusal.
    pub reason: Option<Cow<'static, str>>,
    /// When.
    pub created_at: Timestamp,
}

impl Event {
    /// An event of this kind.
    #[must_use]
    pub fn new(event: EventKind, created_at: Timestamp) -> Self {
        Self {
            event,
            count: 1,
            user_id: None,
            session_id: None,
            token_id: None,
            network: None,
            request_id: None,
            reason: None,
            created_at,
        }
    }

    /// As it is shown to programs: its fields in camelCase, and its outcome.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "event": self.event,
            "outcome": self.event.outcome(),
            "count": self.count,
            "userId": self.user_id,
            "sessionId": self.session_id,
            "tokenId": self.token_id,
            "network": self.network,
            "requestId": self.request_id,
            "reason": self.reason,
            "createdAt": self.created_at,
        })
    }

    /// Says to whom.
    #[must_use]
    pub fn user(mut self, id: UserId) -> Self {
        self.user_id = Some(id);
        self
    }

    /// Says to which session.
    #[must_use]
    pub fn session(mut self, public_id: &str) -> Self {
        self.session_id = Some(public_id.to_owned());
        self
    }

    /// Says to which token.
    #[must_use]
    pub fn token(mut self, id: TokenId) -> Self {
        self.token_id = Some(id);
        self
    }

    /// Says by whose request: from where, and which it was.
    #[must_use]
    pub fn by(mut self, client: &Client) -> Self {
        self.network = client.address.map(device::network);
        self.request_id.clone_from(&client.request_id);
        self
    }

    /// Says that it happened in the same request as another.
    #[must_use]
    pub fn beside(mut self, other: &Self) -> Self {
        self.network.clone_from(&other.network);
        self.request_id.clone_from(&other.request_id);
        self
    }

    /// Says from where.
    #[must_use]
    pub fn network(mut self, network: Option<String>) -> Self {
        self.network = network;
        self
    }

    /// Says why.
    #[must_use]
    pub fn reason(mut self, reason: &'static str) -> Self {
        self.reason = Some(Cow::Borrowed(reason));
        self
    }
}
