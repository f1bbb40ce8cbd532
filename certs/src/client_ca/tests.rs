use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use rustls::ClientConfig;
use rustls::ServerConfig;
use rustls_pki_types::PrivateKeyDer;
use time::Duration;

use super::*;
use crate::authority::Authority;
use crate::handshake::handshake;
use crate::names::ServerNames;
use crate::reload::Resolver;

/// A CA of somebody else's making.
fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate for this purpose and its key.
fn client(
    authority: &CertifiedIssuer<'static, KeyPair>,
    purpose: ExtendedKeyUsagePurpose,
) -> (CertificateDer<'static>, KeyPair) {
    let mut params = CertificateParams::default();
    params.extended_key_usages = vec![purpose];
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    (certificate.der().clone(), key)
}

fn server() -> (Arc<ServerConfig>, Authority) {
    let now = OffsetDateTime::now_utc();
    let authority = Authority::generate("polypod", now, Duration::DAY).unwrap();
    let names = ServerNames::new(["localhost".parse().unwrap()]).unwrap();
    let leaf = authority.issue(&names, now, Duration::DAY).unwrap();
    let resolver = Resolver::empty();
    let trust = CaBundle::from(&authority);
    resolver.swap(&leaf, &trust, &names, now).unwrap();
    let server = tls::server_config_that_asks(Arc::new(resolver)).unwrap();
    (server, authority)
}

#[test]
fn clients_of_the_ca_are_known() {
    let (ours, others) = (authority(), authority());
    let trust = ClientCa::from_pem(&ours.pem()).unwrap();
    let now = OffsetDateTime::now_utc();
    let purpose = ExtendedKeyUsagePurpose::ClientAuth;
    let (own, _) = client(&ours, purpose.clone());
    trust.verify(std::slice::from_ref(&own), now).unwrap();
    let (foreign, _) = client(&others, purpose);
    let (for_servers, _) = client(&ours, ExtendedKeyUsagePurpose::ServerAuth);
    for chain in [&[][..], &[foreign], &[for_servers]] {
        let error = trust.verify(chain, now).unwrap_err();
        assert!(matches!(error, Error::UntrustedClient(_)), "{error}");
    }
    let late = now + Duration::days(36_500 * 50);
    let error = trust.verify(&[own], late).unwrap_err();
    assert!(matches!(error, Error::NoValidAuthority { .. }), "{error}");
    for bad in [
        "",
        "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n",
    ] {
        assert!(ClientCa::from_pem(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_handshake_takes_any_client_and_none() {
    let (server, authority) = server();
    let trust = CaBundle::from(&authority);
    handshake(&tls::client_config(&trust).unwrap(), &server, "localhost").unwrap();
    let (certificate, key) = client(&self::authority(), ExtendedKeyUsagePurpose::ClientAuth);
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let client = ClientConfig::builder_with_provider(tls::provider())
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(trust.roots().unwrap())
            .with_client_auth_cert(
                vec![certificate.clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        handshake(&Arc::new(client), &server, "localhost").unwrap();
    }
}

#[test]
fn a_certificate_names_its_holder() {
    let authority = authority();
    let names = |common: Option<&str>, others: &[&str]| {
        let others: Vec<String> = others.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(others).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        if let Some(common) = common {
            params
                .distinguished_name
                .push(rcgen::DnType::CommonName, common);
        }
        let key = KeyPair::generate().unwrap();
        names_of(params.signed_by(&key, &authority).unwrap().der()).unwrap()
    };
    let scheduler = "system:kube-scheduler";
    assert_eq!(names(Some(scheduler), &[]), [scheduler]);
    assert_eq!(names(None, &["a.example"]), ["a.example"]);
    assert_eq!(names(Some("a"), &["b.c", "10.0.0.1"]), ["a", "b.c"]);
    assert_eq!(names(None, &[]), [""; 0]);
    assert!(names_of(&CertificateDer::from(vec![1, 2, 3])).is_err());
}
