//! Request bodies: JSON objects, read field by field.
//!
//! Not axum's `Json`: its rejections repeat the input (a number sent as password included), a
//! derived struct takes an array, and a member that stands twice counts silently. None of that may
//! happen here. What is wrong with a field is told by its name, never by its value.

use crate::{Adyton, Rejection};
use adyton_core::error::Problems;
use adyton_core::user::Password;
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;
use std::collections::HashMap;
use std::fmt;
use tokio::time::timeout;

const LONGEST: usize = 64 * 1024;

/// The members of a JSON object, and what turned out to be wrong with them.
#[derive(Default)]
pub(crate) struct Fields {
    members: HashMap<String, Value>,
    problems: Problems,
}

impl FromRequest<Adyton> for Fields {
    type Rejection = Rejection;

    /// No body means `{}`.
    async fn from_request(request: Request, auth: &Adyton) -> Result<Self, Rejection> {
        let (parts, body) = request.into_parts();
        let limit = auth.config().server.body_timeout.duration();
        let bytes =
            timeout(limit, read(&parts.headers, body)).await.map_err(|_| Rejection::TooSlow)??;
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        check_media_type(&parts.headers)?;
        let Object(members) = serde_json::from_slice(&bytes).map_err(|_| {
            Rejection::Malformed("the body must be one JSON object, no member twice")
        })?;
        Ok(Self::of(members))
    }
}

impl Fields {
    /// The members of an object that was read.
    pub(crate) fn of(members: HashMap<String, Value>) -> Self {
        Self { members, problems: Problems::default() }
    }

    /// A text; absent or null is none.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        self.take(name, "must be a string", |value| match value {
            Value::String(text) => Some(text),
            _ => None,
        })
    }

    /// A text that will be asked for where it is absent: the engine says that it is required.
    pub(crate) fn required(&mut self, name: &'static str) -> String {
        self.text(name).unwrap_or_default()
    }

    /// A password or another secret, wiped after use.
    pub(crate) fn password(&mut self, name: &'static str) -> Option<Password> {
        self.text(name).map(Password::from)
    }

    /// A list of texts.
    pub(crate) fn texts(&mut self, name: &'static str) -> Option<Vec<String>> {
        self.take(name, "must be a list of strings", |value| match value {
            Value::Array(items) => items
                .into_iter()
                .map(|item| if let Value::String(text) = item { Some(text) } else { None })
                .collect(),
            _ => None,
        })
    }

    /// True or false.
    pub(crate) fn flag(&mut self, name: &'static str) -> bool {
        self.take(name, "must be true or false", |value| value.as_bool()).unwrap_or_default()
    }

    /// A whole number of seconds, at least one; a null stays apart from an absent one.
    pub(crate) fn seconds(&mut self, name: &'static str) -> Option<Option<u64>> {
        let null = self.is_null(name);
        let seconds = self.take(name, "must be a whole number of seconds above 0", |value| {
            value.as_u64().filter(|seconds| *seconds > 0)
        });
        seconds.map(Some).or(null.then_some(None))
    }

    /// Whether the member stands there as null.
    pub(crate) fn is_null(&self, name: &str) -> bool {
        [name.to_owned(), snake_case(name)]
            .iter()
            .any(|name| self.members.get(name).is_some_and(Value::is_null))
    }

    /// Adds a problem with a field.
    pub(crate) fn problem(&mut self, name: &'static str, problem: &str) {
        self.problems.add(name, problem);
    }

    /// To be asked when every field was read: what was wrong with their types.
    pub(crate) fn finish(self) -> Result<(), Rejection> {
        Ok(self.problems.into_result()?)
    }

    fn take<T>(
        &mut self,
        name: &'static str,
        expected: &str,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Option<T> {
        let camel = self.members.remove(name);
        let snake = snake_case(name);
        let other = (snake != name).then(|| self.members.remove(&snake)).flatten();
        if camel.is_some() && other.is_some() {
            self.problems.add(name, format!("stands twice, as {name} and as {snake}"));
        }
        let value = camel.or(other).filter(|value| !value.is_null())?;
        let read = read(value);
        self.problems.unless(read.is_some(), name, expected);
        read
    }
}

async fn read(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Rejection> {
    let announced =
        headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > LONGEST as u64) {
        return Err(Rejection::TooLarge);
    }
    match Limited::new(body, LONGEST).collect().await {
        Ok(collected) => Ok(collected.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => Err(Rejection::TooLarge),
        Err(_) => Err(Rejection::Malformed("the body broke off")),
    }
}

/// `application/json`, alone or with `charset=utf-8`, and no content encoding.
pub(crate) fn check_media_type(headers: &HeaderMap) -> Result<(), Rejection> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(only), None) = (types.next(), types.next()) else {
        return Err(Rejection::UnsupportedMediaType);
    };
    let text = only.to_str().unwrap_or_default().to_ascii_lowercase();
    let (essence, parameter) = text.split_once(';').unwrap_or((&text, ""));
    let plain = matches!(parameter.trim(), "" | "charset=utf-8" | "charset=\"utf-8\"");
    let right =
        essence.trim() == "application/json" && plain && !headers.contains_key(CONTENT_ENCODING);
    if right { Ok(()) } else { Err(Rejection::UnsupportedMediaType) }
}

/// `deviceName` as `device_name`.
fn snake_case(camel: &str) -> String {
    let mut snake = String::with_capacity(camel.len() + 4);
    for letter in camel.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// An object in which no member stands twice.
pub(crate) struct Object(pub(crate) HashMap<String, Value>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut members = HashMap::new();
                while let Some((name, value)) = map.next_entry()? {
                    if members.insert(name, value).is_some() {
                        return Err(A::Error::custom("a member stands twice"));
                    }
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}
