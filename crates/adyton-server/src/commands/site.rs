//! Where a server with this configuration is found, and its database, in words for people.

use super::terminal::shown;
use crate::pages;
use adyton::Config;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Where the endpoints are for who sits at this machine. It listens on `address`.
pub(super) fn local_api(config: &Config, address: SocketAddr) -> String {
    format!("http://{}{}", reachable(address), config.server.base_path)
}

/// Where the endpoints are for everybody.
pub(super) fn api(config: &Config, address: SocketAddr) -> String {
    format!("{}{}", site(config, address), config.server.base_path)
}

/// Where people find their account, if there are pages.
pub(super) fn pages(config: &Config, address: SocketAddr) -> Option<String> {
    pages::are_served(config).then(|| format!("{}{}", site(config, address), config.pages.path))
}

/// Where the database is, without what would let the reader in.
pub(super) fn database(config: &Config) -> String {
    shown(&config.connector.place().map(|place| place.to_string()).unwrap_or_default())
}

fn site(config: &Config, address: SocketAddr) -> String {
    let local = || format!("http://{}", reachable(address));
    config.server.public_url.clone().unwrap_or_else(local)
}

/// Every address of this machine is no address to connect to.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}
