//! Devices: what is known of the client behind a sign-in. Nothing here proves who somebody is.

use crate::secret::PlainText;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Longest name of a device, in characters.
pub const LONGEST_NAME: usize = 128;
const LONGEST_USER_AGENT: usize = 255;

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
    /// The name that the client gave.
    pub name: Option<String>,
    /// The user agent, cut to 255 characters, without control characters.
    pub user_agent: Option<String>,
    /// The network of the client: an address cut to /24 or /48.
    pub network: Option<String>,
}

impl Device {
    /// What is kept of a client that gave its device this name.
    #[must_use]
    pub fn of(client: &Client, name: Option<String>) -> Self {
        let printable = |agent: &String| {
            agent.chars().filter(|c| !c.is_control()).take(LONGEST_USER_AGENT).collect()
        };
        Self {
            name,
            user_agent: client.user_agent.as_ref().map(printable),
            network: client.address.map(network),
        }
    }
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
}
