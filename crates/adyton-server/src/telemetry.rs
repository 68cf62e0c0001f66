//! Log lines on standard error: for people on a terminal, JSON for machines. `RUST_LOG` says which
//! (`info` by default). Requests are not logged at `info`: at tens of thousands a second that would
//! be the server's main work.

use crate::config_file::Environment;
use anyhow::{Context, Result, anyhow};
use std::io::{self, IsTerminal};
use tracing_subscriber::filter::{EnvFilter, LevelFilter};

pub(crate) fn init(environment: &Environment) -> Result<()> {
    let wanted = environment.iter().find(|(name, _)| name == "RUST_LOG");
    let wanted = wanted.map(|(_, value)| value.to_string_lossy()).unwrap_or_default();
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .parse(&wanted)
        .with_context(|| {
            format!("RUST_LOG={wanted} is no filter such as `info` or `adyton=debug`")
        })?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let ready = match io::stderr().is_terminal() {
        true => lines.try_init(),
        false => lines.with_ansi(false).json().flatten_event(true).try_init(),
    };
    ready.map_err(|error| anyhow!("cannot set up the log: {error}"))
}
