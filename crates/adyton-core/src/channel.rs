//! How nodes tell each other whose credentials have changed, where the database tells nobody.
//!
//! It is for `cache.enabled = "exclusive"` on several nodes: each announces what it has changed
//! before it answers its caller, and serves from its cache only as long as it has just heard the
//! news of the others. What is announced is whose entries to forget, never a secret.

use crate::store::StoreError;
use crate::user::UserId;
use async_trait::async_trait;

/// What nodes tell each other.
///
/// An implementation that cannot reach the others fails at once rather than keep its callers
/// waiting for long.
#[async_trait]
pub trait Channel: Send + Sync + 'static {
    /// Tells all nodes that what they remember of a user may hold no longer. Once this has
    /// returned, whoever asks for news hears of it.
    ///
    /// After an error nobody may have heard. The implementation goes on trying by itself.
    async fn announce(&self, user: UserId) -> Result<(), StoreError>;

    /// What was announced after `since`, by this node too.
    async fn news(&self, since: Option<Mark>) -> Result<News, StoreError>;

    /// Whether it would answer now.
    fn is_reachable(&self) -> bool {
        true
    }
}

/// How far somebody has heard the news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Which memory it was read from. One that was emptied, restarted or replaced by a copy is
    /// another, whatever it counts.
    pub life: String,
    /// Announcements that it had seen.
    pub count: u64,
}

/// What was announced since a mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// Up to where this goes.
    pub mark: Mark,
    /// Whom it is about.
    pub about: About,
}

/// Whose credentials may have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// Those of these users; of nobody if there are none.
    Users(Vec<UserId>),
    /// Anybody's: there was no mark, it is of another life, or too much has happened since.
    Anybody,
}
