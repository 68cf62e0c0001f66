//! `adyton completions`: what makes a shell complete the command line, made of its grammar.

use anyhow::Result;
use clap::{Args, Command};
use clap_complete::Shell;
use std::io::Write;

/// For whom.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// Which shell.
    shell: Shell,
}

pub(crate) fn run(command: &Completions, mut grammar: Command, out: &mut impl Write) -> Result<()> {
    // The generator panics at a closed pipe.
    let mut script = Vec::new();
    clap_complete::generate(command.shell, &mut grammar, "adyton", &mut script);
    Ok(out.write_all(&script)?)
}
