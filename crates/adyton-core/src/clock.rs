//! Time as an input: whole seconds of UTC from a [`Clock`] that tests can move.
//!
//! This is the only module that asks the system what time it is.

use serde::{Serialize, Serializer};
use std::fmt;
use std::num::NonZeroU64;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use time::format_description::well_known::Rfc3339;
use time::macros::{format_description, utc_datetime};
use time::{OffsetDateTime, PrimitiveDateTime, UtcDateTime};

/// A point in time: UTC, whole seconds, as Laravel stores it. Years 0 to 9999.
// Counted from the first of them, which is one: an `Option` of it needs no more room.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(NonZeroU64);

impl Timestamp {
    const FIRST: i64 = utc_datetime!(0000-01-01 0:00).unix_timestamp();
    const LAST: i64 = utc_datetime!(9999-12-31 23:59:59).unix_timestamp();

    /// From seconds since 1970, held within the years 0 to 9999.
    #[must_use]
    pub const fn from_unix(seconds: i64) -> Self {
        let held = if seconds < Self::FIRST {
            Self::FIRST
        } else if seconds > Self::LAST {
            Self::LAST
        } else {
            seconds
        };
        // Never zero, since the first is one.
        match NonZeroU64::new((held - Self::FIRST + 1).cast_unsigned()) {
            Some(count) => Self(count),
            None => Self(NonZeroU64::MIN),
        }
    }

    /// Seconds since 1970.
    #[must_use]
    pub const fn unix(self) -> i64 {
        self.0.get().cast_signed() + (Self::FIRST - 1)
    }

    /// That many seconds later, at most the end of the year 9999.
    #[must_use]
    pub const fn plus(self, seconds: u64) -> Self {
        let (later, last) = (self.0.saturating_add(seconds), Self::from_unix(Self::LAST));
        if later.get() < last.0.get() { Self(later) } else { last }
    }

    /// That many seconds earlier.
    #[must_use]
    pub const fn minus(self, seconds: u64) -> Self {
        match NonZeroU64::new(self.0.get().saturating_sub(seconds)) {
            Some(count) => Self(count),
            None => Self::from_unix(Self::FIRST),
        }
    }

    /// Seconds from `now` until this, none if it has passed.
    #[must_use]
    pub const fn seconds_after(self, now: Self) -> u64 {
        self.0.get().saturating_sub(now.0.get())
    }

    /// Reads RFC 3339, with any offset: `2026-11-22T18:00:00Z`.
    #[must_use]
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        OffsetDateTime::parse(text, &Rfc3339)
            .ok()
            .map(|time| Self::from_unix(time.unix_timestamp()))
    }

    /// Reads the `Date` of an HTTP answer: `Sun, 22 Nov 2026 18:00:00 GMT`.
    #[must_use]
    pub fn from_http_date(text: &str) -> Option<Self> {
        let form = format_description!(
            "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
        );
        let time = PrimitiveDateTime::parse(text, form).ok()?;
        Some(Self::from_unix(time.as_utc().unix_timestamp()))
    }

    /// Reads the form that Laravel stores, `2026-11-22 18:00:00`, and its ISO 8601 relatives.
    #[must_use]
    pub fn from_sql(text: &str) -> Option<Self> {
        let plain = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
        let seconds = text.get(..19).and_then(|head| {
            let head = head.replacen('T', " ", 1);
            PrimitiveDateTime::parse(&head, plain).ok()
        });
        match (seconds, text.get(19..)) {
            (Some(time), Some("" | "Z")) => Some(Self::from_unix(time.as_utc().unix_timestamp())),
            _ => Self::from_rfc3339(&text.replacen(' ', "T", 1)).or_else(|| {
                let fraction = text.get(19..)?.strip_prefix('.')?;
                let digits = fraction.bytes().all(|byte| byte.is_ascii_digit());
                seconds
                    .filter(|_| digits)
                    .map(|time| Self::from_unix(time.as_utc().unix_timestamp()))
            }),
        }
    }

    /// The form that Laravel stores: `2026-11-22 18:00:00`.
    #[must_use]
    pub fn to_sql(self) -> String {
        self.date_time()
            .format(format_description!("[year]-[month]-[day] [hour]:[minute]:[second]"))
            .unwrap_or_default()
    }

    /// Digit by digit: each answer with a user shows two times, and needs no allocation for them.
    fn rfc3339(self) -> [u8; 20] {
        let time = self.date_time();
        let mut text = *b"0000-00-00T00:00:00Z";
        let mut put = |at: usize, width: usize, mut number: u32| {
            for digit in text[at..at + width].iter_mut().rev() {
                *digit = b'0' + (number % 10) as u8;
                number /= 10;
            }
        };
        put(0, 4, time.year().unsigned_abs());
        put(5, 2, u8::from(time.month()).into());
        put(8, 2, time.day().into());
        put(11, 2, time.hour().into());
        put(14, 2, time.minute().into());
        put(17, 2, time.second().into());
        text
    }

    fn date_time(self) -> UtcDateTime {
        UtcDateTime::from_unix_timestamp(self.unix()).unwrap_or(UtcDateTime::UNIX_EPOCH)
    }
}

