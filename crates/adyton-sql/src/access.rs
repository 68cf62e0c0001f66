//! What a node needs of a database before it serves: every column of its own tables, and on a server
//! the right to write them. It only looks: statements are explained, and none is run.
//!
//! Nobody needs to write users: where others make them, Adyton may be kept from it.

use crate::SqlStore;
use crate::adopt::Table;
use crate::copy::PARTS;
use crate::db::{Tx, Value};
use crate::dialect::Dialect;
use crate::error::{Result, SqlError};
use crate::migrate::Entry;
use std::error::Error;

macro_rules! writes {
    ($($table:literal $column:literal,)*) => {
        &[$(
            concat!("EXPLAIN INSERT INTO ", $table, " (", $column, ") SELECT ", $column, " FROM ", $table),
            concat!("EXPLAIN UPDATE ", $table, " SET ", $column, " = ", $column),
            concat!("EXPLAIN DELETE FROM ", $table),
        )*]
    };
}

const WRITES: &[&str] = writes![
    "{tokens}" "expires_at",
    "{sessions}" "guard",
    "auth_superseded_tokens" "hash",
    "auth_devices" "name",
    "auth_events" "event",
];

impl SqlStore {
    /// Whether a node can work on this database, which is migrated.
    ///
    /// # Errors
    /// [`SqlError::MissingColumn`] when one of Adyton's own tables lacks a column;
    /// [`SqlError::NoRights`] with what would give them.
    pub async fn check_access(&self) -> Result<(), SqlError> {
        self.db.snapshot(|tx| Box::pin(check_columns(tx))).await?;
        if self.db.is_file() {
            return Ok(());
        }
        for &sql in WRITES {
            let explained = self.db.transaction(move |tx| Box::pin(tx.script(sql))).await;
            // Not every relative of these databases explains everything.
            if let Err(error @ SqlError::NoRights { .. }) = explained {
                return Err(error);
            }
        }
        if self.db.names().dialect == Dialect::Postgres {
            self.check_sequences().await
        } else {
            Ok(())
        }
    }

    /// Keys of Laravel's tables come of sequences, which have rights of their own.
    async fn check_sequences(&self) -> Result<()> {
        for part in PARTS.iter().filter(|part| part.counts_up && part.table != "{users}") {
            let table = Value::from(part.name(self.db.names()));
            let cure: Option<String> = self.db.fetch_one(MISSING_USAGE, &[table]).await?;
            if let Some(cure) = cure {
                let source = Box::<dyn Error + Send + Sync>::from("no usage of a sequence").into();
                return Err(SqlError::NoRights { cure, source });
            }
        }
        Ok(())
    }
}

/// What would give the right to draw keys, where that is missing; an identity column needs none.
const MISSING_USAGE: &str = "
    SELECT 'GRANT USAGE ON SEQUENCE ' || sequence || ' TO ' || quote_ident(current_user)
    FROM (SELECT pg_get_serial_sequence(quote_ident(?), 'id') AS sequence, attidentity
          FROM pg_attribute WHERE attrelid = to_regclass(quote_ident(?^)) AND attname = 'id') keys
    WHERE attidentity = '' AND NOT has_sequence_privilege(sequence, 'USAGE')";

async fn check_columns(tx: &mut Tx) -> Result<()> {
    let own = PARTS.iter().filter(|part| !["{users}", "{tokens}"].contains(&part.table));
    for part in own {
        let name = part.name(tx.names()).to_owned();
        if let Some(table) = Table::find(tx, &name).await? {
            table.has(part.columns)?;
        }
    }
    Ok(())
}

/// Refuses a database with tables of an Adyton that calls them otherwise. The names of some are fixed,
/// and their rows tell sessions and users by ids alone: those of one would be taken for the other's.
pub(crate) async fn refuse_another(tx: &mut Tx, ledger: &[Entry]) -> Result<()> {
    for Entry { table, .. } in ledger {
        let names = tx.names();
        let ours = PARTS.iter().any(|part| names.dialect.is_same(part.name(names), table));
        if !ours && Table::find(tx, table).await?.is_some() {
            return Err(SqlError::OtherAdyton { table: table.clone() });
        }
    }
    Ok(())
}
