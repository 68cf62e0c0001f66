//! Access tokens in the port.

use super::StoreError;
use crate::clock::Timestamp;
use crate::event::Event;
use crate::secret::Hash;
use crate::session::SessionId;
use crate::token::{FoundToken, NewToken, Token, TokenId};
use crate::user::UserId;
use async_trait::async_trait;

/// Where access tokens are. A row of another tokenable type is as good as none.
#[async_trait]
pub trait TokenStore: Send + Sync + 'static {
    /// What stands behind a token's hash, in one round trip: token, owner and session.
    async fn find_token(&self, hash: &Hash) -> Result<Option<FoundToken>, StoreError>;

    /// The token with this id, whoever owns it.
    async fn find_token_by_id(&self, id: TokenId) -> Result<Option<Token>, StoreError>;

    /// Issues a personal access token, unless the user has as many as they may that have not
    /// expired, or the credential that asks was ended meanwhile. The store fills the token into
    /// the event.
    async fn insert_token(&self, issue: TokenIssue) -> Result<Issued, StoreError>;

    /// The user's personal access tokens, oldest first: those of sessions are not among them.
    async fn list_tokens(&self, user_id: UserId) -> Result<Vec<Token>, StoreError>;

    /// Revokes a personal access token of this user. `false` when they have none with this id.
    async fn delete_token(
        &self,
        user_id: UserId,
        id: TokenId,
        event: Event,
    ) -> Result<bool, StoreError>;

    /// Writes down when tokens and sessions were last used, and how much longer the sessions live
    /// for it. What is gone or was ended stays so, and no time moves back.
    async fn touch(&self, touches: Touches) -> Result<(), StoreError>;
}

/// A personal access token to be issued.
#[derive(Clone, Debug)]
pub struct TokenIssue {
    /// Whose.
    pub user_id: UserId,
    /// The token.
    pub token: NewToken,
    /// The credential that asks: it must not have been ended or deleted. `None` for the host app.
    pub by: Option<Credential>,
    /// How many the user may have that have not expired.
    pub limit: u32,
    /// When.
    pub now: Timestamp,
    /// Written with it.
    pub event: Event,
}

/// What somebody proves themselves by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A session.
    Session(SessionId),
    /// A personal access token.
    PersonalToken(TokenId),
}

/// What became of a personal access token that was to be issued.
#[derive(Clone, Debug, PartialEq)]
pub enum Issued {
    /// It is there.
    Token(Token),
    /// The user has as many as they may.
    LimitReached,
    /// The credential that asked is not there any more.
    CredentialGone,
}

impl Issued {
    /// The token, if it is there.
    #[must_use]
    pub fn token(self) -> Option<Token> {
        if let Self::Token(token) = self { Some(token) } else { None }
    }
}

/// When tokens and sessions were last used.
#[derive(Clone, Debug, Default)]
pub struct Touches {
    /// Tokens.
    pub tokens: Vec<(TokenId, Timestamp)>,
    /// Sessions.
    pub sessions: Vec<SessionTouch>,
}

/// When a session was last used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionTouch {
    /// Which.
    pub id: SessionId,
    /// When.
    pub seen_at: Timestamp,
    /// Its new idle limit, where a use renews it.
    pub expires_at: Option<Timestamp>,
}

impl Touches {
    /// So many may wait to be written; beyond it uses are not noted until the next flush.
    pub(crate) const MOST: usize = 100_000;

    /// Takes back what the store did not, as far as there is room.
    pub(crate) fn put_back(&mut self, mut earlier: Self) {
        earlier.tokens.append(&mut self.tokens);
        earlier.sessions.append(&mut self.sessions);
        earlier.tokens.truncate(Self::MOST);
        earlier.sessions.truncate(Self::MOST);
        *self = earlier;
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty() && self.sessions.is_empty()
    }
}
