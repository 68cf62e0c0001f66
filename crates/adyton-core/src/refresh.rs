//! Rotation: what one refresh token gets, decided from its session alone.
//!
//! A refresh moves a session to its next pair, which is derived from the presented token and a
//! salt that stands in its row for the grace. While that lasts the same derivation answers again;
//! anything else that presents a replaced token is reuse (RFC 9700, section 4.14.2).

use crate::clock::Timestamp;
use crate::config::Config;
use crate::secret::{Hash, Kind, PlainText, Salt};
use crate::session::{FoundSession, Superseded};

/// What a presented refresh token gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Its session moves to the next pair.
    Rotate,
    /// The pair that its last refresh gave, once more.
    Replay {
        /// What that pair was derived from.
        salt: Salt,
        /// When.
        rotated_at: Timestamp,
    },
    /// It was replaced and comes back: its session ends, if it has not yet.
    Reuse,
    /// Its session is over.
    Expired,
    /// Its session was ended.
    Revoked,
}

/// Decides what the refresh token with this hash gets.
pub(crate) fn decide(
    presented: Hash,
    found: &FoundSession,
    now: Timestamp,
    config: &Config,
) -> Decision {
    let session = &found.session;
    let grace_ends = session.rotated_at.map(|at| at.plus(config.rotation_grace.seconds()));
    let in_grace = grace_ends.is_some_and(|end| now < end);
    let outlived = |superseded: Superseded| now >= superseded.expires_at;
    if session.revoked_at.is_some() {
        // Whoever comes back with a replaced token is told so, even if another was faster; but not
        // who would have been given the same answer again, had the session not been ended.
        let replayed = in_grace && session.previous == Some(presented);
        let reused = found.superseded.is_some_and(|superseded| !outlived(superseded));
        return if reused && !replayed { Decision::Reuse } else { Decision::Revoked };
    }
    if now >= session.ends_at(config) {
        return Decision::Expired;
    }
    let replay = session.salt.zip(session.rotated_at).filter(|_| in_grace);
    match (found.superseded, replay) {
        // Without rotation the same token comes again; within the grace it gets the same answer,
        // for as long as that is of use.
        (None, Some((salt, rotated_at)))
            if !config.token_rotation
                && session.previous.is_none()
                && now < rotated_at.plus(config.token_expiration.seconds()) =>
        {
            Decision::Replay { salt, rotated_at }
        }
        (None, _) => Decision::Rotate,
        (Some(_), Some((salt, rotated_at))) if session.previous == Some(presented) => {
            Decision::Replay { salt, rotated_at }
        }
        (Some(superseded), _) if outlived(superseded) => Decision::Expired,
        (Some(_), _) => Decision::Reuse,
    }
}

/// An access token and the refresh token that renews it.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    /// The access token.
    pub(crate) access: PlainText,
    /// The refresh token.
    pub(crate) refresh: PlainText,
}

impl Pair {
    /// The pair that follows a presented refresh token. With `token_rotation` off the refresh
    /// token stays.
    pub(crate) fn following(presented: &PlainText, salt: &Salt, rotate: bool) -> Self {
        let refresh =
            if rotate { presented.successor(Kind::Refresh, salt) } else { presented.clone() };
        Self { access: presented.successor(Kind::Access, salt), refresh }
    }
}
