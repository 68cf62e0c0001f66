//! Devices: what is known of the client behind a sign-in. Nothing here proves who somebody is.

mod agent;

use crate::clock::Timestamp;
use crate::secret::{Hash, PlainText};
use crate::user::UserId;
use agent::Agent;
use serde::Serialize;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Longest name of a device, in characters.
pub(crate) const LONGEST_NAME: usize = 128;
/// For so many seconds after its last sign-in a device is known: 400 days, the longest that
/// browsers keep a cookie.
pub const KNOWN_FOR: u64 = 400 * 24 * 3600;
/// So many devices of a user are known; beyond it the longest unseen are forgotten.
pub const MOST_KNOWN: u32 = 100;
const LONGEST_USER_AGENT: usize = 255;
/// Longest language that says anything (BCP 47, section 4.4.1).
const LONGEST_LANGUAGE: usize = 35;

/// The client that makes a call, as its door saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// The address that the connection came from, if the door knows it.
    pub address: Option<IpAddr>,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// The `Accept-Language` header.
    pub language: Option<String>,
    /// What it presents itself as a known device by: cookie or `X-Device-Id`, read but not checked.
    pub device_secret: Option<PlainText>,
    /// The id of the request, for the audit.
    pub request_id: Option<String>,
    /// Where the engine notes how much is left of the limits that the call is under.
    pub quota: Quota,
}

impl Client {
    /// Somebody of whom no more than the address is known.
    pub(crate) fn at(address: Option<IpAddr>) -> Self {
        Self { address, ..Self::default() }
    }
}

/// A slip on which the engine notes what is left of the tightest limit that a call was counted
/// by, for whoever answers. Clones are one slip; the default one keeps nothing.
#[derive(Clone, Debug, Default)]
pub struct Quota(Option<Arc<AtomicU64>>);

impl Quota {
    /// An empty slip that keeps what is noted.
    #[must_use]
    pub fn recording() -> Self {
        Self(Some(Arc::default()))
    }

    /// The limit and how many attempts are left of it; `None` if the call was not limited.
    #[must_use]
    pub fn noted(&self) -> Option<(u32, u32)> {
        let noted = self.0.as_ref()?.load(Ordering::Relaxed);
        // No limit is zero.
        (noted != 0).then_some(((noted >> 32) as u32, noted as u32))
    }

    pub(crate) fn note(&self, tightest: Option<(u32, u32)>) {
        if let (Some(slip), Some((limit, left))) = (&self.0, tightest) {
            slip.store(u64::from(limit) << 32 | u64::from(left), Ordering::Relaxed);
        }
    }
}

/// Two calls are of the same client whatever is left to each.
impl PartialEq for Quota {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Quota {}

/// A device as a session row keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// The name that the client gave, else one made of its user agent.
    pub name: Option<String>,
    /// The user agent, cut to 255 characters, without control characters.
    pub user_agent: Option<String>,
    /// The network of the client: an address cut to /24 or /48.
    pub network: Option<String>,
    /// What it looked like at its sign-in, if it told anything.
    pub fingerprint: Option<Fingerprint>,
    /// The known device that it is. A store fills it in, and forgets it with the device.
    pub id: Option<DeviceId>,
}

impl Device {
    /// What is kept of a client that gave its device this name.
    #[must_use]
    pub fn of(client: &Client, name: Option<String>) -> Self {
        let printable = |agent: &String| {
            agent.chars().filter(|c| !c.is_control()).take(LONGEST_USER_AGENT).collect()
        };
        let agent = client.user_agent.as_deref().and_then(Agent::read);
        Self {
            name: name.or_else(|| agent.as_ref().map(Agent::name)),
            user_agent: client.user_agent.as_ref().map(printable),
            network: client.address.map(network),
            fingerprint: Fingerprint::from(agent.as_ref(), client.language.as_deref()),
            id: None,
        }
    }

    /// What sort of thing it says it is.
    #[must_use]
    pub fn kind(&self) -> DeviceKind {
        let agent = self.user_agent.as_deref().and_then(Agent::read);
        agent.map_or(DeviceKind::Other, |agent| agent.kind)
    }
}

/// What sort of thing a device says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum DeviceKind {
    /// A computer.
    Desktop,
    /// A phone.
    Phone,
    /// A tablet. Those that ask for desktop pages, as iPads do, say that they are computers.
    Tablet,
    /// A crawler.
    Bot,
    /// A program at a prompt.
    Cli,
    /// Anything else, or nothing that could be read.
    Other,
}

/// What a device looks like: the hash of what stays the same while browsers and systems are
/// updated, which is the family of both and the first language. It tells devices apart, but whoever
/// has seen one can look the same: it is a hint, never a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub Hash);

impl Fingerprint {
    /// What a client looks like; `None` when it tells neither a user agent nor a language.
    #[must_use]
    pub fn of(client: &Client) -> Option<Self> {
        let agent = client.user_agent.as_deref().and_then(Agent::read);
        Self::from(agent.as_ref(), client.language.as_deref())
    }

