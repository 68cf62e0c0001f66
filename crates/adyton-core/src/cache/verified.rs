//! A verified credential as it is kept in memory: what every request reads and the user's JSON, in
//! one block. What few ask for, such as the user as a value, is made of it for the first who does.

use super::Generation;
use super::generations::Number;
use crate::ability::Abilities;
use crate::clock::Timestamp;
use crate::secret::Hash;
use crate::session::Session;
use crate::store::Credential;
use crate::token::{Dates, Token, TokenId};
use crate::user::{User, UserId};
use once_cell::race::OnceBox;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering, fence};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use triomphe::HeaderSlice;

/// A verified credential: what its look-up found, and when that began. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Verified(triomphe::Arc<HeaderSlice<Head, str>>);

/// What stands before the text: the user's JSON and, for a token, a line break and its name.
#[derive(Debug)]
struct Head {
    user: UserId,
    /// Zero for a cookie.
    token: TokenId,
    abilities: Abilities,
    dates: Dates,
    last_used_at: Option<Timestamp>,
    /// Seconds since 1970 of the use that was last noted.
    noted: AtomicI64,
    began: Number,
    /// When that was, in whole seconds of the monotonic clock.
    began_at: u32,
    /// Where the JSON ends.
    json: u32,
    rest: OnceBox<Rest>,
}

/// What few have or ask for.
#[derive(Debug)]
struct Rest {
    session: Option<Box<Session>>,
    /// Which of all states of all credentials this is.
    edition: AtomicU64,
    user: OnceLock<Arc<User>>,
    token: OnceBox<Token>,
}

/// Editions that were given away in this process.
static EDITIONS: AtomicU64 = AtomicU64::new(0);

fn next_edition() -> u64 {
    EDITIONS.fetch_add(1, Ordering::Relaxed) + 1
}

/// What was presented.
#[derive(Debug)]
pub(crate) enum Proof {
    /// An access token, and the session that it was issued for, if any.
    Token(Token, Option<Session>),
    /// The cookie of a session.
    Cookie(Session),
}

impl Verified {
    pub(crate) fn new(proof: Proof, user: &User, generation: Generation) -> Self {
        let mut text = json(user);
        let json = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let (token, abilities, dates, used_at, session) = match proof {
            Proof::Token(token, session) => {
                text.extend(["\n", &token.name]);
                let dates = token.dates();
                (token.id, token.abilities, dates, token.last_used_at, session)
            }
            Proof::Cookie(session) => {
                let (abilities, seen_at) = (session.abilities.clone(), session.last_seen_at);
                (TokenId(0), abilities, Dates::default(), Some(seen_at), Some(session))
            }
        };
        let head = Head {
            user: user.id,
            token,
            abilities,
            dates,
            last_used_at: used_at,
            noted: AtomicI64::new(used_at.map_or(i64::MIN, Timestamp::unix)),
            began: generation.number,
            began_at: u32::try_from(generation.at / 1000).unwrap_or(u32::MAX),
            json,
            rest: session.map_or_else(OnceBox::new, |it| OnceBox::with_value(Rest::new(Some(it)))),
        };
        let verified = Self(triomphe::Arc::from_header_and_str(head, &text));
        // A parser follows lists within lists only so far; columns of a table are none.
        if user.columns.values().any(|column| column.is_array() || column.is_object()) {
            verified.rest().user.get_or_init(|| Arc::new(user.clone()));
        }
        verified
    }

    pub(crate) fn user_id(&self) -> UserId {
        self.0.header.user
    }

    /// The user as the endpoints show it.
    pub(crate) fn user_json(&self) -> &str {
        self.0.slice.get(..self.0.header.json as usize).unwrap_or_default()
    }

    pub(crate) fn user(&self) -> &Arc<User> {
        self.rest().user.get_or_init(|| {
            // A user wrote it, so that it can be read.
            Arc::new(User::read_back(self.user_json()).unwrap_or_else(|_| nobody(self.user_id())))
        })
    }

    /// None for a cookie.
    pub(crate) fn token_id(&self) -> Option<TokenId> {
        let named = self.0.slice.len() > self.0.header.json as usize;
        named.then_some(self.0.header.token)
    }

    /// What decides when a token ends.
    pub(crate) fn dates(&self) -> Dates {
        self.0.header.dates
    }

