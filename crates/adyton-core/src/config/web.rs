//! Where requests may come from: the options on URLs, origins, cookies and proxies, read together.

use super::validate::{among, check};
use super::{Config, ConfigError};
use crate::origin::{Origin, is_host_name, is_public_suffix};
use ipnet::IpNet;
use std::net::IpAddr;

/// The options of a configuration that say where requests may come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebOptions {
    /// The origin that people see: `server.public_url`.
    pub public_url: Option<Origin>,
    /// `allowed_origins`.
    pub allowed_origins: Vec<Origin>,
    /// `cookie_domain` in lower case, without a dot before it. It stands only beside a public URL.
    pub cookie_domain: Option<String>,
    /// `server.trusted_proxies`; a single address is a network of one.
    trusted_proxies: Vec<IpNet>,
}

impl WebOptions {
    /// Whether an address is a trusted proxy's. An IPv4-mapped address is its IPv4 address.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted_proxies.iter().any(|network| network.contains(&address))
    }
}

impl Config {
    /// Reads what says where requests may come from.
    ///
    /// # Errors
    /// The first setting that cannot stand, alone or beside another one.
    #[doc(hidden)] // for the doors of `adyton` alone
    pub fn web(&self) -> Result<WebOptions, ConfigError> {
        let public_url = self.server.public_url.as_deref().map(public_url).transpose()?;
        let origins =
            self.allowed_origins.iter().map(|text| allowed_origin(text, public_url.as_ref()));
        let domain = self.cookie_domain.as_deref();
        let networks = self.server.trusted_proxies.iter().map(|text| network(text));
        Ok(WebOptions {
            allowed_origins: origins.collect::<Result<_, _>>()?,
            cookie_domain: domain
                .map(|text| cookie_domain(text, public_url.as_ref()))
                .transpose()?,
            trusted_proxies: networks.collect::<Result<_, _>>()?,
            public_url,
        })
    }
}

fn public_url(text: &str) -> Result<Origin, ConfigError> {
    let problem = "must be scheme and host, such as `https://app.example.com`, without a path";
    read(Origin::parse(text), "server.public_url", || problem.to_owned())
}

fn allowed_origin(text: &str, own: Option<&Origin>) -> Result<Origin, ConfigError> {
    let key = "allowed_origins";
    let origin = read(Origin::parse(text), key, || {
        format!(
            "`{text}` is no origin: write scheme and host, and a port if there is one, such as \
             `https://app.example.com`, without a path, a slash at the end, or `*`"
        )
    })?;
    let secure_beside_plain = origin.is_https() && own.is_some_and(|own| !own.is_https());
    let problem = format!(
        "`{origin}` cannot call an http `server.public_url`: browsers block that from https pages"
    );
    among(!secure_beside_plain, &["server.public_url"], key, &problem)?;
    Ok(origin)
}

fn cookie_domain(text: &str, own: Option<&Origin>) -> Result<String, ConfigError> {
    let key = "cookie_domain";
    let domain = text.strip_prefix('.').unwrap_or(text).to_ascii_lowercase();
    let problem = "must be a domain, such as `example.com`, without scheme, port or path";
    check(is_host_name(&domain), key, problem)?;
    let problem = format!(
        "`{domain}` is a public suffix, below which anybody may have a host: browsers refuse \
         cookies for it; name a domain of your own below it"
    );
    check(!is_public_suffix(&domain), key, &problem)?;
    let problem = "needs `server.public_url`, whose host must be this domain or below it";
    let Some(own) = own else { return check(false, key, problem).map(|()| domain) };
    let problem = format!(
        "`{domain}` is no parent of `{}`, the host of `server.public_url`: browsers would refuse \
         the cookies",
        own.host()
    );
    among(own.is_within(&domain), &["server.public_url"], key, &problem)?;
    Ok(domain)
}

fn network(text: &str) -> Result<IpNet, ConfigError> {
    let address = || text.parse().ok().map(|address: IpAddr| IpNet::from(address.to_canonical()));
    let network = text.parse().ok().map(fold).or_else(address);
    read(network, "server.trusted_proxies", || {
        format!("`{text}` is neither an address nor a network such as `10.0.0.0/8`")
    })
}

/// A network of IPv4-mapped addresses is one of IPv4 addresses.
fn fold(network: IpNet) -> IpNet {
    let IpNet::V6(mapped) = network else { return network };
    let prefix = mapped.prefix_len().checked_sub(96);
    let folded = prefix.zip(mapped.addr().to_ipv4_mapped());
    let folded = folded.and_then(|(prefix, address)| IpNet::new(address.into(), prefix).ok());
    folded.unwrap_or(network)
}

