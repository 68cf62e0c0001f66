//! Options as an object of a host language, in memory: no lines and no file to point at, so that an
//! error names the key as it was written.

use super::{Config, ConfigError, keys};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// An option that cannot stand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}`: {problem}")]
#[non_exhaustive]
pub struct OptionError {
    /// The key with dots, as it was written; in camelCase where nobody wrote it.
    pub key: String,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl OptionError {
    #[doc(hidden)] // for `adyton-node` alone, which reads the object from a text
    pub fn new(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { key: key.into(), problem: problem.into() }
    }
}

/// Every key that was written, by its canonical spelling.
type Written = BTreeMap<String, String>;

impl Config {
    /// Reads and validates the options of an object, whose keys are in camelCase or snake_case.
    ///
    /// # Errors
    /// The first key that is unknown, stands in both spellings, has a value of the wrong type, or
    /// contradicts another.
    ///
    /// ```
    /// use adyton_core::Config;
    /// use serde_json::json;
    ///
    /// let config = Config::from_object(&json!({ "rateLimiting": { "maxAttempts": 10 } })).unwrap();
    /// assert_eq!(config.rate_limiting.max_attempts, 10);
    ///
    /// let error = Config::from_object(&json!({ "authTabel": "people" })).unwrap_err();
    /// assert_eq!(error.to_string(), "`authTabel`: is unknown; did you mean `authTable`?");
    /// ```
    pub fn from_object(options: &Value) -> Result<Self, OptionError> {
        let Value::Object(object) = options else {
            return Err(OptionError::new("options", "must be an object"));
        };
        let mut written = Written::new();
        check_keys("", "", object, &mut written)?;
        let config: Self = serde_path_to_error::deserialize(options).map_err(misfit)?;
        config.validate().map_err(|error| contradiction(&error, &written))?;
        Ok(config)
    }
}

fn check_keys(
    path: &str,
    path_written: &str,
    object: &Map<String, Value>,
    written: &mut Written,
) -> Result<(), OptionError> {
    for (name, value) in object {
        let key = format!("{path}{}", keys::snake(name));
        let as_written = format!("{path_written}{name}");
        if let Some(first) = written.insert(key.clone(), as_written.clone()) {
            let problem = format!("is set twice, also as `{first}`; keep one of the two");
            return Err(OptionError { key: as_written, problem });
        }
        match value {
            Value::Object(inner) if keys::is_table(&key) => {
                check_keys(&format!("{key}."), &format!("{as_written}."), inner, written)?;
            }
            _ if keys::is_leaf(&key) || keys::is_table(&key) => {}
            _ => return Err(unknown(&key, as_written)),
        }
    }
    Ok(())
}

fn unknown(key: &str, as_written: String) -> OptionError {
    // An object is written in camelCase unless it shows otherwise.
    let near = keys::nearest(key)
        .map(|near| if as_written.contains('_') { near } else { keys::camel(&near) });
    let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    OptionError { key: as_written, problem: format!("is unknown{hint}") }
}

/// A value that its key does not take.
fn misfit(error: serde_path_to_error::Error<serde_json::Error>) -> OptionError {
    let key = error.path().to_string();
    let problem = match keys::may_hold_secret(&keys::snake(&key)) {
        true => "the value has the wrong form (it may hold a secret and is not shown)".to_owned(),
        false => in_plain_words(&error.into_inner().to_string()),
    };
    OptionError { key, problem }
}

/// The types of Rust mean nothing where this is read.
fn in_plain_words(problem: &str) -> String {
    let numbers = ["u16", "u32", "u64", "usize"].map(|kind| format!("expected {kind}"));
    let number = numbers.iter().find_map(|end| problem.strip_suffix(end.as_str()));
    number.map_or_else(|| problem.to_owned(), |start| format!("{start}expected a whole number"))
}

/// Of settings that contradict each other, the one that somebody made is the one to mend.
fn contradiction(error: &ConfigError, written: &Written) -> OptionError {
    let keys = [&[error.key], error.beside].concat();
    let set = |key: &&&str| written.keys().any(|set| keys::is_within(set, key));
    let key = keys.iter().find(set).copied().unwrap_or(error.key);
    let about = match key == error.key {
        true => String::new(),
        false => format!("`{}` ", spelled(error.key, written)),
    };
    let problem = about + &respelled(&error.problem, written);
    OptionError { key: spelled(key, written), problem }
}

fn spelled(key: &str, written: &Written) -> String {
    written.get(key).cloned().unwrap_or_else(|| keys::camel(key))
}

/// The same words with each key between backticks as it was written.
fn respelled(problem: &str, written: &Written) -> String {
    let parts = problem.split('`').map(|part| match keys::is_leaf(part) || keys::is_table(part) {
        true => spelled(part, written),
        false => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn error(options: &Value) -> (String, String) {
        let OptionError { key, problem } = Config::from_object(options).unwrap_err();
        (key, problem)
    }

    #[test]
    fn both_spellings_are_read() {
        let camel = json!({ "server": { "basePath": "/a" }, "tokenExpiration": "15m" });
        let snake = json!({ "server": { "base_path": "/a" }, "token_expiration": 900 });
        assert_eq!(Config::from_object(&camel).unwrap(), Config::from_object(&snake).unwrap());
        assert_eq!(Config::from_object(&json!({})).unwrap(), Config::default());
    }

    #[test]
    fn an_unknown_key_is_told_its_neighbour_in_the_same_spelling() {
        for (options, key, hint) in [
            (json!({ "maxAttempts": 1 }), "maxAttempts", "`rateLimiting.maxAttempts`"),
            (json!({ "auth_tabel": "a" }), "auth_tabel", "`auth_table`"),
            (json!({ "server": { "basepath": "/" } }), "server.basepath", "`server.basePath`"),
        ] {
            let (found, problem) = error(&options);
            assert_eq!(found, key);
            assert_eq!(problem, format!("is unknown; did you mean {hint}?"));
        }
        assert_eq!(error(&json!({ "zzzzzzzzzzzz": 1 })).1, "is unknown");
        assert_eq!(error(&json!({ "prefix": { "a": 1 } })).0, "prefix");
    }

    #[test]
    fn two_spellings_of_one_key_are_refused() {
        let (key, problem) = error(&json!({ "authTable": "a", "auth_table": "b" }));
        assert!(problem.contains("twice"), "{key}: {problem}");
        let (_, problem) = error(&json!({ "rateLimiting": {}, "rate_limiting": {} }));
        assert!(problem.contains("twice"), "{problem}");
    }

    #[test]
    fn a_wrong_type_names_its_path_in_plain_words() {
        let (key, problem) = error(&json!({ "rateLimiting": { "maxAttempts": "five" } }));
        assert_eq!(key, "rateLimiting.maxAttempts");
        assert_eq!(problem, "invalid type: string \"five\", expected a whole number");
        assert_eq!(error(&json!({ "tokenAbilities": ["a", 1] })).0, "tokenAbilities[1]");
        assert_eq!(error(&json!([])).0, "options");
    }

    #[test]
    fn a_contradiction_names_the_keys_as_they_were_written() {
        let (key, problem) = error(&json!({ "tokenExpiration": "60d" }));
        assert_eq!(key, "tokenExpiration");
        assert!(
            problem.starts_with("`refreshTokenExpiration` must not be below `tokenExpiration`")
        );
        assert_eq!(error(&json!({ "session_max_age": 0 })).0, "session_max_age");
    }

    #[test]
    fn a_value_that_may_be_a_secret_is_not_shown() {
        for options in [
            json!({ "connector": { "options": { "password": 31337 } } }),
            json!({ "connector": { "url": ["postgres://a:31337@db"] } }),
            json!({ "rateLimiting": { "store": ["redis://:31337@cache"] } }),
        ] {
            let (_, problem) = error(&options);
            assert!(!problem.contains("31337"), "{problem}");
        }
    }
}
