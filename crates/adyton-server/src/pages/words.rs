//! Times, lengths of time and paths, as a page writes them.

use adyton::core::clock::Timestamp;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A moment for people and for machines.
pub(super) struct Moment {
    pub(super) text: String,
    pub(super) machine: String,
}

impl From<Timestamp> for Moment {
    fn from(time: Timestamp) -> Self {
        Self { text: moment(time), machine: time.to_string() }
    }
}

/// `22 Nov 2026, 18:00 UTC`.
fn moment(time: Timestamp) -> String {
    let text = time.to_string();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let month =
        part(5, 7).parse::<usize>().ok().and_then(|month| MONTHS.get(month.wrapping_sub(1)));
    let day = part(8, 10).trim_start_matches('0');
    let month = month.copied().unwrap_or_default();
    format!("{day} {month} {}, {} UTC", part(0, 4), part(11, 16))
}

/// `45 seconds`, `3 minutes`, `90 days`: rounded up to the largest unit that has at least two, if
/// it is not one exactly.
pub(super) fn duration(seconds: u64) -> String {
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    let fits = |(length, _): &&(u64, &str)| seconds >= 2 * length || seconds == *length;
    let (length, unit) = units.iter().find(fits).copied().unwrap_or((1, "second"));
    let count = seconds.div_ceil(length);
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// A path as the value of a query parameter.
pub(super) fn percent_encoded(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let encode = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    path.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_reads_like_a_date() {
        let time = |text| moment(Timestamp::from_rfc3339(text).unwrap());
        assert_eq!(time("2026-11-02T18:05:59Z"), "2 Nov 2026, 18:05 UTC");
        assert_eq!(time("2027-01-31T00:00:00Z"), "31 Jan 2027, 00:00 UTC");
    }

    #[test]
    fn a_length_of_time_is_told_in_its_largest_unit() {
        for (seconds, text) in [
            (1, "1 second"),
            (45, "45 seconds"),
            (60, "1 minute"),
            (61, "61 seconds"),
            (121, "3 minutes"),
            (3_600, "1 hour"),
            (86_400, "1 day"),
            (7_776_000, "90 days"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn a_path_is_one_value_of_a_query() {
        assert_eq!(percent_encoded("/a/b-c?x=1&y=ü"), "/a/b-c%3Fx%3D1%26y%3D%C3%BC");
    }
}
