//! `adyton demo`: a user to try things with, a token of theirs, and the request that uses it. It
//! never touches a password that somebody may know, and takes nothing away.

use super::{site, tell, terminal, with_engine};
use crate::config_file::{DEFAULT_FILE, Settings};
use adyton::core::Auth;
use adyton::core::secret::{Kind, PlainText};
use adyton::{
    Client, Config, CreatedToken, Error, NewPersonalToken, Password, Registration, User, UserId,
};
use anyhow::Result;
use clap::Args;
use serde_json::json;
use std::io::Write;
use std::mem;
use zeroize::Zeroizing;

/// A domain that nobody can have (RFC 2606), so that nobody gets mail or takes the account over.
const EMAIL: &str = "demo@example.com";
/// Long enough to try things; who forgets the user leaves no key behind.
const DAY: u64 = 86_400;

/// How to make it.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Do not ask, even if there are other users in the database.
    #[arg(long)]
    yes: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What was made.
struct Made {
    user: User,
    /// Of a user who was there already nobody knows it.
    password: Option<Password>,
    token: CreatedToken,
}

pub(crate) fn run(command: &Demo, settings: &Settings, out: &mut impl Write) -> Result<()> {
    with_engine(settings, async |auth| {
        keep_away_from_others(&auth, command.yes).await?;
        let made = make(&auth).await?;
        if command.json { as_json(&made, settings, out) } else { show(&made, settings, out) }
    })
}

async fn keep_away_from_others(auth: &Auth, yes: bool) -> Result<()> {
    let users = auth.list_users(UserId(0), 2).await?;
    if users.iter().all(|user| user.email == EMAIL) {
        return Ok(());
    }
    let place = site::database(auth.config());
    let question = format!("There are other users in {place}. Make {EMAIL} among them?");
    terminal::confirm(&question, yes)
}

async fn make(auth: &Auth) -> Result<Made> {
    let (user, password) = match auth.find_user_by_email(EMAIL).await {
        Err(Error::NotFound) => create(auth).await?,
        found => (found?, None),
    };
    let longest = auth.config().personal_token_max_expiration;
    let expiry = auth.in_seconds(longest.map_or(DAY, |longest| longest.seconds().min(DAY)));
    let wanted = NewPersonalToken { name: "demo".to_owned(), abilities: None, expiry };
    let token = auth.create_token(user.id, wanted, None, &Client::default()).await;
    let token = token.map_err(tell)?;
    Ok(Made { user, password, token })
}

async fn create(auth: &Auth) -> Result<(User, Option<Password>)> {
    let password = draw_password(auth.config())?;
    let (name, email) = ("Demo".to_owned(), EMAIL.to_owned());
    let new = Registration { name, email, password: password.clone(), ..Registration::default() };
    let user = auth.create_user(&new).await.map_err(tell)?;
    Ok((user, Some(password)))
}

/// Twenty letters and digits, or as many as must be, of secrets without their prefix.
fn draw_password(config: &Config) -> Result<Password> {
    let length = config.password.min_length.max(20);
    let mut password = Zeroizing::new(String::new());
    while password.len() < length {
        let drawn = PlainText::draw(Kind::Access)?;
        password.extend(drawn.expose().chars().skip(4).take(40));
    }
    password.truncate(length);
    Ok(mem::take(&mut *password).into())
}

fn show(made: &Made, settings: &Settings, out: &mut impl Write) -> Result<()> {
    let (config, id) = (&settings.config, made.user.id);
    let state = if made.password.is_some() { "was made" } else { "is there already" };
    writeln!(out, "user {id} {state}, in {}\n", site::database(config))?;
    writeln!(out, "  e-mail    {EMAIL}")?;
    match &made.password {
        Some(password) => writeln!(out, "  password  {}", password.expose())?,
        None => writeln!(
            out,
            "  password  as it was; `{}` sets another",
            command(settings, &format!("user set-password {EMAIL}"))
        )?,
    }
    writeln!(out, "  token     {}", made.token.token.expose())?;
    if let Some(at) = made.token.info.expires_at {
        writeln!(out, "  expires   {at}")?;
    }
    if let Some(pages) = site::pages(config, config.server.listen) {
        writeln!(out, "  pages     {pages}")?;
    }
    writeln!(out, "  remove    {}", remove(settings))?;
    let serve = command(settings, "serve");
    Ok(writeln!(
        out,
        "\nWhile `{serve}` runs, this shows who the token is:\n\n{}",
        curl(made, config)
    )?)
}

fn as_json(made: &Made, settings: &Settings, out: &mut impl Write) -> Result<()> {
    let answer = json!({
        "user": made.user,
        "password": made.password.as_ref().map(Password::expose),
        "token": made.token.token,
        "accessToken": made.token.info,
        "curl": curl(made, &settings.config),
        "remove": remove(settings),
    });
    Ok(writeln!(out, "{answer}")?)
}

fn curl(made: &Made, config: &Config) -> String {
    let api = site::api(config, config.server.listen);
    let credential = format!("{} {}", config.prefix, made.token.token.expose());
    let header = format!("{}: {}", config.token_header, credential.trim_start());
    format!("curl {api}/user -H {}", quoted(&header))
}

fn remove(settings: &Settings) -> String {
    command(settings, &format!("user delete {EMAIL} --yes"))
}

/// A command as it must be given to work on the same database.
fn command(settings: &Settings, words: &str) -> String {
    match settings.file.as_deref() {
        None | Some(DEFAULT_FILE) => format!("adyton {words}"),
        Some(file) => format!("adyton --config {} {words}", quoted(file)),
    }
}

/// For a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
