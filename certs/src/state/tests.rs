use time::Duration;

use super::*;

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap()
}

fn names() -> ServerNames {
    ServerNames::for_service("polypod", "kube-system").unwrap()
}

fn authority() -> Authority {
    Authority::generate("polypod", now(), Duration::days(9)).unwrap()
}

/// What is served is from `issuer`.
fn bundle(
    trusted: &[&Authority],
    key: &Authority,
    next: Option<&Authority>,
    issuer: &Authority,
) -> Bundle {
    let leaf = issuer.issue(&names(), now(), Duration::days(3)).unwrap();
    Bundle {
        ca_crt: trusted.iter().map(|ca| ca.pem()).collect(),
        ca_key: Some(key.key_pem()),
        next_key: next.map(Authority::key_pem),
        tls_crt: leaf.chain_pem().to_owned(),
        tls_key: leaf.key_pem().to_owned(),
        since: Some(now()),
    }
}

#[test]
fn the_phase_is_in_what_is_stored() {
    let (old, new) = (authority(), authority());
    let table = [
        (bundle(&[&old], &old, None, &old), Phase::Stable),
        (
            bundle(&[&old, &new], &old, Some(&new), &old),
            Phase::TrustBoth,
        ),
        (bundle(&[&new, &old], &new, None, &new), Phase::ServeNew),
        (bundle(&[&new], &new, None, &new), Phase::Stable),
        // A key that is no other's is no next one.
        (bundle(&[&new], &new, Some(&new), &new), Phase::Stable),
    ];
    for (bundle, phase) in table {
        let state = State::read(&bundle);
        assert_eq!(state.phase(), phase);
        assert!(state.faults.is_empty(), "{:?}", state.faults);
        state.check(&names(), now()).unwrap();
    }
}

#[test]
fn one_damaged_part_does_not_hide_the_others() {
    let (one, other) = (authority(), authority());
    let whole = || bundle(&[&one], &one, None, &one);
    let damaged = [
        Bundle {
            ca_key: Some(other.key_pem()),
            ..whole()
        },
        Bundle {
            ca_key: Some("no PEM".to_owned()),
            ..whole()
        },
        Bundle {
            tls_key: other.key_pem(),
            ..whole()
        },
        Bundle {
            tls_crt: String::new(),
            ..whole()
        },
        Bundle {
            ca_crt: "no PEM".to_owned(),
            ..whole()
        },
        Bundle {
            next_key: Some(other.key_pem()),
            ..whole()
        },
    ];
    let found: Vec<_> = damaged
        .iter()
        .map(State::read)
        .map(|state| {
            assert_eq!(state.faults.len(), 1, "{:?}", state.faults);
            (
                state.trust.is_some(),
                state.authority.is_some(),
                state.leaf.is_some(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            (true, false, true),
            (true, false, true),
            (true, true, false),
            (true, true, false),
            (false, false, true),
            (true, true, true),
        ]
    );
    assert!(matches!(
        State::read(&damaged[3]).check(&names(), now()),
        Err(Error::Incomplete)
    ));
}
