//! The client's address behind trusted proxies: `X-Forwarded-For`, or `Forwarded` (RFC 7239).
//!
//! Each proxy writes down whom it was called by, at the right end of the list. So the list is walked
//! from the right, as long as its writer is trusted: the first address that is no trusted proxy's is
//! the client's, and what stands to its left is only what that client said. `X-Real-IP` and its
//! relatives never count: nothing tells who wrote them.

use adyton_core::config::WebOptions;
use http::header::FORWARDED;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::net::{IpAddr, SocketAddr};

pub(crate) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of the client behind a connection's peer, IPv4-mapped ones as IPv4.
///
/// - From a peer that is no trusted proxy no header counts: the peer is the client.
/// - Several lines of one header are one list. Where both headers are there, `X-Forwarded-For` alone
///   counts: a proxy that writes it may well pass a client's own `Forwarded` on.
/// - What cannot be read (garbage, a name, `unknown`, an obfuscated id) ends the walk, and the last
///   address that could be read counts: at worst the peer's. So does the leftmost one if every
///   address is trusted.
pub(crate) fn client_address(peer: IpAddr, headers: &HeaderMap, web: &WebOptions) -> IpAddr {
    let peer = peer.to_canonical();
    if !web.trusts(peer) {
        return peer;
    }
    if headers.contains_key(X_FORWARDED_FOR) {
        return walk(peer, elements(headers, &X_FORWARDED_FOR).map(forwarded_for), web);
    }
    walk(peer, elements(headers, &FORWARDED).map(forwarded), web)
}

/// Goes from the peer to the left until it meets somebody who is not trusted, or nobody.
fn walk(peer: IpAddr, names: impl Iterator<Item = Option<IpAddr>>, web: &WebOptions) -> IpAddr {
    let mut last = peer;
    for name in names {
        let Some(address) = name else { break };
        last = address.to_canonical();
        if !web.trusts(last) {
            break;
        }
    }
    last
}

