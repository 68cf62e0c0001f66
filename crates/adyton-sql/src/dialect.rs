//! Names and what differs between databases: SQL is written once, with names in braces, and is
//! rendered here. Nothing here runs a statement, and no value ever becomes part of a text.
//!
//! | written | rendered |
//! | --- | --- |
//! | `{users}` `{tokens}` `{sessions}` | the configured table, quoted |
//! | `{token}` | the configured column of hashes, quoted |
//! | `{u.*}` `{t.*}` `{s.*}` | the columns that [`users`], [`tokens`] and [`sessions`] read |
//! | `{lower_email}` | the e-mail, compared without case |
//! | `{for_update}` | holds the row until the commit, where writers are not alone as on SQLite |
//! | `{tokens:raw}` | the name without quotes, as a part of another name |

use crate::{sessions, tokens, users};
use adyton_core::config::Config;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The columns of a table and what is known of each. Parameter: the table, in any case.
pub(crate) const COLUMNS_OF: &str =
    "SELECT name, type, pk, \"notnull\", dflt_value IS NOT NULL FROM pragma_table_xinfo(?)";
/// The text that made a table. Parameter: the table, in any case.
pub(crate) const DEFINITION_OF: &str =
    "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ? COLLATE NOCASE";

/// The names of one configuration, and every SQL text rendered with them.
pub(crate) struct Names {
    pub(crate) users: String,
    pub(crate) tokens: String,
    pub(crate) sessions: String,
    pub(crate) token_field: String,
    pub(crate) user_columns: Vec<String>,
    pub(crate) tokenable_type: String,
    /// By address: a text in the program's image is its own name.
    rendered: RwLock<HashMap<(usize, usize), Arc<str>>>,
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
            rendered: RwLock::default(),
        }
    }

    /// The text with its names in place.
    pub(crate) fn render(&self, sql: &'static str) -> Arc<str> {
        let key = (sql.as_ptr() as usize, sql.len());
        let known = self.rendered.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        known.unwrap_or_else(|| {
            let text: Arc<str> = self.replace(sql).into();
            let mut rendered = self.rendered.write().unwrap_or_else(PoisonError::into_inner);
            rendered.insert(key, Arc::clone(&text));
            text
        })
    }

    fn replace(&self, sql: &str) -> String {
        let extra = self.user_columns.iter().map(|column| format!(", u.{}", quote(column)));
        let user = users::COLUMNS.to_owned() + &extra.collect::<String>();
        sql.replace("{users}", &quote(&self.users))
            .replace("{tokens}", &quote(&self.tokens))
            .replace("{sessions}", &quote(&self.sessions))
            .replace("{tokens:raw}", &self.tokens)
            .replace("{sessions:raw}", &self.sessions)
            .replace("{token}", &quote(&self.token_field))
            .replace("{u.*}", &user)
            .replace("{t.*}", tokens::COLUMNS)
            .replace("{s.*}", sessions::COLUMNS)
            .replace("{lower_email}", "email COLLATE NOCASE")
            .replace("{for_update}", "")
    }
}

#[cfg(test)]
impl Names {
    pub(crate) fn forget(&self) {
        self.rendered.write().unwrap().clear();
    }

    pub(crate) fn rendered(&self) -> Vec<Arc<str>> {
        self.rendered.read().unwrap().values().cloned().collect()
    }
}

fn quote(name: &str) -> String {
    format!("\"{name}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_wherever_they_stand() {
        let mut config = Config::default();
        config.auth_table = "order".into();
        config.token_field = "select".into();
        config.user_columns = vec!["group".into()];
        let names = Names::new(&config);
        let text = names.render("SELECT {u.*}, t.{token} FROM {users} u");
        assert!(text.ends_with(r#"u."group", t."select" FROM "order" u"#), "{text}");
        assert_eq!(&*names.render("{tokens:raw}_i"), "personal_access_tokens_i");
    }
}
