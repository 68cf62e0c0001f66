//! The client over https: whose certificate is good, and what is said of one that is not.

use super::{Person, served};
use crate::world::{PASSWORD, Server, told};
use adyton_client::{Client, Error, Login};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ClientConfig, RootCertStore, ServerConfig, crypto::ring};
use std::fs;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn certificate(host: &str) -> CertificateParams {
    CertificateParams::new([host.to_owned()]).unwrap()
}

/// Ends TLS before the server, as a proxy does; the answer is its address by the name `localhost`.
async fn before(server: &Server, authority: &Authority, certificate: CertificateParams) -> String {
    let key = KeyPair::generate().unwrap();
    let chain = vec![certificate.signed_by(&key, authority).unwrap().der().clone()];
    let config = ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let behind = server.address.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, behind) = (acceptor.clone(), behind.clone());
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await.ok()?;
                let mut behind = TcpStream::connect(behind).await.ok()?;
                tokio::io::copy_bidirectional(&mut stream, &mut behind).await.ok()
            });
        }
    });
    format!("https://localhost:{port}")
}

impl Person {
    /// A command on a system that trusts this authority alone.
    fn trusting(&self, authority: &Authority, arguments: &str) -> (i32, String, String) {
        let file = self.home.path("authorities.pem");
        fs::write(&file, authority.pem()).unwrap();
        let mut command = self.home.adyton(&format!("--server {} {arguments}", self.server));
        command.env("HOME", self.home.path("home")).env("SSL_CERT_FILE", file);
        command.write_stdin(PASSWORD);
        told(command)
    }

    #[track_caller]
    fn refused_by(&self, trusted: &Authority, advice: &str, cause: &str) {
        let (code, out, error) = self.trusting(trusted, "login --email ada@example.com");
        assert_eq!((code, out.as_str()), (1, ""), "{error}");
        let what = format!("error: the certificate of the server is refused: {advice}");
        assert!(error.starts_with(&what) && error.contains(cause), "{error}");
    }
}

/// Elsewhere the system itself must be told whom to trust.
fn is_linux() -> bool {
    let linux = cfg!(target_os = "linux");
    if !linux {
        println!("skipped: SSL_CERT_FILE counts on Linux alone");
    }
    linux
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_person_signs_in_over_https() {
    let ((_place, server), ours) = (served(), authority("Ours"));
    let mut person = Person::of(&server);
    person.server = before(&server, &ours, certificate("localhost")).await;
    if !is_linux() {
        return;
    }
    let (code, out, error) = person.trusting(&ours, "login --email ada@example.com");
    let told = format!("signed in at {}/api/auth as Ada\n", person.server);
    assert_eq!((code, out, error.as_str()), (0, told, ""));
    let (code, out, error) = person.trusting(&ours, "whoami");
    assert_eq!((code, out.as_str()), (0, "1\tada@example.com\tAda\t*\n"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_certificate_that_is_not_good_is_refused_with_advice() {
    let ((_place, server), ours) = (served(), authority("Ours"));
    let mut person = Person::of(&server);
    if !is_linux() {
        return;
    }
    person.server = before(&server, &ours, certificate("localhost")).await;
    let advice = "no authority that this system trusts has signed it; add the one that has";
    person.refused_by(&authority("Theirs"), advice, "UnknownIssuer");

    person.server = before(&server, &ours, certificate("elsewhere.example")).await;
    person.refused_by(&ours, "it is for another host", "elsewhere.example");

    let mut over = certificate("localhost");
    over.not_after = rcgen::date_time_ymd(2020, 1, 1);
    person.server = before(&server, &ours, over).await;
    person.refused_by(&ours, "its time is over", "certificate expired");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_program_may_bring_its_own_authority() {
    let ((_place, server), ours) = (served(), authority("Ours"));
    let url = before(&server, &ours, certificate("localhost")).await;
    let trusting = |authority: &Authority| {
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).unwrap();
        let tls = ClientConfig::builder_with_provider(ring::default_provider().into());
        let tls = tls.with_safe_default_protocol_versions().unwrap();
        let tls = tls.with_root_certificates(roots).with_no_client_auth();
        let http = reqwest::Client::builder().no_proxy().tls_backend_preconfigured(tls);
        Client::builder(url.parse().unwrap()).http(http.build().unwrap()).build().unwrap()
    };
    let ada = Login::new("ada@example.com", PASSWORD);
    assert_eq!(trusting(&ours).login(&ada).await.unwrap().user.name, "Ada");
    let refused = trusting(&authority("Theirs")).login(&ada).await.unwrap_err();
    assert!(matches!(refused, Error::Untrusted { .. }), "{refused:?}");
    assert!(!refused.is_temporary());
}
