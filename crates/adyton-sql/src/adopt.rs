//! Tables of others: what they must have before Adyton works on them. It looks and never alters.

use crate::db::{FromRow, Row, Tx};
use crate::dialect::{COLUMNS_OF, DEFINITION_OF, Names};
use crate::error::{Result, SqlError};

/// A table that stands in the database.
pub(crate) struct Table {
    name: String,
    columns: Vec<Column>,
    definition: String,
}

struct Column {
    name: String,
    kind: String,
    key: i64,
    not_null: bool,
    has_default: bool,
}

impl Table {
    /// Looks for a table, in whatever case its name was written.
    pub(crate) async fn find(tx: &mut Tx, name: &str) -> Result<Option<Self>> {
        let found = tx.fetch_one(DEFINITION_OF, &[name.into()]).await?;
        let Some(definition) = found else { return Ok(None) };
        let columns = tx.fetch(COLUMNS_OF, &[name.into()]).await?;
        Ok(Some(Self { name: name.to_owned(), columns, definition }))
    }

    /// Refuses a table that lacks a column, or whose key is not an integer that SQLite counts up.
    pub(crate) fn check(&self, needed: &[&str]) -> Result<()> {
        for column in needed {
            self.column(column)?;
        }
        let sole = self.columns.iter().filter(|column| column.key > 0).count() == 1;
        let id = self.column("id")?;
        if sole && id.key > 0 && id.kind.eq_ignore_ascii_case("integer") {
            return Ok(());
        }
        Err(SqlError::ForeignKeyType { table: self.name.clone() })
    }

    /// What will not go well although the table can be used.
    pub(crate) fn warnings(&self, written: &[&str]) -> Vec<String> {
        let mut warnings = Vec::new();
        let table = &self.name;
        if !self.definition.to_lowercase().contains("autoincrement") {
            warnings.push(format!(
                "the table `{table}` has no AUTOINCREMENT: SQLite may give the id of a deleted row again"
            ));
        }
        for column in &self.columns {
            let filled = written.iter().any(|name| name.eq_ignore_ascii_case(&column.name));
            if column.not_null && !column.has_default && column.key == 0 && !filled {
                let column = &column.name;
                warnings.push(format!(
                    "the column `{column}` of `{table}` needs a value and has no default: Adyton cannot insert rows"
                ));
            }
        }
        warnings
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
    fn from_row(row: &mut Row, _: &Names) -> Result<Self> {
        Ok(Self {
            name: row.get()?,
            kind: row.get()?,
            key: row.get()?,
            not_null: row.get()?,
            has_default: row.get()?,
        })
    }
}
