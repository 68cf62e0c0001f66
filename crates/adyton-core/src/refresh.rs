//! Rotation: what one refresh token gets, decided from its session alone.
//!
//! A refresh moves a session to its next pair, which is derived from the presented token and a
//! salt that stands in its row for the grace. While that lasts the same derivation answers again;
//! anything else that presents a replaced token is reuse (RFC 9700, section 4.14.2).

use crate::clock::Timestamp;
use crate::config::Config;
use crate::secret::{Hash, Kind, PlainText, Salt};
use crate::session::FoundSession;

/// What a presented refresh token gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Its session moves to the next pair.
    Rotate,
    /// The pair that its last refresh gave, once more.
    Replay {
        /// What that pair was derived from.
        salt: Salt,
        /// When.
        rotated_at: Timestamp,
    },
    /// It was replaced and comes back: its session ends.
    Reuse,
    /// Its session is over.
    Expired,
    /// Its session was ended.
    Revoked,
}

/// Decides what the refresh token with this hash gets.
#[must_use]
pub fn decide(presented: Hash, found: &FoundSession, now: Timestamp, config: &Config) -> Decision {
    let session = &found.session;
    if session.revoked_at.is_some() {
        return Decision::Revoked;
    }
    if now >= session.ends_at(config) {
        return Decision::Expired;
    }
    let in_grace = session
        .salt
        .zip(session.rotated_at)
        .filter(|(_, rotated_at)| now < rotated_at.plus(config.rotation_grace.seconds()));
    match (found.superseded, in_grace) {
        // Without rotation the same token comes again; within the grace it gets the same answer.
        (None, Some((salt, rotated_at)))
            if !config.token_rotation && session.previous.is_none() =>
        {
            Decision::Replay { salt, rotated_at }
        }
        (None, _) => Decision::Rotate,
        (Some(_), Some((salt, rotated_at))) if session.previous == Some(presented) => {
            Decision::Replay { salt, rotated_at }
        }
        (Some(superseded), _) if now >= superseded.expires_at => Decision::Expired,
        (Some(_), _) => Decision::Reuse,
    }
}

/// An access token and the refresh token that renews it.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The access token.
    pub access: PlainText,
    /// The refresh token.
    pub refresh: PlainText,
}

impl Pair {
    /// The pair that follows a presented refresh token. With `token_rotation` off the refresh
    /// token stays.
    #[must_use]
    pub fn following(presented: &PlainText, salt: &Salt, rotate: bool) -> Self {
        let refresh =
            if rotate { presented.successor(Kind::Refresh, salt) } else { presented.clone() };
        Self { access: presented.successor(Kind::Access, salt), refresh }
    }
}
