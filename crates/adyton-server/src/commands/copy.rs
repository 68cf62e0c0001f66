//! `adyton copy`: everything into another database, such as from a file to a server.

use super::{block_on, terminal};
use crate::config_file::Settings;
use adyton::Config;
use adyton::core::clock::{Clock, SystemClock};
use adyton::core::config::{Connector, Driver, Place};
use adyton::sql::{CopyReport, SqlStore};
use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::json;
use std::fs;
use std::io::Write;

/// From where to where.
#[derive(Debug, Args)]
pub(crate) struct Copy {
    /// The database to read; it is the configured one unless said otherwise.
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    /// The empty database to fill, such as `postgres://user@host/database`; `-` reads the URL from
    /// standard input, where nobody else sees the password in it.
    #[arg(long, value_name = "URL")]
    to: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: &Copy, settings: &Settings, out: &mut impl Write) -> Result<()> {
    let source = match &command.from {
        Some(url) => at(settings, url.clone()),
        None => settings.config.clone(),
    };
    let target = match command.to.as_str() {
        "-" => at(settings, terminal::first_line()?.to_string()),
        url => at(settings, url.to_owned()),
    };
    ensure!(!is_same(&source, &target), "source and target are the same database");
    block_on(async {
        let report = copy(&source, &target).await?;
        if command.json { as_json(&report, out) } else { show(&report, out) }
    })
}

/// The same options with another database.
fn at(settings: &Settings, url: String) -> Config {
    let mut config = settings.config.clone();
    config.connector = Connector::default();
    config.connector.url = Some(url);
    config
}

/// Whether both name one database. Of servers with two names nobody knows; but a source with rows in
/// it is no empty target.
fn is_same(source: &Config, target: &Config) -> bool {
    let file = |config: &Config| match config.connector.driver() {
        Driver::Sqlite => fs::canonicalize(config.connector.sqlite_path()).ok(),
        _ => None,
    };
    source.connector == target.connector
        || file(source).is_some_and(|source| file(target) == Some(source))
}

async fn copy(source: &Config, target: &Config) -> Result<CopyReport> {
    if let Place::File(path) = source.connector.place()? {
        ensure!(path.exists(), "there is no database file {}", path.display());
    }
    let from = SqlStore::inspect(source).await.context("cannot open the source")?;
    ensure!(
        from.is_current().await.context("cannot read the source")?,
        "the source is not migrated; run `adyton migrate` on it first"
    );
    let to = SqlStore::open(target).await.context("cannot open the target")?;
    let now = SystemClock::default().now();
    to.migrate(now).await.context("cannot make the tables of the target")?;
    let bar = terminal::progress("rows copied");
    let report = from
        .copy_to(&to, |table, done, total| {
            bar.set_message(format!("rows of {table} copied"));
            bar.set_length(total);
            bar.set_position(done);
        })
        .await?;
    bar.finish_and_clear();
    Ok(report)
}

fn show(report: &CopyReport, out: &mut impl Write) -> Result<()> {
    for (table, rows) in &report.tables {
        writeln!(out, "copied {rows} rows of {table}")?;
    }
    for column in &report.left_behind {
        writeln!(out, "not copied: the column {}", terminal::shown(column))?;
    }
    Ok(writeln!(out, "both databases hold the same")?)
}

fn as_json(report: &CopyReport, out: &mut impl Write) -> Result<()> {
    let tables: serde_json::Map<_, _> =
        report.tables.iter().map(|(table, rows)| (table.clone(), (*rows).into())).collect();
    Ok(writeln!(out, "{}", json!({ "tables": tables, "notCopied": report.left_behind }))?)
}
