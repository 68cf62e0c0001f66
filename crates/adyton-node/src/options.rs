//! Options as JavaScript hands them over.

use adyton::Config;
use adyton::core::config::OptionError;
use napi_derive::napi;

/// Options that cannot stand.
#[napi(object)]
pub struct OptionProblem {
    /// The key with dots, as it was written.
    pub key: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// What is wrong with options, given as JSON; nothing is opened.
#[napi]
pub fn check_options(options: String) -> Option<OptionProblem> {
    let error = read(&options).err()?;
    Some(OptionProblem { message: error.to_string(), key: error.key })
}

/// Reads options, given as JSON.
pub(crate) fn read(options: &str) -> Result<Config, OptionError> {
    let malformed = |error: serde_json::Error| OptionError {
        key: "options".to_owned(),
        problem: format!("must be an object: {error}"),
    };
    Config::from_object(&serde_json::from_str(options).map_err(malformed)?)
}