/// The elements of all lines of a header, from right to left. A comma within quotes parts them too:
/// it stands in no address, and an open quote of the client's swallows no element of a proxy's.
fn elements<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    let lines = headers.get_all(name).iter().map(HeaderValue::as_bytes);
    lines.rev().flat_map(|line| line.rsplit(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`.
fn forwarded_for(element: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(element).ok()?;
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match bare {
        Some(bare) => bare.parse().ok().filter(IpAddr::is_ipv6),
        None => text.parse().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip())),
    }
}

/// The `for` of an element.
fn forwarded(element: &[u8]) -> Option<IpAddr> {
    let element = rfc7239::parse(std::str::from_utf8(element).ok()?).next()?.ok()?;
    element.forwarded_for?.ip().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fragments::every_value;
    use adyton_core::Config;

    const PROXIES: [&str; 3] = ["10.0.0.0/8", "2001:db8:f::/48", "127.0.0.1"];

    fn address(peer: &str, lines: &[(&str, &str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let mut config = Config::default();
        config.server.trusted_proxies = PROXIES.map(str::to_owned).to_vec();
        client_address(peer.parse().unwrap(), &headers, &config.web().unwrap()).to_string()
    }

    #[test]
    fn the_rightmost_address_that_is_not_trusted_is_the_client() {
        for (list, client) in [
            ("203.0.113.7", "203.0.113.7"),
            ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
            ("203.0.113.7, 10.0.0.2", "203.0.113.7"),
            ("198.51.100.1,203.0.113.7,10.0.0.2 , 2001:db8:f::1", "203.0.113.7"),
            ("203.0.113.7:4711", "203.0.113.7"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("203.0.113.7, ::ffff:10.0.0.2", "203.0.113.7"),
            // Nobody but proxies: the one that called first.
            ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ] {
            assert_eq!(address("10.0.0.1", &[("x-forwarded-for", list)]), client, "{list}");
            assert_eq!(address("::ffff:10.0.0.1", &[("x-forwarded-for", list)]), client, "{list}");
        }
    }

    #[test]
    fn nobody_else_is_believed() {
        for name in ["x-forwarded-for", "x-real-ip", "x-client-ip", "cf-connecting-ip"] {
            assert_eq!(address("198.51.100.9", &[(name, "203.0.113.7")]), "198.51.100.9");
        }
        assert_eq!(address("198.51.100.9", &[("forwarded", "for=203.0.113.7")]), "198.51.100.9");
        assert_eq!(address("10.0.0.1", &[("x-real-ip", "203.0.113.7")]), "10.0.0.1");
    }

    #[test]
    fn what_cannot_be_read_ends_the_walk() {
        for (list, client) in [
            ("", "10.0.0.1"),
            ("nonsense", "10.0.0.1"),
            ("203.0.113.7, nonsense", "10.0.0.1"),
            ("203.0.113.7, unknown, 10.0.0.2", "10.0.0.2"),
            ("203.0.113.7,", "10.0.0.1"),
            ("203.0.113.7, 10.0.0.256", "10.0.0.1"),
            ("203.0.113.7, 10.0.0.2:99999", "10.0.0.1"),
            ("203.0.113.7, [10.0.0.2]", "10.0.0.1"),
            ("203.0.113.7, [::1", "10.0.0.1"),
            ("203.0.113.7, fe80::1%eth0", "10.0.0.1"),
            ("203.0.113.7 10.0.0.2", "10.0.0.1"),
            ("203.0.113.7, é", "10.0.0.1"),
            ("nonsense, 203.0.113.7", "203.0.113.7"),
        ] {
            assert_eq!(address("10.0.0.1", &[("x-forwarded-for", list)]), client, "{list}");
        }
    }

    #[test]
    fn forwarded_is_read_the_same_way() {
        for (list, client) in [
            ("for=203.0.113.7", "203.0.113.7"),
            ("For=\"203.0.113.7:4711\";proto=https;by=10.0.0.1", "203.0.113.7"),
            ("for=198.51.100.1, for=203.0.113.7;host=a.example, for=10.0.0.2", "203.0.113.7"),
            ("for=\"[2001:db8::1]:4711\"", "2001:db8::1"),
            ("for=\"[2001:db8::1]\"", "2001:db8::1"),
            ("for=203.0.113.7, for=unknown", "10.0.0.1"),
            ("for=203.0.113.7, for=_hidden, for=10.0.0.2", "10.0.0.2"),
            ("for=203.0.113.7, proto=https", "10.0.0.1"),
            ("for=203.0.113.7, nonsense", "10.0.0.1"),
            ("for=203.0.113.7, for=2001:db8::1", "10.0.0.1"),
            // The client's open quote swallows nothing.
            ("for=\"198.51.100.1, for=203.0.113.7", "203.0.113.7"),
        ] {
            assert_eq!(address("10.0.0.1", &[("forwarded", list)]), client, "{list}");
        }
    }

    #[test]
    fn several_lines_are_one_list() {
        let lines = [("x-forwarded-for", "198.51.100.1"), ("x-forwarded-for", "203.0.113.7")];
        assert_eq!(address("10.0.0.1", &lines), "203.0.113.7");
        let lines = [("forwarded", "for=203.0.113.7"), ("forwarded", "for=10.0.0.2")];
        assert_eq!(address("10.0.0.1", &lines), "203.0.113.7");
    }

    #[test]
    fn beside_x_forwarded_for_a_forwarded_header_is_the_clients_own() {
        let lines = [("forwarded", "for=198.51.100.1"), ("x-forwarded-for", "203.0.113.7")];
        assert_eq!(address("10.0.0.1", &lines), "203.0.113.7");
        let lines = [("forwarded", "for=198.51.100.1"), ("x-forwarded-for", "nonsense")];
        assert_eq!(address("10.0.0.1", &lines), "10.0.0.1");
    }

    #[test]
    fn no_bytes_panic() {
        let fragments: [&[u8]; 16] = [
            b",",
            b";",
            b"=",
            b"\"",
            b"[",
            b"]",
            b":",
            b" ",
            b"for=",
            b"unknown",
            b"_x",
            b"10.0.0.2",
            b"203.0.113.7",
            b"::1",
            b"65536",
            b"\xff",
        ];
        let mut config = Config::default();
        config.server.trusted_proxies = PROXIES.map(str::to_owned).to_vec();
        let (web, peer) = (config.web().unwrap(), IpAddr::from([10, 0, 0, 1]));
        every_value(&fragments, 4, |value| {
            for name in [X_FORWARDED_FOR, FORWARDED] {
                client_address(peer, &HeaderMap::from_iter([(name, value.clone())]), &web);
            }
        });
    }
}
