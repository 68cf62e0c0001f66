//! Names and what differs between databases: SQL is written once, with names in braces, and is
//! rendered here. Nothing here runs a statement, and no value ever becomes part of a text.
//!
//! | written | rendered |
//! | --- | --- |
//! | `{users}` `{tokens}` `{sessions}` | the configured table, quoted |
//! | `{token}` | the configured column of hashes, quoted |
//! | `{u.*}` `{t.*}` `{s.*}` | the columns that [`users`], [`tokens`] and [`sessions`] read |
//! | `{u.watched}` `{t.watched}` `{s.watched}` | the columns whose changes [`triggers`] tell of, quoted |
//! | `{user_columns}` `{user_marks}` | those of `user_columns`, each after a comma, and as many marks |
//! | `{ours}` `{t.ours}` | whether the owner of a token has this type, letter by letter |
//! | `{lower_email}` | the e-mail, compared without case |
//! | `{for_update}` | holds the row until the commit, where writers are not alone as on SQLite |
//! | `{timestamp}` `{utc_now}` | the type of a point in time, and the present one |
//! | `{tokens:raw}` | the name without quotes, as a part of another name |
//! | `?` | the next parameter; `?^` is the one before it once more |

use crate::{sessions, tokens, triggers, users};
use adyton_core::config::{Config, Driver};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The databases, by what they understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
    Mysql,
}

impl Dialect {
    fn of(driver: Driver) -> Self {
        match driver {
            Driver::Postgresql => Self::Postgres,
            Driver::Mysql => Self::Mysql,
            _ => Self::Sqlite,
        }
    }

    /// The columns of a table in their order: name, type, whether it is a part of the key, takes no
    /// null, has a default, and counts up. Parameter: the table; on SQLite in any case.
    pub(crate) const fn columns_of(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "SELECT name, type, pk > 0, \"notnull\", dflt_value IS NOT NULL,
                 pk > 0 AND type = 'integer' COLLATE NOCASE FROM pragma_table_xinfo(?)"
            }
            Self::Postgres => {
                "SELECT a.attname, t.typname, EXISTS (SELECT 1 FROM pg_index i
                 WHERE i.indrelid = a.attrelid AND i.indisprimary AND a.attnum = ANY (i.indkey)),
                 a.attnotnull, a.atthasdef OR a.attidentity <> '',
                 t.typname IN ('int2', 'int4', 'int8') AND (a.attidentity <> ''
                 OR COALESCE(pg_get_expr(d.adbin, d.adrelid), '') LIKE '%(%')
                 FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
                 LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                 WHERE a.attrelid = to_regclass(quote_ident(?)) AND a.attnum > 0
                 AND NOT a.attisdropped ORDER BY a.attnum"
            }
            Self::Mysql => {
                "SELECT COLUMN_NAME, DATA_TYPE, COLUMN_KEY = 'PRI', IS_NULLABLE = 'NO',
                 COLUMN_DEFAULT IS NOT NULL OR EXTRA <> '',
                 DATA_TYPE LIKE '%int' AND EXTRA LIKE '%auto_increment%'
                 FROM information_schema.COLUMNS
                 WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION"
            }
        }
    }

    /// What is known of a table as a whole: on SQLite the text that made it, on MySQL its engine.
    /// Parameter: the table; on SQLite in any case.
    pub(crate) const fn definition_of(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ? COLLATE NOCASE"
            }
            Self::Postgres => {
                "SELECT relname FROM pg_class WHERE oid = to_regclass(quote_ident(?))"
            }
            Self::Mysql => {
                "SELECT COALESCE(ENGINE, '') FROM information_schema.TABLES
                 WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?"
            }
        }
    }

    /// Whether two names are those of one table.
    pub(crate) fn is_same(self, one: &str, other: &str) -> bool {
        if self == Self::Postgres { one == other } else { one.eq_ignore_ascii_case(other) }
    }

    fn quote(self, name: &str) -> String {
        if self == Self::Mysql { format!("`{name}`") } else { format!("\"{name}\"") }
    }

    /// On MySQL collations of others, which know no case and no blanks at the end, still lead along
    /// the index, and then the bytes are compared.
    fn is_ours(self, table: &str) -> String {
        let column = format!("{table}tokenable_type");
        match self {
            Self::Mysql => format!("{column} = ? AND CAST({column} AS BINARY) = ?^"),
            _ => format!("{column} = ?"),
        }
    }

    const fn lower_email(self) -> &'static str {
        match self {
            Self::Sqlite => "email COLLATE NOCASE",
            Self::Postgres => "LOWER(email)",
            // Compared by its collation, or no index would help.
            Self::Mysql => "email",
        }
    }

    const fn timestamp(self) -> &'static str {
        match self {
            Self::Postgres => "TIMESTAMP(0)",
            _ => "DATETIME",
        }
    }

    /// The present, in UTC.
    pub(crate) const fn utc_now(self) -> &'static str {
        match self {
            Self::Sqlite => "CURRENT_TIMESTAMP",
            Self::Postgres => "(CURRENT_TIMESTAMP AT TIME ZONE 'UTC')",
            Self::Mysql => "UTC_TIMESTAMP()",
        }
    }
}

