//! `adyton token`: personal access tokens by an operator's hand.

use super::{find_user, tell, terminal, with_engine};
use crate::config_file::Settings;
use adyton::core::Auth;
use adyton::core::auth::TokenInfo;
use adyton::core::clock::Timestamp;
use adyton::core::config::Lifetime;
use adyton::core::token::TokenId;
use adyton::{Client, Error, NewPersonalToken, WantedExpiry};
use anyhow::{Result, anyhow};
use clap::{Args, Subcommand};
use serde_json::json;
use std::io::Write;

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a token and print its plain text, this once.
    Create(Create),
    /// List a user's tokens.
    List {
        /// Whose: an id or an e-mail. At a server: one's own.
        #[arg(long)]
        user: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Revoke a token, whoever owns it; at a server, one's own.
    Revoke {
        /// Its id.
        id: i64,
    },
}

/// A token to be made.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Whose: an id or an e-mail. At a server: one's own.
    #[arg(long)]
    user: Option<String>,
    /// What its owner calls it.
    #[arg(long)]
    pub(super) name: String,
    /// What it may do, once for each; `token_abilities` when absent, at a server one's own.
    #[arg(long = "ability", value_name = "ABILITY")]
    pub(super) abilities: Vec<String>,
    /// How long it lives ("30d", "12h"); `personal_token_expiration` when absent.
    #[arg(long, value_parser = lifetime, conflicts_with = "never")]
    pub(super) expires_in: Option<Lifetime>,
    /// Let it never expire.
    #[arg(long)]
    pub(super) never: bool,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

impl Command {
    /// Whether it wants a user and names none.
    pub(crate) fn lacks_user(&self) -> bool {
        matches!(self, Self::Create(Create { user: None, .. }) | Self::List { user: None, .. })
    }

    /// Whether it names a user.
    pub(crate) fn names_user(&self) -> bool {
        matches!(
            self,
            Self::Create(Create { user: Some(_), .. }) | Self::List { user: Some(_), .. }
        )
    }
}

pub(crate) fn run(command: Command, settings: &Settings, out: &mut impl Write) -> Result<()> {
    with_engine(settings, async |auth| match command {
        Command::Create(new) => create(&auth, new, out).await,
        Command::List { user, json } => {
            let user = find_user(&auth, &user.unwrap_or_default()).await?;
            let tokens = auth.list_tokens(user.id, None).await?;
            if json {
                return Ok(writeln!(out, "{}", json!({ "tokens": tokens }))?);
            }
            tokens.iter().try_for_each(|token| show(token, out))
        }
        Command::Revoke { id } => {
            revoke(&auth, TokenId(id)).await.map_err(|error| match error {
                Error::NotFound => anyhow!("there is no personal access token {id}"),
                error => error.into(),
            })?;
            Ok(writeln!(out, "revoked token {id}")?)
        }
    })
}

async fn create(auth: &Auth, new: Create, out: &mut impl Write) -> Result<()> {
    let user = find_user(auth, &new.user.unwrap_or_default()).await?;
    let expiry = match (new.expires_in, new.never) {
        (Some(lifetime), _) => auth.in_seconds(lifetime.seconds()),
        (None, true) => WantedExpiry::Never,
        (None, false) => WantedExpiry::Default,
    };
    let abilities = Some(new.abilities).filter(|abilities| !abilities.is_empty());
    let wanted = NewPersonalToken { name: new.name, abilities, expiry };
    let created =
        auth.create_token(user.id, wanted, None, &Client::default()).await.map_err(tell)?;
    if new.json {
        let answer = json!({ "token": created.token, "accessToken": created.info });
        return Ok(writeln!(out, "{answer}")?);
    }
    Ok(writeln!(out, "{}", created.token.expose())?)
}

async fn revoke(auth: &Auth, id: TokenId) -> Result<(), Error> {
    let token = auth.find_token(id).await?;
    auth.revoke_token(token.user_id, id, &Client::default()).await
}

fn show(token: &TokenInfo, out: &mut impl Write) -> Result<()> {
    line(token.id.0, &token.name, &token.abilities.to_string(), token.expires_at, out)
}

/// A token as people read it, wherever it was listed.
pub(super) fn line(
    id: i64,
    name: &str,
    abilities: &str,
    expires_at: Option<Timestamp>,
    out: &mut impl Write,
) -> Result<()> {
    let expires = expires_at.map_or_else(|| "never".to_owned(), |at| at.to_string());
    let (name, abilities) = (terminal::shown(name), terminal::shown(abilities));
    Ok(writeln!(out, "{id}\t{name}\t{abilities}\texpires {expires}")?)
}

fn lifetime(text: &str) -> Result<Lifetime, String> {
    Lifetime::parse(text)
        .ok_or_else(|| "say seconds, or a length such as 15m, 12h or 30d".to_owned())
}