    fn from(agent: Option<&Agent>, language: Option<&str>) -> Option<Self> {
        let language = language.and_then(first_language);
        if agent.is_none() && language.is_none() {
            return None;
        }
        let family = agent.map_or("", |agent| &agent.family);
        let os = agent.and_then(|agent| agent.os.as_deref()).unwrap_or_default();
        let language = language.unwrap_or_default();
        Some(Self(Hash::of(&format!("{family}\n{os}\n{language}"))))
    }
}

/// The first language of an `Accept-Language` header (RFC 9110, section 12.5.4), in lower case.
fn first_language(header: &str) -> Option<String> {
    let first = header.split([',', ';']).next()?.trim();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'*';
    let is_one = !first.is_empty() && first.len() <= LONGEST_LANGUAGE && first.bytes().all(plain);
    is_one.then(|| first.to_ascii_lowercase())
}

/// The key of a known device. Clients know it by its secret instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceId(pub i64);

/// A device that a user has signed in with, and that has a secret to be known by. It outlives its
/// sessions and proves nobody's identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownDevice {
    /// Its key.
    pub id: DeviceId,
    /// Whose.
    pub user_id: UserId,
    /// What it looked like at the last sign-in that told.
    pub fingerprint: Option<Fingerprint>,
    /// What it was called at the last sign-in that gave a name.
    pub name: Option<String>,
    /// The first sign-in with it.
    pub first_seen_at: Timestamp,
    /// The last sign-in with it.
    pub last_seen_at: Timestamp,
}

/// An address cut to its /24 (IPv4, mapped ones too) or /48 (IPv6): enough to tell networks apart,
/// too little to find a household.
#[must_use]
pub fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            Ipv4Addr::new(a, b, c, 0).to_string()
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_cut() {
        for (address, cut) in [
            ("192.0.2.77", "192.0.2.0"),
            ("::ffff:192.0.2.77", "192.0.2.0"),
            ("2001:db8:1:2:3::4", "2001:db8:1::"),
        ] {
            assert_eq!(network(address.parse().unwrap()), cut);
        }
    }

    #[test]
    fn a_user_agent_cannot_carry_a_line_break() {
        let agent = Some(format!("a\r\n{}", "b".repeat(300)));
        let client = Client { user_agent: agent, ..Client::default() };
        let agent = Device::of(&client, None).user_agent.unwrap();
        assert!(agent.starts_with("ab") && agent.len() == 255);
    }

    fn client(agent: &str, language: &str) -> Client {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Client { user_agent: text(agent), language: text(language), ..Client::default() }
    }

    #[test]
    fn a_device_that_gives_no_name_is_called_what_it_is() {
        let curl = client("curl/8.14.1", "");
        assert_eq!(Device::of(&curl, None).name.as_deref(), Some("curl"));
        assert_eq!(Device::of(&curl, Some("CI".to_owned())).name.as_deref(), Some("CI"));
        assert_eq!(Device::of(&curl, None).kind(), DeviceKind::Cli);
        let silent = Device::of(&Client::default(), None);
        assert_eq!((silent.name.as_ref(), silent.kind()), (None, DeviceKind::Other));
    }

    #[test]
    fn a_fingerprint_outlives_updates_and_nothing_else() {
        let firefox = |version: u32, system: &str, language: &str| {
            let gecko = format!("Gecko/20100101 Firefox/{version}.0");
            let agent = format!("Mozilla/5.0 ({system}; rv:{version}.0) {gecko}");
            Fingerprint::of(&client(&agent, language)).unwrap()
        };
        let linux = "X11; Linux x86_64";
        let known = firefox(128, linux, "de-DE,de;q=0.9,en;q=0.5");
        assert_eq!(firefox(144, linux, "DE-de"), known);
        assert_eq!(firefox(144, "X11; Ubuntu; Linux x86_64", " de-de ;q=1, fr"), known);
        let windows = "Windows NT 10.0; Win64; x64";
        assert_eq!(firefox(144, windows, "de"), firefox(128, "Windows NT 6.1", "de"));
        for other in [
            firefox(128, linux, "en,de-DE"),
            firefox(128, linux, ""),
            firefox(128, windows, "de-DE"),
            Fingerprint::of(&client("curl/8.14.1", "de-DE")).unwrap(),
            Fingerprint::of(&client("", "de-DE")).unwrap(),
        ] {
            assert_ne!(other, known);
        }
    }

    #[test]
    fn who_tells_nothing_looks_like_nothing() {
        let endless = "x".repeat(36);
        for language in ["", " , de", ";q=1", "dé", "d\ne", endless.as_str()] {
            assert_eq!(Fingerprint::of(&client("\t", language)), None, "{language:?}");
        }
        assert!(Fingerprint::of(&client("", "*")).is_some());
    }
}
