//! Abilities: what a credential may do. Flat strings, matched exactly; `*` alone means all.

use serde::{Serialize, Serializer};
use std::fmt;
use std::sync::LazyLock;
use triomphe::ThinArc;

const MOST: usize = 64;
const ALL: &str = "*";
/// How a store keeps every ability, which most credentials have.
const STORED_ALL: &str = r#"["*"]"#;
static EVERY: LazyLock<Abilities> = LazyLock::new(|| Abilities::of(vec![ALL.into()]));

/// A set of abilities, cheap to clone.
// One pointer, since each credential in memory has one.
#[derive(Clone, PartialEq, Eq)]
pub struct Abilities(ThinArc<(), Box<str>>);

impl Abilities {
    /// Every ability: `["*"]`.
    #[must_use]
    pub fn all() -> Self {
        EVERY.clone()
    }

    /// No ability: `[]`.
    #[must_use]
    pub fn none() -> Self {
        Self::of(Vec::new())
    }

    fn of(list: Vec<Box<str>>) -> Self {
        Self(ThinArc::from_header_and_iter((), list.into_iter()))
    }

    /// Reads a list that somebody asks for. Doubles fold into one.
    ///
    /// # Errors
    /// [`AbilityError`] for more than 64, or one outside `[a-z0-9][a-z0-9:._-]{0,63}` and `*`.
    pub fn parse<S: AsRef<str>>(list: impl IntoIterator<Item = S>) -> Result<Self, AbilityError> {
        let mut parsed: Vec<Box<str>> = Vec::new();
        for ability in list {
            let ability = ability.as_ref();
            if !well_formed(ability) {
                return Err(AbilityError::Malformed);
            }
            if !parsed.iter().any(|known| **known == *ability) {
                parsed.push(ability.into());
            }
            if parsed.len() > MOST {
                return Err(AbilityError::TooMany);
            }
        }
        Ok(Self::of(parsed))
    }

    /// Reads a column that anybody may have written, such as Laravel: a JSON array of strings.
    /// Whatever else it holds allows nothing; each string counts exactly as it stands.
    #[must_use]
    pub fn from_stored(json: Option<&str>) -> Self {
        if json == Some(STORED_ALL) {
            return Self::all();
        }
        let list: Vec<serde_json::Value> =
            json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
        Self::of(list.iter().filter_map(|ability| ability.as_str()).map(Box::from).collect())
    }

    /// The JSON array that a store keeps.
    #[must_use]
    pub fn to_stored(&self) -> String {
        serde_json::Value::from_iter(self.iter()).to_string()
    }

    /// Whether these include the ability, by itself or by `*`.
    #[must_use]
    pub fn allow(&self, ability: &str) -> bool {
        self.iter().any(|own| own == ALL || own == ability)
    }

    /// Whether nothing in `other` goes beyond these.
    pub(crate) fn cover(&self, other: &Self) -> bool {
        other.iter().all(|ability| self.allow(ability))
    }

    /// Each ability, in the order in which it was given.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.slice.iter().map(AsRef::as_ref)
    }

    /// What of `wanted` is missing here.
    #[must_use]
    pub fn missing(&self, wanted: &[&str]) -> Vec<String> {
        wanted.iter().filter(|ability| !self.allow(ability)).map(ToString::to_string).collect()
    }
}

impl fmt::Debug for Abilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Abilities").field(&&self.0.slice).finish()
    }
}

impl Serialize for Abilities {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl fmt::Display for Abilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iter().collect::<Vec<_>>().join(", "))
    }
}

/// Why a list of abilities was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AbilityError {
    /// One is not of the form.
    #[error(
        "must be `*`, or begin with a-z or 0-9 and go on with at most 63 of a-z, 0-9, `:`, `.`, `_` and `-`"
    )]
    Malformed,
    /// More than 64.
    #[error("may hold at most 64 abilities")]
    TooMany,
}

fn well_formed(ability: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let [first, rest @ ..] = ability.as_bytes() else { return false };
    ability == ALL
        || plain(*first)
            && rest.len() < 64
            && rest.iter().all(|byte| plain(*byte) || b":._-".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_the_star_means_all() {
        assert!(Abilities::all().allow("orders:read"));
        assert!(!Abilities::none().allow("orders:read"));
        for near in [r#"["**"]"#, r#"[" *"]"#, r#"["＊"]"#, r#""*""#, r#"{"*":1}"#, "[1]", "*", ""]
        {
            assert!(!Abilities::from_stored(Some(near)).allow("orders:read"), "{near}");
        }
        assert!(!Abilities::from_stored(None).allow("orders:read"));
    }

    #[test]
    fn a_set_covers_what_it_allows() {
        let some = Abilities::parse(["orders:read", "orders:write"]).unwrap();
        assert!(some.cover(&Abilities::parse(["orders:read"]).unwrap()));
        assert!(some.cover(&Abilities::none()));
        assert!(!some.cover(&Abilities::all()));
        assert!(Abilities::all().cover(&some));
        assert_eq!(some.missing(&["orders:read", "users:read"]), ["users:read"]);
    }

    #[test]
    fn the_form_is_narrow() {
        for bad in ["", "**", " *", "Orders", "a b", "-a", "ä", "a\0", &"a".repeat(65)] {
            assert_eq!(Abilities::parse([bad]), Err(AbilityError::Malformed), "{bad:?}");
        }
        assert!(Abilities::parse(["a".repeat(64)]).is_ok());
        let many = (0..65).map(|n| n.to_string());
        assert_eq!(Abilities::parse(many), Err(AbilityError::TooMany));
        assert_eq!(Abilities::parse(["a", "a"]).unwrap().iter().count(), 1);
    }

    proptest! {
        #[test]
        fn storing_loses_nothing(list in proptest::collection::vec(".{0,20}", 0..8)) {
            let json = serde_json::to_string(&list).unwrap();
            let read = Abilities::from_stored(Some(&json));
            prop_assert_eq!(read.iter().collect::<Vec<_>>(), list);
            prop_assert_eq!(Abilities::from_stored(Some(&read.to_stored())), read);
        }

        #[test]
        fn no_text_panics(text in ".{0,80}") {
            let _ = (Abilities::parse([&text]), Abilities::from_stored(Some(&text)));
        }
    }
}
