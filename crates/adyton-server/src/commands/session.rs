//! `adyton session`: where users are signed in, by an operator's hand.

use super::{find_user, terminal, with_engine};
use crate::config_file::Settings;
use adyton::core::Auth;
use adyton::core::auth::SessionInfo;
use adyton::{Client, Error};
use anyhow::{Result, anyhow};
use clap::Subcommand;
use serde_json::json;
use std::io::Write;

/// What to do with sessions.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List a user's live sessions.
    List {
        /// Whose: an id or an e-mail.
        #[arg(long)]
        user: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// End one session, or all of a user.
    Revoke {
        /// Its id, as `list` shows it.
        #[arg(required_unless_present = "user", conflicts_with = "user")]
        id: Option<String>,
        /// Every session of this user instead: an id or an e-mail.
        #[arg(long)]
        user: Option<String>,
    },
}

pub(crate) fn run(command: Command, settings: &Settings, out: &mut impl Write) -> Result<()> {
    with_engine(settings, async |auth| match command {
        Command::List { user, json } => {
            let user = find_user(&auth, &user).await?;
            let sessions = auth.list_sessions(user.id, None).await?;
            if json {
                let all: Vec<_> = sessions.iter().map(as_json).collect();
                return Ok(writeln!(out, "{}", json!({ "sessions": all }))?);
            }
            sessions.iter().try_for_each(|session| show(session, out))
        }
        Command::Revoke { id, user } => {
            let ended = revoke(&auth, id.as_deref(), user.as_deref()).await?;
            let noun = if ended == 1 { "session" } else { "sessions" };
            Ok(writeln!(out, "ended {ended} {noun}")?)
        }
    })
}

async fn revoke(auth: &Auth, id: Option<&str>, user: Option<&str>) -> Result<usize> {
    let client = Client::default();
    if let Some(user) = user {
        let user = find_user(auth, user).await?;
        return Ok(auth.end_all_sessions(user.id, &client).await?);
    }
    let id = id.unwrap_or_default();
    let one = async {
        let session = auth.find_session(id).await?;
        auth.end_session(session.user_id, id, &client).await
    };
    one.await.map(|()| 1).map_err(|error| match error {
        Error::NotFound => anyhow!("there is no live session {id}"),
        error => error.into(),
    })
}

fn show(session: &SessionInfo, out: &mut impl Write) -> Result<()> {
    let SessionInfo { id, device, last_seen_at, expires_at, .. } = session;
    let device = device.name.as_deref().or(device.user_agent.as_deref()).unwrap_or("-");
    let (id, device) = (terminal::shown(id), terminal::shown(device));
    Ok(writeln!(out, "{id}\t{device}\tlast seen {last_seen_at}\texpires {expires_at}")?)
}

fn as_json(session: &SessionInfo) -> serde_json::Value {
    json!({
        "id": session.id,
        "guard": session.guard,
        "deviceName": session.device.name,
        "userAgent": session.device.user_agent,
        "ipAddress": session.device.network,
        "createdAt": session.created_at,
        "lastSeenAt": session.last_seen_at,
        "expiresAt": session.expires_at,
    })
}