/// With the seconds since 1970.
impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Timestamp").field(&self.unix()).finish()
    }
}

/// RFC 3339 in UTC: `2026-11-22T18:00:00Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.rfc3339()).unwrap_or_default())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(str::from_utf8(&self.rfc3339()).unwrap_or_default())
    }
}

/// Where the engine takes time from.
pub trait Clock: Send + Sync + 'static {
    /// The time of day.
    fn now(&self) -> Timestamp;

    /// Time since any fixed moment; it never goes back.
    fn monotonic(&self) -> Duration;
}

/// The system's clock.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl Default for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    fn default() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_unix(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

/// Measures how long something takes, for metrics: nothing is decided by it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    /// Begins to measure.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Since it began.
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_forms_of_other_writers_are_read() {
        let expected = Some(Timestamp::from_unix(1_795_284_000));
        for text in [
            "2026-11-21 18:00:00",
            "2026-11-21T18:00:00Z",
            "2026-11-21T18:00:00.000000Z",
            "2026-11-21 18:00:00.123",
            "2026-11-21T20:00:00+02:00",
        ] {
            assert_eq!(Timestamp::from_sql(text), expected, "{text}");
        }
        for text in ["", "2026", "2026-13-01 00:00:00", "2026-11-21 18:00:00 nonsense", "ß-é"] {
            assert_eq!(Timestamp::from_sql(text), None, "{text}");
        }
    }

    #[test]
    fn the_date_of_an_answer_is_read() {
        let expected = Some(Timestamp::from_unix(1_795_284_000));
        assert_eq!(Timestamp::from_http_date("Sat, 21 Nov 2026 18:00:00 GMT"), expected);
        for text in ["", "Sat, 21 Nov 2026 18:00:00", "2026-11-21T18:00:00Z"] {
            assert_eq!(Timestamp::from_http_date(text), None, "{text}");
        }
    }

    #[test]
    fn absurd_lengths_stop_at_the_edges() {
        let last = Timestamp::from_unix(i64::MAX);
        assert_eq!(last.to_string(), "9999-12-31T23:59:59Z");
        assert_eq!(Timestamp::from_unix(0).plus(u64::MAX), last);
        assert_eq!(last.minus(u64::MAX), Timestamp::from_unix(i64::MIN));
        assert_eq!(Timestamp::from_unix(5).seconds_after(Timestamp::from_unix(9)), 0);
        for seconds in [Timestamp::FIRST, -1, 0, Timestamp::LAST] {
            assert_eq!(Timestamp::from_unix(seconds).unix(), seconds);
        }
        assert_eq!(Timestamp::from_unix(i64::MIN).unix(), Timestamp::FIRST);
        assert_eq!(format!("{:?}", Timestamp::from_unix(-5)), "Timestamp(-5)");
    }

    #[test]
    fn none_takes_no_room() {
        assert_eq!(size_of::<Option<Timestamp>>(), size_of::<u64>());
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(seconds in Timestamp::FIRST..=Timestamp::LAST) {
            let time = Timestamp::from_unix(seconds);
            prop_assert_eq!(Timestamp::from_sql(&time.to_sql()), Some(time));
            prop_assert_eq!(Timestamp::from_rfc3339(&time.to_string()), Some(time));
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = (Timestamp::from_sql(&text), Timestamp::from_rfc3339(&text));
        }
    }
}
