//! The page about the command line, of its grammar.

use super::assert_current;
use clap::{Arg, Command};
use std::fmt::Write;

#[test]
fn the_reference_of_commands_is_current() {
    let mut command = adyton_server::command();
    command.build();
    let mut page = String::from(
        "# Command line\n\n\
         Every command reads the [configuration](configuration.md) and works on its database, whether a server runs or\n\
         not; a server obeys within 100 ms. Exit codes: 0 done, 1 failed, 2 wrong usage. `--help` behind any of\n\
         them says the same as this page.\n\n\
         With every command: ",
    );
    let globals: Vec<String> =
        command.get_arguments().filter(|arg| arg.is_global_set()).map(described).collect();
    writeln!(page, "{}.", globals.join("; ")).unwrap();
    below(&mut command, &mut page);
    assert_current("docs/reference/cli.md", &page);
}

/// Each command that does something, in the order of `--help`.
fn below(command: &mut Command, page: &mut String) {
    for command in command
        .get_subcommands_mut()
        .filter(|command| command.get_name() != "help" && !command.is_hide_set())
    {
        if command.has_subcommands() {
            below(command, page);
        } else {
            describe(command, page);
        }
    }
}

fn describe(command: &mut Command, page: &mut String) {
    let usage = command.render_usage().to_string();
    let (_, usage) = usage.split_once(": ").unwrap();
    let name = command.get_bin_name().unwrap();
    let about = command.get_long_about().or(command.get_about()).unwrap().to_string();
    writeln!(page, "\n## `{name}`\n\n{}.\n", about.trim_end_matches('.')).unwrap();
    writeln!(page, "```console\n$ {}\n```", usage.trim()).unwrap();
    let own =
        |arg: &&Arg| !arg.is_global_set() && !["help", "version"].contains(&arg.get_id().as_str());
    let arguments: Vec<String> = command.get_arguments().filter(own).map(described).collect();
    if !arguments.is_empty() {
        page.push('\n');
    }
    for argument in arguments {
        writeln!(page, "- {argument}").unwrap();
    }
}

/// How an argument is written, and what it is for.
fn described(arg: &Arg) -> String {
    let takes = arg.get_action().takes_values();
    let values = || arg.get_value_names().map_or(String::new(), |names| names.join(" "));
    let written = match (arg.get_long(), takes) {
        (Some(long), true) => format!("`--{long} <{}>`", values()),
        (Some(long), false) => format!("`--{long}`"),
        (None, _) => format!("`<{}>`", values()),
    };
    let help = arg.get_long_help().or(arg.get_help()).unwrap().to_string();
    let mut told = format!("{written}: {}", help.trim_end_matches('.').replace('\n', " "));
    let possible: Vec<String> =
        arg.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    if takes && !possible.is_empty() {
        write!(told, " ({})", possible.join(", ")).unwrap();
    }
    if let Some(default) = arg.get_default_values().first().filter(|_| takes) {
        write!(told, "; `{}` unless said otherwise", default.to_str().unwrap()).unwrap();
    }
    told
}
