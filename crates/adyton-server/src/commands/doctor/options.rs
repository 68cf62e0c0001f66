//! What the options alone show: each may stand, and together they are not what anybody wants.

use super::codes::*;
use super::request::Url;
use super::{Code, Finding};
use adyton::core::config::{Config, SessionGuard};
use std::net::{IpAddr, SocketAddr};

pub(super) fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut found = |code: &'static Code, detail: String| findings.push(Finding::new(code, detail));
    let (server, cookies) = (&config.server, config.session_guard != SessionGuard::Token);
    let url = server.public_url.as_deref().and_then(Url::read);
    let inside = url.as_ref().is_none_or(Url::is_local);
    if let Some(url) = &url {
        if !url.https && !inside {
            found(&PUBLIC_URL_PLAIN, format!("`server.public_url` is {url}"));
        }
        if let Some((name, why)) = refused_cookie(config, url).filter(|_| cookies) {
            found(&COOKIE_REFUSED, format!("{name}: {why}"));
        }
    } else if !server.listen.ip().is_loopback() {
        found(&PUBLIC_URL_MISSING, format!("`server.listen` is {}", server.listen));
    }
    if !inside && server.listen.ip().is_loopback() && server.trusted_proxies.is_empty() {
        let detail = "`server.listen` is a loopback address and `server.public_url` is not";
        found(&PROXY_UNTRUSTED, detail.into());
    }
    for network in server.trusted_proxies.iter().filter(|network| network.ends_with("/0")) {
        found(&PROXIES_ANYBODY, format!("`server.trusted_proxies` has {network}"));
    }
    if cookies && !config.csrf_protection {
        found(&CSRF_OFF, "`csrf_protection` is off".into());
    }
    if !config.rate_limiting.enabled {
        found(&RATE_LIMITS_OFF, "`rate_limiting.enabled` is off".into());
    }
    if let Some(address) = server.metrics_listen.filter(|address| !is_private(address)) {
        found(&METRICS_PUBLIC, format!("`server.metrics_listen` is {address}"));
    }
    findings
}

fn is_private(address: &SocketAddr) -> bool {
    match address.ip().to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// The session cookie that this configuration sets, if a browser would refuse it, and why
/// (RFC 6265bis, 5.7).
fn refused_cookie(config: &Config, url: &Url) -> Option<(&'static str, String)> {
    let domain = config.cookie_domain.as_deref()?.trim_start_matches('.').to_lowercase();
    let host = url.host.to_lowercase();
    let name = if url.https { "__Secure-adyton_session" } else { "adyton_session" };
    if host.parse::<IpAddr>().is_ok() {
        return Some((name, format!("{host} is an address, which has no parent domain")));
    }
    let within = host == domain || host.ends_with(&format!(".{domain}"));
    let single = !domain.contains('.') && host != domain;
    match (within, single) {
        (false, _) => Some((name, format!("`cookie_domain` {domain} is no parent of {host}"))),
        (true, true) => Some((name, format!("`cookie_domain` {domain} is everybody's"))),
        (true, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The codes for these options: what the configuration file would refuse is possible here.
    fn codes(change: impl FnOnce(&mut Config)) -> Vec<&'static str> {
        let mut config = Config::default();
        change(&mut config);
        examine(&config).into_iter().map(|finding| finding.code.name).collect()
    }

    fn public(url: &str) -> impl FnOnce(&mut Config) {
        |config| config.server.public_url = Some(url.to_owned())
    }

    #[test]
    fn nothing_is_wrong_with_the_defaults() {
        assert_eq!(codes(|_| ()), [""; 0]);
        assert_eq!(codes(public("http://localhost:8000")), [""; 0]);
    }

    #[test]
    fn a_cookie_that_a_browser_would_refuse_is_named() {
        for (url, domain, refused) in [
            ("https://app.example.com", "example.com", false),
            ("https://app.example.com", ".Example.com", false),
            ("https://app.example.com", "example.org", true),
            ("https://badexample.com", "example.com", true),
            ("https://app.example.com", "com", true),
            ("https://192.0.2.1", "192.0.2.1", true),
        ] {
            let codes = codes(|config| {
                public(url)(config);
                config.server.trusted_proxies = vec!["127.0.0.1".into()];
                config.cookie_domain = Some(domain.into());
            });
            assert_eq!(codes == ["cookie_refused"], refused, "{url} {domain} {codes:?}");
            assert!(refused || codes.is_empty(), "{codes:?}");
        }
    }

    #[test]
    fn what_is_open_to_others_is_named() {
        assert_eq!(codes(public("http://a.example")), ["public_url_plain", "proxy_untrusted"]);
        assert_eq!(codes(public("https://a.example")), ["proxy_untrusted"]);
        let listen = |text: &str| text.parse().unwrap();
        assert_eq!(
            codes(|config| config.server.listen = listen("0.0.0.0:80")),
            ["public_url_missing"]
        );
        assert_eq!(
            codes(|config| config.server.trusted_proxies = vec!["::/0".into()]),
            ["proxies_anybody"]
        );
        for (address, found) in [
            ("127.0.0.1:9100", false),
            ("10.0.0.1:9100", false),
            ("[fd00::1]:9100", false),
            ("0.0.0.0:9100", true),
            ("192.0.2.1:9100", true),
        ] {
            let codes = codes(|config| config.server.metrics_listen = Some(listen(address)));
            assert_eq!(codes == ["metrics_public"], found, "{address}");
        }
    }

    #[test]
    fn a_protection_that_is_off_is_named() {
        assert_eq!(codes(|config| config.csrf_protection = false), ["csrf_off"]);
        assert_eq!(codes(|config| config.rate_limiting.enabled = false), ["rate_limits_off"]);
        let tokens_only = |config: &mut Config| {
            (config.csrf_protection, config.session_guard) = (false, SessionGuard::Token);
        };
        assert_eq!(codes(tokens_only), [""; 0]);
    }
}
