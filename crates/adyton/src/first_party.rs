//! Where a request comes from, by what its browser says: the headers behind the rule of
//! [`adyton_core::csrf`].

use crate::Adyton;
use adyton_core::csrf::{self, CsrfReason, FetchSite, Holder, OriginVerdict, Presented};
use adyton_core::origin::{Origin, same_site};
use axum::extract::FromRequestParts;
use http::header::{COOKIE, HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use std::convert::Infallible;

pub(crate) const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
pub(crate) const X_XSRF_TOKEN: HeaderName = HeaderName::from_static("x-xsrf-token");

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestSource {
    fetch_site: FetchSite,
    origin: OriginVerdict,
    /// Whether our own origin is known, without which no cookie counts.
    own_is_known: bool,
    /// Whether a header that must stand once does not.
    doubled: bool,
}

impl RequestSource {
    pub(crate) fn of(auth: &Adyton, headers: &HeaderMap, uri: &Uri) -> Self {
        let own = own_origin(auth, headers, uri);
        let (fetch_site, origin) = (once(headers, &SEC_FETCH_SITE), once(headers, &ORIGIN));
        Self {
            doubled: fetch_site.is_err() || origin.is_err(),
            fetch_site: fetch_site.map_or(FetchSite::Other, |value| {
                FetchSite::read(value.map(HeaderValue::as_bytes))
            }),
            origin: origin.map_or(OriginVerdict::Foreign, |value| judge(auth, own.as_ref(), value)),
            own_is_known: own.is_some(),
        }
    }

    /// Whether cookies count. On a host that nobody has said is ours they do not, and nothing sets
    /// one: another name may lead here (DNS rebinding).
    pub(crate) fn accepts_cookies(self) -> bool {
        self.own_is_known
    }

    /// Whether it says nothing of a page: old browsers do not, nor does what is no browser.
    pub(crate) fn tells_nothing(self) -> bool {
        !self.doubled
            && self.fetch_site == FetchSite::Absent
            && self.origin == OriginVerdict::Absent
    }

    /// Whose the `Origin` is.
    pub(crate) fn origin(self) -> OriginVerdict {
        self.origin
    }

    /// Whether a page of ours, or of an allowed origin, sent it.
    pub(crate) fn is_first_party(self) -> bool {
        let vouched = self.fetch_site == FetchSite::SameOrigin || self.origin.is_trusted();
        self.own_is_known && !self.doubled && vouched
    }

    /// Whether a sign-in that names no guard gets a cookie: its browser would send it back.
    pub(crate) fn wants_session_by_default(self) -> bool {
        let same_site = matches!(self.origin, OriginVerdict::Own | OriginVerdict::AllowedSameSite);
        !self.doubled && (self.fetch_site == FetchSite::SameOrigin || same_site)
    }

    /// Whether a request that its cookie authenticates, or that sets one, may do what it asks. It
    /// passes under `csrf_protection = false`, where cookies count at all.
    ///
    /// # Errors
    /// Which check failed.
    pub(crate) fn check_csrf(
        self,
        auth: &Adyton,
        headers: &HeaderMap,
        session_cookie: Option<&str>,
    ) -> Result<(), CsrfReason> {
        if !self.own_is_known {
            return Err(CsrfReason::PublicUrlMissing);
        }
        if !auth.config().csrf_protection {
            return Ok(());
        }
        if self.doubled {
            return Err(CsrfReason::HeaderDoubled);
        }
        csrf::check(self.fetch_site, self.origin, presented(auth, headers, session_cookie))
    }
}

impl FromRequestParts<Adyton> for RequestSource {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, auth: &Adyton) -> Result<Self, Infallible> {
        Ok(Self::of(auth, &parts.headers, &parts.uri))
    }
}

/// Whether a request has any header that only browsers send: the others are spared the questions.
pub(crate) fn says_where_from(headers: &HeaderMap) -> bool {
    [COOKIE, ORIGIN, SEC_FETCH_SITE].iter().any(|name| headers.contains_key(name))
}

/// The public URL's origin; without one that of the `Host`, if it can only be this machine. The
/// scheme is then `http`: nobody has told of TLS.
fn own_origin(auth: &Adyton, headers: &HeaderMap, uri: &Uri) -> Option<Origin> {
    if let Some(url) = &auth.web().public_url {
        return Some(url.clone());
    }
    // Since HTTP/2 an authority may stand for the `Host`.
    let host = match once(headers, &HOST).ok()? {
        Some(host) => host.to_str().ok()?,
        None => uri.authority()?.as_str(),
    };
    Origin::parse(&format!("http://{host}")).filter(Origin::is_loopback)
}

fn judge(auth: &Adyton, own: Option<&Origin>, value: Option<&HeaderValue>) -> OriginVerdict {
    let Some(value) = value else { return OriginVerdict::Absent };
    let origin = value.to_str().ok().and_then(Origin::parse);
    let Some(origin) = origin else { return OriginVerdict::Foreign };
    if own == Some(&origin) {
        OriginVerdict::Own
    } else if !auth.web().allowed_origins.contains(&origin) {
        OriginVerdict::Foreign
    } else if own.is_some_and(|own| same_site(own, &origin)) {
        OriginVerdict::AllowedSameSite
    } else {
        OriginVerdict::AllowedCrossSite
    }
}

fn presented(auth: &Adyton, headers: &HeaderMap, session_cookie: Option<&str>) -> Presented {
    let token = match once(headers, &X_XSRF_TOKEN) {
        Ok(None) => return Presented::Nothing,
        Ok(Some(value)) => percent_decoded(value.as_bytes()),
        Err(Doubled) => None,
    };
    let own = auth.cookies().xsrf(headers);
    let holder = session_cookie.map_or(Holder::Guest(own.as_deref()), Holder::Session);
    let verify = |token: String| csrf::verify(holder, &token);
    if token.is_some_and(verify) { Presented::Right } else { Presented::Wrong }
}

/// A header that must stand once stands twice.
struct Doubled;

fn once<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, Doubled> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    if values.next().is_some() { Err(Doubled) } else { Ok(value) }
}

/// A token has nothing to escape, but some clients escape whatever they send.
pub(crate) fn percent_decoded(text: &[u8]) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let byte = if byte == b'%' {
            let (digits, after) = rest.split_at_checked(2)?;
            rest = after;
            // Digits one by one: a number may have a sign, an escape has none.
            let hex = |at: usize| char::from(digits[at]).to_digit(16);
            u8::try_from(hex(0)? * 16 + hex(1)?).ok()?
        } else {
            byte
        };
        decoded.push(byte);
    }
    String::from_utf8(decoded).ok()
}
