//! Triggers on PostgreSQL, by which its changes are heard of elsewhere: whoever deletes a token, by
//! whatever program, tells every node that keeps verified tokens in memory. The other databases
//! have none: SQLite tells by itself, and MySQL cannot.
//!
//! What is watched is what a cached principal holds. A use (`last_used_at`, `last_seen_at`) is not
//! among it, nor is a session that is to live longer: a cached one is looked up anew before it is
//! refused as over. One that is to live shorter is told of.

use crate::SqlStore;
use crate::db::Tx;
use crate::dialect::{Dialect, Names};
use crate::error::{Result, SqlError};
use adyton_core::config::Config;

/// Finds the tables of those triggers that are there as they should be, and at work. Their argument
/// is the list of columns that they watch. The second column is another once a trigger was changed,
/// as when it was off for a moment.
pub(crate) const INSTALLED: &str = r"
    SELECT t.tgrelid::bigint, t.xmin::text::bigint FROM pg_trigger t JOIN (VALUES
      (to_regclass('{users}'), 'adyton_tells', '{u.watched}\000'),
      (to_regclass('{tokens}'), 'adyton_tells', '{t.watched}\000'),
      (to_regclass('{sessions}'), 'adyton_tells', '{s.watched}\000'),
      (to_regclass('{sessions}'), 'adyton_tells_end', 'expires_at\000')
    ) AS wanted (relid, name, args)
      ON t.tgrelid = wanted.relid AND t.tgname = wanted.name
      AND encode(t.tgargs, 'escape') = wanted.args
    WHERE t.tgenabled IN ('O', 'A')";
/// How many those are.
pub(crate) const COUNT: usize = 4;

/// A function that does something else some day has another name.
const FUNCTION: &str = include_str!("../migrations/postgres/trigger_function.sql");
const TRIGGERS: &str = include_str!("../migrations/postgres/triggers.sql");
const REMOVAL: &str = "
DROP TRIGGER IF EXISTS adyton_tells ON {users};
DROP TRIGGER IF EXISTS adyton_tells ON {tokens};
DROP TRIGGER IF EXISTS adyton_tells ON {sessions};
DROP TRIGGER IF EXISTS adyton_tells_end ON {sessions};
";

/// The columns of users that count, before those of `user_columns`.
const OF_USERS: [&str; 6] = ["id", "name", "email", "password", "created_at", "updated_at"];
/// The columns of tokens that count, before that of the hash.
const OF_TOKENS: [&str; 7] =
    ["id", "tokenable_type", "tokenable_id", "name", "abilities", "expires_at", "created_at"];
/// The columns of sessions that count, `expires_at` apart.
const OF_SESSIONS: [&str; 14] = [
    "id",
    "public_id",
    "user_id",
    "guard",
    "abilities",
    "secret_hash",
    "access_token_id",
    "previous_access_token_id",
    "device_name",
    "user_agent",
    "network",
    "remember",
    "created_at",
    "revoked_at",
];

/// The watched columns of users, tokens and sessions, quoted.
pub(crate) fn watched(config: &Config) -> [String; 3] {
    let list = |columns: &[&str], more: &[String]| {
        let more = more.iter().map(String::as_str).filter(|column| !columns.contains(column));
        let all: Vec<_> = columns.iter().copied().chain(more).collect();
        all.iter().map(|column| format!("\"{column}\"")).collect::<Vec<_>>().join(", ")
    };
    [
        list(&OF_USERS, &config.user_columns),
        list(&OF_TOKENS, std::slice::from_ref(&config.token_field)),
        list(&OF_SESSIONS, &[]),
    ]
}

/// Whether changes by others can be heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TriggerState {
    /// The triggers are there and at work.
    Installed,
    /// Some are missing, switched off, or watch other columns than the configuration names:
    /// verified tokens are not kept in memory.
    Missing,
    /// This database has none.
    Unsupported,
}

impl SqlStore {
    /// Whether the triggers are installed.
    ///
    /// # Errors
    /// [`SqlError`] when the database cannot be read.
    pub async fn triggers(&self) -> Result<TriggerState, SqlError> {
        if self.db.names().dialect != Dialect::Postgres {
            return Ok(TriggerState::Unsupported);
        }
        let found: Vec<i64> = self.db.fetch(INSTALLED, &[]).await?;
        Ok(if found.len() == COUNT { TriggerState::Installed } else { TriggerState::Missing })
    }

