//! Log lines on standard error: for people on a terminal, JSON for machines. `RUST_LOG` says which
//! (`info` by default). Requests are not logged at `info`: at tens of thousands a second that would
//! be the server's main work.

use crate::config_file::Environment;
use anyhow::{Context, Result, anyhow, ensure};
use std::io::{self, IsTerminal};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

pub(crate) fn init(environment: &Environment) -> Result<()> {
    let wanted = environment.iter().find(|(name, _)| name == "RUST_LOG");
    let wanted = wanted.map(|(_, value)| value.to_string_lossy()).unwrap_or_default();
    let filter = filter(&wanted).with_context(|| {
        format!("RUST_LOG={wanted} is no filter such as `info` or `adyton=debug`")
    })?;
    let lines =
        tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(io::stderr);
    let ready = match io::stderr().is_terminal() {
        true => lines.finish().with(filter).try_init(),
        false => lines.with_ansi(false).json().flatten_event(true).finish().with(filter).try_init(),
    };
    ready.map_err(|error| anyhow!("cannot set up the log: {error}"))
}

/// A level, and others for some targets and what is below them. It is `info` where none is said.
fn filter(wanted: &str) -> Result<Targets> {
    // Spans and their fields are for other filters, and a target to this one.
    ensure!(!wanted.contains(['[', '{']), "levels are of targets, not of spans");
    let filter: Targets = match wanted.trim() {
        "" => Targets::new(),
        wanted => wanted.parse()?,
    };
    let level = filter.default_level().unwrap_or(LevelFilter::INFO);
    Ok(filter.with_default(level))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn a_target_has_the_level_that_is_said_of_it_and_all_others_that_of_all() {
        for (wanted, level_of_ours, level_of_others) in [
            ("", Level::INFO, Level::INFO),
            ("debug", Level::DEBUG, Level::DEBUG),
            ("adyton=debug", Level::DEBUG, Level::INFO),
            ("warn,adyton=trace", Level::TRACE, Level::WARN),
            ("adyton::routes=error", Level::ERROR, Level::INFO),
        ] {
            let filter = filter(wanted).unwrap();
            let levels = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];
            for level in levels {
                let ours = filter.would_enable("adyton::routes::user", &level);
                assert_eq!(ours, level <= level_of_ours, "{wanted}: {level} of ours");
                let others = filter.would_enable("hyper::proto", &level);
                assert_eq!(others, level <= level_of_others, "{wanted}: {level} of others");
            }
        }
    }

    #[test]
    fn what_is_no_level_of_a_target_is_refused() {
        for wanted in ["=[", "adyton=loud", "[request]=debug", "[request{id=1}]", "a=b=c"] {
            assert!(filter(wanted).is_err(), "{wanted}");
        }
        assert!(!filter("off").unwrap().would_enable("adyton", &Level::ERROR));
    }
}
