//! Users: who signs in. The engine knows six columns; whatever else a table holds stays its own.

use crate::clock::Timestamp;
use email_address::{EmailAddress, Options};
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::fmt;
use zeroize::Zeroizing;

/// The id of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct UserId(pub i64);

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A user as shown to clients: the columns of the table by their own names, never the password.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct User {
    /// Never used again once deleted.
    pub id: UserId,
    /// At most 255 characters.
    pub name: String,
    /// As it stands in the table.
    pub email: String,
    /// When the row was made.
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Option<Timestamp>,
    /// The columns named in `user_columns`.
    #[serde(flatten)]
    pub columns: Map<String, Value>,
}

impl User {
    /// Reads what a user was written as, to the letter: the columns of the engine come first.
    pub(crate) fn read_back(json: &str) -> serde_json::Result<Self> {
        serde_json::Deserializer::from_str(json).deserialize_map(ReadBack)
    }
}

struct ReadBack;

impl<'de> Visitor<'de> for ReadBack {
    type Value = User;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a user as it is written")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<User, A::Error> {
        let mut user = User {
            id: UserId(next(&mut map)?),
            name: next(&mut map)?,
            email: next(&mut map)?,
            created_at: next::<_, Option<&str>>(&mut map)?.and_then(Timestamp::from_rfc3339),
            updated_at: next::<_, Option<&str>>(&mut map)?.and_then(Timestamp::from_rfc3339),
            columns: Map::new(),
        };
        while let Some((key, value)) = map.next_entry()? {
            user.columns.insert(key, value);
        }
        Ok(user)
    }
}

fn next<'de, A: MapAccess<'de>, T: Deserialize<'de>>(map: &mut A) -> Result<T, A::Error> {
    let entry = map.next_entry::<IgnoredAny, T>()?;
    entry.map(|(_, value)| value).ok_or_else(|| A::Error::custom("a column is missing"))
}

/// A user together with what proves that it is them.
#[derive(Clone, Debug)]
pub struct Account {
    /// Who.
    pub user: User,
    /// The stored hash; none where the row has none, and then no password is right.
    pub password: Option<StoredPassword>,
}

/// A password as somebody typed it. It is wiped from memory on drop, and its `Debug` shows nothing.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Password {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl From<&str> for Password {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// A password's hash as a store holds it, in PHC or modular crypt form. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredPassword(String);

impl StoredPassword {
    /// Wraps what stands in the column.
    #[must_use]
    pub fn new(hash: String) -> Self {
        Self(hash)
    }

    /// The column's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for StoredPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredPassword(…)")
    }
}

/// A user to be created.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// At most 255 characters.
    pub name: String,
    /// Stored in lower case.
    pub email: Email,
    /// The hash of the first password.
    pub password: StoredPassword,
}

/// What of a user changes; `None` stays.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// A new name.
    pub name: Option<String>,
    /// A new address.
    pub email: Option<Email>,
    /// The hash that a password was verified against for this change: it must still stand.
    pub verified: Option<StoredPassword>,
}

/// An e-mail address that was read: one `@`, no blanks, at most 254 bytes (RFC 5321).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Email {
    typed: String,
    lower: String,
}

impl Email {
    const LONGEST: usize = 254;

    /// Reads an address; ASCII blanks around it are dropped.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let typed = text.trim_matches(|letter: char| letter.is_ascii_whitespace());
        let options = Options::default().without_display_text().without_domain_literal();
        let lower = typed.to_lowercase();
        let plain = |letter: char| !letter.is_whitespace() && !letter.is_control();
        let good = typed.len().max(lower.len()) <= Self::LONGEST
            && typed.matches('@').count() == 1
            && typed.chars().all(plain)
            && EmailAddress::parse_with_options(typed, options).is_ok();
        good.then(|| Self { typed: typed.to_owned(), lower })
    }

    /// In lower case: the form that is stored and compared.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.lower
    }

    /// As typed, for tables in which others have stored addresses with capitals.
    #[must_use]
    pub fn typed(&self) -> &str {
        &self.typed
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lower)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_fold_into_one_form() {
        let email = Email::parse(" Ada@Example.COM\n").unwrap();
        assert_eq!((email.as_str(), email.typed()), ("ada@example.com", "Ada@Example.COM"));
        assert!(Email::parse("ada@exämple.com").is_some());
    }

    #[test]
    fn a_password_is_not_shown() {
        let shown = format!("{:?}", Password::from("correct horse 1"));
        assert_eq!(shown, "Password(…)");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.com", "a".repeat(250));
        for bad in [
            "",
            "ada",
            "@",
            "a@",
            "@b.com",
            "a@b@c.com",
            "a b@c.com",
            "a\u{a0}b@c.com",
            "a\r\n@c.com",
            "a\0@c.com",
            "Ada <ada@example.com>",
            "ada@[127.0.0.1]",
            ".ada@example.com",
            &long,
        ] {
            assert_eq!(Email::parse(bad), None, "{bad:?}");
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let plain = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        plain.prop_recursive(2, 8, 3, |inner| {
            let map = prop::collection::hash_map(any::<String>(), inner.clone(), 0..3);
            prop_oneof![
                prop::collection::vec(inner, 0..3).prop_map(Value::from),
                map.prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    prop_compose! {
        fn user()(
            id: i64,
            name: String,
            email: String,
            times in [any::<Option<i64>>(), any::<Option<i64>>()],
            columns in prop::collection::hash_map("id|name|email|created_at|.{0,6}", value(), 0..5),
        ) -> User {
            let [created_at, updated_at] = times.map(|time| time.map(Timestamp::from_unix));
            let columns = columns.into_iter().collect();
            User { id: UserId(id), name, email, created_at, updated_at, columns }
        }
    }

    proptest! {
        /// Columns too that are called like those of the engine.
        #[test]
        fn what_a_user_is_written_as_reads_back(user in user()) {
            let json = serde_json::to_string(&user).unwrap();
            prop_assert_eq!(User::read_back(&json).unwrap(), user);
        }

        #[test]
        fn no_text_panics_and_parsing_settles(text in ".{0,80}@?.{0,40}") {
            if let Some(email) = Email::parse(&text) {
                let again = Email::parse(email.as_str()).map(|email| email.lower);
                prop_assert_eq!(again.as_deref(), Some(email.as_str()));
            }
        }
    }
}
