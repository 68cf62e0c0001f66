//! The endpoints, a method each.

use crate::answers::{
    CreatedToken, Current, Identity, PersonalToken, PersonalTokens, Session, Sessions, SignedIn,
    User,
};
use crate::client::{Client, read};
use crate::inputs::{Login, NewToken, PasswordChange, Registration, UserChange};
use crate::storage::Tokens;
use crate::{Error, Secret};
use percent_encoding::percent_decode;
use reqwest::header::HeaderMap;
use reqwest::{Method, Response};
use serde::Serialize;

/// # Signing in and out
///
/// The errors of a method are those of [`send`](Self::send), and [`Error::Refused`] with what the
/// server says.
impl Client {
    /// Signs a new user up, and in. A session that the client had goes on at the server.
    ///
    /// # Errors
    /// `validation_failed` with the fields, for a taken address too; `too_many_attempts`.
    pub async fn register(&self, new: &Registration) -> Result<SignedIn, Error> {
        self.keeper().enter("/register", new, self).await
    }

    /// Signs in. A session that the client had goes on at the server.
    ///
    /// # Errors
    /// `invalid_credentials`, whichever of the two is wrong; `too_many_attempts`.
    pub async fn login(&self, who: &Login) -> Result<SignedIn, Error> {
        self.keeper().enter("/login", who, self).await
    }

    /// Goes on with a token from elsewhere, a personal access token say, which is not renewed. It is
    /// not asked about: [`current`](Self::current) tells whose it is.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn use_token(&self, token: impl Into<Secret>) -> Result<(), Error> {
        self.keeper().replace(Some(Tokens::personal(token.into()))).await
    }

    /// Renews the tokens now, whatever is left of them, and answers the new access token; none where
    /// there is nothing to renew. Nobody need call it: [`send`](Self::send) does in time.
    ///
    /// # Errors
    /// [`Error::SessionEnded`], [`Error::NotRenewed`], [`Error::Storage`].
    pub async fn refresh(&self) -> Result<Option<Secret>, Error> {
        match self.keeper().token().await? {
            Some(token) => self.keeper().renew(&token, self).await,
            None => Ok(None),
        }
    }

    /// The access token, renewed if it is about to end, for what this client does not send itself:
    /// WebSockets, gRPC. None for a guest.
    ///
    /// # Errors
    /// [`Error::SessionEnded`], [`Error::NotRenewed`], [`Error::Storage`].
    pub async fn token(&self) -> Result<Option<Secret>, Error> {
        self.keeper().fresh(self).await
    }

    /// Ends the session, or revokes the personal access token that the client is signed in with. A
    /// guest has nothing to end. Where it fails the client stays signed in.
    ///
    /// # Errors
    /// [`Error::Unanswered`], and outages.
    pub async fn logout(&self) -> Result<(), Error> {
        self.keeper().leave(self).await
    }

    /// Forgets the tokens without asking the server, where the session stays until it ends by itself.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn forget(&self) -> Result<(), Error> {
        self.keeper().replace(None).await
    }
}

/// # The user
impl Client {
    /// The user whose token it is.
    ///
    /// # Errors
    /// `unauthenticated` for a guest.
    pub async fn user(&self) -> Result<User, Error> {
        read(self.call(self.endpoint(Method::GET, "/user")).await?).await
    }

    /// Changes name or address.
    ///
    /// # Errors
    /// `validation_failed`; `missing_ability`.
    pub async fn update_user(&self, change: &UserChange) -> Result<User, Error> {
        read(self.call(self.endpoint(Method::PATCH, "/user").json(change)).await?).await
    }

    /// Deletes the user with every token and session, this one too.
    ///
    /// # Errors
    /// `validation_failed` for a wrong password; `missing_ability`.
    pub async fn delete_user(&self, password: impl Into<Secret>) -> Result<(), Error> {
        #[derive(Serialize)]
        struct Deletion {
            password: Secret,
        }
        let body = Deletion { password: password.into() };
        self.call(self.endpoint(Method::DELETE, "/user").json(&body)).await?;
        self.forget().await
    }

