//! `adyton user`: users by an operator's hand.

mod import;
mod rows;

use super::{find_user, tell, terminal, with_engine};
use crate::config_file::Settings;
use adyton::{Client, Registration, User, UserId};
use anyhow::Result;
use clap::Subcommand;
use serde_json::json;
use std::io::Write;

/// What to do with users. WHO is an id or an e-mail.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a user. The password is asked for, or the first line of standard input.
    Create {
        /// At most 255 characters.
        #[arg(long)]
        name: String,
        /// Stored in lower case.
        #[arg(long)]
        email: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List users in the order of their ids.
    List {
        /// Only those with an id above this.
        #[arg(long, default_value_t = 0)]
        after: i64,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show one user.
    Show {
        /// An id or an e-mail.
        who: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Import users with the hashes of their passwords (bcrypt or argon2), from CSV or JSON lines.
    Import(import::Import),
    /// Set a password, and end every session of the user.
    SetPassword {
        /// An id or an e-mail.
        who: String,
        /// Revoke personal access tokens too.
        #[arg(long)]
        revoke_tokens: bool,
    },
    /// Delete a user with every token and session.
    Delete {
        /// An id or an e-mail.
        who: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

pub(crate) fn run(command: Command, settings: &Settings, out: &mut impl Write) -> Result<()> {
    with_engine(settings, async |auth| match command {
        Command::Import(command) => import::run(auth, &command, out).await,
        Command::Create { name, email, json } => {
            let password = terminal::new_password()?;
            let new = Registration { name, email, password, ..Registration::default() };
            let user = auth.create_user(&new).await.map_err(tell)?;
            if json {
                show_json(&user, out)
            } else {
                Ok(writeln!(out, "created user {}", user.id)?)
            }
        }
        Command::List { after, limit, json } => {
            let users = auth.list_users(UserId(after), limit).await?;
            if json {
                return Ok(writeln!(out, "{}", json!({ "users": users }))?);
            }
            users.iter().try_for_each(|user| show(user, out))
        }
        Command::Show { who, json } => {
            let user = find_user(&auth, &who).await?;
            if json { show_json(&user, out) } else { show(&user, out) }
        }
        Command::SetPassword { who, revoke_tokens } => {
            let user = find_user(&auth, &who).await?;
            let password = terminal::new_password()?;
            auth.set_password(user.id, password.expose(), revoke_tokens).await.map_err(tell)?;
            Ok(writeln!(out, "the password is set; every session of user {} has ended", user.id)?)
        }
        Command::Delete { who, yes } => {
            let user = find_user(&auth, &who).await?;
            let (id, email) = (user.id, terminal::shown(&user.email));
            terminal::confirm(&format!("Delete user {id} ({email}) with all that they own?"), yes)?;
            auth.remove_user(id, &Client::default()).await?;
            Ok(writeln!(out, "deleted user {id}")?)
        }
    })
}

fn show(user: &User, out: &mut impl Write) -> Result<()> {
    let created = user.created_at.map_or_else(|| "-".to_owned(), |at| at.to_string());
    let (email, name) = (terminal::shown(&user.email), terminal::shown(&user.name));
    Ok(writeln!(out, "{}\t{email}\t{name}\t{created}", user.id)?)
}

fn show_json(user: &User, out: &mut impl Write) -> Result<()> {
    Ok(writeln!(out, "{}", json!(user))?)
}
