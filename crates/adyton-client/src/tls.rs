//! TLS: what is trusted, and what a refused certificate says.

use crate::BaseUrl;
use rustls::{CertificateError, ClientConfig, RootCertStore, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt;
use std::error::Error;
use std::io;

/// With a provider of its own, so that what an app has chosen for its process does not matter.
/// Roots are read for `https` only.
pub(crate) fn config(base: &BaseUrl) -> Result<ClientConfig, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()?;
    let builder = if base.is_https() {
        builder.with_platform_verifier()?
    } else {
        builder.with_root_certificates(RootCertStore::empty())
    };
    Ok(builder.with_no_client_auth())
}

/// What to do about the certificate of the server, if that is what was wrong.
pub(crate) fn advice(error: &reqwest::Error) -> Option<&'static str> {
    use CertificateError as Why;
    Some(match refused(error)? {
        Why::UnknownIssuer => {
            "no authority that this system trusts has signed it; add the one that has to the \
             system's certificates, or on Linux name a file with it in SSL_CERT_FILE"
        }
        Why::NotValidForName | Why::NotValidForNameContext { .. } => {
            "it is for another host; use a name that it has, or get one for this host"
        }
        Why::Expired
        | Why::ExpiredContext { .. }
        | Why::NotValidYet
        | Why::NotValidYetContext { .. } => {
            "its time is over or has not come; renew it, or set the clock of this machine"
        }
        _ => "whoever runs the server must replace it",
    })
}

fn refused(error: &reqwest::Error) -> Option<&CertificateError> {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(rustls::Error::InvalidCertificate(why)) = error.downcast_ref() {
            return Some(why);
        }
        // An `io::Error` names as its source that of the error in it.
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(within) => Some(within),
            None => error.source(),
        };
    }
    None
}