    /// The token's row as it was found.
    pub(crate) fn token(&self) -> Option<&Token> {
        let id = self.token_id()?;
        Some(self.rest().token.get_or_init(|| {
            let Head { user, abilities, dates, last_used_at, json, .. } = &self.0.header;
            let name = self.0.slice.get(*json as usize + 1..).unwrap_or_default().to_owned();
            let Dates { expires_at, created_at } = *dates;
            let (abilities, last_used_at) = (abilities.clone(), *last_used_at);
            let user_id = *user;
            Box::new(Token { id, user_id, name, abilities, last_used_at, expires_at, created_at })
        }))
    }

    /// The session of the cookie, or that which the token was issued for.
    pub(crate) fn session(&self) -> Option<&Session> {
        self.0.header.rest.get()?.session.as_deref()
    }

    /// The session of a cookie.
    pub(crate) fn cookie(&self) -> Option<&Session> {
        if self.token_id().is_some() { None } else { self.session() }
    }

    /// What has to stand for a change in its name to be made.
    pub(crate) fn credential(&self) -> Credential {
        let personal = Credential::PersonalToken(self.0.header.token);
        self.session().map_or(personal, |session| Credential::Session(session.id))
    }

    pub(crate) fn abilities(&self) -> &Abilities {
        &self.0.header.abilities
    }

    pub(crate) fn began(&self) -> Number {
        self.0.header.began
    }

    /// When its look-up began, by the monotonic clock: up to a second early.
    pub(crate) fn began_at(&self) -> Duration {
        Duration::from_secs(self.0.header.began_at.into())
    }

    /// Seconds since 1970 of the use that was last noted.
    pub(crate) fn noted(&self) -> i64 {
        self.0.header.noted.load(Ordering::Relaxed)
    }

    /// Notes a use, unless somebody else has noted one since this was read.
    pub(crate) fn note(&self, read: i64, now: i64) -> bool {
        let order = Ordering::Relaxed;
        let noted = self.0.header.noted.compare_exchange(read, now, order, order).is_ok();
        if noted {
            // Either this sees the edition that somebody has just been given, or they see this note.
            fence(Ordering::SeqCst);
            if let Some(rest) = self.0.header.rest.get() {
                rest.edition.store(next_edition(), order);
            }
        }
        noted
    }

    pub(crate) fn edition(&self) -> u64 {
        self.rest().edition.load(Ordering::Relaxed)
    }

    fn rest(&self) -> &Rest {
        self.0.header.rest.get().unwrap_or_else(|| {
            let rest = self.0.header.rest.get_or_init(|| Rest::new(None));
            fence(Ordering::SeqCst);
            rest
        })
    }

    /// What it takes in memory once everything was asked for, which nobody tells the cache.
    pub(super) fn weight(&self) -> usize {
        let text = self.0.slice.len();
        let names = text.saturating_sub(AROUND_NAMES) + 3 * OVERHEAD;
        let session = self.session().map_or(0, of_session);
        IN_TABLE
            + block(size_of::<usize>() + size_of::<Head>() + text)
            + ASKED_FOR
            + names.max(3 * LEAST)
            + of_columns(self.user_json())
            + session
    }
}

impl Rest {
    fn new(session: Option<Session>) -> Box<Self> {
        let (session, edition) = (session.map(Box::new), AtomicU64::new(next_edition()));
        Box::new(Self { session, edition, user: OnceLock::new(), token: OnceBox::new() })
    }
}

/// With room for a token's name.
fn json(user: &User) -> String {
    let mut text = Vec::with_capacity(256);
    // What has nothing but texts for keys can be written, and JSON is a text.
    let written = serde_json::to_writer(&mut text, user);
    String::from_utf8(text).ok().filter(|_| written.is_ok()).unwrap_or_default()
}

fn nobody(id: UserId) -> User {
    let (name, email, columns) = Default::default();
    User { id, name, email, created_at: None, updated_at: None, columns }
}

/// What the allocator takes for so much: its own word, to the next multiple of 16, and at least this.
const fn block(bytes: usize) -> usize {
    let taken = (bytes + size_of::<usize>()).next_multiple_of(16);
    if taken < LEAST { LEAST } else { taken }
}

const LEAST: usize = 32;
/// What it takes beyond the bytes of a text, on the average.
const OVERHEAD: usize = 16;
/// A place in the table, with its key, links and index.
const IN_TABLE: usize = size_of::<Option<(Hash, Verified)>>() + 24;
/// The user and the token as values, without their names.
const ASKED_FOR: usize = block(size_of::<Rest>())
    + block(2 * size_of::<usize>() + size_of::<User>())
    + block(size_of::<Token>());
