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
    let malformed = |error: serde_json::Error| {
        OptionError::new("options", format!("must be an object: {error}"))
    };
    Config::from_object(&serde_json::from_str(options).map_err(malformed)?)
}

/// The options that are set and mean nothing in a Node process. One object may serve both doors, so
/// that they are no mistake; but whoever sets one expects something of it.
pub(crate) fn for_the_binary(config: &Config) -> impl Iterator<Item = &'static str> {
    let (server, pages) = (&config.server, &config.pages);
    let usual = Config::default();
    let (usual_server, usual_pages) = (&usual.server, &usual.pages);
    [
        ("server.listen", server.listen != usual_server.listen),
        ("server.metricsListen", server.metrics_listen != usual_server.metrics_listen),
        ("server.headerTimeout", server.header_timeout != usual_server.header_timeout),
        ("server.idleTimeout", server.idle_timeout != usual_server.idle_timeout),
        ("pages.enabled", pages.enabled != usual_pages.enabled),
        ("pages.path", pages.path != usual_pages.path),
    ]
    .into_iter()
    .filter_map(|(key, is_set)| is_set.then_some(key))
}
