//! What commands ask of a person: secrets without an echo, a confirmation, progress while they
//! wait. Without a terminal secrets come from standard input, and progress is silent.

use anyhow::{Context, Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, IsTerminal, Write};
use std::time::Duration;
use zeroize::Zeroizing;

/// A new password: asked for twice on a terminal, else the first line of standard input.
pub(super) fn new_password() -> Result<Zeroizing<String>> {
    if !io::stdin().is_terminal() {
        return first_line();
    }
    let ask = |prompt| rpassword::prompt_password(prompt).map(Zeroizing::new);
    let first = ask("Password: ").context("cannot read the password")?;
    let again = ask("Again: ").context("cannot read the password")?;
    ensure!(first == again, "the two passwords differ");
    Ok(first)
}

/// Asks before something that cannot be undone. Without a terminal only `--yes` confirms.
pub(super) fn confirm(question: &str, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    ensure!(io::stdin().is_terminal(), "{question} Say --yes to confirm.");
    write!(io::stderr(), "{question} [y/N] ")?;
    ensure!(first_line()?.eq_ignore_ascii_case("y"), "nothing was done");
    Ok(())
}

/// A counter that is drawn on a terminal only.
pub(super) fn progress(what: &'static str) -> ProgressBar {
    let bar = ProgressBar::no_length().with_message(what);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}: {human_pos} ({elapsed})") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn first_line() -> Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::new());
    io::stdin().read_line(&mut line).context("cannot read standard input")?;
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    Ok(line)
}