    /// Installs the triggers, in place of those that watch other columns. The tables must be there:
    /// see [`migrate`](Self::migrate). Returns whether there was anything to do.
    ///
    /// # Errors
    /// [`SqlError::NoTriggers`] on a database that has none; [`SqlError::NoRights`] with what would
    /// give them.
    pub async fn install_triggers(&self) -> Result<bool, SqlError> {
        self.refuse_without_triggers()?;
        let installed = self.db.migration(|tx| Box::pin(install(tx))).await;
        self.advise(installed).await
    }

    /// Removes the triggers, and what they run if no others run it.
    ///
    /// # Errors
    /// As [`install_triggers`](Self::install_triggers).
    pub async fn remove_triggers(&self) -> Result<(), SqlError> {
        self.refuse_without_triggers()?;
        let removed = self.db.migration(|tx| Box::pin(remove(tx))).await;
        self.advise(removed).await
    }

    /// The SQL that [`install_triggers`](Self::install_triggers) would run, for somebody who may;
    /// empty when there is nothing to do.
    ///
    /// # Errors
    /// As [`install_triggers`](Self::install_triggers).
    pub async fn pretend_triggers(&self) -> Result<String, SqlError> {
        self.refuse_without_triggers()?;
        if self.triggers().await? == TriggerState::Installed {
            return Ok(String::new());
        }
        let function = if self.has_function().await? { "" } else { FUNCTION };
        Ok(format!("{function}{}", self.db.names().render(TRIGGERS).text))
    }

    fn refuse_without_triggers(&self) -> Result<()> {
        match self.db.names().dialect {
            Dialect::Postgres => Ok(()),
            Dialect::Sqlite => Err(SqlError::NoTriggers {
                why: "a SQLite file tells of changes by itself: there is nothing to install",
            }),
            Dialect::Mysql => Err(SqlError::NoTriggers {
                why: "MySQL cannot tell other processes of a change, so verified tokens are not \
                      kept in memory; where Adyton alone writes, set `cache.enabled = \"exclusive\"`",
            }),
        }
    }

    async fn has_function(&self) -> Result<bool> {
        Ok(self.db.fetch_one::<i64>(FUNCTION_COUNT, &[]).await? > Some(0))
    }

    /// Says what would give the rights that were missing.
    async fn advise<T>(&self, done: Result<T>) -> Result<T> {
        let Err(SqlError::NoRights { source, .. }) = done else { return done };
        let user: Option<String> = self.db.fetch_one("SELECT current_user::text", &[]).await?;
        let Names { users, tokens, sessions, .. } = self.db.names();
        let user = user.unwrap_or_default();
        let cure = format!(
            "GRANT TRIGGER ON \"{users}\", \"{tokens}\", \"{sessions}\" TO \"{user}\"; \
             GRANT USAGE, CREATE ON SCHEMA public TO \"{user}\" \
             (or, as the owner of the tables, what `adyton migrate --pretend --with-triggers` prints)"
        );
        Err(SqlError::NoRights { cure, source })
    }
}

const FUNCTION_COUNT: &str = "SELECT COUNT(*) FROM pg_proc WHERE oid = to_regproc('adyton_tell')";

async fn install(tx: &mut Tx) -> Result<bool> {
    if tx.fetch::<i64>(INSTALLED, &[]).await?.len() == COUNT {
        return Ok(false);
    }
    // Where notifications are missing, a trigger that sends them would fail each write.
    tx.execute("SELECT pg_notify('adyton', '')", &[]).await?;
    if tx.fetch_one::<i64>(FUNCTION_COUNT, &[]).await? == Some(0) {
        tx.script(FUNCTION).await?;
    }
    tx.script(TRIGGERS).await?;
    Ok(true)
}

async fn remove(tx: &mut Tx) -> Result<()> {
    tx.script(REMOVAL).await?;
    let uses = "SELECT COUNT(*) FROM pg_trigger WHERE tgfoid = to_regproc('adyton_tell')";
    if tx.fetch_one::<i64>(uses, &[]).await? == Some(0) {
        tx.script("DROP FUNCTION IF EXISTS adyton_tell()").await?;
    }
    Ok(())
}
