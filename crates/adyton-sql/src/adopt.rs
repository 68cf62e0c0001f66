//! Tables of others: what they must have before Adyton works on them. It looks and never alters.

use crate::db::{FromRow, Row, Tx};
use crate::dialect::{Dialect, Names};
use crate::error::{Result, SqlError};

/// A table that stands in the database.
pub(crate) struct Table {
    name: String,
    columns: Vec<Column>,
    definition: String,
    dialect: Dialect,
}

struct Column {
    name: String,
    kind: String,
    is_key: bool,
    not_null: bool,
    has_default: bool,
    counts_up: bool,
}

impl Table {
    /// Looks for a table; on SQLite in whatever case its name was written.
    pub(crate) async fn find(tx: &mut Tx, name: &str) -> Result<Option<Self>> {
        let dialect = tx.names().dialect;
        let found = tx.fetch_one(dialect.definition_of(), &[name.into()]).await?;
        let Some(definition) = found else { return Ok(None) };
        let columns = tx.fetch(dialect.columns_of(), &[name.into()]).await?;
        Ok(Some(Self { name: name.to_owned(), columns, definition, dialect }))
    }

    /// Its columns, as they are called.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// Refuses a table that lacks a column, whose key is not an integer that the database counts up,
    /// or that could not be written to as it must. Columns that are shown and never written may be
    /// of any type.
    pub(crate) fn check(&self, needed: &[&str], shown: &[String]) -> Result<()> {
        self.has(needed)?;
        self.has(&shown.iter().map(String::as_str).collect::<Vec<_>>())?;
        let sole = self.columns.iter().filter(|column| column.is_key).count() == 1;
        let id = self.column("id")?;
        if !(sole && id.is_key && id.counts_up) {
            return Err(SqlError::ForeignKeyType { table: self.name.clone() });
        }
        if self.dialect == Dialect::Mysql && !self.definition.eq_ignore_ascii_case("innodb") {
            return Err(SqlError::NoTransactions { table: self.name.clone() });
        }
        needed.iter().try_for_each(|column| self.check_kind(self.column(column)?))
    }

    /// Refuses a table that lacks one of these columns.
    pub(crate) fn has(&self, columns: &[&str]) -> Result<()> {
        columns.iter().try_for_each(|column| self.column(column).map(drop))
    }

    /// PostgreSQL compares and writes no value of another kind than the column's.
    fn check_kind(&self, column: &Column) -> Result<()> {
        let (name, kind) = (&*column.name, &*column.kind);
        let good = match name {
            "id" | "tokenable_id" => ["int2", "int4", "int8"].contains(&kind),
            _ if name.ends_with("_at") => ["timestamp", "timestamptz"].contains(&kind),
            _ => ["text", "varchar", "bpchar", "citext", "json"].contains(&kind),
        };
        if good || self.dialect != Dialect::Postgres {
            return Ok(());
        }
        let (table, column, kind) = (self.name.clone(), name.to_owned(), kind.to_owned());
        Err(SqlError::ColumnType { table, column, kind })
    }

    /// What will not go well although the table can be used.
    pub(crate) fn warnings(&self, written: &[&str]) -> Vec<String> {
        let mut warnings = Vec::new();
        let table = &self.name;
        let file = self.dialect == Dialect::Sqlite;
        if file && !self.definition.to_lowercase().contains("autoincrement") {
            warnings.push(format!(
                "the table `{table}` has no AUTOINCREMENT: SQLite may give the id of a deleted row again"
            ));
        }
        for column in &self.columns {
            let filled = written.iter().any(|name| name.eq_ignore_ascii_case(&column.name));
            if column.not_null && !column.has_default && !column.is_key && !filled {
                let column = &column.name;
                warnings.push(format!(
                    "the column `{column}` of `{table}` needs a value and has no default: Adyton cannot insert rows"
                ));
            }
        }
        warnings
    }

    /// The type of a column, as the database calls it.
    pub(crate) fn kind(&self, column: &str) -> Result<&str> {
        Ok(&self.column(column)?.kind)
    }

    /// Whether a column takes null; an error when there is no such column.
    pub(crate) fn takes_null(&self, column: &str) -> Result<bool> {
        Ok(!self.column(column)?.not_null)
    }

    fn column(&self, name: &str) -> Result<&Column> {
        let found = self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name));
        found.ok_or_else(|| SqlError::MissingColumn {
            table: self.name.clone(),
            column: name.to_owned(),
        })
    }
}

impl FromRow for Column {
    fn from_row(row: &mut Row<'_>, _: &Names) -> Result<Self> {
        Ok(Self {
            name: row.get()?,
            kind: row.get()?,
            is_key: row.get()?,
            not_null: row.get()?,
            has_default: row.get()?,
            counts_up: row.get()?,
        })
    }
}
