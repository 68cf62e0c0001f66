//! CSRF: which requests a page of another site may have made a browser send.
//!
//! First what the browser itself says of the request's origin (Fetch Metadata, RFC 6454), then, where
//! it says nothing, a token that only a page of this site can read. It knows no headers: the door
//! reads them.

use crate::secret::{self, EntropyError, Hash};
use std::fmt;
use subtle::ConstantTimeEq;

/// Characters of a token's nonce.
const NONCE: usize = 22;
/// Characters of a token: the letter, the nonce, an HMAC in hexadecimal.
const TOKEN: usize = 1 + NONCE + 64;

/// What `Sec-Fetch-Site` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchSite {
    /// Nothing: an old browser, no browser at all, or plain http.
    Absent,
    /// A page of this origin asked.
    SameOrigin,
    /// No page asked: a bookmark, the address bar.
    None,
    /// Anything else: `same-site`, `cross-site`, a word of the future.
    Other,
}

impl FetchSite {
    /// Reads the header's value.
    #[must_use]
    pub fn read(value: Option<&[u8]>) -> Self {
        match value {
            None => Self::Absent,
            Some(b"same-origin") => Self::SameOrigin,
            Some(b"none") => Self::None,
            Some(_) => Self::Other,
        }
    }
}

/// Whose the `Origin` of a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginVerdict {
    /// There is none.
    Absent,
    /// Our own.
    Own,
    /// An allowed one, on our own site: its browser sends our cookies.
    AllowedSameSite,
    /// An allowed one of another site, whose browser sends none.
    AllowedCrossSite,
    /// Anybody else's; `null` is.
    Foreign,
}

impl OriginVerdict {
    /// Whether it is our own or an allowed one.
    #[must_use]
    pub const fn is_trusted(self) -> bool {
        matches!(self, Self::Own | Self::AllowedSameSite | Self::AllowedCrossSite)
    }
}

/// What `X-XSRF-TOKEN` is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    /// There is none.
    Nothing,
    /// It is the holder's.
    Right,
    /// It is not, or there is more than one.
    Wrong,
}

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CsrfReason {
    /// The `Origin` is neither that of `server.public_url` nor in `allowed_origins`; `null` is foreign.
    #[error(
        "the request comes from a page of another origin, which `allowed_origins` does not name"
    )]
    ForeignOrigin,
    /// `Sec-Fetch-Site` names another origin, and no allowed `Origin` stands beside it.
    #[error("the browser says that a page of another origin sent the request")]
    CrossSite,
    /// Neither header is there: send the value of the cookie `XSRF-TOKEN` as `X-XSRF-TOKEN`.
    #[error("send the value of the cookie XSRF-TOKEN as the header X-XSRF-TOKEN")]
    TokenMissing,
    /// The token is of another session, or a guest's: read the cookie again.
    #[error("X-XSRF-TOKEN does not belong to this session; read the cookie XSRF-TOKEN again")]
    TokenMismatch,
    /// `Origin` or `Sec-Fetch-Site` stands twice.
    #[error("Origin and Sec-Fetch-Site must each stand once")]
    HeaderDoubled,
    /// On any host but localhost cookies need `server.public_url`.
    #[error("cookies need `server.public_url` on any host but localhost")]
    PublicUrlMissing,
}

impl CsrfReason {
    /// Its stable name for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ForeignOrigin => "foreign_origin",
            Self::CrossSite => "cross_site",
            Self::TokenMissing => "xsrf_token_missing",
            Self::TokenMismatch => "xsrf_token_mismatch",
            Self::HeaderDoubled => "header_doubled",
            Self::PublicUrlMissing => "public_url_missing",
        }
    }
}

/// Whether a request that changes something may count on its cookie. The order is the rule: what
/// the browser says of itself outweighs a token, good or bad.
///
/// # Errors
/// Which check failed.
pub fn check(
    fetch_site: FetchSite,
    origin: OriginVerdict,
    token: Presented,
) -> Result<(), CsrfReason> {
    if matches!(fetch_site, FetchSite::SameOrigin | FetchSite::None) || origin.is_trusted() {
        return Ok(());
    }
    if origin == OriginVerdict::Foreign {
        return Err(CsrfReason::ForeignOrigin);
    }
    if fetch_site == FetchSite::Other {
        return Err(CsrfReason::CrossSite);
    }
    match token {
        Presented::Right => Ok(()),
        Presented::Nothing => Err(CsrfReason::TokenMissing),
        Presented::Wrong => Err(CsrfReason::TokenMismatch),
    }
}

/// Whom a token is for.
#[derive(Clone, Copy)]
pub enum Holder<'a> {
    /// Who presents this session cookie, whether it still signs anybody in or not.
    Session(&'a str),
    /// Who presents none, and this value of the cookie `XSRF-TOKEN`, if any.
    Guest(Option<&'a str>),
}

/// Without the texts, which are secrets.
impl fmt::Debug for Holder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if let Self::Session(_) = self { "Session(…)" } else { "Guest(…)" })
    }
}

impl<'a> Holder<'a> {
    /// The key of its tokens: the session's own secret, since no application key exists. A guest has
    /// none, so that anybody can make a guest's token, and only its cookie makes it good.
    fn key(self) -> &'a str {
        match self {
            Self::Session(cookie) => cookie,
            Self::Guest(_) => "",
        }
    }
}

