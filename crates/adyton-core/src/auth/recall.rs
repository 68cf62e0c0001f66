//! Credentials that are in memory, without waiting.

use super::{Auth, Principal};
use crate::cache::Verified;
use crate::secret::{Hash, Kind, PlainText};

impl Auth {
    /// The principal of a token that is in memory and good: what [`authenticate`](Self::authenticate) would
    /// return without waiting. Any other token is for that to judge.
    #[doc(hidden)] // for the doors of `adyton` alone
    #[must_use]
    pub fn recall(&self, token: &str) -> Option<Principal> {
        let presented = self.read_token(token).ok()?;
        self.admit(self.recalled(&presented.hash)?, presented.id).ok()
    }

    /// The same for the value of a session cookie.
    #[doc(hidden)] // for the doors of `adyton` alone
    #[must_use]
    pub fn recall_cookie(&self, value: &str) -> Option<Principal> {
        let hash = PlainText::hash_presented(Kind::Cookie, value)?;
        self.admit(self.recalled(&hash)?, None).ok()
    }

    /// What is in memory of a credential, to be looked up otherwise.
    pub(super) fn known(&self, hash: &Hash) -> Option<Verified> {
        let known = self.recalled(hash);
        if known.is_none() {
            self.0.cache.missed();
        }
        known
    }

    /// What is in memory of a credential. Whoever knows of foreign changes is asked on the way.
    fn recalled(&self, hash: &Hash) -> Option<Verified> {
        let at = self.0.clock.monotonic();
        if self.0.cache.should_ask(at) {
            self.ask_for_changes();
        }
        self.0.cache.get(hash, at)
    }
}