/// A text for the database.
#[derive(Clone)]
pub(crate) struct Rendered {
    pub(crate) text: Arc<str>,
    /// Which parameter stands at each place, where one stands at several.
    #[cfg_attr(not(feature = "mysql"), expect(dead_code, reason = "others repeat a number"))]
    places: Option<Arc<[usize]>>,
}

impl Rendered {
    /// The parameters, place by place.
    #[cfg(feature = "mysql")]
    pub(crate) fn in_place<'p, T>(&'p self, params: &'p [T]) -> impl Iterator<Item = &'p T> {
        let count = self.places.as_ref().map_or(params.len(), |places| places.len());
        (0..count).filter_map(|at| params.get(self.places.as_ref().map_or(at, |p| p[at])))
    }
}

/// The names of one configuration, and every SQL text rendered with them.
pub(crate) struct Names {
    pub(crate) users: String,
    pub(crate) tokens: String,
    pub(crate) sessions: String,
    pub(crate) token_field: String,
    pub(crate) user_columns: Vec<String>,
    pub(crate) tokenable_type: String,
    pub(crate) dialect: Dialect,
    /// Of users, tokens and sessions.
    watched: [String; 3],
    /// By address: a text in the program's image is its own name.
    rendered: RwLock<HashMap<(usize, usize), Rendered>>,
}

impl Names {
    /// Takes the names from a configuration that was validated: all are plain identifiers.
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            users: config.auth_table.clone(),
            tokens: config.token_table.clone(),
            sessions: config.session_table.clone(),
            token_field: config.token_field.clone(),
            user_columns: config.user_columns.clone(),
            tokenable_type: config.tokenable_type.clone(),
            dialect: Dialect::of(config.connector.driver()),
            watched: triggers::watched(config),
            rendered: RwLock::default(),
        }
    }

    /// The text with its names in place.
    pub(crate) fn render(&self, sql: &'static str) -> Rendered {
        let key = (sql.as_ptr() as usize, sql.len());
        let known = self.rendered.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        known.unwrap_or_else(|| {
            let text = number(&self.replace(sql), self.dialect);
            let mut rendered = self.rendered.write().unwrap_or_else(PoisonError::into_inner);
            rendered.insert(key, text.clone());
            text
        })
    }

    fn replace(&self, sql: &str) -> String {
        let dialect = self.dialect;
        let extra = self.user_columns.iter().map(|column| format!(", u.{}", dialect.quote(column)));
        let user = users::COLUMNS.to_owned() + &extra.collect::<String>();
        let columns = self.user_columns.iter().map(|column| format!(", {}", dialect.quote(column)));
        let for_update = if dialect == Dialect::Sqlite { "" } else { " FOR UPDATE" };
        sql.replace("{users}", &dialect.quote(&self.users))
            .replace("{tokens}", &dialect.quote(&self.tokens))
            .replace("{sessions}", &dialect.quote(&self.sessions))
            .replace("{tokens:raw}", &self.tokens)
            .replace("{sessions:raw}", &self.sessions)
            .replace("{token}", &dialect.quote(&self.token_field))
            .replace("{user_columns}", &columns.collect::<String>())
            .replace("{user_marks}", &", ?".repeat(self.user_columns.len()))
            .replace("{u.*}", &user)
            .replace("{t.*}", tokens::COLUMNS)
            .replace("{s.*}", sessions::COLUMNS)
            .replace("{u.watched}", &self.watched[0])
            .replace("{t.watched}", &self.watched[1])
            .replace("{s.watched}", &self.watched[2])
            .replace("{ours}", &dialect.is_ours(""))
            .replace("{t.ours}", &dialect.is_ours("t."))
            .replace("{lower_email}", dialect.lower_email())
            .replace("{timestamp}", dialect.timestamp())
            .replace("{utc_now}", dialect.utc_now())
            .replace("{for_update}", for_update)
    }
}

