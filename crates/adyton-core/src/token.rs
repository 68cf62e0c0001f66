//! Access tokens: the rows, how a presented one is read, and when one has had its time.

use crate::ability::Abilities;
use crate::clock::Timestamp;
use crate::config::{Config, Lifetime};
use crate::secret::{Hash, Kind, PlainText};
use crate::session::Session;
use crate::user::{User, UserId};
use serde::Serialize;
use std::fmt;

/// Longest text that is read as a token at all, in bytes.
const LONGEST: usize = 512;

/// The id of a row in the token table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct TokenId(pub i64);

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A row of the token table, without its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// Its owner; rows of another tokenable type are never read.
    pub user_id: UserId,
    /// What its owner calls it.
    pub name: String,
    /// What it may do.
    pub abilities: Abilities,
    /// To the minute, written in batches.
    pub last_used_at: Option<Timestamp>,
    /// The first moment at which it is refused; none for never.
    pub expires_at: Option<Timestamp>,
    /// When it was issued; Laravel allows none.
    pub created_at: Option<Timestamp>,
}

impl Token {
    pub(crate) fn dates(&self) -> Dates {
        Dates { expires_at: self.expires_at, created_at: self.created_at }
    }
}

/// What of a token's row decides when it ends.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Dates {
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) created_at: Option<Timestamp>,
}

/// A row to be inserted into the token table.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// What its owner calls it.
    pub name: String,
    /// The hash of the plain text.
    pub hash: Hash,
    /// What it may do.
    pub abilities: Abilities,
    /// The first moment at which it is refused; none for never.
    pub expires_at: Option<Timestamp>,
}

impl NewToken {
    /// The token that a store has made of it.
    #[doc(hidden)] // for the stores of Adyton alone
    #[must_use]
    pub fn issued(self, id: TokenId, user_id: UserId, now: Timestamp) -> Token {
        Token {
            id,
            user_id,
            name: self.name,
            abilities: self.abilities,
            last_used_at: None,
            expires_at: self.expires_at,
            created_at: Some(now),
        }
    }
}

/// What one look-up finds for a hash: everything that a request needs to know.
#[derive(Clone, Debug)]
pub struct FoundToken {
    /// The token.
    pub token: Token,
    /// Its owner, if there still is one.
    pub user: Option<User>,
    /// The session that it was issued for; none for a personal access token.
    pub session: Option<Session>,
}

/// A text that was presented as a token and has the form of one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(hidden)] // for the fuzz tests and benchmarks of Adyton alone
pub struct Presented {
    /// What to look up.
    pub hash: Hash,
    /// Whether it is of a form that others issue: no checksum tells a guess from the real one.
    pub foreign: bool,
    /// The row's id where the text names one, as Sanctum's do: it must then be equal.
    pub id: Option<TokenId>,
}

impl Presented {
    /// Reads what followed the prefix in the token header. `None` is an invalid token, refused
    /// without a look-up: a secret of another kind, a wrong checksum, a form that nobody issues.
    #[must_use]
    pub fn read(text: &str, sanctum: bool, imported: bool) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        if let Some(kind) = Kind::claimed_by(text) {
            let own = (kind == Kind::Access).then(|| PlainText::hash_presented(kind, text));
            return own.flatten().map(|hash| Self { hash, foreign: false, id: None });
        }
        let foreign = sanctum.then(|| Self::read_sanctum(text)).flatten();
        foreign.or_else(|| {
            let shape =
                (16..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
            (imported && shape).then(|| Self { hash: Hash::of(text), foreign: true, id: None })
        })
    }