/// The keys and times of a user's JSON, which are no texts in the value.
const AROUND_NAMES: usize = 100;

/// What the columns of a user take beyond their texts: a place in a tree's node, of which a fifth
/// may be all that is used, and a block for the key and for the value.
fn of_columns(json: &str) -> usize {
    let (these, next) = (json.bytes(), json.bytes().skip(1));
    let keys = these.zip(next).filter(|pair| *pair == (b'"', b':')).count();
    let columns = keys.saturating_sub(5);
    columns.div_ceil(5) * NODE + columns * 2 * LEAST
}

/// A node of eleven places for keys and values.
const NODE: usize = 11 * (size_of::<String>() + size_of::<serde_json::Value>()) + LEAST;

fn of_session(session: &Session) -> usize {
    let device = [&session.device.name, &session.device.user_agent];
    let texts = device.into_iter().flatten().map(|text| block(text.len())).sum::<usize>();
    block(size_of::<Session>()) + block(session.public_id.len()) + texts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::TokenCache;
    use crate::config::CacheOptions;

    fn user(columns: &serde_json::Value) -> User {
        let (created_at, updated_at) = (Some(at(1)), Some(at(2)));
        let columns = columns.as_object().cloned().unwrap_or_default();
        let (name, email) = ("User 12345".to_owned(), "user12345@example.com".to_owned());
        User { id: UserId(12345), name, email, created_at, updated_at, columns }
    }

    fn token() -> Token {
        Token {
            id: TokenId(7),
            user_id: UserId(12345),
            name: "bench\n\"ü".to_owned(),
            abilities: Abilities::parse(["orders:read"]).unwrap(),
            last_used_at: None,
            expires_at: Some(at(9)),
            created_at: Some(at(3)),
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    fn verified(proof: Proof, user: &User) -> Verified {
        let cache = TokenCache::new(&CacheOptions::default(), false);
        Verified::new(proof, user, cache.generation(Duration::from_millis(2_999)))
    }

    #[test]
    fn what_was_found_comes_back() {
        let (user, token) = (user(&serde_json::json!({ "role": "admin", "n": 0.1 })), token());
        let verified = verified(Proof::Token(token.clone(), None), &user);
        assert_eq!(verified.user_json(), serde_json::to_string(&user).unwrap());
        assert_eq!((&**verified.user(), verified.token()), (&user, Some(&token)));
        assert!(Arc::ptr_eq(verified.user(), verified.clone().user()), "it is made once");
        assert_eq!((verified.user_id(), verified.token_id()), (user.id, Some(token.id)));
        assert_eq!((verified.abilities(), verified.session()), (&token.abilities, None));
        assert_eq!(verified.began_at(), Duration::from_secs(2));
    }

    #[test]
    fn a_column_that_no_parser_would_follow_comes_back_too() {
        let deep = (0..200).fold(serde_json::json!(1), |inner, _| serde_json::json!([inner]));
        let user = user(&serde_json::json!({ "tree": deep }));
        let verified = verified(Proof::Token(token(), None), &user);
        assert_eq!(**verified.user(), user);
    }

    #[test]
    fn a_nameless_token_is_no_cookie() {
        let nameless = Token { name: String::new(), ..token() };
        let verified = verified(Proof::Token(nameless.clone(), None), &user(&().into()));
        assert_eq!((verified.token_id(), verified.token()), (Some(nameless.id), Some(&nameless)));
    }

    #[test]
    fn a_note_changes_the_edition() {
        let verified = verified(Proof::Token(token(), None), &user(&().into()));
        assert!(verified.note(i64::MIN, 60));
        let edition = verified.edition();
        assert_eq!((edition, verified.noted()), (verified.edition(), 60));
        assert!(!verified.note(i64::MIN, 120) && verified.edition() == edition);
        assert!(verified.note(60, 120) && verified.edition() != edition);
    }

    /// A token may take a third of a kilobyte; and weighed as if everything were asked for, 100,000
    /// have to fit into the 64 MiB that the cache has.
    #[test]
    fn it_does_not_grow_unnoticed() {
        let bench = Token { name: "bench".to_owned(), ..token() };
        let verified = verified(Proof::Token(bench, None), &user(&().into()));
        assert_eq!((size_of::<Head>(), size_of::<Rest>(), size_of::<Verified>()), (80, 40, 16));
        let weight = verified.weight() as u64;
        assert!(weight * 100_000 <= CacheOptions::default().max_bytes, "{weight}");
        assert!(verified.weight() - ASKED_FOR <= 416, "{weight}");
    }
}
