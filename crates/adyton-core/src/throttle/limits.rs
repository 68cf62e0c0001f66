//! Every limit there is, in one table.
//!
//! | limit | counts | of whom |
//! | --- | --- | --- |
//! | `login` | failed sign-ins; a success clears it | e-mail and address, or a known device |
//! | `login_account` | failed sign-ins | e-mail, or a known device |
//! | `login_address` | failed sign-ins | address; a known device is not asked |
//! | `register` | sign-ups and questions whether an e-mail is taken | address |
//! | `refresh` | rotations; a replay is none | session |
//! | `password` | wrong passwords of who is signed in; the right one clears it | session |
//! | `tokens` | personal tokens made | user |
//! | `token_misses` | unknown tokens in the form of other issuers | address |
//!
//! An address is an IPv4 address or an IPv6 network of 64 bits, which is what one customer has.

use super::Bucket;
use crate::config::{ConfigError, Lifetime, Rate, RateLimiting};
use crate::secret::Hash;
use crate::user::{Email, UserId};
use std::fmt::Display;
use std::net::{IpAddr, Ipv6Addr};

/// CONTRACT 4.2 names it; no option does.
const TOKEN_MISSES: Rate = Rate { count: 60, period: Lifetime::from_seconds(60) };

/// One limit: its name and how many attempts in which time.
#[derive(Clone, Copy, Debug)]
struct Limit(&'static str, Rate);

impl Limit {
    fn of(self, whom: impl Display) -> Bucket {
        let Self(limit, Rate { count, period }) = self;
        let key = Hash::of(&format!("{limit}\0{whom}"));
        Bucket { limit, key, most: count, period: period.seconds() }
    }
}

/// The limits as they are configured.
#[derive(Debug)]
pub(crate) struct Limits {
    login: Limit,
    login_account: Limit,
    login_address: Limit,
    register: Limit,
    refresh: Limit,
    password: Limit,
    tokens: Limit,
    token_misses: Limit,
}

impl Limits {
    /// What a success clears; other limits on failures get their one attempt back.
    pub(crate) const CLEARED: [&'static str; 2] = ["login", "password"];

    /// Reads them; none if they are switched off.
    pub(crate) fn read(config: &RateLimiting) -> Result<Option<Self>, ConfigError> {
        let rates = config.rates()?;
        Ok(config.enabled.then_some(Self {
            login: Limit("login", rates.login),
            login_account: Limit("login_account", rates.login_account),
            login_address: Limit("login_address", rates.login_address),
            register: Limit("register", rates.register),
            refresh: Limit("refresh", rates.refresh),
            password: Limit("password", rates.password),
            tokens: Limit("tokens", rates.tokens),
            token_misses: Limit("token_misses", TOKEN_MISSES),
        }))
    }

    /// Of a sign-in. A device that this account is known by has buckets of its own, so that nobody
    /// else's failures keep its owner out. Without an address the one of the e-mail stays.
    pub(crate) fn login(
        &self,
        email: &Email,
        address: Option<IpAddr>,
        device: Option<&Hash>,
    ) -> Vec<Bucket> {
        let email = fold(email);
        if let Some(device) = device {
            let own = format!("{email}\0device\0{}", device.to_hex());
            return vec![self.login.of(&own), self.login_account.of(&own)];
        }
        let from = address.map(|address| block(address).to_string()).unwrap_or_default();
        let mut buckets =
            vec![self.login.of(format!("{email}\0{from}")), self.login_account.of(&email)];
        buckets.extend(address.map(|address| self.login_address.of(block(address))));
        buckets
    }

    /// Of a sign-up.
    pub(crate) fn register(&self, address: Option<IpAddr>) -> Vec<Bucket> {
        address.map(|address| self.register.of(block(address))).into_iter().collect()
    }

    /// Of a rotation.
    pub(crate) fn refresh(&self, session: &str) -> Vec<Bucket> {
        vec![self.refresh.of(session)]
    }

    /// Of a password that somebody types who is signed in. The personal tokens of a user have one
    /// bucket between them: one can be made with another, a session cannot.
    pub(crate) fn password(&self, session: Option<&str>, user: UserId) -> Vec<Bucket> {
        vec![match session {
            Some(session) => self.password.of(session),
            None => self.password.of(format!("tokens\0{user}")),
        }]
    }

    /// Of a personal token that is asked for.
    pub(crate) fn tokens(&self, user: UserId) -> Vec<Bucket> {
        vec![self.tokens.of(user)]
    }

    /// Of a token that nobody knows.
    pub(crate) fn token_misses(&self, address: Option<IpAddr>) -> Option<Bucket> {
        address.map(|address| self.token_misses.of(block(address)))
    }
}

/// The address that a limit knows: a mapped IPv4 address is IPv4, IPv6 is cut to 64 bits.
pub(crate) fn block(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

/// An e-mail in the form that its buckets go by. It folds more than a look-up here does: a database
/// may compare without regard to width, and each such spelling of one account would have buckets
/// of its own.
fn fold(email: &Email) -> String {
    let narrow = |letter: char| match letter {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(letter) - 0xfee0).unwrap_or(letter),
        other => other,
    };
    let narrow: String = email.as_str().chars().map(narrow).collect();
    // By way of capitals: `ſ` and `s` have one between them.
    narrow.to_uppercase().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits::read(&RateLimiting::default()).unwrap().unwrap()
    }

    fn login(email: &str, address: &str) -> Vec<Bucket> {
        let email = Email::parse(email).unwrap_or_else(|| panic!("{email:?} is no address"));
        limits().login(&email, Some(address.parse().unwrap()), None)
    }

    #[test]
    fn spellings_of_an_email_share_their_buckets() {
        let ada = login("ada@example.com", "192.0.2.1");
        for same in [
            "ADA@Example.COM",
            " ada@example.com\t\n",
            "\u{ff41}da@example.com",
            "\u{ff21}D\u{ff21}@example.com",
            "ada@\u{ff45}xample.com",
        ] {
            assert_eq!(login(same, "192.0.2.1"), ada, "{same:?}");
        }
        assert_eq!(
            login("\u{17f}am@example.com", "192.0.2.1"),
            login("sam@example.com", "192.0.2.1")
        );
        assert_ne!(login("ada@example.org", "192.0.2.1"), ada);
        assert_ne!(login("adá@example.com", "192.0.2.1"), ada);
        for refused in [
            "ada\u{ff20}example.com",
            "ada@example.com\u{3000}",
            "ad a@example.com",
            "a\u{200b}da@example.com",
            "ada\u{ad}@example.com",
            "ada\u{fe0f}@example.com",
            "ada@example\u{3002}com",
        ] {
            assert_eq!(Email::parse(refused), None, "{refused:?}");
        }
    }

    #[test]
    fn addresses_are_told_apart_as_customers_are() {
        let keys = |address| login("ada@example.com", address).map_keys();
        assert_eq!(keys("192.0.2.1"), keys("::ffff:192.0.2.1"));
        assert_ne!(keys("192.0.2.1"), keys("192.0.2.2"));
        assert_eq!(keys("2001:db8:1:2::1"), keys("2001:db8:1:2:ffff::9"));
        assert_ne!(keys("2001:db8:1:2::1"), keys("2001:db8:1:3::1"));
        let (one, other) = (keys("192.0.2.1"), keys("192.0.2.2"));
        assert_eq!(one[1], other[1], "the account's goes over all addresses");
        let other = login("bob@example.com", "192.0.2.1").map_keys();
        assert_eq!(one[2], other[2], "the address's goes over all e-mails");
        assert_ne!((one[0], one[1]), (other[0], other[1]));
    }

    trait MapKeys {
        fn map_keys(self) -> Vec<Hash>;
    }

    impl MapKeys for Vec<Bucket> {
        fn map_keys(self) -> Vec<Hash> {
            self.into_iter().map(|bucket| bucket.key).collect()
        }
    }

    #[test]
    fn a_known_device_shares_no_bucket_with_anybody() {
        let (email, address) = (Email::parse("ada@example.com").unwrap(), "192.0.2.1");
        let from = Some(address.parse().unwrap());
        let own = limits().login(&email, from, Some(&Hash::of("device")));
        let names: Vec<_> = own.iter().map(|bucket| bucket.limit).collect();
        assert_eq!(names, ["login", "login_account"]);
        let strangers = login("ada@example.com", address);
        let another = limits().login(&email, from, Some(&Hash::of("another")));
        for bucket in &own {
            assert!(!strangers.contains(bucket) && !another.contains(bucket));
        }
        assert_eq!(own, limits().login(&email, None, Some(&Hash::of("device"))));
    }

    #[test]
    fn limits_of_addresses_need_one() {
        let limits = limits();
        assert!(limits.register(None).is_empty() && limits.token_misses(None).is_none());
        let email = Email::parse("ada@example.com").unwrap();
        let names: Vec<_> =
            limits.login(&email, None, None).iter().map(|bucket| bucket.limit).collect();
        assert_eq!(names, ["login", "login_account"]);
    }

    #[test]
    fn a_session_has_its_own_password_bucket_and_tokens_share_one() {
        let (limits, ada) = (limits(), UserId(1));
        assert_ne!(limits.password(Some("a"), ada), limits.password(Some("b"), ada));
        assert_ne!(limits.password(None, ada), limits.password(None, UserId(2)));
        assert_ne!(limits.tokens(ada)[0].key, limits.refresh("1")[0].key, "limits are apart");
    }

    #[test]
    fn switched_off_there_are_none() {
        let off = RateLimiting { enabled: false, ..RateLimiting::default() };
        assert!(Limits::read(&off).unwrap().is_none());
    }
}
