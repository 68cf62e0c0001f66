//! Forms and queries, field by field: each field once, all of it UTF-8, at most 64 KiB.
//!
//! Not axum's `Form`: it replaces bytes that are no text, so that two passwords become one, and a
//! field that stands twice counts silently.

use super::Site;
use super::answer::Failure;
use adyton::{Password, Rejection};
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use std::collections::HashMap;
use tokio::time::timeout;
use zeroize::Zeroizing;

const LONGEST: usize = 64 * 1024;

/// The fields of a form, or of a query.
#[derive(Default)]
pub(super) struct Fields(HashMap<String, Password>);

/// The fields of a query.
pub(super) struct Query(pub(super) Fields);

impl Fields {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut fields = HashMap::new();
        for pair in bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let name = decoded(halves.next().unwrap_or_default())?;
            let value = decoded(halves.next().unwrap_or_default())?;
            if fields.insert(name, value.into()).is_some() {
                return None;
            }
        }
        Some(Self(fields))
    }

    /// What was typed; empty when the field is missing.
    pub(super) fn text(&mut self, name: &str) -> String {
        self.password(name).expose().to_owned()
    }

    /// What was typed, wiped after use.
    pub(super) fn password(&mut self, name: &str) -> Password {
        self.0.remove(name).unwrap_or_default()
    }

    /// Whether a box was ticked.
    pub(super) fn ticked(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some_and(|value| value.expose() == "on")
    }
}

/// `+` for a blank, `%XX` for a byte; none for what is no text.
fn decoded(text: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    let hex = |digit: Option<&u8>| char::from(*digit?).to_digit(16);
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => u8::try_from(hex(rest.next())? * 16 + hex(rest.next())?).ok()?,
            byte => *byte,
        });
    }
    String::from_utf8(bytes).ok()
}

impl FromRequest<Site> for Fields {
    type Rejection = Failure;

    async fn from_request(request: Request, site: &Site) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        check_head(&parts.headers)?;
        let limit = site.auth().config().server.body_timeout.duration();
        let bytes = timeout(limit, read(body)).await.map_err(|_| Rejection::TooSlow)??;
        Ok(Self::parse(&bytes).ok_or(Rejection::Malformed("the form cannot be read"))?)
    }
}

impl FromRequestParts<Site> for Query {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Site) -> Result<Self, Failure> {
        let query = parts.uri.query().unwrap_or_default();
        let fields = Fields::parse(query.as_bytes());
        Ok(Self(fields.ok_or(Rejection::Malformed("the query cannot be read"))?))
    }
}

fn check_head(headers: &HeaderMap) -> Result<(), Rejection> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let text = types.next().and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let form = essence == "application/x-www-form-urlencoded" && types.next().is_none();
    if !form || headers.contains_key(CONTENT_ENCODING) {
        return Err(Rejection::UnsupportedMediaType);
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length > LONGEST) {
        return Err(Rejection::TooLarge);
    }
    Ok(())
}

async fn read(body: Body) -> Result<Zeroizing<Vec<u8>>, Rejection> {
    // An announced length was checked: a body is too large without one, or it broke off.
    let bytes = to_bytes(body, LONGEST).await.map_err(|_| Rejection::TooLarge)?;
    Ok(Zeroizing::new(bytes.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_stands_once_and_is_text() {
        let mut fields = Fields::parse(b"name=A%C3%A4+b%2B&&password=%20x%3d&on=on&flag").unwrap();
        assert_eq!(fields.text("name"), "Aä b+");
        assert_eq!(fields.password("password").expose(), " x=");
        assert!(fields.ticked("on") && !fields.ticked("flag") && !fields.ticked("absent"));
        for bad in ["a=1&a=2", "a&%61", "a=%", "a=%4", "a=%+1", "a=%gg", "a=%ff", "%ff=a"] {
            assert!(Fields::parse(bad.as_bytes()).is_none(), "{bad}");
        }
        assert!(Fields::parse(b"a=\xff").is_none());
    }
}
