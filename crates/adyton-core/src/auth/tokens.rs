//! Personal access tokens: made, listed and revoked by their owner.

use super::{Auth, Principal, users};
use crate::ability::Abilities;
use crate::clock::Timestamp;
use crate::device::Client;
use crate::error::{Error, Problems, Refusal};
use crate::event::{Event, EventKind};
use crate::secret::{Kind, PlainText};
use crate::store::{Issued, TokenIssue};
use crate::token::{NewToken, Token, TokenId, WantedExpiry, ends_at, personal_expiry};
use crate::user::UserId;
use serde::Serialize;
use std::collections::HashMap;

/// A personal access token that somebody asks for.
#[derive(Clone, Debug, Default)]
pub struct NewPersonalToken {
    /// What its owner calls it.
    pub name: String,
    /// What it may do; its creator's abilities when absent.
    pub abilities: Option<Vec<String>>,
    /// How long it lives.
    pub expiry: WantedExpiry,
}

/// A personal access token that was just made: the one moment at which its plain text is known.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CreatedToken {
    /// To be shown once.
    pub token: PlainText,
    /// What is listed from now on.
    pub info: TokenInfo,
}

/// A personal access token as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TokenInfo {
    /// Its id.
    pub id: TokenId,
    /// What its owner calls it.
    pub name: String,
    /// What it may do.
    pub abilities: Abilities,
    /// To the minute.
    pub last_used_at: Option<Timestamp>,
    /// The first moment at which it is refused; none for never.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// Whether it is the one that asks.
    pub current: bool,
}

impl Auth {
    /// Makes a personal access token for a user. `by` bounds it: no ability that the creator
    /// lacks, and no life beyond that of a personal token which creates it. Without `by` the host
    /// app itself asks, and `abilities` default to `token_abilities`.
    ///
    /// # Errors
    /// [`Error::Invalid`]; [`Error::TooManyAttempts`], which the host app never gets;
    /// [`Error::LimitReached`]; [`Error::Store`].
    pub async fn create_token(
        &self,
        owner: UserId,
        new: NewPersonalToken,
        by: Option<&Principal>,
        client: &Client,
    ) -> Result<CreatedToken, Error> {
        if by.is_none() {
            // A caller of ours was found with their token.
            self.find_user(owner).await?;
        }
        let secret = PlainText::draw(Kind::Access)?;
        let token = self.read_new_token(new, secret.hash(), by, self.now())?;
        let attempt = match by {
            Some(_) => {
                Some(self.attempt(|limits, _| limits.tokens(owner), Some(owner), client).await?)
            }
            None => None,
        };
        let issued = self.issue_token(owner, token, by, client).await;
        if let (Err(_), Some(attempt)) = (&issued, attempt) {
            self.give_back(attempt).await;
        }
        Ok(CreatedToken { token: secret, info: self.token_info(issued?, None, &HashMap::new()) })
    }

    async fn issue_token(
        &self,
        owner: UserId,
        token: NewToken,
        by: Option<&Principal>,
        client: &Client,
    ) -> Result<Token, Error> {
        let now = self.now();
        let event = Event::new(EventKind::AuthnTokenCreated, now).user(owner).by(client);
        let issue = TokenIssue {
            user_id: owner,
            token,
            by: by.map(Principal::credential),
            limit: self.config().tokens_per_user,
            now,
            event: event.clone(),
        };
        let store = self.0.store.clone();
        let insert = async move { store.insert_token(issue).await };
        let token = match self.change(None, insert).await? {
            Issued::Token(token) => token,
            Issued::LimitReached => return Err(Error::LimitReached),
            Issued::CredentialGone => return Err(Refusal::TokenInvalid.into()),
        };
        self.changed(&event.token(token.id));
        Ok(token)
    }

    /// The personal access tokens of a user; `by` marks the one that asks.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn list_tokens(
        &self,
        owner: UserId,
        by: Option<&Principal>,
    ) -> Result<Vec<TokenInfo>, Error> {
        let current = by.and_then(Principal::personal_token);
        let noted: HashMap<_, _> = self.lock_touches().tokens.iter().copied().collect();
        let tokens = self.0.store.list_tokens(owner).await?;
        Ok(tokens.into_iter().map(|token| self.token_info(token, current, &noted)).collect())
    }

    /// Revokes a personal access token of a user.
    ///
    /// # Errors
    /// [`Error::NotFound`] when they have none with this id; [`Error::Store`].
    pub async fn revoke_token(
        &self,
        owner: UserId,
        id: TokenId,
        client: &Client,
    ) -> Result<(), Error> {
        let found = self.revoke_personal_token(owner, id, client).await?;
        if found { Ok(()) } else { Err(Error::NotFound) }
    }

    /// The token with this id, whoever owns it.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Store`].
    pub async fn find_token(&self, id: TokenId) -> Result<Token, Error> {
        self.0.store.find_token_by_id(id).await?.ok_or(Error::NotFound)
    }

    pub(super) async fn revoke_personal_token(
        &self,
        owner: UserId,
        id: TokenId,
        client: &Client,
    ) -> Result<bool, Error> {
        let event =
            Event::new(EventKind::AuthnTokenRevoked, self.now()).user(owner).token(id).by(client);
        let (store, written) = (self.0.store.clone(), event.clone());
        let change = async move { store.delete_token(owner, id, written).await };
        let found = self.change(owner, change).await?;
        if found {
            self.changed(&event);
        }
        Ok(found)
    }

    /// An expiry so many seconds from now.
    #[must_use]
    pub fn in_seconds(&self, seconds: u64) -> WantedExpiry {
        WantedExpiry::At(self.now().plus(seconds))
    }

    fn read_new_token(
        &self,
        new: NewPersonalToken,
        hash: crate::secret::Hash,
        by: Option<&Principal>,
        now: Timestamp,
    ) -> Result<NewToken, Error> {
        let mut problems = Problems::default();
        users::check_name(&new.name, &mut problems);
        let abilities = self.read_abilities(new.abilities, by, &mut problems);
        let creator = by.filter(|by| by.session().is_none()).and_then(|by| self.expires_at(by));
        let expires_at = personal_expiry(new.expiry, creator, now, self.config());
        if let Err(error) = &expires_at {
            problems.add("expiresAt", error.to_string());
        }
        problems.into_result()?;
        Ok(NewToken {
            name: new.name,
            hash,
            abilities,
            expires_at: expires_at.unwrap_or(Some(now)),
        })
    }

    fn read_abilities(
        &self,
        wanted: Option<Vec<String>>,
        by: Option<&Principal>,
        problems: &mut Problems,
    ) -> Abilities {
        let own = by.map_or(&self.0.abilities, Principal::abilities);
        match wanted.map(Abilities::parse).transpose() {
            Ok(None) => own.clone(),
            Ok(Some(wanted)) => {
                let covered = by.is_none_or(|by| by.abilities().cover(&wanted));
                problems.unless(covered, "abilities", "go beyond those of the token that asks");
                wanted
            }
            Err(error) => {
                problems.add("abilities", error.to_string());
                Abilities::none()
            }
        }
    }

    fn token_info(
        &self,
        token: Token,
        current: Option<TokenId>,
        noted: &HashMap<TokenId, Timestamp>,
    ) -> TokenInfo {
        TokenInfo {
            current: current == Some(token.id),
            last_used_at: token.last_used_at.max(noted.get(&token.id).copied()),
            expires_at: ends_at(token.dates(), None, self.config()),
            id: token.id,
            name: token.name,
            abilities: token.abilities,
            created_at: token.created_at,
        }
    }
}