/// Writes parameters as the database reads them. No text of this crate has a `?` that is none.
fn number(sql: &str, dialect: Dialect) -> Rendered {
    let mut parts = sql.split('?');
    let mut text = parts.next().unwrap_or_default().to_owned();
    let (mut places, mut next) = (Vec::new(), 0);
    for part in parts {
        let rest = part.strip_prefix('^');
        if rest.is_none() {
            next += 1;
        }
        places.push(next - 1);
        text += &if dialect == Dialect::Postgres { format!("${next}") } else { "?".to_owned() };
        text += rest.unwrap_or(part);
    }
    let repeats = dialect == Dialect::Mysql && places.len() > next;
    Rendered { text: text.into(), places: repeats.then(|| places.into()) }
}

#[cfg(test)]
impl Names {
    pub(crate) fn forget(&self) {
        self.rendered.write().unwrap().clear();
    }

    pub(crate) fn rendered(&self) -> Vec<Arc<str>> {
        self.rendered.read().unwrap().values().map(|rendered| rendered.text.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(url: &str) -> Names {
        let mut config = Config::default();
        config.auth_table = "order".into();
        config.token_field = "select".into();
        config.user_columns = vec!["group".into()];
        config.connector.url = Some(url.into());
        Names::new(&config)
    }

    #[test]
    fn names_are_quoted_wherever_they_stand() {
        let text = "SELECT {u.*}, t.{token} FROM {users} u";
        let rendered = names("sqlite://x").render(text).text;
        assert!(rendered.ends_with(r#"u."group", t."select" FROM "order" u"#), "{rendered}");
        let rendered = names("mysql://x/y").render(text).text;
        assert!(rendered.ends_with("u.`group`, t.`select` FROM `order` u"), "{rendered}");
        let raw = names("postgres://x/y").render("{tokens:raw}_i").text;
        assert_eq!(&*raw, "personal_access_tokens_i");
    }

    #[test]
    fn parameters_stand_where_the_database_looks_for_them() {
        let text = "a = ? AND {ours} AND b = ?{for_update}";
        let render = |url: &str| names(url).render(text);
        assert_eq!(&*render("sqlite://x").text, "a = ? AND tokenable_type = ? AND b = ?");
        let postgres = "a = $1 AND tokenable_type = $2 AND b = $3 FOR UPDATE";
        assert_eq!(&*render("postgres://x/y").text, postgres);
        let mysql = render("mysql://x/y");
        let text = "a = ? AND tokenable_type = ? AND CAST(tokenable_type AS BINARY) = ? AND b = ? \
                    FOR UPDATE";
        assert_eq!((&*mysql.text, mysql.places.as_deref()), (text, Some(&[0, 1, 1, 2][..])));
    }
}
