//! `adyton events`: what happened, latest first.

use super::{find_user, terminal, with_engine};
use crate::config_file::Settings;
use adyton::core::clock::{Clock, SystemClock, Timestamp};
use adyton::core::config::Lifetime;
use adyton::core::store::EventFilter;
use adyton::{Event, EventKind};
use anyhow::{Result, anyhow};
use clap::Args;
use serde_json::json;
use std::io::Write;

/// Which events to list.
#[derive(Debug, Args)]
pub(crate) struct Events {
    /// Only those of this user: an id or an e-mail. An id may be that of a user who is gone.
    #[arg(long)]
    user: Option<String>,
    /// Only those of this kind, such as `authn_login_fail`.
    #[arg(long, value_parser = read_kind)]
    kind: Option<EventKind>,
    /// Only those since then: a length of time (`30m`, `7d`) or a date (`2026-11-22`,
    /// `2026-11-22T18:00:00Z`).
    #[arg(long, value_name = "DURATION|DATE", value_parser = read_since)]
    since: Option<Since>,
    /// At most so many.
    #[arg(long, default_value_t = 100)]
    limit: u32,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug)]
enum Since {
    Ago(Lifetime),
    At(Timestamp),
}

pub(crate) fn run(command: &Events, settings: &Settings, out: &mut impl Write) -> Result<()> {
    with_engine(settings, async |auth| {
        let user = match &command.user {
            Some(who) => Some(match who.parse() {
                Ok(id) => adyton::UserId(id),
                Err(_) => find_user(&auth, who).await?.id,
            }),
            None => None,
        };
        let since = command.since.map(|since| match since {
            Since::At(time) => time,
            Since::Ago(time) => SystemClock::default().now().minus(time.seconds()),
        });
        let filter = EventFilter { user, kind: command.kind, since, limit: command.limit };
        let events = auth.list_events(filter).await?;
        if command.json {
            let all: Vec<_> = events.iter().map(Event::to_json).collect();
            return Ok(writeln!(out, "{}", json!({ "events": all }))?);
        }
        events.iter().try_for_each(|event| show(event, out))
    })
}

fn read_kind(name: &str) -> Result<EventKind> {
    EventKind::from_name(name).ok_or_else(|| {
        let known: Vec<_> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
        anyhow!("no such kind; there are {}", known.join(", "))
    })
}

fn read_since(text: &str) -> Result<Since> {
    if let Some(ago) = Lifetime::parse(text) {
        return Ok(Since::Ago(ago));
    }
    let day = (text.len() == 10).then(|| format!("{text} 00:00:00"));
    let at = Timestamp::from_sql(day.as_deref().unwrap_or(text));
    at.map(Since::At).ok_or_else(|| anyhow!("neither a length of time such as 7d nor a date"))
}

/// Time, kind and outcome, and what is known beside them.
fn show(event: &Event, out: &mut impl Write) -> Result<()> {
    let Event { event: kind, count, user_id, session_id, token_id, created_at, .. } = event;
    write!(out, "{created_at}\t{}\t{}", kind.as_str(), kind.outcome().as_str())?;
    if *count > 1 {
        write!(out, "\t{count} times")?;
    }
    let known = [
        ("user", user_id.map(|id| id.0.to_string())),
        ("session", session_id.clone()),
        ("token", token_id.map(|id| id.0.to_string())),
        ("from", event.network.clone()),
        ("request", event.request_id.clone()),
        ("reason", event.reason.as_deref().map(str::to_owned)),
    ];
    for (what, value) in known {
        if let Some(value) = value {
            write!(out, "\t{what} {}", terminal::shown(&value))?;
        }
    }
    Ok(writeln!(out)?)
}
