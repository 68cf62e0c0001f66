//! Texts that sign somebody in: they are wiped from memory on drop, and `Debug` shows nothing.

use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

/// A password or a token. What it holds is had by [`expose`](Self::expose) alone; it is serialised
/// as it stands, into requests and storages.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(from = "String")]
pub struct Secret(#[serde(serialize_with = "as_text")] Zeroizing<String>);

impl Secret {
    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

fn as_text<S: serde::Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}
