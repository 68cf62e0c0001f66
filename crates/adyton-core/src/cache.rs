//! Verified tokens and session cookies in memory, by hash. It may forget; it must not lie (CONTRACT 4.2).
//!
//! Two things keep it true. Each entry carries the generation at which its look-up *began*, and
//! every revocation raises the generation that entries of its user need: so a revoked token is gone
//! at once, and a look-up that began before a revocation is never believed after it. Changes by
//! other processes show in the store's change counter: a hit counts only while the last answer to
//! that question is younger than the lease, and a changed answer raises everybody's generation. A
//! store that is slow to answer makes misses, never lies.
//!
//! Where the store cannot tell, other nodes may, through a [`Channel`](crate::channel::Channel):
//! the lease is on its news then, which name the users to forget. A node that cannot announce a
//! revocation while others hear no silence is the one thing that a lease does not see, so an entry
//! is looked up again after [`MOST_AGE`] in any case.
//!
//! It does not load anything by itself and knows nothing of expiry.

mod generations;
mod verified;

use crate::channel::{About, Mark, News};
use crate::config::{CacheMode, CacheOptions};
use crate::secret::Hash;
use crate::user::UserId;
use generations::{Generations, Number};
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use std::sync::atomic::{self, AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
pub(crate) use verified::{Proof, Verified};

/// How old the store's last word may be for a hit to count.
const LEASE: Duration = Duration::from_millis(100);
/// When the store is asked anew, so that the lease does not run out under load.
const RENEW: Duration = Duration::from_millis(40);
/// How old an entry may get where the store tells nothing: how long a revocation can go unheard whose
/// node has lost the channel that others still have, or that a command made where there is none.
const MOST_AGE: Duration = Duration::from_secs(10);
/// How many generations users share.
const SLOTS: usize = 1024;

/// When a look-up began: in the order of look-ups and revocations, and in milliseconds of the
/// monotonic clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Generation {
    number: Number,
    at: u64,
}

/// Who tells of changes that others make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Teller {
    /// The store's change counter.
    Store,
    /// Other nodes, through a channel.
    Channel,
    /// Nobody, since there are no others.
    Nobody,
}

