use time::Duration;

use super::*;
use crate::at_once::ready;
use crate::authority::Authority;
use crate::ca_bundle::CaBundle;
use crate::leaf::Leaf;
use crate::memory::Memory;
use crate::names::ServerNames;

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap()
}

fn names() -> ServerNames {
    ServerNames::for_service("polypod", "kube-system").unwrap()
}

fn bundle() -> Bundle {
    let authority = Authority::generate("polypod", now(), Duration::DAY).unwrap();
    let leaf = authority.issue(&names(), now(), Duration::DAY).unwrap();
    Bundle {
        ca_crt: authority.pem().to_owned(),
        ca_key: Some(authority.key_pem()),
        next_key: Some(authority.key_pem()),
        tls_crt: leaf.chain_pem().to_owned(),
        tls_key: leaf.key_pem().to_owned(),
        since: None,
    }
}

#[test]
fn what_is_loaded_serves_and_issues() {
    let store = Memory::default();
    let (nothing, revision) = ready(store.load()).unwrap();
    assert_eq!(nothing, None);
    ready(store.save(&bundle(), &revision)).unwrap();

    let loaded = ready(store.load()).unwrap().0.unwrap();
    let trust = CaBundle::from_pem(&loaded.ca_crt).unwrap();
    let leaf = Leaf::from_pem(&loaded.tls_crt, &loaded.tls_key).unwrap();
    trust.verify(&leaf, &names(), now()).unwrap();
    let authority = Authority::from_pem(&loaded.ca_crt, &loaded.ca_key.unwrap()).unwrap();
    let leaf = authority.issue(&names(), now(), Duration::DAY).unwrap();
    trust.verify(&leaf, &names(), now()).unwrap();
}

#[test]
fn the_second_of_two_that_start_at_once_is_told() {
    let store = Memory::default();
    let (_, seen_by_both) = ready(store.load()).unwrap();
    ready(store.save(&bundle(), &seen_by_both)).unwrap();
    ready(store.save(&bundle(), &seen_by_both)).unwrap_err();
}

#[test]
fn debug_does_not_show_the_keys() {
    assert!(!format!("{:?}", bundle()).contains("PRIVATE"));
}
