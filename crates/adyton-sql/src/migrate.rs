//! Migrations: makes the tables that are missing, adopts those that exist. One process does so at
//! a time, and all of it is one transaction with its ledger, so that one that is killed does no
//! harm. MySQL commits each change of a table by itself: there each migration is one statement,
//! and the ledger is written so that a repetition goes on where the last one was killed.
//!
//! It alters nothing that it did not make: neither a column nor an index of an adopted table.

use crate::SqlStore;
use crate::access;
use crate::adopt::Table;
use crate::db::{FromRow, Row, Tx};
use crate::dialect::{Dialect, Names};
use crate::error::{Result, SqlError};
use adyton_core::clock::Timestamp;

const LEDGER: &str = "
CREATE TABLE IF NOT EXISTS adyton_migrations (
  name VARCHAR(64) NOT NULL,
  table_name VARCHAR(64) NOT NULL,
  adopted INTEGER NOT NULL,
  applied_at {timestamp} NOT NULL,
  PRIMARY KEY (name, table_name)
);
";

const USER_COLUMNS: [&str; 6] = ["id", "name", "email", "password", "created_at", "updated_at"];
const TOKEN_COLUMNS: [&str; 9] = [
    "id",
    "tokenable_type",
    "tokenable_id",
    "name",
    "abilities",
    "last_used_at",
    "expires_at",
    "created_at",
    "updated_at",
];

/// One table and the text that makes it, or changes what an earlier one has made.
struct Migration {
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
    mysql: &'static str,
    subject: Subject,
    alters: bool,
}

impl Migration {
    fn sql(&self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
            Dialect::Mysql => self.mysql,
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Subject {
    Users,
    Tokens,
    Sessions,
    Own(&'static str),
}

macro_rules! migration {
    ($name:literal, alters $subject:expr) => {
        Migration { alters: true, ..migration!($name, $subject) }
    };
    ($name:literal, $subject:expr) => {
        Migration {
            name: $name,
            sqlite: include_str!(concat!("../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../migrations/postgres/", $name, ".sql")),
            mysql: include_str!(concat!("../migrations/mysql/", $name, ".sql")),
            subject: $subject,
            alters: false,
        }
    };
}

const MIGRATIONS: [Migration; 9] = [
    migration!("0001_users", Subject::Users),
    migration!("0002_personal_access_tokens", Subject::Tokens),
    migration!("0003_auth_sessions", Subject::Sessions),
    migration!("0004_auth_superseded_tokens", Subject::Own("auth_superseded_tokens")),
    migration!("0005_auth_events", Subject::Own("auth_events")),
    migration!("0006_auth_sessions_remember", alters Subject::Sessions),
    migration!("0007_auth_devices", Subject::Own("auth_devices")),
    migration!("0008_auth_sessions_device", alters Subject::Sessions),
    migration!("0009_auth_events_details", alters Subject::Own("auth_events")),
];

/// A migration and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MigrationStatus {
    /// Its name.
    pub name: &'static str,
    /// The table that it is about.
    pub table: String,
    /// How it stands.
    pub state: MigrationState,
}

/// How a migration stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MigrationState {
    /// Adyton has made the table, or changed it.
    Applied(Timestamp),
    /// The table existed and was adopted.
    Adopted(Timestamp),
    /// The table is missing and would be made, or is ours and would be changed.
    Pending,
    /// The table exists and would be adopted.
    PendingAdoption,
}

/// What a migration has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MigrationReport {
    /// The tables that were made.
    pub created: Vec<String>,
    /// The tables of Adyton's own that were changed.
    pub altered: Vec<String>,
    /// The tables that were adopted.
    pub adopted: Vec<String>,
    /// What will not go well, in a sentence each.
    pub warnings: Vec<String>,
}

impl SqlStore {
    /// Makes the tables that are missing and adopts those that exist. Safe to repeat, from two
    /// processes at once, and after one was killed half-way.
    ///
    /// # Errors
    /// [`SqlError`] when a table cannot be adopted or a newer version or another Adyton is
    /// here; nothing is changed.
    pub async fn migrate(&self, now: Timestamp) -> Result<MigrationReport, SqlError> {
        let report = self.db.migration(move |tx| Box::pin(migrate(tx, now))).await?;
        for warning in &report.warnings {
            tracing::warn!("{warning}");
        }
        Ok(report)
    }

    /// Makes sure that the tables are up to date: in a file by migrating, on a server, where other
    /// nodes may be at work, by looking. What else a node needs of them is checked too.
    ///
    /// # Errors
    /// [`SqlError::NotMigrated`] on a server whose tables are not; else as
    /// [`migrate`](Self::migrate) and [`check_access`](Self::check_access).
    pub async fn prepare(&self, now: Timestamp) -> Result<(), SqlError> {
        if self.db.is_file() {
            self.migrate(now).await?;
        } else if !self.is_current().await? {
            return Err(SqlError::NotMigrated);
        }
        self.check_access().await
    }

