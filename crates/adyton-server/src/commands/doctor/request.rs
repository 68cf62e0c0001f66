//! One GET over plain HTTP/1.1, as much of it as a look from outside needs. TLS is not spoken: the
//! server does not either, and a library for it would be in every binary for this command alone.

use std::fmt;
use std::io::{self, Error, ErrorKind, Read, Write};
use std::net::{IpAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

/// For connecting, and for each read.
const PATIENCE: Duration = Duration::from_secs(5);
/// More than any answer of ours that is asked for here.
const LONGEST: u64 = 64 * 1024;

/// Scheme, host and port.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) https: bool,
    /// Without the brackets of an IPv6 address.
    pub(super) host: String,
    port: Option<u16>,
}

/// A whole answer.
pub(super) struct Answer {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Url {
    pub(super) fn read(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let rest = rest.trim_end_matches('/');
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port.parse().ok()?)),
            _ => (rest, None),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        (!host.is_empty()).then_some(Self { https: scheme == "https", host, port })
    }

    /// Whether it leads to this machine.
    pub(super) fn is_local(&self) -> bool {
        let address = self.host.parse::<IpAddr>();
        self.host == "localhost"
            || self.host.ends_with(".localhost")
            || address.is_ok_and(|address| address.is_loopback())
    }

    pub(super) fn connect(&self) -> io::Result<TcpStream> {
        let port = self.port.unwrap_or(if self.https { 443 } else { 80 });
        let mut last = Error::new(ErrorKind::NotFound, "the name has no address");
        for address in (self.host.as_str(), port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    pub(super) fn get(&self, path: &str, headers: &[(&str, &str)]) -> io::Result<Answer> {
        let mut stream = self.connect()?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let headers: String =
            headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let host = self.authority();
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\n{headers}Connection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes())?;
        let mut answer = Vec::new();
        stream.take(LONGEST).read_to_end(&mut answer)?;
        Answer::read(&String::from_utf8_lossy(&answer))
            .ok_or_else(|| Error::new(ErrorKind::InvalidData, "the answer is not HTTP"))
    }

    fn authority(&self) -> String {
        let host =
            if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        self.port.map_or(host.clone(), |port| format!("{host}:{port}"))
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority())
    }
}

impl Answer {
    pub(super) fn read(text: &str) -> Option<Self> {
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        };
        let headers = lines.filter_map(header).collect();
        Some(Self { status, headers, body: body.to_owned() })
    }

    /// By its name in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_and_written() {
        for url in ["http://a.example", "https://a.example:8443", "http://[::1]:80", "http://[::1]"]
        {
            assert_eq!(Url::read(url).unwrap().to_string(), url);
        }
        for url in ["a.example", "http://", "http://a:b"] {
            assert_eq!(Url::read(url), None, "{url}");
        }
        let local = |url| Url::read(url).unwrap().is_local();
        assert!(local("http://localhost:1") && local("http://[::1]") && local("http://127.9.9.9"));
        assert!(!local("http://localhost.example") && !local("http://192.0.2.1"));
    }

    #[test]
    fn answers_are_read() {
        let answer = Answer::read("HTTP/1.1 204 No Content\r\nX-A:  b \r\n\r\nbody").unwrap();
        assert_eq!((answer.status, answer.header("x-a"), &*answer.body), (204, Some("b"), "body"));
        for text in ["", "HTTP/1.1 200 OK", "SSH-2.0-x\r\n\r\n", "HTTP/1.1 x\r\n\r\n"] {
            assert!(Answer::read(text).is_none(), "{text}");
        }
    }
}