fn read<T>(
    value: Option<T>,
    key: &'static str,
    problem: impl FnOnce() -> String,
) -> Result<T, ConfigError> {
    value.ok_or_else(|| ConfigError::new(key, problem()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn web(toml: &str) -> Result<WebOptions, ConfigError> {
        toml::from_str::<Config>(toml).unwrap().web()
    }

    const HTTPS: &str = "server.public_url = 'https://app.example.co.uk'\n";

    #[test]
    fn what_fits_together_is_read() {
        let web = web(&format!(
            "{HTTPS}allowed_origins = ['HTTPS://spa.example.com:443', 'http://localhost:3000']\n\
             cookie_domain = '.Example.co.uk'\nserver.trusted_proxies = ['10.0.0.0/8', '::1']"
        ));
        let web = web.unwrap();
        let origins: Vec<_> = web.allowed_origins.iter().map(ToString::to_string).collect();
        assert_eq!(origins, ["https://spa.example.com", "http://localhost:3000"]);
        assert_eq!(web.cookie_domain.as_deref(), Some("example.co.uk"));
        for (address, trusted) in [
            ("10.255.0.1", true),
            ("::ffff:10.0.0.1", true),
            ("11.0.0.1", false),
            ("::1", true),
            ("::2", false),
        ] {
            assert_eq!(web.trusts(address.parse().unwrap()), trusted, "{address}");
        }
    }

    #[test]
    fn a_network_of_mapped_addresses_is_one_of_ipv4() {
        let web = web("server.trusted_proxies = ['::ffff:10.0.0.0/104', '::ffff:192.0.2.1']");
        let web = web.unwrap();
        for (address, trusted) in [("10.1.2.3", true), ("192.0.2.1", true), ("11.0.0.1", false)] {
            assert_eq!(web.trusts(address.parse().unwrap()), trusted, "{address}");
        }
    }

    #[test]
    fn a_refusal_explains_itself() {
        for (options, key, said) in [
            ("cookie_domain = 'co.uk'", "cookie_domain", "`co.uk` is a public suffix"),
            ("cookie_domain = 'uk'", "cookie_domain", "`uk` is a public suffix"),
            ("cookie_domain = 'example.com'", "cookie_domain", "no parent of `app.example.co.uk`"),
            ("cookie_domain = 'ample.co.uk'", "cookie_domain", "no parent"),
            ("cookie_domain = 'b.app.example.co.uk'", "cookie_domain", "no parent"),
            ("cookie_domain = 'https://example.co.uk'", "cookie_domain", "must be a domain"),
            ("cookie_domain = ''", "cookie_domain", "must be a domain"),
            ("cookie_domain = '10.0.0.1'", "cookie_domain", "must be a domain"),
            ("allowed_origins = ['https://a.example/']", "allowed_origins", "is no origin"),
            ("allowed_origins = ['*']", "allowed_origins", "`*` is no origin"),
            ("allowed_origins = ['null']", "allowed_origins", "`null` is no origin"),
            ("server.trusted_proxies = ['proxy']", "server.trusted_proxies", "`proxy` is neither"),
            ("server.trusted_proxies = ['10.0.0.0/33']", "server.trusted_proxies", "neither"),
        ] {
            let error = web(&format!("{HTTPS}{options}")).unwrap_err();
            assert_eq!(error.key, key, "{options}");
            assert!(error.problem.contains(said), "{options}: {error}");
        }
        for (options, key, said) in [
            ("cookie_domain = 'example.com'", "cookie_domain", "needs `server.public_url`"),
            ("server.public_url = 'https://a.example/path'", "server.public_url", "without a path"),
            ("server.public_url = 'app.example.com'", "server.public_url", "must be scheme"),
            (
                "server.public_url = 'http://a.example'\nallowed_origins = ['https://b.example']",
                "allowed_origins",
                "`https://b.example` cannot call an http",
            ),
            (
                "server.public_url = 'http://myapp.github.io'\ncookie_domain = 'github.io'",
                "cookie_domain",
                "`github.io` is a public suffix",
            ),
        ] {
            let error = web(options).unwrap_err();
            assert_eq!(error.key, key, "{options}");
            assert!(error.problem.contains(said), "{options}: {error}");
        }
    }

    #[test]
    fn an_address_has_no_parents() {
        let error = web("server.public_url = 'http://10.0.0.1'\ncookie_domain = 'example.com'");
        assert_eq!(error.unwrap_err().beside, ["server.public_url"]);
    }
}