    /// `[digits|][A-Za-z0-9_-]{40,128}`: the hash is that of the part after the bar.
    fn read_sanctum(text: &str) -> Option<Self> {
        let (id, secret) = match text.split_once('|') {
            None => (None, text),
            Some((id, secret)) => {
                let digits = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
                (Some(TokenId(id.parse().ok().filter(|_| digits)?)), secret)
            }
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        let shape = (40..=128).contains(&secret.len()) && secret.bytes().all(plain);
        shape.then(|| Self { hash: Hash::of(secret), foreign: true, id })
    }
}

/// The first moment at which a found token is refused, as the configuration of today has it: a
/// session's token lives no longer than `token_expiration` nor than its session, whatever its row
/// says; a personal token (Laravel's too) lives as long as its row says, and no longer than
/// `personal_token_max_expiration`, as Sanctum's `expiration` has it.
pub(crate) fn ends_at(
    token: Dates,
    session: Option<&Session>,
    config: &Config,
) -> Option<Timestamp> {
    let Some(session) = session else {
        let bound = config.personal_token_max_expiration.map(|max| ends_by(token, max));
        return [token.expires_at, bound].into_iter().flatten().min();
    };
    let issued = token.created_at.unwrap_or(session.created_at);
    let configured = issued.plus(config.token_expiration.seconds());
    let ends = configured.min(session.ends_absolutely_at(config));
    Some(token.expires_at.map_or(ends, |stored| stored.min(ends)))
}

/// When a personal token has lived so long. Nobody can tell of one without a date, so it is over.
fn ends_by(token: Dates, longest: Lifetime) -> Timestamp {
    token.created_at.map_or(Timestamp::from_unix(0), |issued| issued.plus(longest.seconds()))
}

/// Why a personal token's expiry was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ExpiryError {
    /// At or before now.
    #[error("must be in the future")]
    Past,
    /// Never, where `personal_token_max_expiration` is set.
    #[error("must be given: tokens that never expire are switched off here")]
    Never,
    /// After what `personal_token_max_expiration` allows, or more than a hundred years away.
    #[error("is later than this server allows")]
    TooLate,
    /// After the end of the personal token that asks.
    #[error("must not be later than the expiry of the token that creates it")]
    OutlivesCreator,
}

/// How long a new personal token shall live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WantedExpiry {
    /// As long as `personal_token_expiration` says.
    #[default]
    Default,
    /// For ever.
    Never,
    /// Until then.
    At(Timestamp),
}

