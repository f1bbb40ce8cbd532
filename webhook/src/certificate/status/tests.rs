use certs::{authority::Authority, carry_out::carry_out, rotation::Step, schedule::Schedule};

use super::*;

fn begin() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap()
}

fn names() -> ServerNames {
    ServerNames::for_service("polypod", "kube-system").unwrap()
}

fn status() -> Status {
    Status::new(names(), Duration::MINUTE)
}

fn bundle() -> Bundle {
    let nothing = State::read(&Bundle::NOTHING);
    let made = carry_out(
        Step::Generate,
        begin(),
        None,
        &nothing,
        &Schedule::DEFAULT,
        &names(),
    );
    made.unwrap().unwrap()
}

/// C2 of the conformance vectors.
#[test]
fn c2_a_torn_pair_keeps_the_old_one_and_is_counted() {
    let (status, good, other) = (status(), bundle(), bundle());
    let obstacle = status.obstacle(begin()).unwrap();
    assert!(obstacle.contains("no certificate"), "{obstacle}");
    assert!(status.take(&good, begin()).unwrap());
    let served = status.resolver().current().unwrap();
    let torn = [
        Bundle {
            tls_key: other.tls_key.clone(),
            ..good.clone()
        },
        Bundle {
            tls_crt: other.tls_crt.clone(),
            ..good.clone()
        },
        Bundle {
            tls_crt: other.tls_crt.clone(),
            tls_key: other.tls_key.clone(),
            ..good.clone()
        },
        Bundle {
            tls_crt: "no PEM".to_owned(),
            ..good.clone()
        },
        Bundle {
            ca_crt: String::new(),
            ..good.clone()
        },
        Bundle::NOTHING,
    ];
    for (torn, errors) in torn.iter().zip(1..) {
        status.take(torn, begin()).unwrap_err();
        assert!(!status.take(torn, begin()).unwrap(), "it is told once");
        assert_eq!(status.reload_errors(), errors);
        assert!(Arc::ptr_eq(&served, &status.resolver().current().unwrap()));
        assert_eq!(status.obstacle(begin()), None);
        assert_eq!(status.last_good().as_ref(), Some(&good));
    }
    assert!(status.take(&other, begin()).unwrap());
    assert!(!Arc::ptr_eq(&served, &status.resolver().current().unwrap()));
}

#[test]
fn ready_means_valid_now() {
    let status = status();
    let late = begin() + Duration::days(31);
    let error = status.take(&bundle(), late).unwrap_err();
    let obstacle = status.obstacle(late).unwrap();
    assert!(obstacle.contains(&error.to_string()), "{obstacle}");
    status.take(&bundle(), begin()).unwrap();
    assert_eq!(status.obstacle(begin()), None);
    let obstacle = status.obstacle(late).unwrap();
    assert!(obstacle.contains("is valid from"), "{obstacle}");
    let not_after = begin() + Duration::days(30);
    assert_eq!(
        status.leaf_not_after().load(Ordering::Relaxed),
        not_after.unix_timestamp()
    );
}

#[test]
fn ready_means_trusted_within_the_patience() {
    let (status, good) = (status(), bundle());
    status.take(&good, begin()).unwrap();
    assert_eq!(status.mismatch(begin()), None);
    let right = || CaBundle::from_pem(&good.ca_crt).ok();
    let stranger = Authority::generate("a", begin(), Duration::DAY).unwrap();
    let after = |seconds| begin() + Duration::seconds(seconds);

    status.told("A x", Some(vec![right(), right()]), begin());
    assert_eq!(status.mismatch(begin()), Some(false));
    for wrong in [None, Some(CaBundle::from(&stranger))] {
        status.told("A x", Some(vec![right(), wrong]), begin());
        assert_eq!(status.mismatch(begin()), Some(true));
        assert_eq!(status.obstacle(after(60)), None, "it is being set right");
        let obstacle = status.obstacle(after(61)).unwrap();
        assert!(obstacle.contains("caBundle of A x"), "{obstacle}");
        status.told("A x", Some(vec![right()]), after(70));
        assert_eq!(
            (status.mismatch(after(70)), status.obstacle(after(70))),
            (Some(false), None)
        );
    }
    status.told("B y", Some(vec![None]), begin());
    assert!(status.obstacle(after(61)).is_some());
    status.told("B y", None, after(62));
    assert_eq!(status.obstacle(after(62)), None);
}

#[test]
fn authorities_have_serial_numbers() {
    let status = status();
    status.take(&bundle(), begin()).unwrap();
    let authorities = status.authorities();
    assert_eq!(authorities.len(), 1);
    assert_eq!(authorities[0].1, begin() + Duration::days(365));
    assert!(authorities[0].0.contains(':'), "{authorities:?}");
}
