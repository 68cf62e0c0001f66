//! `no_auth_routes`, read.

use super::{Config, ConfigError};
use crate::route_pattern::RoutePattern;

impl Config {
    /// Reads the routes that need no credential.
    ///
    /// # Errors
    /// The first entry that is no route.
    #[doc(hidden)] // for the doors of `adyton` alone
    pub fn exemptions(&self) -> Result<Vec<RoutePattern>, ConfigError> {
        self.no_auth_routes.iter().map(|text| exemption(text)).collect()
    }
}

fn exemption(text: &str) -> Result<RoutePattern, ConfigError> {
    let problem = |error| format!("`{text}` is no route: {error}");
    RoutePattern::parse(text).map_err(|error| ConfigError::new("no_auth_routes", problem(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_that_is_no_route_is_named() {
        let routes = vec!["GET:/public".into(), "*:/files/[...path]".into()];
        let mut config = Config { no_auth_routes: routes, ..Config::default() };
        assert_eq!(config.validate(), Ok(()));
        assert_eq!(config.exemptions().unwrap().len(), 2);
        config.no_auth_routes.push("GET:/files/*".into());
        let error = config.validate().unwrap_err();
        assert_eq!(error.key, "no_auth_routes");
        assert!(error.problem.contains("`GET:/files/*` is no route: a placeholder"), "{error}");
    }
}
