//! Certificates turned into rustls configurations, for both ends.
//!
//! The one place that chooses a crypto provider. It is passed on explicitly and never installed:
//! a process has one default provider and only its `main` may decide which.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoClientAuth, NoServerSessionStorage};
use rustls::time_provider::{DefaultTimeProvider, TimeProvider};
use rustls::{ClientConfig, ServerConfig};

use crate::ca_bundle::CaBundle;
use crate::client_ca::AnyClient;
use crate::error::Error;
use crate::reload::Resolver;

/// The protocol a server offers. API servers call webhooks by it, so that calls go to all replicas; HTTP/2 would let
/// each connection make as many requests at once as it likes.
const SERVER_PROTOCOLS: [&[u8]; 1] = [b"http/1.1"];

/// The crypto provider of every configuration made here: ring.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A server that presents, in every handshake, what the resolver holds at that moment.
///
/// TLS 1.2 and 1.3, HTTP/1.1 only, no client certificates.
/// Sessions are not resumed: a resumed session would go on proving the certificate that was
/// replaced, and the API server, which keeps its connections open, does not resume either.
pub fn server_config(resolver: Arc<Resolver>) -> Result<Arc<ServerConfig>, Error> {
    server_config_of(resolver, Arc::new(NoClientAuth))
}

/// The same server, which asks clients for a certificate. It takes any and none; [`crate::client_ca`] judges them.
pub fn server_config_that_asks(resolver: Arc<Resolver>) -> Result<Arc<ServerConfig>, Error> {
    server_config_of(resolver, Arc::new(AnyClient::new()))
}

fn server_config_of(
    resolver: Arc<Resolver>,
    clients: Arc<dyn ClientCertVerifier>,
) -> Result<Arc<ServerConfig>, Error> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(Error::TlsVersions)?
        .with_client_cert_verifier(clients)
        .with_cert_resolver(resolver);
    config.alpn_protocols = SERVER_PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// A client that trusts these CAs and nobody else.
///
/// It offers no application protocol: that is for the HTTP client that uses it to say.
pub fn client_config(trust: &CaBundle) -> Result<Arc<ClientConfig>, Error> {
    client_config_at(trust, Arc::new(DefaultTimeProvider))
}

/// The same client, which takes the time in which certificates are valid from elsewhere than the system's clock.
pub fn client_config_at(
    trust: &CaBundle,
    time: Arc<dyn TimeProvider>,
) -> Result<Arc<ClientConfig>, Error> {
    let config = ClientConfig::builder_with_details(provider(), time)
        .with_safe_default_protocol_versions()
        .map_err(Error::TlsVersions)?
        .with_root_certificates(trust.roots()?)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use rustls::AlertDescription;
    use rustls::version::{TLS12, TLS13};
    use time::{Duration, OffsetDateTime};

    use super::*;
    use crate::authority::Authority;
    use crate::handshake::handshake;
    use crate::names::ServerNames;

    /// A server under a new CA, and that CA.
    fn server() -> (Arc<ServerConfig>, Authority) {
        let now = OffsetDateTime::now_utc();
        let authority = Authority::generate("polypod", now, Duration::DAY).unwrap();
        let names = ServerNames::for_service("polypod", "kube-system")
            .unwrap()
            .with("127.0.0.1".parse().unwrap());
        let leaf = authority.issue(&names, now, Duration::DAY).unwrap();
        let resolver = Resolver::empty();
        let trust = CaBundle::from(&authority);
        resolver.swap(&leaf, &trust, &names, now).unwrap();
        (server_config(Arc::new(resolver)).unwrap(), authority)
    }

    #[test]
    fn a_client_of_the_ca_connects_by_every_name() {
        let (server, authority) = server();
        let client = client_config(&CaBundle::from(&authority)).unwrap();
        for name in [
            "polypod",
            "polypod.kube-system",
            "polypod.kube-system.svc",
            "polypod.kube-system.svc.cluster.local",
            "127.0.0.1",
        ] {
            handshake(&client, &server, name).unwrap();
        }
    }

    #[test]
    fn a_client_of_another_ca_refuses() {
        let (server, _) = server();
        let (_, other) = self::server();
        let client = client_config(&CaBundle::from(&other)).unwrap();
        let error = handshake(&client, &server, "polypod").unwrap_err();
        assert!(
            matches!(error, rustls::Error::InvalidCertificate(_)),
            "{error}"
        );
    }

    #[test]
    fn a_client_refuses_another_name() {
        let (server, authority) = server();
        let client = client_config(&CaBundle::from(&authority)).unwrap();
        let error = handshake(&client, &server, "elsewhere").unwrap_err();
        assert!(
            matches!(error, rustls::Error::InvalidCertificate(_)),
            "{error}"
        );
    }

    #[test]
    fn serves_tls_1_2_and_1_3() {
        let (server, authority) = server();
        let roots = CaBundle::from(&authority).roots().unwrap();
        for version in [&TLS12, &TLS13] {
            let client = ClientConfig::builder_with_provider(provider())
                .with_protocol_versions(&[version])
                .unwrap()
                .with_root_certificates(Arc::clone(&roots))
                .with_no_client_auth();
            let seen = handshake(&Arc::new(client), &server, "polypod").unwrap();
            assert_eq!(seen.version, Some(version.version));
        }
    }

    #[test]
    fn agrees_on_http_1_and_nothing_else() {
        let (server, authority) = server();
        let client = client_config(&CaBundle::from(&authority)).unwrap();
        let offer = |protocols: &[&str]| {
            let mut client = ClientConfig::clone(&client);
            client.alpn_protocols = protocols.iter().map(|p| p.as_bytes().to_vec()).collect();
            handshake(&Arc::new(client), &server, "polypod")
        };
        let table = [
            (["h2", "http/1.1"].as_slice(), Some(b"http/1.1".to_vec())),
            (&["http/1.1"], Some(b"http/1.1".to_vec())),
            (&[], None),
        ];
        for (protocols, agreed) in table {
            assert_eq!(offer(protocols).unwrap().protocol, agreed, "{protocols:?}");
        }
        for other in ["h2", "h3"] {
            assert_eq!(
                offer(&[other]).unwrap_err(),
                rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol)
            );
        }
    }
}
