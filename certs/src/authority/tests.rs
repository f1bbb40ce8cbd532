use super::*;
use crate::ca_bundle::CaBundle;

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap()
}

fn authority() -> Authority {
    Authority::generate("polypod", now(), Duration::days(365)).unwrap()
}

fn names() -> ServerNames {
    ServerNames::for_service("polypod", "kube-system")
        .unwrap()
        .with("10.96.0.7".parse().unwrap())
        .with("fd00::7".parse().unwrap())
}

#[test]
fn issues_what_its_clients_accept() {
    let authority = authority();
    let leaf = authority.issue(&names(), now(), Duration::DAY).unwrap();
    let trust = CaBundle::from(&authority);
    trust.verify(&leaf, &names(), now()).unwrap();
    assert_eq!(leaf.validity().not_before(), now() - Duration::HOUR);
    assert_eq!(leaf.validity().not_after(), now() + Duration::DAY);
}

#[test]
fn issues_the_same_after_a_round_trip_through_pem() {
    let first = authority();
    let again = Authority::from_pem(first.pem(), &first.key_pem()).unwrap();
    assert_eq!(again.pem(), first.pem());
    assert_eq!(again.key_pem(), first.key_pem());
    assert_eq!(again.validity(), first.validity());

    let leaf = again.issue(&names(), now(), Duration::DAY).unwrap();
    CaBundle::from(&first)
        .verify(&leaf, &names(), now())
        .unwrap();
}

#[test]
fn finds_its_certificate_among_several() {
    let (old, new) = (authority(), authority());
    let both = format!("{}{}", old.pem(), new.pem());
    for ca in [&old, &new] {
        let found = Authority::from_pem(&both, &ca.key_pem()).unwrap();
        assert_eq!(found.pem(), ca.pem());
    }
}

#[test]
fn refuses_the_key_of_another() {
    let result = Authority::from_pem(authority().pem(), &authority().key_pem());
    assert!(matches!(result, Err(Error::KeyMismatch { .. })));
}

#[test]
fn refuses_a_certificate_that_is_no_ca() {
    let leaf = authority().issue(&names(), now(), Duration::DAY).unwrap();
    let result = Authority::from_pem(leaf.chain_pem(), leaf.key_pem());
    assert!(matches!(result, Err(Error::NotAuthority)));
}

#[test]
fn refuses_a_key_that_cannot_sign() {
    let key = include_str!("../../testdata/ec-sec1.key");
    let result = Authority::from_pem(include_str!("../../testdata/ec.crt"), key);
    assert!(matches!(result, Err(Error::UnsupportedAuthorityKey)));
}

#[test]
fn refuses_common_names_that_x509_does_not_allow() {
    for name in ["", &"a".repeat(65)] {
        let result = Authority::generate(name, now(), Duration::DAY);
        assert!(matches!(result, Err(Error::InvalidCommonName { .. })));
    }
}

#[test]
fn a_leaf_never_outlives_its_ca() {
    let authority = authority();
    let life = Duration::days(10_000);
    let leaf = authority.issue(&names(), now(), life).unwrap();
    assert_eq!(
        leaf.validity().not_after(),
        authority.validity().not_after()
    );
}

#[test]
fn an_expired_ca_issues_nothing() {
    let later = now() + Duration::days(366);
    let result = authority().issue(&names(), later, Duration::DAY);
    assert!(matches!(
        result,
        Err(Error::OutsideValidity {
            part: Part::AuthorityCertificate,
            ..
        })
    ));
}

#[test]
fn names_longer_than_a_common_name_are_issued() {
    let long = format!("{}.{}.svc", "a".repeat(63), "b".repeat(63));
    let names = ServerNames::new([long.parse().unwrap()]).unwrap();
    let authority = authority();
    let leaf = authority.issue(&names, now(), Duration::DAY).unwrap();
    CaBundle::from(&authority)
        .verify(&leaf, &names, now())
        .unwrap();
}

#[test]
fn debug_does_not_show_the_key() {
    let authority = authority();
    let shown = format!("{authority:?}");
    let key = authority.key_pem();
    for line in key.lines().filter(|line| !line.starts_with('-')) {
        assert!(!shown.contains(line));
    }
    assert!(shown.contains("validity"));
}