/// Decides the expiry of a new personal token; `creator` is that of the personal token which asks,
/// if one does.
///
/// # Errors
/// [`ExpiryError`], for what was asked explicitly; the default is cut to what is allowed.
pub(crate) fn personal_expiry(
    wanted: WantedExpiry,
    creator: Option<Timestamp>,
    now: Timestamp,
    config: &Config,
) -> Result<Option<Timestamp>, ExpiryError> {
    let latest = config.personal_token_max_expiration.map(|max| now.plus(max.seconds()));
    let bounds = [latest, creator].into_iter().flatten().min();
    match wanted {
        WantedExpiry::Default => {
            let lifetime = config.personal_token_expiration;
            let default = (lifetime != Lifetime::ZERO).then(|| now.plus(lifetime.seconds()));
            Ok([default, bounds].into_iter().flatten().min())
        }
        WantedExpiry::Never if latest.is_some() => Err(ExpiryError::Never),
        WantedExpiry::Never if creator.is_some() => Err(ExpiryError::OutlivesCreator),
        WantedExpiry::Never => Ok(None),
        WantedExpiry::At(time) if time <= now => Err(ExpiryError::Past),
        WantedExpiry::At(time) if time > now.plus(Lifetime::MAX.seconds()) => {
            Err(ExpiryError::TooLate)
        }
        WantedExpiry::At(time) if latest.is_some_and(|latest| time > latest) => {
            Err(ExpiryError::TooLate)
        }
        WantedExpiry::At(time) if creator.is_some_and(|end| time > end) => {
            Err(ExpiryError::OutlivesCreator)
        }
        WantedExpiry::At(time) => Ok(Some(time)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_access_tokens_and_known_shapes_are_read() {
        let token = PlainText::draw(Kind::Access).unwrap();
        let read = Presented::read(token.expose(), false, false).unwrap();
        assert_eq!((read.hash, read.id), (token.hash(), None));
        for kind in [Kind::Refresh, Kind::Cookie] {
            let other = PlainText::draw(kind).unwrap();
            assert_eq!(Presented::read(other.expose(), true, true), None);
        }
        let wrong = token.expose().to_ascii_uppercase().replacen("ADT_", "adt_", 1);
        assert_eq!(Presented::read(&wrong, true, true), None);
    }

    #[test]
    fn sanctum_tokens_need_their_switch() {
        let secret = "a".repeat(40);
        let text = format!("12|{secret}");
        assert_eq!(Presented::read(&text, false, false), None);
        let read = Presented::read(&text, true, false).unwrap();
        assert_eq!((read.hash, read.id), (Hash::of(&secret), Some(TokenId(12))));
        assert_eq!(Presented::read(&secret, true, false).unwrap().id, None);
        for bad in ["|", "x|", "-1|", "+1|", "99999999999999999999|"] {
            assert_eq!(Presented::read(&format!("{bad}{secret}"), true, false), None, "{bad}");
        }
        assert_eq!(Presented::read(&"a".repeat(39), true, false), None);
        assert_eq!(Presented::read(&"a".repeat(129), true, false), None);
    }

    #[test]
    fn imported_tokens_need_theirs() {
        assert_eq!(Presented::read("0123456789abcdef", true, false), None);
        assert!(Presented::read("0123456789abcdef", false, true).is_some());
        assert_eq!(Presented::read("0123456789 abcdef", false, true), None);
        assert_eq!(Presented::read("0123456789abcde", false, true), None);
    }

    #[test]
    fn nobody_gets_a_token_that_lives_too_long() {
        let now = Timestamp::from_unix(1_000_000);
        let mut config = Config::default();
        let day = config.personal_token_expiration.seconds();
        let expiry =
            |wanted, creator, config: &Config| personal_expiry(wanted, creator, now, config);

        assert_eq!(expiry(WantedExpiry::Default, None, &config), Ok(Some(now.plus(day))));
        assert_eq!(expiry(WantedExpiry::Never, None, &config), Ok(None));
        assert_eq!(expiry(WantedExpiry::At(now), None, &config), Err(ExpiryError::Past));
        let end = now.plus(60);
        assert_eq!(expiry(WantedExpiry::Default, Some(end), &config), Ok(Some(end)));
        for wanted in [WantedExpiry::Never, WantedExpiry::At(end.plus(1))] {
            assert_eq!(expiry(wanted, Some(end), &config), Err(ExpiryError::OutlivesCreator));
        }
        let absurd = WantedExpiry::At(Timestamp::from_unix(i64::MAX));
        assert_eq!(expiry(absurd, None, &config), Err(ExpiryError::TooLate));
        config.personal_token_max_expiration = Some(Lifetime::from_seconds(100));
        assert_eq!(expiry(WantedExpiry::Default, None, &config), Ok(Some(now.plus(100))));
        assert_eq!(expiry(WantedExpiry::Never, None, &config), Err(ExpiryError::Never));
        let late = WantedExpiry::At(now.plus(101));
        assert_eq!(expiry(late, None, &config), Err(ExpiryError::TooLate));
    }

    #[test]
    fn a_bound_holds_for_tokens_that_were_made_without_it() {
        let at = Timestamp::from_unix;
        let token = |created_at, expires_at| Token {
            id: TokenId(1),
            user_id: UserId(1),
            name: "phone".to_owned(),
            abilities: Abilities::all(),
            last_used_at: None,
            expires_at,
            created_at,
        };
        let mut config = Config::default();
        assert_eq!(ends_at(token(Some(at(1000)), None).dates(), None, &config), None);
        assert_eq!(ends_at(token(None, Some(at(9))).dates(), None, &config), Some(at(9)));
        config.personal_token_max_expiration = Some(Lifetime::from_seconds(60));
        for (created, stored, end) in [
            (Some(1000), None, 1060),
            (Some(1000), Some(1030), 1030),
            (Some(1000), Some(2000), 1060),
            (None, Some(2000), 0),
        ] {
            let token = token(created.map(at), stored.map(at));
            assert_eq!(
                ends_at(token.dates(), None, &config),
                Some(at(end)),
                "{created:?} {stored:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "([0-9]{0,25}\\|)?.{0,140}", sanctum: bool, imported: bool) {
            let _ = Presented::read(&text, sanctum, imported);
        }
    }
}
