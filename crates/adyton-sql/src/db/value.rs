//! Values and rows as the database's own types have them, and how the types of the core read them.

use crate::dialect::Names;
use crate::error::{Result, SqlError};
use adyton_core::ability::Abilities;
use adyton_core::clock::Timestamp;
use adyton_core::device::{DeviceId, Fingerprint};
use adyton_core::secret::{Hash, Salt};
use adyton_core::session::{Guard, SessionId};
use adyton_core::token::TokenId;
use adyton_core::user::{StoredPassword, UserId};
use serde_json::Value as Json;

/// A value on its way into or out of the database. It has no `Debug`: it may hold a hash.
#[derive(Clone)]
pub(crate) enum Value {
    Null,
    Int(i64),
    /// For databases that have a type for it; a number in the others.
    Bool(bool),
    Real(f64),
    Text(String),
    /// What is legible of a text that is not UTF-8.
    #[cfg_attr(not(feature = "sqlite"), expect(dead_code, reason = "servers keep no such text"))]
    Garbled(String),
    /// Bytes, which nothing of Adyton's is: what they are is not told.
    Blob,
    /// A point in time, for databases that have a type for it; text in SQLite.
    Time(Timestamp),
}

/// One row, read from left to right.
pub(crate) struct Row<'r> {
    values: &'r mut dyn Iterator<Item = Value>,
    /// The next one, where it was looked at already.
    next: Option<Value>,
}

impl<'r> Row<'r> {
    pub(super) fn new(values: &'r mut dyn Iterator<Item = Value>) -> Self {
        Self { values, next: None }
    }

    fn next(&mut self) -> Option<Value> {
        self.next.take().or_else(|| self.values.next())
    }

    /// The next column.
    pub(crate) fn get<T: Column>(&mut self) -> Result<T> {
        self.next().and_then(T::read).ok_or(SqlError::Unreadable)
    }

    /// All columns that are left.
    pub(crate) fn rest(&mut self) -> Vec<Value> {
        self.next.take().into_iter().chain(&mut *self.values).collect()
    }

    /// The next `width` columns, which an outer join may have left empty: then the first is null.
    pub(crate) fn joined<T: FromRow>(&mut self, width: usize, names: &Names) -> Result<Option<T>> {
        self.next = self.next();
        if let Some(Value::Null) = self.next {
            (0..width).for_each(|_| drop(self.next()));
            return Ok(None);
        }
        T::from_row(self, names).map(Some)
    }
}

/// What a row, or a part of it, is read into. It stands beside the list of its columns.
pub(crate) trait FromRow: Sized {
    /// Takes its columns from the row.
    fn from_row(row: &mut Row<'_>, names: &Names) -> Result<Self>;
}

impl<T: Column> FromRow for T {
    fn from_row(row: &mut Row<'_>, _: &Names) -> Result<Self> {
        row.get()
    }
}

impl<A: FromRow, B: FromRow> FromRow for (A, B) {
    fn from_row(row: &mut Row<'_>, names: &Names) -> Result<Self> {
        Ok((A::from_row(row, names)?, B::from_row(row, names)?))
    }
}

/// Reads the rows that a server has sent.
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(super) fn read_all<T: FromRow>(rows: Vec<Vec<Value>>, names: &Names) -> Result<Vec<T>> {
    rows.into_iter().map(|row| T::from_row(&mut Row::new(&mut row.into_iter()), names)).collect()
}

/// A type that a column can hold.
pub(crate) trait Column: Sized {
    /// Reads it; `None` where the column holds something else.
    fn read(value: Value) -> Option<Self>;
}

impl Column for i64 {
    /// Digits too: a column of keys may have been made for keys of any type.
    fn read(value: Value) -> Option<Self> {
        match value {
            Value::Int(number) => Some(number),
            Value::Bool(yes) => Some(yes.into()),
            Value::Text(digits) => digits.parse().ok(),
            _ => None,
        }
    }
}

impl Column for String {
    fn read(value: Value) -> Option<Self> {
        match value {
            Value::Text(text) | Value::Garbled(text) => Some(text),
            Value::Int(number) => Some(number.to_string()),
            _ => None,
        }
    }
}

impl Column for Timestamp {
    fn read(value: Value) -> Option<Self> {
        match value {
            Value::Time(time) => Some(time),
            Value::Text(text) => Self::from_sql(&text),
            _ => None,
        }
    }
}

impl Column for Abilities {
    fn read(value: Value) -> Option<Self> {
        match value {
            Value::Blob => None,
            value => Some(Self::from_stored(String::read(value).as_deref())),
        }
    }
}

impl<T: Column> Column for Option<T> {
    fn read(value: Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::read(value).map(Some),
        }
    }
}

/// A text, or nothing where there is none: for who can do without the rows that are spoilt.
pub(crate) struct AnyText(pub(crate) Option<String>);

impl Column for AnyText {
    fn read(value: Value) -> Option<Self> {
        Some(Self(String::read(value)))
    }
}

/// By the type in which it is stored, for columns of which nothing is known. JSON cannot show
/// bytes.
impl Column for Json {
    fn read(value: Value) -> Option<Self> {
        Some(match value {
            Value::Null | Value::Blob => Self::Null,
            Value::Int(number) => number.into(),
            Value::Bool(yes) => yes.into(),
            Value::Real(number) => number.into(),
            Value::Text(text) | Value::Garbled(text) => text.into(),
            Value::Time(time) => time.to_sql().into(),
        })
    }
}

macro_rules! read_as {
    ($($type:ty, $stored:ty, $read:expr;)*) => {$(
        impl Column for $type {
            fn read(value: Value) -> Option<Self> {
                <$stored>::read(value).and_then($read)
            }
        }
    )*};
}

read_as! {
    UserId, i64, |id| Some(Self(id));
    TokenId, i64, |id| Some(Self(id));
    SessionId, i64, |id| Some(Self(id));
    DeviceId, i64, |id| Some(Self(id));
    bool, i64, |number| Some(number != 0);
    u32, i64, |number| Self::try_from(number).ok();
    Hash, String, |hex| Self::from_hex(&hex);
    Salt, String, |hex| Self::from_hex(&hex);
    Fingerprint, Hash, |hash| Some(Self(hash));
    Guard, String, |name| Self::from_name(&name);
    StoredPassword, String, |hash| Some(Self::new(hash));
}

macro_rules! write_as {
    ($($type:ty, $value:ident => $stored:expr;)*) => {$(
        impl From<$type> for Value {
            fn from($value: $type) -> Self {
                $stored
            }
        }
    )*};
}

write_as! {
    i64, number => Self::Int(number);
    u32, number => Self::Int(number.into());
    bool, yes => Self::Int(yes.into());
    &str, text => Self::Text(text.to_owned());
    String, text => Self::Text(text);
    Timestamp, time => Self::Time(time);
    UserId, id => Self::Int(id.0);
    TokenId, id => Self::Int(id.0);
    SessionId, id => Self::Int(id.0);
    DeviceId, id => Self::Int(id.0);
    Hash, hash => Self::Text(hash.to_hex());
    Salt, salt => Self::Text(salt.to_hex());
    Fingerprint, fingerprint => fingerprint.0.into();
    Guard, guard => guard.as_str().into();
    &Abilities, abilities => Self::Text(abilities.to_stored());
    &StoredPassword, password => password.as_str().into();
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