    /// Every migration and how it stands.
    ///
    /// # Errors
    /// As [`migrate`](Self::migrate), which would then fail too.
    pub async fn status(&self) -> Result<Vec<MigrationStatus>, SqlError> {
        let plan = self.db.snapshot(|tx| Box::pin(plan(tx))).await?;
        Ok(plan.into_iter().map(|step| step.status).collect())
    }

    /// The SQL that [`migrate`](Self::migrate) would run now, and nothing changes; empty when
    /// there is nothing to do.
    ///
    /// # Errors
    /// As [`migrate`](Self::migrate), which would then fail too.
    pub async fn pretend(&self) -> Result<String, SqlError> {
        let plan = self.db.snapshot(|tx| Box::pin(plan(tx))).await?;
        let texts = plan.iter().filter_map(|step| step.pretend(self.db.names()));
        let text: String = texts.collect();
        let ledger = self.db.names().render(LEDGER).text;
        Ok(if text.is_empty() { text } else { ledger.trim_start().to_owned() + &text })
    }

    /// Whether there is nothing to migrate.
    ///
    /// # Errors
    /// As [`migrate`](Self::migrate), which would then fail too.
    pub async fn is_current(&self) -> Result<bool, SqlError> {
        let done = |status: &MigrationStatus| {
            matches!(status.state, MigrationState::Applied(_) | MigrationState::Adopted(_))
        };
        Ok(self.status().await?.iter().all(done))
    }

    /// Whether the token table was there before Adyton: then its tokens have Sanctum's form.
    ///
    /// # Errors
    /// As [`migrate`](Self::migrate), which would then fail too.
    pub async fn adopted_token_table(&self) -> Result<bool, SqlError> {
        let adopted = |step: &Step| {
            step.migration.subject == Subject::Tokens
                && matches!(step.status.state, MigrationState::Adopted(_))
        };
        let plan = self.db.snapshot(|tx| Box::pin(plan(tx))).await?;
        Ok(plan.iter().any(adopted))
    }
}

/// A migration in the light of what stands in the database.
struct Step {
    migration: &'static Migration,
    status: MigrationStatus,
    warnings: Vec<String>,
}

impl Step {
    fn pretend(&self, names: &Names) -> Option<String> {
        let table = &self.status.table;
        let (sql, adopted) = match self.status.state {
            MigrationState::Pending => {
                (names.render(self.migration.sql(names.dialect)).text.to_string(), 0)
            }
            MigrationState::PendingAdoption => (format!("-- adopts the table {table}\n"), 1),
            _ => return None,
        };
        let name = self.migration.name;
        let now = names.dialect.utc_now();
        Some(format!(
            "\n{sql}INSERT INTO adyton_migrations (name, table_name, adopted, applied_at) \
             VALUES ('{name}', '{table}', {adopted}, {now});\n"
        ))
    }
}

async fn migrate(tx: &mut Tx, now: Timestamp) -> Result<MigrationReport> {
    let plan = plan(tx).await?;
    let mut report = MigrationReport::default();
    for Step { migration, status, warnings } in plan {
        let adopted = match status.state {
            MigrationState::Pending => false,
            MigrationState::PendingAdoption => true,
            _ => continue,
        };
        apply(tx, migration, &status.table, adopted, now).await?;
        report.warnings.extend(warnings);
        let tables = match migration {
            _ if adopted => &mut report.adopted,
            Migration { alters: true, .. } if report.created.contains(&status.table) => continue,
            Migration { alters: true, .. } => &mut report.altered,
            _ => &mut report.created,
        };
        tables.push(status.table);
    }
    Ok(report)
}

/// Makes or changes a table, and enters that into the ledger. Killed in between where this is no
/// transaction, a table that is entered and missing is made again; a change that is not entered is
/// made again, and if it stands, that is all there is to do.
async fn apply(
    tx: &mut Tx,
    migration: &Migration,
    table: &str,
    adopted: bool,
    now: Timestamp,
) -> Result<()> {
    let sql = migration.sql(tx.names().dialect);
    if migration.alters {
        tx.alter(sql).await?;
    }
    enter(tx, migration, table, adopted, now).await?;
    if !adopted && !migration.alters {
        tx.script(sql).await?;
    }
    Ok(())
}

