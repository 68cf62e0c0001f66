//! `adyton man`: a manual page for each command, made of the grammar, for those who make packages.

use anyhow::{Context, Result};
use clap::{Args, Command};
use std::fs;
use std::io::Write;
use std::path::PathBuf;

/// Where to.
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// The folder, which is made if it is missing.
    #[arg(long)]
    dir: PathBuf,
}

pub(crate) fn run(command: &Man, grammar: Command, out: &mut impl Write) -> Result<()> {
    let dir = &command.dir;
    let place = || format!("cannot write into {}", dir.display());
    fs::create_dir_all(dir).with_context(place)?;
    clap_mangen::generate_to(grammar, dir).with_context(place)?;
    Ok(writeln!(out, "wrote the manual pages into {}", dir.display())?)
}
