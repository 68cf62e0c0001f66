//! `adyton migrate`: brings the tables up to date, tells how they stand, or imports tokens.

use super::{block_on, open_store, terminal};
use crate::config_file::Settings;
use adyton::core::clock::{Clock, SystemClock, Timestamp};
use adyton::core::config::CacheMode;
use adyton::core::user::UserId;
use adyton::sql::{
    ImportReport, MigrationReport, MigrationState, MigrationStatus, SqlStore, TriggerState,
};
use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;
use std::io::Write;

/// What to do with the tables.
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// Only tell which migrations were applied.
    #[arg(long, conflicts_with_all = ["pretend", "import_plaintext_tokens", "with_triggers", "without_triggers"])]
    status: bool,
    /// Only print the SQL that would run.
    #[arg(long, conflicts_with = "import_plaintext_tokens")]
    pretend: bool,
    /// Hash the plain-text tokens in the column `token_field` of `auth_table`, make personal
    /// access tokens of them, and erase them there.
    #[arg(long)]
    import_plaintext_tokens: bool,
    /// On PostgreSQL, install triggers that tell every server of changes by whomever: then verified
    /// tokens are kept in memory.
    #[arg(long, conflicts_with = "without_triggers")]
    with_triggers: bool,
    /// Remove those triggers.
    #[arg(long, conflicts_with = "pretend")]
    without_triggers: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: &Migrate, settings: &Settings, out: &mut impl Write) -> Result<()> {
    let looks = command.status || command.pretend;
    block_on(async {
        let store = if looks {
            SqlStore::inspect(&settings.config).await.context("cannot open the database")?
        } else {
            open_store(settings).await?
        };
        match command {
            Migrate { status: true, json, .. } => status(&store, *json, out).await,
            Migrate { pretend: true, .. } => pretend(&store, command, out).await,
            _ => migrate(&store, command, settings, out).await,
        }
    })
}

async fn migrate(
    store: &SqlStore,
    command: &Migrate,
    settings: &Settings,
    out: &mut impl Write,
) -> Result<()> {
    let migrated = store.migrate(now()).await.context("cannot bring the tables up to date")?;
    if !command.json {
        show(&migrated, out)?;
    }
    change_triggers(store, command, out).await?;
    let triggers = store.triggers().await?;
    if !command.json && !command.without_triggers {
        advise(triggers, settings, out)?;
    }
    let wanted = command.import_plaintext_tokens;
    let imported = if wanted { Some(import(store).await?) } else { None };
    match imported {
        imported if command.json => {
            let mut report = as_json(&migrated, imported.as_ref());
            report["triggers"] = name(triggers).into();
            Ok(writeln!(out, "{report}")?)
        }
        Some(imported) => show_import(&imported, settings, out),
        None => Ok(()),
    }
}

/// Installs or removes the triggers, as was asked.
async fn change_triggers(store: &SqlStore, command: &Migrate, out: &mut impl Write) -> Result<()> {
    let told = if command.with_triggers {
        let installed = store.install_triggers().await.context("cannot install the triggers")?;
        if installed { "the triggers are installed" } else { "the triggers are there already" }
    } else if command.without_triggers {
        store.remove_triggers().await.context("cannot remove the triggers")?;
        "the triggers are removed"
    } else {
        return Ok(());
    };
    if command.json { Ok(()) } else { Ok(writeln!(out, "{told}")?) }
}

/// What is missing where verified tokens could be kept in memory and are not.
fn advise(triggers: TriggerState, settings: &Settings, out: &mut impl Write) -> Result<()> {
    let cached = settings.config.cache.enabled == CacheMode::On;
    if triggers != TriggerState::Missing || !cached {
        return Ok(());
    }
    let advice = "verified tokens are not kept in memory, since nobody would tell of their end; \
                  `adyton migrate --with-triggers` installs what does";
    Ok(writeln!(out, "{advice}")?)
}

fn name(triggers: TriggerState) -> Option<&'static str> {
    match triggers {
        TriggerState::Installed => Some("installed"),
        TriggerState::Missing => Some("missing"),
        _ => None,
    }
}

