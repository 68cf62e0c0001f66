//! `adyton --server URL …`: a person's own account at a server elsewhere, by its endpoints. Nothing
//! here opens a database or reads the configuration.

mod credentials;

use super::{block_on, terminal, token};
use crate::config_file::Environment;
use adyton::core::clock::Timestamp;
use adyton_client::{
    BaseUrl, Client, Error, File, Login as Credentials, NewToken, PersonalToken, Storage,
};
use anyhow::{Context, Result, anyhow};
use clap::Args;
use serde_json::json;
use std::io::Write;
use std::time::Duration;

/// Who signs in. The password is asked for, or the first line of standard input.
#[derive(Debug, Args)]
pub(crate) struct Login {
    /// The address to sign in with; asked for when absent.
    #[arg(long)]
    email: Option<String>,
    /// What this machine is called in the list of sessions.
    #[arg(long, value_name = "NAME", default_value = "command line")]
    device_name: String,
    /// Sign in with fewer abilities than one has, once for each.
    #[arg(long = "ability", value_name = "ABILITY")]
    abilities: Vec<String>,
    /// Sign in without https, for a network of your own: others in it can read the password, and the
    /// tokens of later commands.
    #[arg(long)]
    allow_http: bool,
}

/// Who is signed in.
#[derive(Debug, Args)]
pub(crate) struct Whoami {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// A server, and what this user has stored for it.
pub(crate) struct Remote {
    client: Client,
    file: File,
}

impl Remote {
    pub(crate) fn at(server: &BaseUrl, environment: &Environment) -> Result<Self> {
        let file = File::at(credentials::path(server, environment)?);
        let name = concat!("adyton/", env!("CARGO_PKG_VERSION"));
        // Whoever has tokens for such a server has allowed it at the sign-in.
        let client = Client::builder(server.clone()).allow_http();
        let client = client.storage(file.clone()).user_agent(name).build()?;
        Ok(Self { client, file })
    }

    pub(crate) fn login(&self, login: &Login, out: &mut impl Write) -> Result<()> {
        let server = self.client.base();
        if server.is_readable_by_others() && !login.allow_http {
            return Err(anyhow!(
                "without https others on the way to {server} can read the password and the tokens: \
                 use https, or `login --allow-http` for a network of your own"
            ));
        }
        let email = match &login.email {
            Some(email) => email.clone(),
            None => terminal::asked("E-mail: ")?.context("say who signs in: --email EMAIL")?,
        };
        let who =
            Credentials::new(email, terminal::password()?.expose()).device_name(&login.device_name);
        let who = match login.abilities.as_slice() {
            [] => who,
            abilities => who.abilities(abilities),
        };
        block_on(async {
            let before = self.session_id().await;
            let signed_in = self.client.login(&who).await?;
            if let Some(before) = before {
                // It may be somebody else's, or over: then nothing is left to end.
                let _ = self.client.end_session(&before).await;
            }
            let name = terminal::shown(&signed_in.user.name);
            Ok(writeln!(out, "signed in at {server} as {name}")?)
        })
    }

    /// The session that a new sign-in takes the place of.
    async fn session_id(&self) -> Option<String> {
        let stored = self.file.load().await.ok()??;
        Some(stored.tokens?.renewal?.session_id)
    }

    pub(crate) fn logout(&self, out: &mut impl Write) -> Result<()> {
        block_on(async { self.client.logout().await.map_err(|error| self.told(error)) })?;
        Ok(writeln!(out, "signed out at {}", self.client.base())?)
    }

    pub(crate) fn whoami(&self, whoami: &Whoami, out: &mut impl Write) -> Result<()> {
        let current = block_on(async { self.client.current().await.map_err(|e| self.told(e)) })?;
        let user = current.user.as_ref().with_context(|| self.nobody())?;
        if whoami.json {
            return Ok(writeln!(out, "{}", serde_json::to_string(&current)?)?);
        }
        let (email, name) = (terminal::shown(&user.email), terminal::shown(&user.name));
        let abilities = terminal::shown(&current.abilities.join(", "));
        Ok(writeln!(out, "{}\t{email}\t{name}\t{abilities}", user.id)?)
    }

    pub(crate) fn token(&self, command: token::Command, out: &mut impl Write) -> Result<()> {
        block_on(async {
            match command {
                token::Command::Create(new) => self.create(new, out).await,
                token::Command::List { json, .. } => {
                    let tokens = self.client.tokens().await.map_err(|error| self.told(error))?;
                    if json {
                        return Ok(writeln!(out, "{}", json!({ "tokens": tokens }))?);
                    }
                    tokens.iter().try_for_each(|token| show(token, out))
                }
                token::Command::Revoke { id } => {
                    self.client.revoke_token(id).await.map_err(|error| match error.code() {
                        Some("not_found") => anyhow!("you have no personal access token {id}"),
                        _ => self.told(error),
                    })?;
                    Ok(writeln!(out, "revoked token {id}")?)
                }
            }
        })
    }

    async fn create(&self, wanted: token::Create, out: &mut impl Write) -> Result<()> {
        let mut new = NewToken::new(wanted.name);
        if !wanted.abilities.is_empty() {
            new = new.abilities(wanted.abilities);
        }
        new = match (wanted.expires_in, wanted.never) {
            (Some(life), _) => new.expires_in(Duration::from_secs(life.seconds())),
            (None, true) => new.never_expires(),
            (None, false) => new,
        };
        let created = self.client.create_token(&new).await.map_err(|error| self.told(error))?;
        if wanted.json {
            let answer = json!({ "token": created.token, "accessToken": created.info });
            return Ok(writeln!(out, "{answer}")?);
        }
        Ok(writeln!(out, "{}", created.token.expose())?)
    }

    /// An error with what to do about it.
    fn told(&self, error: Error) -> anyhow::Error {
        match &error {
            Error::SessionEnded(_) => anyhow::Error::from(error).context(self.nobody()),
            Error::Refused(problem) if problem.code == "unauthenticated" => anyhow!(self.nobody()),
            _ => error.into(),
        }
    }

    fn nobody(&self) -> String {
        let server = self.client.base();
        format!("nobody is signed in at {server}; `adyton --server {server} login` signs in")
    }
}

fn show(token: &PersonalToken, out: &mut impl Write) -> Result<()> {
    let expires = token.expires_at.map(|at| Timestamp::from_unix(at.unix_timestamp()));
    token::line(token.id, &token.name, &token.abilities.join(", "), expires, out)
}
