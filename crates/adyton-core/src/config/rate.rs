//! How many attempts in which time.

use super::{ConfigError, Lifetime, RateLimiting};

/// So many attempts in a window of this length: `"20/1h"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    /// Attempts, at least one.
    pub(crate) count: u32,
    /// Length of the window, at least one second.
    pub(crate) period: Lifetime,
}

impl Rate {
    /// Reads `"20/1h"`: a whole number above zero, a slash, and a length of time above zero.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (count, period) = text.split_once('/')?;
        let digits = count.bytes().all(|byte| byte.is_ascii_digit());
        let count = count.parse().ok().filter(|count| digits && *count > 0)?;
        let period = Lifetime::parse(period).filter(|period| *period > Lifetime::ZERO)?;
        Some(Self { count, period })
    }
}

/// Every configured limit, read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rates {
    pub(crate) login: Rate,
    pub(crate) login_address: Rate,
    pub(crate) login_account: Rate,
    pub(crate) register: Rate,
    pub(crate) refresh: Rate,
    pub(crate) password: Rate,
    pub(crate) tokens: Rate,
}

impl RateLimiting {
    /// Reads them all.
    pub(crate) fn rates(&self) -> Result<Rates, ConfigError> {
        let limits = &self.limits;
        let read = |key, text: &str| {
            let problem = "must be `\"count/period\"` with both above 0, such as `\"20/1h\"`";
            Rate::parse(text).ok_or_else(|| ConfigError::new(key, problem))
        };
        let minutes = u64::from(self.decay_minutes);
        Ok(Rates {
            login: Rate { count: self.max_attempts, period: Lifetime::from_seconds(60 * minutes) },
            login_address: read("rate_limiting.limits.login_address", &limits.login_address)?,
            login_account: read("rate_limiting.limits.login_account", &limits.login_account)?,
            register: read("rate_limiting.limits.register", &limits.register)?,
            refresh: read("rate_limiting.limits.refresh", &limits.refresh)?,
            password: read("rate_limiting.limits.password", &limits.password)?,
            tokens: read("rate_limiting.limits.tokens", &limits.tokens)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn counts_and_periods_are_read() {
        for (text, count, seconds) in [("20/1h", 20, 3600), ("1/1", 1, 1), ("60/90s", 60, 90)] {
            let period = Lifetime::from_seconds(seconds);
            assert_eq!(Rate::parse(text), Some(Rate { count, period }), "{text}");
        }
        for text in [
            "",
            "/",
            "20",
            "20/",
            "/1h",
            "0/1h",
            "20/0s",
            "-1/1h",
            "+1/1h",
            "1.5/1h",
            " 1/1h",
            "1 / 1h",
            "1/1h/1m",
            "1/hour",
            "4294967296/1h",
            "1/101y",
        ] {
            assert_eq!(Rate::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,24}") {
            let _ = Rate::parse(&text);
        }
    }
}
