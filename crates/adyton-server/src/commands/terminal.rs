//! What commands ask of a person: secrets without an echo, a confirmation, progress while they
//! wait; and how text of others is shown to them. Without a terminal secrets come from standard input, and progress is silent.

use adyton::Password;
use anyhow::{Context, Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, IsTerminal, Write};
use std::mem;
use std::time::Duration;
use zeroize::Zeroizing;

/// A new password: asked for twice on a terminal, else the first line of standard input.
pub(super) fn new_password() -> Result<Password> {
    if !io::stdin().is_terminal() {
        return Ok(mem::take(&mut *first_line()?).into());
    }
    let ask = |prompt| rpassword::prompt_password(prompt).map(Password::from);
    let first = ask("Password: ").context("cannot read the password")?;
    let again = ask("Again: ").context("cannot read the password")?;
    ensure!(first == again, "the two passwords differ");
    Ok(first)
}

/// A password that is there already: asked for on a terminal, else the first line of standard input.
pub(super) fn password() -> Result<Password> {
    if !io::stdin().is_terminal() {
        return Ok(mem::take(&mut *first_line()?).into());
    }
    rpassword::prompt_password("Password: ").map(Password::from).context("cannot read the password")
}

/// A line from the person at the terminal; none where there is no terminal.
pub(super) fn asked(prompt: &str) -> Result<Option<String>> {
    if !io::stdin().is_terminal() {
        return Ok(None);
    }
    write!(io::stderr(), "{prompt}")?;
    Ok(Some(first_line()?.trim().to_owned()))
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

/// Text that others chose, in one line that leaves the terminal and its reader alone: what would
/// move the cursor, break the line or reorder what stands around it is shown as `\u{1b}`.
pub(super) fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_unseen(letter) {
            shown.extend(letter.escape_unicode());
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// Control characters, separators of lines, and what changes the direction of writing.
fn is_unseen(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The first line of standard input.
pub(super) fn first_line() -> Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::new());
    io::stdin().read_line(&mut line).context("cannot read standard input")?;
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_shown_escaped_and_the_rest_stays() {
        let kept = "Ada Łovelace, 愛 \u{1f469}\u{200d}\u{1f4bb}, ‘\\’ عدا";
        assert_eq!(shown(kept), kept);
        assert_eq!(shown("\u{1b}[2J\r\n\t\0"), r"\u{1b}[2J\u{d}\u{a}\u{9}\u{0}");
        let singles = ['\u{61c}', '\u{7f}', '\u{200e}', '\u{200f}'];
        let ranges = ['\u{80}'..='\u{9f}', '\u{2028}'..='\u{202e}', '\u{2066}'..='\u{2069}'];
        for letter in singles.into_iter().chain(ranges.into_iter().flatten()) {
            assert_eq!(shown(&letter.to_string()), letter.escape_unicode().to_string());
        }
    }
}
