//! `adyton prune`: removes what has had its time, as the server does every hour.

use super::{terminal, with_engine};
use crate::config_file::Settings;
use adyton::core::store::Pruned;
use anyhow::Result;
use clap::Args;
use serde_json::json;
use std::io::Write;

/// What to remove.
#[derive(Debug, Args)]
pub(crate) struct Prune {
    /// Remove what expired or was revoked more than so many hours ago.
    #[arg(long, default_value_t = 24)]
    hours: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: &Prune, settings: &Settings, out: &mut impl Write) -> Result<()> {
    with_engine(settings, async |auth| {
        let bar = terminal::progress("rows removed");
        let pruned = auth.prune(command.hours, |sum| bar.set_position(sum.total())).await?;
        bar.finish_and_clear();
        let Pruned { tokens, sessions, superseded, devices, events } = pruned;
        if command.json {
            let answer = json!({
                "tokens": tokens, "sessions": sessions, "superseded": superseded,
                "devices": devices, "events": events,
            });
            writeln!(out, "{answer}")?;
        } else {
            writeln!(
                out,
                "removed {tokens} tokens, {sessions} sessions, {superseded} replaced refresh tokens, {devices} devices and {events} events"
            )?;
        }
        Ok(())
    })
}
