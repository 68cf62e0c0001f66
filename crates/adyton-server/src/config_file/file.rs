//! Reads the text of `adyton.toml`: keys in either spelling become snake_case, and each knows its
//! line. The file is checked alone, before the environment covers it, so that an error can show
//! the very place. Nothing is shown of a line that may hold a secret.

use adyton::core::config::{Config, keys};
use anyhow::{Result, anyhow};
use std::collections::BTreeMap;
use std::ops::Range;
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

/// A file's settings in canonical spelling.
pub(super) struct Parsed {
    pub(super) table: Table,
    /// The line of every key that holds a value.
    pub(super) lines: BTreeMap<String, usize>,
}

pub(super) fn parse(name: &str, text: &str) -> Result<Parsed> {
    let source = Source { name, text };
    let tree = DeTable::parse(text).map_err(|error| source.refusal(&error))?;
    let mut places = BTreeMap::new();
    source.check_keys("", tree.get_ref(), &mut places)?;
    toml::from_str::<Config>(text).map_err(|error| source.misfit(&error, &places))?;
    let table = text.parse::<Table>().map_err(|error| source.refusal(&error))?;
    places.retain(|key, _| keys::is_leaf(key));
    let lines = places.into_iter().map(|(key, span)| (key, source.line(&span))).collect();
    Ok(Parsed { table: in_snake_case(table), lines })
}

fn in_snake_case(table: Table) -> Table {
    let renamed = |(key, value): (String, Value)| match value {
        Value::Table(inner) => (keys::snake(&key), Value::Table(in_snake_case(inner))),
        value => (keys::snake(&key), value),
    };
    table.into_iter().map(renamed).collect()
}

struct Source<'a> {
    name: &'a str,
    text: &'a str,
}

impl Source<'_> {
    /// Finds keys that do not exist, and keys that are set in both spellings.
    fn check_keys(
        &self,
        prefix: &str,
        table: &DeTable<'_>,
        places: &mut BTreeMap<String, Range<usize>>,
    ) -> Result<()> {
        for (key, value) in table {
            let path = format!("{prefix}{}", keys::snake(key.get_ref()));
            if let Some(first) = places.insert(path.clone(), key.span()) {
                return Err(self.doubled(&path, key.span(), &first));
            }
            match value.get_ref() {
                DeValue::Table(inner) if keys::is_table(&path) => {
                    self.check_keys(&format!("{path}."), inner, places)?;
                }
                _ if keys::is_leaf(&path) || keys::is_table(&path) => {}
                _ => return Err(self.unknown(&path, key.get_ref(), key.span())),
            }
        }
        Ok(())
    }

    fn doubled(&self, path: &str, span: Range<usize>, first: &Range<usize>) -> anyhow::Error {
        let line = self.line(first);
        self.error(span, &format!("`{path}` is set twice, in both spellings (also on line {line})"))
    }

    fn unknown(&self, path: &str, written: &str, span: Range<usize>) -> anyhow::Error {
        let near = keys::nearest_as(path, written);
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        self.error(span, &format!("unknown key `{}`{hint}", written.escape_debug()))
    }

    /// A value that its key does not take.
    fn misfit(
        &self,
        error: &toml::de::Error,
        places: &BTreeMap<String, Range<usize>>,
    ) -> anyhow::Error {
        let Some(span) = error.span() else { return self.refusal(error) };
        let before = places.iter().filter(|(_, place)| place.start <= span.start);
        let Some((key, _)) = before.max_by_key(|(_, place)| place.start) else {
            return self.refusal(error);
        };
        let secret = keys::may_hold_secret(key);
        let hidden = "the value has the wrong form (it may hold a secret and is not shown)";
        let said = if secret { hidden } else { error.message().trim_end() };
        self.error(span, &format!("`{key}`: {said}"))
    }

    /// What the TOML reader refused. Its words can quote a value.
    fn refusal(&self, error: &toml::de::Error) -> anyhow::Error {
        let Some(span) = error.span() else {
            return anyhow!("{}: {}", self.name, error.message());
        };
        let hidden = "the value has the wrong form (it may hold a secret and is not shown)";
        let secret = may_hold_secret(self.row(&span));
        self.error(span, if secret { hidden } else { error.message() })
    }

    fn error(&self, span: Range<usize>, message: &str) -> anyhow::Error {
        let (line, row) = (self.line(&span), self.row(&span));
        let start = self.row_start(&span);
        let column = chars(&self.text[start..self.floor(span.start)]);
        let head = format!("{}, line {line}, column {}: {message}", self.name, column + 1);
        if may_hold_secret(row) {
            return anyhow!("{head}");
        }
        let width = chars(&self.text[self.floor(span.start)..self.floor(span.end)]);
        let width = width.clamp(1, chars(row).saturating_sub(column).max(1));
        let row: String = row.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let margin = " ".repeat(line.to_string().len());
        let (indent, carets) = (" ".repeat(column), "^".repeat(width));
        anyhow!("{head}\n{margin} |\n{line} | {row}\n{margin} | {indent}{carets}")
    }

    fn line(&self, span: &Range<usize>) -> usize {
        self.text[..self.floor(span.start)].matches('\n').count() + 1
    }

    fn row(&self, span: &Range<usize>) -> &str {
        self.text[self.row_start(span)..].lines().next().unwrap_or_default()
    }

    fn row_start(&self, span: &Range<usize>) -> usize {
        self.text[..self.floor(span.start)].rfind('\n').map_or(0, |end| end + 1)
    }

    fn floor(&self, at: usize) -> usize {
        self.text.floor_char_boundary(at)
    }
}

