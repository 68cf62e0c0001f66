//! `adyton user import`: users of another system, with the hashes of their passwords.
//!
//! It can be stopped and repeated: whoever is there already is left as they are. No hash is ever
//! told, and of a refused row the e-mail only where it is one.

use super::super::{tell, terminal};
use super::rows::{self, Fields, Row};
use adyton::core::Auth;
use adyton::core::auth::ImportedUser;
use adyton::core::clock::Timestamp;
use adyton::core::user::Email;
use adyton::{Error, User};
use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};
use serde_json::json;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use tokio::task::JoinSet;

/// Users on their way into the database at once: SQLite makes one commit of them, and a server is
/// kept busy on each connection without anybody waiting long for one.
const AT_ONCE: usize = 64;

/// Which users, and what becomes of rows that are none.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// CSV with a heading, or JSON lines; `-` is standard input. Columns: `email`, `name`,
    /// `password_hash` (or `password`, as Laravel calls it), and `created_at` if you have it.
    file: PathBuf,
    /// What the file is, where its name does not end with `.csv`, `.jsonl` or `.ndjson`.
    #[arg(long)]
    format: Option<Format>,
    /// Write refused rows there as JSON lines, and not to standard error.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Exit with 0 though rows were refused.
    #[arg(long)]
    allow_refused: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Csv,
    Jsonl,
}

pub(super) async fn run(auth: Auth, command: &Import, out: &mut impl Write) -> Result<()> {
    let format = command.format()?;
    let (input, report) = (command.open()?, command.report()?);
    let task = Task::new(auth, report, command.report.is_some());
    let counts = match format {
        Format::Csv => task.import(rows::of_csv(input)?).await?,
        Format::Jsonl => task.import(rows::of_json_lines(input)?).await?,
    };
    counts.show(command.json, out)?;
    let refused = counts.refused;
    if refused > 0 && !command.allow_refused {
        bail!("{refused} rows were refused: mend them and run it again, or say --allow-refused");
    }
    Ok(())
}

impl Import {
    fn format(&self) -> Result<Format> {
        let ending = self.file.extension().map(|ending| ending.to_ascii_lowercase());
        let known = match ending.as_deref().and_then(|ending| ending.to_str()) {
            Some("csv") => Some(Format::Csv),
            Some("jsonl" | "ndjson") => Some(Format::Jsonl),
            _ => None,
        };
        self.format.or(known).context("what is the file? Say --format csv or --format jsonl")
    }

    fn open(&self) -> Result<Box<dyn Read>> {
        if self.file == Path::new("-") {
            return Ok(Box::new(io::stdin()));
        }
        let name = self.file.display();
        Ok(Box::new(File::open(&self.file).with_context(|| format!("cannot read {name}"))?))
    }

    fn report(&self) -> Result<Box<dyn Write>> {
        let Some(path) = &self.report else { return Ok(Box::new(io::stderr())) };
        let same = path
            .canonicalize()
            .is_ok_and(|path| self.file.canonicalize().is_ok_and(|file| file == path));
        ensure!(!same, "the report would take the place of the file itself");
        let name = path.display();
        let file = File::create(path).with_context(|| format!("cannot write {name}"))?;
        Ok(Box::new(BufWriter::new(file)))
    }
}

#[derive(Default)]
struct Counts {
    imported: u64,
    already_there: u64,
    refused: u64,
}

impl Counts {
    fn show(&self, json: bool, out: &mut impl Write) -> Result<()> {
        let Self { imported, already_there, refused } = self;
        if json {
            let counts =
                json!({ "imported": imported, "alreadyThere": already_there, "refused": refused });
            return Ok(writeln!(out, "{counts}")?);
        }
        Ok(writeln!(
            out,
            "imported {imported} users; {already_there} were already there, {refused} rows were refused"
        )?)
    }
}

/// An import on its way.
struct Task {
    auth: Auth,
    report: Box<dyn Write>,
    /// Whether refused rows are told as JSON.
    as_json: bool,
    /// E-mails of the file, and the line of each.
    known: HashMap<String, u64>,
    sent: JoinSet<Result<Option<User>, Error>>,
    counts: Counts,
}

impl Task {
    fn new(auth: Auth, report: Box<dyn Write>, as_json: bool) -> Self {
        let (known, sent, counts) = (HashMap::new(), JoinSet::new(), Counts::default());
        Self { auth, report, as_json, known, sent, counts }
    }

    async fn import<E>(mut self, rows: impl Iterator<Item = Result<Row, E>>) -> Result<Counts>
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        let bar = terminal::progress("users read");
        let mut line = 0;
        for row in rows {
            let stopped = || format!("stopped after line {line}: run it again to go on");
            let row = row.context("cannot read the file").with_context(stopped)?;
            let next = row.line;
            self.take(row).await.with_context(stopped)?;
            line = next;
            bar.inc(1);
        }
        while self.hear().await.context("stopped near the end: run it again to go on")? {}
        self.report.flush().context("cannot write the report")?;
        bar.finish_and_clear();
        Ok(self.counts)
    }

    async fn take(&mut self, row: Row) -> Result<()> {
        let line = row.line;
        let (email, user) = match row.fields {
            Ok(fields) => (Email::parse(&fields.email), read(&fields)),
            Err(reason) => (None, Err(reason)),
        };
        match user.and_then(|user| self.unless_known(user, line)) {
            Ok(user) => self.send(user).await,
            Err(reason) => self.refuse(line, email.as_ref(), &reason),
        }
    }

    /// A second row for one e-mail: nobody could say which of them counts.
    fn unless_known(&mut self, user: ImportedUser, line: u64) -> Result<ImportedUser, String> {
        match self.known.get(user.email().as_str()) {
            Some(first) => Err(format!("email stands in line {first} already")),
            None => {
                self.known.insert(user.email().as_str().to_owned(), line);
                Ok(user)
            }
        }
    }

    async fn send(&mut self, user: ImportedUser) -> Result<()> {
        if self.sent.len() >= AT_ONCE {
            self.hear().await?;
        }
        let auth = self.auth.clone();
        self.sent.spawn(async move { auth.import_user(user).await });
        Ok(())
    }

    /// Waits for one of those that were sent; `false` when there is none left.
    async fn hear(&mut self) -> Result<bool> {
        let Some(outcome) = self.sent.join_next().await else { return Ok(false) };
        match outcome?? {
            Some(_) => self.counts.imported += 1,
            None => self.counts.already_there += 1,
        }
        Ok(true)
    }

    fn refuse(&mut self, line: u64, email: Option<&Email>, reason: &str) -> Result<()> {
        self.counts.refused += 1;
        let email = email.map(Email::typed);
        let row = if self.as_json {
            json!({ "line": line, "email": email, "reason": reason }).to_string()
        } else {
            let who = email.map(|email| format!(" ({})", terminal::shown(email)));
            format!("line {line}{}: {reason}", who.unwrap_or_default())
        };
        writeln!(self.report, "{row}").context("cannot write the report")
    }
}

fn read(fields: &Fields) -> Result<ImportedUser, String> {
    let Fields { name, email, password_hash, created_at } = fields;
    let created_at = match created_at.trim() {
        "" => None,
        text => Some(Timestamp::from_sql(text).ok_or(
            "created_at must look like 2026-01-31 12:30:00 (UTC) or 2026-01-31T12:30:00+01:00",
        )?),
    };
    ImportedUser::read(name.trim(), email, password_hash.trim(), created_at)
        .map_err(|error| tell(error).to_string())
}