/// Enters a migration into the ledger, in place of what was there for a table that is gone.
async fn enter(
    tx: &mut Tx,
    migration: &Migration,
    table: &str,
    adopted: bool,
    now: Timestamp,
) -> Result<()> {
    tx.script(LEDGER).await?;
    let old = "DELETE FROM adyton_migrations WHERE name = ? AND table_name = ?";
    tx.execute(old, &[migration.name.into(), table.into()]).await?;
    let new = "INSERT INTO adyton_migrations (name, table_name, adopted, applied_at)
               VALUES (?, ?, ?, ?)";
    let row = [migration.name.into(), table.into(), adopted.into(), now.into()];
    tx.execute(new, &row).await?;
    Ok(())
}

/// The plan, of one state of the database.
async fn plan(tx: &mut Tx) -> Result<Vec<Step>> {
    let ledger = read_ledger(tx).await?;
    access::refuse_another(tx, &ledger).await?;
    let dialect = tx.names().dialect;
    let mut plan = Vec::new();
    for migration in &MIGRATIONS {
        let table = migration.subject.table(tx.names()).to_owned();
        let entry = ledger
            .iter()
            .find(|entry| entry.name == migration.name && dialect.is_same(&entry.table, &table));
        let standing = Table::find(tx, &table).await?;
        let warnings = match &standing {
            Some(_) if migration.alters => Vec::new(),
            Some(standing) => migration.subject.check(standing, tx.names(), entry.is_some())?,
            None => migration.subject.check_new(tx.names()).map(|()| Vec::new())?,
        };
        let state = match (standing, entry) {
            (None, _) => MigrationState::Pending,
            (Some(_), None) if migration.alters => MigrationState::Pending,
            (Some(_), None) => MigrationState::PendingAdoption,
            (Some(_), Some(entry)) if entry.adopted => MigrationState::Adopted(entry.at),
            (Some(_), Some(entry)) => MigrationState::Applied(entry.at),
        };
        let status = MigrationStatus { name: migration.name, table, state };
        plan.push(Step { migration, status, warnings });
    }
    Ok(plan)
}

pub(crate) struct Entry {
    name: String,
    pub(crate) table: String,
    adopted: bool,
    at: Timestamp,
}

/// Reads what was done before. An entry that this version does not know was made by a newer one.
async fn read_ledger(tx: &mut Tx) -> Result<Vec<Entry>> {
    if Table::find(tx, "adyton_migrations").await?.is_none() {
        return Ok(Vec::new());
    }
    let sql = "SELECT name, table_name, adopted, applied_at FROM adyton_migrations";
    let ledger: Vec<Entry> = tx.fetch(sql, &[]).await?;
    let known = |entry: &&Entry| MIGRATIONS.iter().any(|migration| migration.name == entry.name);
    match ledger.iter().find(|entry| !known(entry)) {
        Some(newer) => Err(SqlError::Newer { migration: newer.name.clone() }),
        None => Ok(ledger),
    }
}

impl FromRow for Entry {
    fn from_row(row: &mut Row<'_>, _: &Names) -> Result<Self> {
        let (name, table) = (row.get()?, row.get()?);
        Ok(Self { name, table, adopted: row.get()?, at: row.get()? })
    }
}

impl Subject {
    fn table(self, names: &Names) -> &str {
        match self {
            Self::Users => &names.users,
            Self::Tokens => &names.tokens,
            Self::Sessions => &names.sessions,
            Self::Own(name) => name,
        }
    }

    /// Refuses to make a table that would lack what the configuration names.
    fn check_new(self, names: &Names) -> Result<()> {
        let made = |column: &&String| USER_COLUMNS.iter().any(|c| c.eq_ignore_ascii_case(column));
        match names.user_columns.iter().find(|column| !made(column)) {
            Some(column) if self == Self::Users => {
                let table = self.table(names).to_owned();
                Err(SqlError::MissingColumn { table, column: column.clone() })
            }
            _ => Ok(()),
        }
    }

    /// Refuses a table that Adyton cannot work on; says what is doubtful. Those that may be
    /// somebody else's are checked at every start, since the configuration names their columns.
    fn check(self, table: &Table, names: &Names, ours: bool) -> Result<Vec<String>> {
        let columns: Vec<&str> = match self {
            Self::Users => USER_COLUMNS.to_vec(),
            Self::Tokens => TOKEN_COLUMNS.into_iter().chain([&*names.token_field]).collect(),
            Self::Sessions | Self::Own(_) if ours => return Ok(Vec::new()),
            Self::Sessions | Self::Own(_) => {
                return Err(SqlError::TableTaken { table: self.table(names).to_owned() });
            }
        };
        let shown = if self == Self::Users { &*names.user_columns } else { &[] };
        table.check(&columns, shown)?;
        Ok(table.warnings(&columns))
    }
}
