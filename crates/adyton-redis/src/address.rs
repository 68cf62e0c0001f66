//! Addresses: one server or a cluster, with or without TLS.

use crate::error::{Failure, RedisError};
use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{AsyncConnectionConfig, Client, FromRedisValue, ScriptInvocation, TlsCertificates};
use std::time::Duration;

/// Where a server or a cluster is, and how it is spoken to.
pub(crate) enum Address {
    One(Box<Client>),
    Cluster(Box<ClusterClient>),
}

/// A connection to either. Clones share it.
#[derive(Clone)]
pub(crate) enum Connection {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Address {
    pub(crate) fn read(url: &str, authorities: Option<Vec<u8>>) -> Result<Self, RedisError> {
        let no = |why| Err(RedisError::Address(why));
        let Some((scheme, rest)) = url.split_once("://") else { return no("it has no scheme") };
        if rest.contains(['?', '#']) {
            return no("`?` and `#` mean nothing here; in a password they are `%3F` and `%23`");
        }
        let certificates =
            authorities.map(|pem| TlsCertificates { client_tls: None, root_cert: Some(pem) });
        match scheme {
            "redis" | "valkey" => one(&format!("redis://{rest}"), None),
            "rediss" | "valkeys" => one(&format!("rediss://{rest}"), with_tls(certificates)),
            "redis+cluster" => cluster("redis", rest, None),
            "rediss+cluster" => cluster("rediss", rest, with_tls(certificates)),
            _ => no("its scheme is unknown"),
        }
    }

    /// Connects, however long that takes.
    pub(crate) async fn connect(&self, answer: Duration) -> Result<Connection, Failure> {
        Ok(match self {
            Self::One(client) => {
                let config = AsyncConnectionConfig::new().set_response_timeout(Some(answer));
                let config = config.set_connection_timeout(None);
                let made = client.get_multiplexed_async_connection_with_config(&config).await?;
                Connection::One(made)
            }
            Self::Cluster(client) => Connection::Cluster(client.get_async_connection().await?),
        })
    }
}

impl Connection {
    pub(crate) async fn run<T: FromRedisValue>(
        self,
        call: &ScriptInvocation<'_>,
    ) -> Result<T, redis::RedisError> {
        match self {
            Self::One(mut connection) => call.invoke_async(&mut connection).await,
            Self::Cluster(mut connection) => call.invoke_async(&mut connection).await,
        }
    }
}

/// rustls asks its process for one way to do cryptography. An app that has chosen keeps its choice.
fn with_tls(certificates: Option<TlsCertificates>) -> Option<TlsCertificates> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    certificates
}

fn one(url: &str, certificates: Option<TlsCertificates>) -> Result<Address, RedisError> {
    let client = Client::open(url).map_err(refused)?;
    Ok(Address::One(Box::new(match certificates {
        Some(certificates) => Client::build_with_tls(url, certificates)
            .map_err(|error| RedisError::Authorities(error.into()))?,
        None => client,
    })))
}

/// All nodes have one login. A cluster has one database, so that there is nothing to choose.
fn cluster(
    scheme: &str,
    rest: &str,
    certificates: Option<TlsCertificates>,
) -> Result<Address, RedisError> {
    let rest = rest.trim_end_matches('/');
    let (login, hosts) = match rest.rsplit_once('@') {
        Some((login, hosts)) => (format!("{login}@"), hosts),
        None => (String::new(), rest),
    };
    if hosts.contains('/') {
        return Err(RedisError::Address("a cluster has no databases to choose from"));
    }
    let nodes: Vec<String> =
        hosts.split(',').map(|host| format!("{scheme}://{login}{host}")).collect();
    let mut builder = ClusterClient::builder(nodes).retries(1);
    if let Some(certificates) = certificates {
        builder = builder.certs(certificates);
    }
    Ok(Address::Cluster(Box::new(builder.build().map_err(refused)?)))
}

/// What the driver has against it, but for its words, which may quote.
fn refused(_: redis::RedisError) -> RedisError {
    RedisError::Address("it cannot be read")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_and_clusters_have_addresses() {
        for url in [
            "redis://127.0.0.1",
            "redis://cache.example:6380/3",
            "rediss://ada:p%40ss@cache.example",
            "valkey://[::1]:6379",
            "valkeys://:secret@cache/0",
        ] {
            assert!(matches!(Address::read(url, None), Ok(Address::One(_))), "{url}");
        }
        for url in ["redis+cluster://a:6379,b:6379", "rediss+cluster://ada:pw@a,b,c/"] {
            assert!(matches!(Address::read(url, None), Ok(Address::Cluster(_))), "{url}");
        }
    }

    #[test]
    fn what_is_none_is_refused_without_repeating_it() {
        for url in [
            "redis:secret",
            "http://secret@cache",
            "redis://",
            "redis://:secret@",
            "redis://:secret@cache/first",
            "redis://:se#cret@cache",
            "redis://cache?password=secret",
            "rediss://:secret@cache/#insecure",
            "redis://:secret@cache:99999",
            "redis+cluster://:secret@a:6379/1",
            "redis+cluster://:secret@a,,b",
            "redis+unix:///secret",
        ] {
            let Err(error) = Address::read(url, None) else { panic!("{url} is taken") };
            let told = format!("{error} {error:?}");
            assert!(!told.contains("secret"), "{told}");
        }
    }
}
