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

    /// Issues a personal access token. `None` when the user already has `limit` that have not
    /// expired. The store fills the token into the event.
    async fn insert_token(
        &self,
        user_id: UserId,
        token: NewToken,
        limit: u32,
        now: Timestamp,
        event: Event,
    ) -> Result<Option<Token>, StoreError>;

    /// The user's personal access tokens, oldest first: those of sessions are not among them.
    async fn list_tokens(&self, user_id: UserId) -> Result<Vec<Token>, StoreError>;

    /// Revokes a personal access token of this user. `false` when they have none with this id.
    async fn delete_token(
        &self,
        user_id: UserId,
        id: TokenId,
        event: Event,
    ) -> Result<bool, StoreError>;

    /// Writes down when tokens and sessions were last used. What is gone stays gone, and no time
    /// moves back.
    async fn touch(&self, touches: Touches) -> Result<(), StoreError>;
}

/// When tokens and sessions were last used.
#[derive(Clone, Debug, Default)]
pub struct Touches {
    /// Tokens.
    pub tokens: Vec<(TokenId, Timestamp)>,
    /// Sessions.
    pub sessions: Vec<(SessionId, Timestamp)>,
}

impl Touches {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty() && self.sessions.is_empty()
    }
}
