//! The command line: its grammar, its exit codes (0 done, 1 failed, 2 wrong usage) and how failures
//! are told. What a command does stands in its own file under `commands`.

use crate::commands::{
    completions, config, copy, demo, doctor, events, man, migrate, openapi, prune, remote, serve,
    session, token, user,
};
use crate::config_file::{Environment, Settings};
use adyton_client::BaseUrl;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

const EXITS: &str = "\
It exits with 0 when it is done, 1 when it failed, and 2 when it was called wrongly.

Something does not work? `adyton doctor` looks for what is wrong.";
const STUCK: &str = "Something does not work? `adyton doctor` looks for what is wrong.";

/// Adyton, an authentication server.
#[derive(Debug, Parser)]
#[command(name = "adyton", version, propagate_version = true, after_help = STUCK, after_long_help = EXITS)]
struct Cli {
    /// The configuration file; else `ADYTON_CONFIG` names it, else it is ./adyton.toml if there is
    /// one.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Ask this server (https://app.example.com) instead of the database, as whoever has signed in
    /// there: for `login`, `logout`, `whoami` and `token`.
    #[arg(long, global = true, value_name = "URL")]
    server: Option<BaseUrl>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the endpoints until told to stop.
    ///
    /// Options stand in adyton.toml, which `adyton config init` writes, or in the environment, as in
    /// `ADYTON_SERVER__LISTEN=127.0.0.1:9000 adyton serve`; `adyton config show` tells which are set,
    /// and `adyton doctor` what is wrong with them.
    Serve,
    /// Make a user to try things with, and print a token and the request that uses it.
    Demo(demo::Demo),
    /// Bring the tables up to date.
    Migrate(migrate::Migrate),
    /// Remove what has had its time.
    Prune(prune::Prune),
    /// Copy everything into another, empty database, and compare the two.
    Copy(copy::Copy),
    /// Create, list, show and delete users, and set their passwords.
    #[command(subcommand)]
    User(user::Command),
    /// Create, list and revoke personal access tokens.
    #[command(subcommand)]
    Token(token::Command),
    /// Sign in at a server; later commands with the same `--server` go on from there.
    Login(remote::Login),
    /// Sign out at a server.
    Logout,
    /// Show who is signed in at a server.
    Whoami(remote::Whoami),
    /// List and end sessions.
    #[command(subcommand)]
    Session(session::Command),
    /// List what happened, latest first.
    Events(events::Events),
    /// Look for what is wrong with the configuration and what surrounds it.
    Doctor(doctor::Doctor),
    /// Print the OpenAPI document of the endpoints.
    Openapi,
    /// Write, check or show the configuration.
    #[command(subcommand)]
    Config(config::Command),
    /// Print what makes a shell complete our commands.
    ///
    /// For this session of bash: `source <(adyton completions bash)`. The Debian package brings them.
    Completions(completions::Completions),
    /// Write the manual pages, for packages.
    #[command(hide = true)]
    Man(man::Man),
}

/// The grammar, for what is made of it.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the command that the arguments name, and tells how it went.
#[must_use]
pub fn main(arguments: impl Iterator<Item = OsString>, environment: &Environment) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(usage) => {
            let _ = usage.print();
            return u8::try_from(usage.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
        }
    };
    match run(cli, environment) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) if error.is::<clap::Error>() => {
            let _ = write!(io::stderr(), "{error}");
            ExitCode::from(2)
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {}", sentence(&error));
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli, environment: &Environment) -> anyhow::Result<()> {
    let flag = cli.config.as_deref();
    let settings = || Settings::read(flag, environment);
    let out = &mut io::stdout().lock();
    if let Some(server) = &cli.server {
        return at(server, cli.command, environment, out);
    }
    match cli.command {
        Command::Serve => serve::run(&settings()?, environment, out),
        Command::Demo(command) => demo::run(&command, &settings()?, out),
        Command::Migrate(command) => migrate::run(&command, &settings()?, out),
        Command::Prune(command) => prune::run(&command, &settings()?, out),
        Command::Copy(command) => copy::run(&command, &settings()?, out),
        Command::User(command) => user::run(command, &settings()?, out),
        Command::Token(command) if command.lacks_user() => {
            Err(misused("say whose: --user USER, or --server URL for your own"))
        }
        Command::Token(command) => token::run(command, &settings()?, out),
        Command::Login(_) | Command::Logout | Command::Whoami(_) => {
            Err(misused("say where: --server URL"))
        }
        Command::Session(command) => session::run(command, &settings()?, out),
        Command::Events(command) => events::run(&command, &settings()?, out),
        Command::Doctor(command) => doctor::run(&command, settings, out),
        Command::Openapi => openapi::run(&settings()?, out),
        Command::Completions(command) => completions::run(&command, Cli::command(), out),
        Command::Man(command) => man::run(&command, Cli::command(), out),
        Command::Config(command) => config::run(command, flag, settings, out),
    }
}

/// Commands that ask a server.
fn at(
    server: &BaseUrl,
    command: Command,
    environment: &Environment,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let remote = remote::Remote::at(server, environment)?;
    match command {
        Command::Login(command) => remote.login(&command, out),
        Command::Logout => remote.logout(out),
        Command::Whoami(command) => remote.whoami(&command, out),
        Command::Token(command) if command.names_user() => {
            Err(misused("--user goes with the database; a server knows whose the tokens are"))
        }
        Command::Token(command) => remote.token(command, out),
        _ => Err(misused("--server goes with login, logout, whoami and token")),
    }
}

fn misused(problem: &str) -> anyhow::Error {
    Cli::command().error(ErrorKind::MissingRequiredArgument, problem).into()
}

/// An error with its causes, each once: libraries repeat in their text what caused them.
pub(crate) fn sentence(error: &anyhow::Error) -> String {
    let mut told: Vec<String> = Vec::new();
    for cause in error.chain().map(ToString::to_string) {
        match told.last_mut() {
            Some(last) if last.contains(&cause) => {}
            Some(last) if cause.contains(last.as_str()) => *last = cause,
            _ => told.push(cause),
        }
    }
    told.join(": ")
}

/// Whether whoever read our output has had enough, as `head` does.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let cause = error.root_cause().downcast_ref::<io::Error>();
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_is_sound() {
        command().debug_assert();
    }
}