    /// Changes the password. Every other session ends; this one goes on.
    ///
    /// # Errors
    /// `validation_failed`, for a wrong password too; `missing_ability`.
    pub async fn change_password(&self, change: &PasswordChange) -> Result<(), Error> {
        self.call(self.endpoint(Method::PUT, "/user/password").json(change)).await.map(drop)
    }
}

/// # Sessions
impl Client {
    /// What the server takes the client for. A guest is no error.
    ///
    /// # Errors
    /// Outages.
    pub async fn current(&self) -> Result<Current, Error> {
        let ask = || async { read(self.call(self.endpoint(Method::GET, "/session")).await?).await };
        let current: Current = ask().await?;
        // A bad token is answered with 200 here.
        match (&current.reason, self.keeper().token().await?) {
            (Some(_), Some(token)) if self.keeper().renew(&token, self).await?.is_some() => {
                ask().await
            }
            _ => Ok(current),
        }
    }

    /// Where the user is signed in.
    ///
    /// # Errors
    /// `unauthenticated`; `missing_ability`.
    pub async fn sessions(&self) -> Result<Vec<Session>, Error> {
        let response = self.call(self.endpoint(Method::GET, "/sessions")).await?;
        Ok(read::<Sessions>(response).await?.sessions)
    }

    /// Ends one session.
    ///
    /// # Errors
    /// `not_found`; `missing_ability`.
    pub async fn end_session(&self, id: &str) -> Result<(), Error> {
        self.call(self.one_of(Method::DELETE, "/sessions", id)?).await.map(drop)
    }

    /// Ends all sessions but this one.
    ///
    /// # Errors
    /// `unauthenticated`; `missing_ability`.
    pub async fn end_other_sessions(&self) -> Result<(), Error> {
        self.call(self.endpoint(Method::DELETE, "/sessions")).await.map(drop)
    }
}

/// # Personal access tokens
impl Client {
    /// The user's tokens.
    ///
    /// # Errors
    /// `unauthenticated`; `missing_ability`.
    pub async fn tokens(&self) -> Result<Vec<PersonalToken>, Error> {
        let response = self.call(self.endpoint(Method::GET, "/tokens")).await?;
        Ok(read::<PersonalTokens>(response).await?.tokens)
    }

    /// Makes a token. Its plain text is in the answer, this once.
    ///
    /// # Errors
    /// `validation_failed`; `limit_reached`; `too_many_attempts`; `missing_ability`.
    pub async fn create_token(&self, new: &NewToken) -> Result<CreatedToken, Error> {
        read(self.call(self.endpoint(Method::POST, "/tokens").json(new)).await?).await
    }

    /// Revokes a token.
    ///
    /// # Errors
    /// `not_found`; `missing_ability`.
    pub async fn revoke_token(&self, id: i64) -> Result<(), Error> {
        let request = self.one_of(Method::DELETE, "/tokens", &id.to_string())?;
        self.call(request).await.map(drop)
    }
}

/// # Of the server
impl Client {
    /// Whose a token is that somebody else has presented, and whether it has all these abilities. The
    /// client need not be signed in for it.
    ///
    /// # Errors
    /// `token_invalid`, `token_expired`; `missing_ability` with what is missing.
    pub async fn verify(&self, token: &Secret, abilities: &[&str]) -> Result<Identity, Error> {
        let request = self.asking(Method::GET, "/verify", "abilities", &abilities.join(","));
        let response = self.call_as(request, Some(token)).await?;
        identity(&response).ok_or(Error::Unexpected(response.status(), None))
    }

    /// The OpenAPI document of the endpoints.
    ///
    /// # Errors
    /// Outages.
    pub async fn openapi(&self) -> Result<serde_json::Value, Error> {
        read(self.call_as(self.endpoint(Method::GET, "/openapi.json"), None).await?).await
    }
}

fn identity(response: &Response) -> Option<Identity> {
    let headers = response.headers();
    let abilities = text(headers, "x-auth-abilities")?;
    let abilities = abilities.split(',').filter(|ability| !ability.is_empty()).map(decoded);
    Some(Identity {
        user_id: text(headers, "x-auth-user-id")?.parse().ok()?,
        email: decoded(text(headers, "x-auth-user-email")?),
        abilities: abilities.collect(),
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn decoded(text: &str) -> String {
    percent_decode(text.as_bytes()).decode_utf8_lossy().into_owned()
}
