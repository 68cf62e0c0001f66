//! What can go wrong between Adyton and its database. No error carries a value of a row.

use adyton_core::config::ConfigError;
use adyton_core::secret::EntropyError;
use adyton_core::store::StoreError;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

/// What the functions of this crate return.
pub(crate) type Result<T, E = SqlError> = std::result::Result<T, E>;

/// Why the database could not do what was asked. Cheap to clone: a commit that fails is told to
/// everybody who waited for it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqlError {
    /// The configuration cannot stand.
    #[error("the configuration cannot stand")]
    Config(#[from] ConfigError),
    /// The file or its folder cannot be made or opened.
    #[error("cannot open the database file {}", path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The file cannot be read and written by the user that runs this.
    #[error(
        "cannot open the database file {}: the user that runs this must be able to read and write it and its folder; `connector.options.path` names another place",
        path.display()
    )]
    NotWritable {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// There is no way to the database server, or it does not answer.
    #[error(
        "cannot reach the database {place}: is it running, and are the host, the port and `ssl_mode` right?"
    )]
    Unreachable {
        /// Where it should be.
        place: String,
        /// Why.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The connection to the database server was lost.
    #[error("the connection to the database was lost")]
    Lost(#[source] Arc<dyn Error + Send + Sync>),
    /// The database server does not let this user in.
    #[error(
        "the database {place} refuses the user or the password; see `connector.options`, or `connector.url`"
    )]
    SignInRefused {
        /// Where.
        place: String,
        /// What the server said.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The server has no such database.
    #[error("the server has no database `{database}`; make it with: {cure}")]
    NoDatabase {
        /// Which.
        database: String,
        /// The statement that makes it.
        cure: String,
    },
    /// The user may not do this in the database.
    #[error("the user of the database may not do this; let an administrator run: {cure}")]
    NoRights {
        /// The statement that allows it.
        cure: String,
        /// What the server said.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// Others changed the same rows at the same time, again and again.
    #[error("others changed the same rows at the same time")]
    Conflict(#[source] Arc<dyn Error + Send + Sync>),
    /// This program was built without the database that the configuration names.
    #[error("this program was built without {database}; build it with the Cargo feature for it")]
    NotBuilt {
        /// Which database.
        database: &'static str,
    },
    /// The database refused.
    #[error("the database refused")]
    Database(#[source] Arc<dyn Error + Send + Sync>),
    /// A row with the same unique value exists.
    #[error("a row with this unique value exists")]
    Duplicate,
    /// A change of a table stands already.
    #[error("the table was changed so already")]
    Repeated,
    /// A row holds what no version of Adyton wrote.
    #[error("a row holds a value of an unexpected kind")]
    Unreadable,
    /// The thread that writes has ended, or the work ended in a panic.
    #[error("the writer stopped before it answered")]
    Stopped,
    /// The database ended the transaction by itself.
    #[error("the database rolled the transaction back")]
    RolledBack,
    /// Others keep the file locked.
    #[error(
        "another program keeps the database locked; stop it, or wait until it is done, and repeat"
    )]
    Busy,
    /// A table lacks a column, or would lack it once it is made.
    #[error(
        "the table `{table}` has no column `{column}`; if that is the one that is meant, add it with: ALTER TABLE {table} ADD COLUMN {column} {}",
        kind_of(column)
    )]
    MissingColumn {
        /// Which table.
        table: String,
        /// What it lacks.
        column: String,
    },
    /// An adopted table has a key of another type.
    #[error(
        "the table `{table}` has no integer key: Adyton needs `id INTEGER PRIMARY KEY`, on a server a `BIGINT` that counts up"
    )]
    ForeignKeyType {
        /// Which table.
        table: String,
    },
    /// A column of an adopted table has a type that Adyton cannot write.
    #[error(
        "the column `{column}` of the table `{table}` is of type `{kind}`, which Adyton cannot write"
    )]
    ColumnType {
        /// Which table.
        table: String,
        /// Which column.
        column: String,
        /// Its type.
        kind: String,
    },
    /// An adopted table is of an engine of MySQL that has no transactions.
    #[error(
        "the table `{table}` has no transactions; change it with: ALTER TABLE `{table}` ENGINE = InnoDB"
    )]
    NoTransactions {
        /// Which table.
        table: String,
    },
    /// A table has the name of one of Adyton's own.
    #[error("the table `{table}` exists but was not made by Adyton; rename one of the two")]
    TableTaken {
        /// Which table.
        table: String,
    },
    /// Another Adyton, whose tables have other names, uses this database.
    #[error(
        "the table `{table}` of another Adyton is in this database: the two would mix sessions, used refresh tokens, devices and events. Give this one a database of its own in `connector.url`; or, if nobody uses that table with Adyton any more, run: DELETE FROM adyton_migrations WHERE table_name = '{table}'"
    )]
    OtherAdyton {
        /// The other's table.
        table: String,
    },
    /// A newer version has migrated this database.
    #[error(
        "the database was migrated by a newer version (`{migration}`) than this one, {}: install that version or a later one; where it was migrated, `adyton --version` tells which",
        env!("CARGO_PKG_VERSION")
    )]
    Newer {
        /// What this version does not know.
        migration: String,
    },
    /// Another process migrates this database, and did not come to its end in time.
    #[error(
        "another process has been migrating this database for long; see what it does with: SHOW FULL PROCESSLIST; then run `adyton migrate` again"
    )]
    Migrating,
    /// Migrations are pending.
    #[error("the database is not migrated; run `adyton migrate` first")]
    NotMigrated,
    /// This database has no triggers that tell others of changes, and needs or knows none.
    #[error("there are no triggers for this database: {why}")]
    NoTriggers {
        /// Why not, and what to do instead.
        why: &'static str,
    },
    /// The target of a copy has rows.
    #[error("the table `{table}` of the target is not empty; copy into a new database")]
    NotEmpty {
        /// Which table.
        table: String,
    },
    /// A row cannot be copied.
    #[error("the row {key} of `{table}` cannot be copied; mend it, and copy into a new database")]
    CannotCopy {
        /// Of which table.
        table: String,
        /// Its key.
        key: String,
        /// Why.
        #[source]
        source: Box<SqlError>,
    },
    /// What was copied is not what was read.
    #[error(
        "`{table}` is not the same in both databases: somebody has written to one of them; stop whoever uses them and copy into a new database"
    )]
    Differs {
        /// Which table.
        table: String,
    },
    /// The system gave no random numbers.
    #[error("the system gave no random numbers")]
    Entropy(#[source] Arc<EntropyError>),
}

/// A type that every database has, for a column of this name.
fn kind_of(column: &str) -> &'static str {
    match column {
        "abilities" => "TEXT",
        _ if column.ends_with("_at") => "TIMESTAMP NULL",
        _ if column == "rotation" || column == "remember" || column.ends_with("_id") => "BIGINT",
        _ => "VARCHAR(255)",
    }
}

impl From<SqlError> for StoreError {
    fn from(error: SqlError) -> Self {
        Self::new(error)
    }
}
