//! Lengths of time in a configuration.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::time::Duration;

/// A length of time: a whole number of seconds, or a string with a unit (`"15m"`, `"30d"`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lifetime(u64);

impl Lifetime {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// A hundred years: the longest that is accepted.
    pub const MAX: Self = Self::from_days(36_525);

    /// That many seconds.
    #[must_use]
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// That many days.
    #[must_use]
    pub const fn from_days(days: u64) -> Self {
        Self(days * 86_400)
    }

    /// In seconds.
    #[must_use]
    pub const fn seconds(self) -> u64 {
        self.0
    }

    /// As the standard library has it.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }

    /// Reads `"15m"`: digits and one of `s m h d w`, or digits alone for seconds.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
        let unit = match &text[digits.len()..] {
            "" | "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            "w" => 604_800,
            _ => return None,
        };
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let count: u64 = digits.parse().ok().filter(|_| plain)?;
        count.checked_mul(unit).map(Self).filter(|lifetime| *lifetime <= Self::MAX)
    }
}

impl<'de> Deserialize<'de> for Lifetime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Lifetime;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("whole seconds, or a string such as \"15m\", \"12h\" or \"30d\", up to 100 years")
            }

            fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Lifetime, E> {
                Some(Lifetime(seconds))
                    .filter(|lifetime| *lifetime <= Lifetime::MAX)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(seconds), &self))
            }

            fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Lifetime, E> {
                match u64::try_from(seconds) {
                    Ok(seconds) => self.visit_u64(seconds),
                    Err(_) => Err(E::invalid_value(de::Unexpected::Signed(seconds), &self)),
                }
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Lifetime, E> {
                Lifetime::parse(text)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl Serialize for Lifetime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn units_are_read() {
        for (text, seconds) in
            [("90", 90), ("90s", 90), ("15m", 900), ("12h", 43_200), ("2w", 1_209_600)]
        {
            assert_eq!(Lifetime::parse(text), Some(Lifetime(seconds)), "{text}");
        }
        for text in
            ["", "m", "1.5h", "-1s", "+1s", "1 m", "1M", "1min", "101y", "99999999999999999999s"]
        {
            assert_eq!(Lifetime::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,24}") {
            let _ = Lifetime::parse(&text);
        }
    }
}