fn chars(text: &str) -> usize {
    text.chars().count()
}

/// A line is hidden when it has the word `password` before a `=`, or a URL.
fn may_hold_secret(row: &str) -> bool {
    let row = row.to_ascii_lowercase();
    let mut words = row.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    row.contains("://") || (words.any(|word| word == "password") && !row.contains("min_length"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse("adyton.toml", text).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_wrong_type_shows_its_place() {
        let text = "prefix = 'Bearer'\n[rate_limiting]\nmax_attempts = \"five\"\n";
        let told = "adyton.toml, line 3, column 16: `rate_limiting.max_attempts`: \
                    invalid type: string \"five\", expected u32\n  \
                    |\n3 | max_attempts = \"five\"\n  |                ^^^^^^";
        assert_eq!(error(text), told);
        let told = "adyton.toml, line 1, column 10: `server`: invalid type";
        assert!(error("server = 5").starts_with(told));
        // No secret hides behind a URL here.
        let told = "adyton.toml, line 2, column 18: `allowed_origins`: invalid type: string \
                    \"https://a.example\", expected a sequence";
        assert_eq!(error("prefix = 'a'\nallowedOrigins = 'https://a.example'"), told);
        assert!(error("prefix = ").starts_with("adyton.toml, line 1, column 10: "));
        assert!(error("ä = \"\u{1}é\"").contains("line 1"));
    }

    #[test]
    fn an_unknown_key_is_told_its_neighbour() {
        assert!(error("\nauth_tabel = 'x'").starts_with(
            "adyton.toml, line 2, column 1: unknown key `auth_tabel`; did you mean `auth_table`?"
        ));
        assert!(error("[server]\nlisten.x = 1").contains("line 2, column "));
        assert!(error("[servers]").contains("did you mean `server`?"));
    }

    #[test]
    fn two_spellings_of_one_key_are_refused() {
        let text = "auth_table = 'a'\nauthTable = 'b'\n";
        let told = error(text);
        assert!(told.contains("`auth_table` is set twice, in both spellings"), "{told}");
        assert!(error("[rate_limiting]\n[rateLimiting]").contains("is set twice"));
    }

    #[test]
    fn a_line_with_a_secret_is_not_shown() {
        for text in [
            "connector.options.password = 31337",
            "connector = { options = { password = 31337 } }",
            "connector.options.password = '31337",
            "connector.url = 'postgres://a:31337@db",
            "connector.options = { port = 'postgres://a:31337@db' }",
            "rate_limiting.store = ['redis://:31337@cache']",
        ] {
            assert!(!error(text).contains("31337"), "{}", error(text));
            assert!(error(text).contains("line 1"), "{}", error(text));
        }
    }
}
