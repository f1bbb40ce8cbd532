use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use time::Duration;

use super::*;

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap()
}

fn authority() -> Authority {
    Authority::generate("polypod", now(), Duration::days(100)).unwrap()
}

fn names() -> ServerNames {
    ServerNames::for_service("polypod", "kube-system").unwrap()
}

fn leaf(authority: &Authority) -> Leaf {
    authority.issue(&names(), now(), Duration::DAY).unwrap()
}

#[test]
fn refuses_what_another_ca_of_the_same_name_issued() {
    let result = CaBundle::from(&authority()).verify(&leaf(&authority()), &names(), now());
    assert!(matches!(result, Err(Error::Untrusted(_))), "{result:?}");
}

#[test]
fn old_and_new_ca_of_one_name_are_trusted_together() {
    let (old, new) = (authority(), authority());
    let both = CaBundle::from(&old).union(CaBundle::from(&new));
    for ca in [&old, &new] {
        both.verify(&leaf(ca), &names(), now()).unwrap();
    }
}

#[test]
fn refuses_a_name_that_the_certificate_does_not_carry() {
    let authority = authority();
    let more = names().with("elsewhere".parse().unwrap());
    let result = CaBundle::from(&authority).verify(&leaf(&authority), &more, now());
    assert!(
        matches!(&result, Err(Error::WrongName { name, .. }) if name == "elsewhere"),
        "{result:?}"
    );
}

#[test]
fn refuses_before_and_after_the_validity() {
    let authority = authority();
    let leaf = leaf(&authority);
    let trust = CaBundle::from(&authority);
    let (begin, end) = (leaf.validity().not_before(), leaf.validity().not_after());
    for moment in [begin, end] {
        trust.verify(&leaf, &names(), moment).unwrap();
    }
    for moment in [begin - Duration::SECOND, end + Duration::SECOND] {
        let result = trust.verify(&leaf, &names(), moment);
        assert!(
            matches!(
                result,
                Err(Error::OutsideValidity {
                    part: Part::Chain,
                    ..
                })
            ),
            "{moment}: {result:?}"
        );
    }
}

#[test]
fn an_expired_ca_is_not_trusted() {
    let (issuer, key) = raw_authority("old", now() + Duration::HOUR);
    let mut params = raw_params("old leaf", now() + Duration::days(30));
    params.subject_alt_names = CertificateParams::new(["polypod".to_owned()])
        .unwrap()
        .subject_alt_names;
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let outlives = Leaf::from_pem(&certificate.pem(), &key.serialize_pem()).unwrap();
    let names = ServerNames::new(["polypod".parse().unwrap()]).unwrap();
    let trust = CaBundle::from_pem(&issuer.pem()).unwrap();

    trust.verify(&outlives, &names, now()).unwrap();
    let result = trust.verify(&outlives, &names, now() + Duration::DAY);
    assert!(
        matches!(result, Err(Error::NoValidAuthority { .. })),
        "{result:?}"
    );
}

#[test]
fn verifies_through_an_intermediate_only_with_the_full_chain() {
    let (root, key) = raw_authority("root", now() + Duration::days(100));
    let mut params = raw_params("intermediate", now() + Duration::days(100));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let intermediate_key = KeyPair::generate().unwrap();
    let intermediate = CertifiedIssuer::signed_by(params, &intermediate_key, &root).unwrap();

    let mut params = raw_params("leaf", now() + Duration::DAY);
    params.subject_alt_names = CertificateParams::new(["polypod".to_owned()])
        .unwrap()
        .subject_alt_names;
    let certificate = params.signed_by(&key, &intermediate).unwrap().pem();

    let trust = CaBundle::from_pem(&root.pem()).unwrap();
    let names = ServerNames::new(["polypod".parse().unwrap()]).unwrap();
    let key = key.serialize_pem();
    let full = format!("{certificate}{}", intermediate.pem());
    let full = Leaf::from_pem(&full, &key).unwrap();
    trust.verify(&full, &names, now()).unwrap();
    let alone = Leaf::from_pem(&certificate, &key).unwrap();
    let result = trust.verify(&alone, &names, now());
    assert!(matches!(result, Err(Error::Untrusted(_))), "{result:?}");
}

#[test]
fn text_round_trip_drops_repetitions_and_everything_that_is_no_certificate() {
    let (old, new) = (authority(), authority());
    let text = format!(
        "# old\n{}{}# new\n{}{}",
        old.pem(),
        old.key_pem(),
        new.pem(),
        old.pem()
    );
    let bundle = CaBundle::from_pem(&text).unwrap();
    assert_eq!(bundle.pem(), format!("{}{}", old.pem(), new.pem()));
    assert_eq!(bundle.validities().count(), 2);
    assert_eq!(
        bundle.clone().union(bundle.clone()).pem(),
        bundle.pem(),
        "a union with itself changes nothing"
    );
}

#[test]
fn refuses_text_without_certificates() {
    let result = CaBundle::from_pem(&authority().key_pem());
    assert!(matches!(result, Err(Error::NoCertificate { .. })));
}

/// A CA as somebody else may have made it: `Authority` refuses to issue what outlives it.
fn raw_authority(name: &str, not_after: OffsetDateTime) -> (CertifiedIssuer<'_, KeyPair>, KeyPair) {
    let mut params = raw_params(name, not_after);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    (issuer, KeyPair::generate().unwrap())
}

fn raw_params(name: &str, not_after: OffsetDateTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    params.not_before = now() - Duration::HOUR;
    params.not_after = not_after;
    params
}

/// What `openssl req -x509` makes: `CA:TRUE`, signed by itself, and given as `ca.crt`, too. Go accepts it.
#[test]
fn a_certificate_that_is_itself_trusted_may_be_a_ca() {
    let names = ServerNames::new(["polypod".parse().unwrap()]).unwrap();
    let made = |usages: &[rcgen::ExtendedKeyUsagePurpose]| {
        let mut params = raw_params("polypod", now() + Duration::DAY);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.extended_key_usages = usages.to_vec();
        params.subject_alt_names = CertificateParams::new(["polypod".to_owned()])
            .unwrap()
            .subject_alt_names;
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let leaf = Leaf::from_pem(&pem, &key.serialize_pem()).unwrap();
        (CaBundle::from_pem(&pem).unwrap(), leaf)
    };
    let servers = rcgen::ExtendedKeyUsagePurpose::ServerAuth;
    let clients = rcgen::ExtendedKeyUsagePurpose::ClientAuth;
    let (trust, leaf) = made(&[]);
    trust.verify(&leaf, &names, now()).unwrap();
    let (other, for_servers) = made(&[clients.clone(), servers]);
    let both = trust.clone().union(other.clone());
    both.verify(&for_servers, &names, now()).unwrap();

    let stranger = other.verify(&leaf, &names, now()).unwrap_err();
    assert!(matches!(stranger, Error::Untrusted(_)), "{stranger}");
    assert!(stranger.to_string().contains("CA:TRUE"), "{stranger}");
    let (trust_of_clients, for_clients) = made(&[clients]);
    let result = trust_of_clients.verify(&for_clients, &names, now());
    assert!(matches!(result, Err(Error::Untrusted(_))), "{result:?}");
    let more = names.clone().with("elsewhere".parse().unwrap());
    let result = trust.verify(&leaf, &more, now());
    assert!(matches!(result, Err(Error::WrongName { .. })), "{result:?}");
    let result = trust.verify(&leaf, &names, now() + Duration::days(2));
    assert!(
        matches!(result, Err(Error::OutsideValidity { .. })),
        "{result:?}"
    );
}
