//! `adyton config init`, `check` and `show`: nothing here reads a value for its meaning.

use crate::config_file::{self, DEFAULT_FILE, Settings};
use anyhow::{Context, Result};
use clap::Subcommand;
use serde_json::{Map, json};
use std::fs::{OpenOptions, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a file with every option, each commented out at its default.
    Init {
        /// Replace the file if it is there.
        #[arg(long)]
        force: bool,
        /// Where; else where `--config` says, else ./adyton.toml.
        path: Option<PathBuf>,
    },
    /// Say whether the file and the environment are a valid configuration.
    Check,
    /// Print the merged configuration with the origin of each value; secrets are masked.
    Show {
        /// As an object, `{key: {value, origin}}`.
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(
    command: Command,
    flag: Option<&Path>,
    settings: impl FnOnce() -> Result<Settings>,
    out: &mut impl Write,
) -> Result<()> {
    match command {
        Command::Init { force, path } => {
            init(path.as_deref().or(flag).unwrap_or(DEFAULT_FILE.as_ref()), force, out)
        }
        Command::Check => check(&settings()?, out),
        Command::Show { json: false } => show(&settings()?, out),
        Command::Show { json: true } => show_json(&settings()?, out),
    }
}

/// The file may come to hold a password, so it is its owner's alone from the start.
fn init(path: &Path, force: bool, out: &mut impl Write) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    let options =
        if force { options.create(true).truncate(true) } else { options.create_new(true) };
    let opened = options.open(path);
    let there = opened.as_ref().is_err_and(|error| error.kind() == ErrorKind::AlreadyExists);
    let hint = if there { " (--force replaces it)" } else { "" };
    let mut file = opened.with_context(|| format!("cannot write {}{hint}", path.display()))?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(config_file::template().as_bytes())?;
    writeln!(out, "wrote {}", path.display())?;
    Ok(())
}

fn check(settings: &Settings, out: &mut impl Write) -> Result<()> {
    let (from_file, from_environment) = settings.counts();
    let file = settings.file.as_deref().unwrap_or("no file");
    let set = |count| if count == 1 { "1 setting".to_owned() } else { format!("{count} settings") };
    writeln!(out, "ok: {file}, {}; {from_environment} from the environment", set(from_file))?;
    Ok(())
}

fn show(settings: &Settings, out: &mut impl Write) -> Result<()> {
    for entry in settings.entries()? {
        writeln!(out, "{} = {} # {}", entry.key, entry.value, entry.origin)?;
    }
    Ok(())
}

fn show_json(settings: &Settings, out: &mut impl Write) -> Result<()> {
    let mut all = Map::new();
    for entry in settings.entries()? {
        let origin = entry.origin.to_string();
        all.insert(entry.key, json!({ "value": entry.value, "origin": origin }));
    }
    writeln!(out, "{:#}", serde_json::Value::Object(all))?;
    Ok(())
}