pub(crate) struct TokenCache {
    entries: Option<Cache<Hash, Verified, Weigh>>,
    teller: Teller,
    generations: Generations<SLOTS>,
    /// Milliseconds of the monotonic clock up to which hits count.
    lease_ends: AtomicU64,
    /// The same for when the store shall be asked anew.
    renew_at: AtomicU64,
    asking: AtomicBool,
    counter: Mutex<Option<i64>>,
    /// How far the news were heard.
    mark: Mutex<Option<Mark>>,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl TokenCache {
    /// `channel` says whether there is one; it counts only where nobody but nodes writes.
    pub(crate) fn new(options: &CacheOptions, channel: bool) -> Self {
        let on = options.enabled != CacheMode::Off && options.max_bytes > 0;
        Self {
            entries: on.then(|| entries(options.max_bytes)).flatten(),
            teller: match options.enabled {
                CacheMode::Exclusive if channel => Teller::Channel,
                CacheMode::Exclusive => Teller::Nobody,
                CacheMode::On | CacheMode::Off => Teller::Store,
            },
            generations: Generations::new(),
            lease_ends: AtomicU64::new(0),
            renew_at: AtomicU64::new(0),
            asking: AtomicBool::new(false),
            counter: Mutex::default(),
            mark: Mutex::default(),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    /// To be taken before a look-up begins, and put into its entry.
    pub(crate) fn generation(&self, at: Duration) -> Generation {
        Generation { number: self.generations.latest(), at: millis(at) }
    }

    /// Who has to be asked.
    pub(crate) fn teller(&self) -> Teller {
        self.teller
    }

    /// The entry, if it can be believed at this moment of the monotonic clock.
    pub(crate) fn get(&self, hash: &Hash, at: Duration) -> Option<Verified> {
        let entries = self.entries.as_ref()?;
        let alone = self.teller == Teller::Nobody;
        let leased = alone || millis(at) < self.lease_ends.load(Ordering::SeqCst);
        let entry = leased.then(|| entries.get(hash)).flatten();
        let entry = entry.filter(|entry| self.stands(entry) && self.is_young(entry, at));
        if entry.is_some() {
            self.hits.fetch_add(1, Ordering::Relaxed);
        }
        entry
    }

    /// Counts a look-up for want of an entry.
    pub(crate) fn missed(&self) {
        self.misses.fetch_add(1, Ordering::Relaxed);
    }

    /// Sets its metrics. They are counted here, since a metric costs more than a hit may.
    pub(crate) fn observe(&self) {
        let Some(entries) = &self.entries else { return };
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        metrics::counter!("adyton_cache_hits_total").absolute(count(&self.hits));
        metrics::counter!("adyton_cache_misses_total").absolute(count(&self.misses));
        metrics::gauge!("adyton_cache_entries").set(entries.len() as f64);
        metrics::gauge!("adyton_cache_bytes").set(entries.weight() as f64);
    }

    /// Keeps an entry; it is never served if a revocation came since its generation was taken.
    pub(crate) fn insert(&self, hash: Hash, entry: Verified) {
        if let Some(entries) = &self.entries
            && self.stands(&entry)
        {
            entries.insert(hash, entry);
        }
    }

    /// Forgets everything about a user: to be called after each change of theirs is committed and
    /// before anybody is told.
    pub(crate) fn forget(&self, user: UserId) {
        self.generations.forget(user);
    }

    /// Whether the caller should ask the teller now. At most one is told so until it says what came
    /// of it.
    pub(crate) fn should_ask(&self, at: Duration) -> bool {
        self.entries.is_some()
            && self.teller != Teller::Nobody
            && millis(at) >= self.renew_at.load(Ordering::SeqCst)
            && !self.asking.swap(true, Ordering::SeqCst)
    }

    /// What the store answered, and when it was asked. `None` leaves the lease to run out.
    pub(crate) fn answered(&self, counter: Option<i64>, asked_at: Duration) {
        if counter.is_some() {
            let mut last = self.counter.lock().unwrap_or_else(PoisonError::into_inner);
            if *last != counter {
                *last = counter;
                self.generations.forget_all();
            }
        }
        self.asked(counter.is_some(), asked_at);
    }

    /// How far it has heard the news.
    pub(crate) fn mark(&self) -> Option<Mark> {
        self.mark.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the channel answered, and when it was asked. `None` leaves the lease to run out.
    pub(crate) fn heard(&self, news: Option<News>, asked_at: Duration) {
        let answered = news.is_some();
        if let Some(News { mark, about }) = news {
            match about {
                About::Users(users) => users.into_iter().for_each(|user| self.forget(user)),
                About::Anybody => self.generations.forget_all(),
            }
            *self.mark.lock().unwrap_or_else(PoisonError::into_inner) = Some(mark);
        }
        self.asked(answered, asked_at);
    }

    /// To be called after what was told has been forgotten.
    fn asked(&self, answered: bool, at: Duration) {
        if answered {
            self.lease_ends.fetch_max(millis(at + LEASE), Ordering::SeqCst);
        }
        self.renew_at.fetch_max(millis(at + RENEW), Ordering::SeqCst);
        self.asking.store(false, Ordering::SeqCst);
    }

    fn stands(&self, entry: &Verified) -> bool {
        self.generations.stand(entry.user_id(), entry.began())
    }

    fn is_young(&self, entry: &Verified, at: Duration) -> bool {
        self.teller == Teller::Store || millis(at) < millis(entry.began_at() + MOST_AGE)
    }
}

fn millis(moment: Duration) -> u64 {
    u64::try_from(moment.as_millis()).unwrap_or(u64::MAX)
}

fn entries(max_bytes: u64) -> Option<Cache<Hash, Verified, Weigh>> {
    let options = OptionsBuilder::new()
        .estimated_items_capacity(usize::try_from(max_bytes / TYPICAL).unwrap_or(usize::MAX))
        .weight_capacity(max_bytes)
        .build()
        .ok()?;
    let (hasher, lifecycle) = (DefaultHashBuilder::default(), DefaultLifecycle::default());
    Some(Cache::with_options(options, Weigh, hasher, lifecycle))
}

/// What an entry takes with short texts and no session, for how many there may be.
const TYPICAL: u64 = 672;

#[derive(Clone)]
struct Weigh;

impl Weighter<Hash, Verified> for Weigh {
    fn weight(&self, _: &Hash, entry: &Verified) -> u64 {
        entry.weight() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ability::Abilities;
    use crate::token::{Token, TokenId};
    use crate::user::User;

    const START: Duration = Duration::from_secs(1);

    fn entry(cache: &TokenCache, user: i64) -> Verified {
        Verified::new(found(user), &person(user), cache.generation(START))
    }

    fn person(id: i64) -> User {
        let (name, email) = (String::new(), String::new());
        User {
            id: UserId(id),
            name,
            email,
            created_at: None,
            updated_at: None,
            columns: serde_json::Map::new(),
        }
    }

    fn found(user: i64) -> Proof {
        let token = Token {
            id: TokenId(1),
            user_id: UserId(user),
            name: String::new(),
            abilities: Abilities::all(),
            last_used_at: None,
            expires_at: None,
            created_at: None,
        };
        Proof::Token(token, None)
    }

    fn leased() -> TokenCache {
        let cache = TokenCache::new(&CacheOptions::default(), true);
        assert!(cache.should_ask(START) && !cache.should_ask(START));
        cache.answered(Some(1), START);
        cache
    }

    #[test]
    fn a_revocation_is_seen_at_once_and_by_look_ups_under_way() {
        let (cache, hash) = (leased(), Hash::of("a"));
        cache.insert(hash, entry(&cache, 1));
        assert!(cache.get(&hash, START).is_some());

        let began_before = entry(&cache, 1);
        cache.forget(UserId(1));
        assert!(cache.get(&hash, START).is_none());
        cache.insert(hash, began_before);
        assert!(cache.get(&hash, START).is_none());

        cache.insert(hash, entry(&cache, 1));
        assert!(cache.get(&hash, START).is_some());
        cache.forget(UserId(2));
        assert!(cache.get(&hash, START).is_some(), "another user's entries stay");
    }

    #[test]
    fn a_hit_needs_a_fresh_lease() {
        let (cache, hash) = (leased(), Hash::of("a"));
        cache.insert(hash, entry(&cache, 1));
        let late = START + LEASE;
        assert!(cache.get(&hash, late - Duration::from_millis(1)).is_some());
        assert!(cache.get(&hash, late).is_none());
        assert!(cache.should_ask(late));
        cache.answered(None, late);
        assert!(cache.get(&hash, late).is_none(), "a store that failed renews nothing");
        assert!(cache.should_ask(late + RENEW));
        cache.answered(Some(1), late + RENEW);
        assert!(cache.get(&hash, late + RENEW).is_some());
    }

    #[test]
    fn a_change_by_somebody_else_empties_it() {
        let (cache, hash) = (leased(), Hash::of("a"));
        let began_before = entry(&cache, 1);
        cache.insert(hash, began_before.clone());
        cache.answered(Some(2), START);
        assert!(cache.get(&hash, START).is_none());
        cache.insert(hash, began_before);
        assert!(cache.get(&hash, START).is_none());
    }

    fn news(life: &str, count: u64, about: About) -> Option<News> {
        Some(News { mark: Mark { life: life.to_owned(), count }, about })
    }

    /// A cache of one of several nodes, with an entry of the users 1 and 2.
    fn told() -> (TokenCache, [Hash; 2]) {
        let options = CacheOptions { enabled: CacheMode::Exclusive, max_bytes: 1 << 20 };
        let (cache, hashes) = (TokenCache::new(&options, true), [Hash::of("a"), Hash::of("b")]);
        assert!(cache.should_ask(START) && cache.mark().is_none());
        cache.heard(news("a", 1, About::Anybody), START);
        cache.insert(hashes[0], entry(&cache, 1));
        cache.insert(hashes[1], entry(&cache, 2));
        assert!(hashes.iter().all(|hash| cache.get(hash, START).is_some()));
        (cache, hashes)
    }

    #[test]
    fn news_make_it_forget_whom_they_are_about() {
        let (cache, [ada, bob]) = told();
        let began_before = entry(&cache, 1);
        cache.heard(news("a", 2, About::Users(vec![UserId(1)])), START);
        assert_eq!(cache.mark().unwrap().count, 2);
        assert!(cache.get(&ada, START).is_none() && cache.get(&bob, START).is_some());
        cache.insert(ada, began_before);
        assert!(cache.get(&ada, START).is_none());
        cache.heard(news("b", 0, About::Anybody), START);
        assert!(cache.get(&bob, START).is_none());
    }

    #[test]
    fn without_news_it_is_off_and_with_them_on_again() {
        let (cache, [ada, _]) = told();
        let late = START + LEASE;
        assert!(cache.should_ask(late) && cache.get(&ada, late).is_none());
        cache.heard(None, late);
        assert!(cache.get(&ada, late).is_none());
        cache.heard(news("a", 1, About::Users(Vec::new())), late);
        assert!(cache.get(&ada, late).is_some(), "nothing has happened meanwhile");
    }

    #[test]
    fn where_nodes_tell_each_other_no_entry_gets_old() {
        let (cache, [ada, _]) = told();
        let nearly = START + MOST_AGE - Duration::from_millis(1);
        for (at, believed) in [(nearly, true), (START + MOST_AGE, false)] {
            cache.heard(news("a", 1, About::Users(Vec::new())), at);
            assert_eq!(cache.get(&ada, at).is_some(), believed);
        }
    }

    /// A command that revokes writes too.
    #[test]
    fn where_nobody_tells_no_entry_gets_old_either() {
        let options = CacheOptions { enabled: CacheMode::Exclusive, max_bytes: 1 << 20 };
        let (cache, hash) = (TokenCache::new(&options, false), Hash::of("a"));
        cache.insert(hash, entry(&cache, 1));
        assert!(cache.get(&hash, START + MOST_AGE - Duration::from_millis(1)).is_some());
        assert!(cache.get(&hash, START + MOST_AGE).is_none());
    }

    #[test]
    fn its_switches_work() {
        let hash = Hash::of("a");
        for (enabled, max_bytes, kept) in [
            (CacheMode::Off, 1 << 20, false),
            (CacheMode::On, 0, false),
            (CacheMode::Exclusive, 1 << 20, true),
        ] {
            let cache = TokenCache::new(&CacheOptions { enabled, max_bytes }, false);
            cache.insert(hash, entry(&cache, 1));
            assert_eq!(cache.get(&hash, START).is_some(), kept);
            assert!(!cache.should_ask(START));
        }
    }

    #[test]
    fn it_stays_within_its_bound() {
        let options = CacheOptions { enabled: CacheMode::Exclusive, max_bytes: 1 << 20 };
        let cache = TokenCache::new(&options, false);
        for n in 0..5_000 {
            cache.insert(Hash::of(&n.to_string()), entry(&cache, n));
        }
        assert!(cache.entries.unwrap().weight() <= 1 << 20);
    }
}