fn show(migrated: &MigrationReport, out: &mut impl Write) -> Result<()> {
    let (created, altered, adopted) = (&migrated.created, &migrated.altered, &migrated.adopted);
    for (done, tables) in [("created", created), ("altered", altered), ("adopted", adopted)] {
        tables.iter().try_for_each(|table| writeln!(out, "{done} {table}"))?;
    }
    for warning in &migrated.warnings {
        writeln!(out, "warning: {warning}")?;
    }
    Ok(writeln!(out, "the tables are up to date")?)
}

/// One object, whether or not there was an import.
fn as_json(migrated: &MigrationReport, imported: Option<&ImportReport>) -> serde_json::Value {
    let MigrationReport { created, altered, adopted, warnings, .. } = migrated;
    let mut report = json!({
        "created": created, "altered": altered, "adopted": adopted, "warnings": warnings,
    });
    if let Some(imported) = imported {
        report["imported"] = imported.imported.into();
        report["malformed"] = ids(&imported.malformed).into();
        report["duplicates"] = ids(&imported.duplicates).into();
    }
    report
}

async fn status(store: &SqlStore, json: bool, out: &mut impl Write) -> Result<()> {
    let (migrations, triggers) = (store.status().await?, name(store.triggers().await?));
    if json {
        let told = json!({ "migrations": statuses(&migrations), "triggers": triggers });
        return Ok(writeln!(out, "{told}")?);
    }
    for migration in &migrations {
        let (state, at) = parts(&migration.state);
        let at = at.map(|at| at.to_string()).unwrap_or_default();
        writeln!(out, "{}\t{}\t{state} {at}", migration.name, migration.table)?;
    }
    match triggers {
        Some(triggers) => Ok(writeln!(out, "triggers\t\t{triggers}")?),
        None => Ok(()),
    }
}

async fn pretend(store: &SqlStore, command: &Migrate, out: &mut impl Write) -> Result<()> {
    let mut sql = store.pretend().await?;
    if command.with_triggers {
        sql += &store.pretend_triggers().await?;
    }
    if command.json {
        writeln!(out, "{}", json!({ "sql": sql }))?;
    } else {
        write!(out, "{sql}")?;
    }
    Ok(())
}

async fn import(store: &SqlStore) -> Result<ImportReport> {
    let bar = terminal::progress("tokens imported");
    let report = store.import_plaintext_tokens(now(), |done, _| bar.set_position(done)).await?;
    bar.finish_and_clear();
    Ok(report)
}

fn show_import(report: &ImportReport, settings: &Settings, out: &mut impl Write) -> Result<()> {
    writeln!(out, "imported {} tokens", report.imported)?;
    let (malformed, duplicates) = (ids(&report.malformed), ids(&report.duplicates));
    if !malformed.is_empty() {
        writeln!(
            out,
            "not imported, since they are not 16 to 255 printable characters: those of the users {malformed:?}"
        )?;
    }
    if !duplicates.is_empty() {
        writeln!(
            out,
            "erased but not imported, since they were in the token table already: those of the users {duplicates:?}"
        )?;
    }
    if !settings.config.compat.imported_tokens {
        writeln!(out, "set `compat.imported_tokens = true`, or they will not be accepted")?;
    }
    Ok(())
}

fn ids(users: &[UserId]) -> Vec<i64> {
    users.iter().map(|id| id.0).collect()
}

fn statuses(migrations: &[MigrationStatus]) -> Vec<serde_json::Value> {
    let status = |migration: &MigrationStatus| {
        let (state, at) = parts(&migration.state);
        json!({ "name": migration.name, "table": migration.table, "state": state, "at": at })
    };
    migrations.iter().map(status).collect()
}

fn parts(state: &MigrationState) -> (&'static str, Option<Timestamp>) {
    match state {
        MigrationState::Applied(at) => ("applied", Some(*at)),
        MigrationState::Adopted(at) => ("adopted", Some(*at)),
        MigrationState::PendingAdoption => ("pending, adopts", None),
        _ => ("pending", None),
    }
}

fn now() -> Timestamp {
    SystemClock::default().now()
}
