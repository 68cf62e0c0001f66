//! Access tokens in memory.

use super::MemoryStore;
use super::tables::Tables;
use crate::event::Event;
use crate::secret::Hash;
use crate::store::{Issued, SessionTouch, StoreError, TokenIssue, TokenStore, Touches};
use crate::token::{FoundToken, Token, TokenId};
use crate::user::UserId;
use async_trait::async_trait;

#[async_trait]
impl TokenStore for MemoryStore {
    async fn find_token(&self, hash: &Hash) -> Result<Option<FoundToken>, StoreError> {
        let tables = self.tables();
        let row = tables.tokens.values().find(|row| row.hash == *hash);
        Ok(row.map(|row| FoundToken {
            token: row.token.clone(),
            user: tables.users.get(&row.token.user_id).map(|account| account.user.clone()),
            session: tables.session_of(row.token.id).cloned(),
        }))
    }

    async fn find_token_by_id(&self, id: TokenId) -> Result<Option<Token>, StoreError> {
        Ok(self.tables().tokens.get(&id).map(|row| row.token.clone()))
    }

    async fn insert_token(&self, issue: TokenIssue) -> Result<Issued, StoreError> {
        let TokenIssue { user_id, token, by, limit, now, event } = issue;
        let tables = &mut *self.tables();
        if by.is_some_and(|by| !tables.has_credential(by)) {
            return Ok(Issued::CredentialGone);
        }
        let current = |token: &&Token| token.expires_at.is_none_or(|end| now < end);
        if tables.personal_tokens(user_id).filter(current).count() >= limit as usize {
            return Ok(Issued::LimitReached);
        }
        tables.check_token(&token.hash)?;
        let token = tables.add_token(user_id, token, now);
        tables.events.push(event.token(token.id));
        Ok(Issued::Token(token))
    }

    async fn list_tokens(&self, user_id: UserId) -> Result<Vec<Token>, StoreError> {
        Ok(self.tables().personal_tokens(user_id).cloned().collect())
    }

    async fn delete_token(
        &self,
        user_id: UserId,
        id: TokenId,
        event: Event,
    ) -> Result<bool, StoreError> {
        let tables = &mut *self.tables();
        let known = tables.personal_tokens(user_id).any(|token| token.id == id);
        if known {
            tables.tokens.remove(&id);
            tables.events.push(event);
        }
        Ok(known)
    }

    async fn touch(&self, touches: Touches) -> Result<(), StoreError> {
        let tables = &mut *self.tables();
        for (id, time) in touches.tokens {
            if let Some(row) = tables.tokens.get_mut(&id) {
                row.token.last_used_at = row.token.last_used_at.max(Some(time));
            }
        }
        for SessionTouch { id, seen_at, expires_at } in touches.sessions {
            let row = tables.sessions.get_mut(&id).map(|row| &mut row.session);
            let live = row.filter(|row| row.revoked_at.is_none() && row.last_seen_at < seen_at);
            if let Some(session) = live {
                session.last_seen_at = seen_at;
                session.expires_at = expires_at.unwrap_or(session.expires_at);
            }
        }
        Ok(())
    }
}

impl Tables {
    /// The user's tokens that no session points at, oldest first.
    fn personal_tokens(&self, user_id: UserId) -> impl Iterator<Item = &Token> {
        let tokens = self.tokens.values().map(|row| &row.token);
        tokens.filter(move |token| token.user_id == user_id && self.session_of(token.id).is_none())
    }

    pub(super) fn delete_personal_tokens(&mut self, user_id: UserId) -> Vec<TokenId> {
        let ids: Vec<_> = self.personal_tokens(user_id).map(|token| token.id).collect();
        self.tokens.retain(|id, _| !ids.contains(id));
        ids
    }
}