/// A new token for the cookie `XSRF-TOKEN`: letters and digits, a letter first, so that no client
/// takes it for a number or for JSON.
///
/// # Errors
/// [`EntropyError`] when the system has no randomness to give.
pub fn issue(holder: Holder<'_>) -> Result<String, EntropyError> {
    let nonce = secret::public_id()?;
    let proof = proof(holder, &nonce);
    Ok(format!("x{nonce}{proof}"))
}

/// Whether a token is its holder's: bound to the session, or a guest's own in both places. The token
/// of another session is neither's, and a guest's is no session's.
#[must_use]
pub fn verify(holder: Holder<'_>, token: &str) -> bool {
    let bound = is_bound(holder, token);
    match holder {
        Holder::Session(_) => bound,
        Holder::Guest(cookie) => {
            bound && cookie.is_some_and(|cookie| cookie.as_bytes().ct_eq(token.as_bytes()).into())
        }
    }
}

fn is_bound(holder: Holder<'_>, token: &str) -> bool {
    let form = token.len() == TOKEN
        && token.starts_with('x')
        && token.bytes().all(|byte| byte.is_ascii_alphanumeric());
    form && {
        let (nonce, presented) = token[1..].split_at(NONCE);
        proof(holder, nonce).as_bytes().ct_eq(presented.as_bytes()).into()
    }
}

fn proof(holder: Holder<'_>, nonce: &str) -> String {
    Hash::keyed(holder.key(), &["xsrf", nonce]).to_hex()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::{Kind, PlainText};
    use proptest::prelude::*;

    #[test]
    fn the_rule_is_the_contracts_in_its_order() {
        use {CsrfReason as R, FetchSite as F, OriginVerdict as O, Presented as P};
        for (fetch, origin, token, expected) in [
            // What the browser vouches for passes, whatever else is there.
            (F::SameOrigin, O::Foreign, P::Wrong, Ok(())),
            (F::None, O::Absent, P::Nothing, Ok(())),
            (F::None, O::Foreign, P::Nothing, Ok(())),
            (F::Absent, O::Own, P::Nothing, Ok(())),
            (F::Other, O::AllowedSameSite, P::Wrong, Ok(())),
            (F::Other, O::AllowedCrossSite, P::Nothing, Ok(())),
            // What it does not vouch for is refused, even with a good token.
            (F::Absent, O::Foreign, P::Right, Err(R::ForeignOrigin)),
            (F::Other, O::Foreign, P::Right, Err(R::ForeignOrigin)),
            (F::Other, O::Absent, P::Right, Err(R::CrossSite)),
            // Where it says nothing, the token decides.
            (F::Absent, O::Absent, P::Right, Ok(())),
            (F::Absent, O::Absent, P::Nothing, Err(R::TokenMissing)),
            (F::Absent, O::Absent, P::Wrong, Err(R::TokenMismatch)),
        ] {
            assert_eq!(check(fetch, origin, token), expected, "{fetch:?} {origin:?} {token:?}");
        }
    }

    #[test]
    fn fetch_metadata_is_read_to_the_letter() {
        for (value, read) in [
            (None, FetchSite::Absent),
            (Some(&b"same-origin"[..]), FetchSite::SameOrigin),
            (Some(b"none"), FetchSite::None),
            (Some(b"same-site"), FetchSite::Other),
            (Some(b"cross-site"), FetchSite::Other),
            (Some(b"Same-Origin"), FetchSite::Other),
            (Some(b""), FetchSite::Other),
            (Some(b"same-origin, none"), FetchSite::Other),
        ] {
            assert_eq!(FetchSite::read(value), read, "{value:?}");
        }
    }

    #[test]
    fn a_token_is_one_sessions() {
        let cookie = PlainText::draw(Kind::Cookie).unwrap();
        let other = PlainText::draw(Kind::Cookie).unwrap();
        let token = issue(Holder::Session(cookie.expose())).unwrap();
        assert!(verify(Holder::Session(cookie.expose()), &token));
        assert!(!verify(Holder::Session(other.expose()), &token));
        assert!(!verify(Holder::Guest(Some(&token)), &token));
        assert_ne!(token, issue(Holder::Session(cookie.expose())).unwrap());
        assert!(token.starts_with('x') && token.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert!(!token.contains(cookie.expose()));
    }

    #[test]
    fn a_guests_token_is_good_where_its_cookie_says_the_same() {
        let (token, other) = (issue(Holder::Guest(None)), issue(Holder::Guest(None)));
        let (token, other) = (token.unwrap(), other.unwrap());
        assert!(verify(Holder::Guest(Some(&token)), &token));
        assert!(!verify(Holder::Guest(Some(&other)), &token));
        assert!(!verify(Holder::Guest(None), &token));
        assert!(!verify(Holder::Session("ads_any"), &token));
        // Both places, but nothing that was issued here.
        for forged in ["", "x", "same", &token[1..], &format!("y{}", &token[1..])] {
            assert!(!verify(Holder::Guest(Some(forged)), forged), "{forged}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_none_is_right_by_chance(text in "(x[0-9a-zA-Z]{86}|.{0,120})") {
            prop_assert!(!verify(Holder::Session("ads_any"), &text));
            prop_assert!(!verify(Holder::Guest(Some(&text)), &text));
        }

        #[test]
        fn one_changed_character_is_refused(at in 0_usize..TOKEN, to in "[0-9A-Za-z]") {
            let token = issue(Holder::Session("ads_any")).unwrap();
            let mut changed = token.clone();
            changed.replace_range(at..=at, &to);
            prop_assert_eq!(verify(Holder::Session("ads_any"), &changed), changed == token);
        }
    }
}
