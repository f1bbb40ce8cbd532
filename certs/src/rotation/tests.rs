use proptest::prelude::*;
use time::Duration;

use super::*;
use crate::authority::Authority;
use crate::ca_bundle::CaBundle;
use crate::carry_out::carry_out;
use crate::store::Bundle;

const DAY: Duration = Duration::DAY;

fn at(day: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap() + DAY * i32::try_from(day).unwrap()
}

fn names() -> ServerNames {
    ServerNames::for_service("polypod", "kube-system").unwrap()
}

fn schedule() -> Schedule {
    Schedule::new(DAY * 300, DAY * 30, DAY * 2).unwrap()
}

fn seen_by_all(since: OffsetDateTime) -> Observed {
    Observed {
        stored: since,
        published: Some(since),
        served: Some(since),
    }
}

fn step(bundle: &Bundle, observed: &Observed, now: OffsetDateTime) -> Step {
    next(now, &State::read(bundle), &schedule(), &names(), observed)
}

fn taken(bundle: &Bundle, step: Step, now: OffsetDateTime) -> Bundle {
    let state = State::read(bundle);
    carry_out(step, now, Some(bundle), &state, &schedule(), &names())
        .unwrap()
        .unwrap()
}

fn begun() -> Bundle {
    taken(&Bundle::NOTHING, Step::Generate, at(0))
}

#[test]
fn a_rotation_step_by_step() {
    let first = begun();
    let observed = seen_by_all(at(0));
    assert_eq!(step(&Bundle::NOTHING, &observed, at(0)), Step::Generate);
    assert!(matches!(
        step(&first, &observed, at(1)),
        Step::Wait {
            reason: Reason::Due,
            ..
        }
    ));

    // The leaf falls due after 18.5 to 20 days, the CA after 200.
    assert!(matches!(step(&first, &observed, at(18)), Step::Wait { .. }));
    assert_eq!(step(&first, &observed, at(20)), Step::RenewLeaf);
    let renewed = taken(&first, Step::RenewLeaf, at(190));
    assert_eq!(
        (&renewed.ca_crt, &renewed.ca_key),
        (&first.ca_crt, &first.ca_key)
    );
    assert_eq!(renewed.since, first.since);
    assert_eq!(step(&renewed, &observed, at(200)), Step::TrustBoth);

    let both = taken(&renewed, Step::TrustBoth, at(200));
    assert_eq!(
        (&both.tls_crt, &both.ca_key),
        (&renewed.tls_crt, &renewed.ca_key)
    );
    assert!(both.ca_crt.starts_with(&first.ca_crt) && both.next_key.is_some());
    let unpublished = Observed {
        published: None,
        ..observed
    };
    assert!(matches!(
        step(&both, &unpublished, at(204)),
        Step::Wait {
            reason: Reason::Published,
            ..
        }
    ));
    let (until, reason) = (at(203), Reason::Published);
    let late = Observed {
        published: Some(at(201)),
        ..observed
    };
    assert_eq!(step(&both, &late, at(202)), Step::Wait { until, reason });
    assert_eq!(step(&both, &late, at(203)), Step::ServeNew);

    let new = taken(&both, Step::ServeNew, at(203));
    assert_eq!(new.ca_key, both.next_key);
    assert_eq!(new.next_key, None);
    let old = CaBundle::from_pem(&both.ca_crt).unwrap();
    assert!(
        CaBundle::from_pem(&new.ca_crt)
            .unwrap()
            .trusts_the_same(&old)
    );
    let unserved = Observed {
        served: None,
        ..observed
    };
    assert!(matches!(
        step(&new, &unserved, at(206)),
        Step::Wait {
            reason: Reason::Served,
            ..
        }
    ));
    let (until, reason) = (at(205), Reason::Served);
    assert_eq!(step(&new, &observed, at(204)), Step::Wait { until, reason });
    assert_eq!(step(&new, &observed, at(205)), Step::DropOld);

    let last = taken(&new, Step::DropOld, at(205));
    assert_eq!((&last.tls_crt, &last.ca_key), (&new.tls_crt, &new.ca_key));
    assert_eq!(
        CaBundle::from_pem(&last.ca_crt)
            .unwrap()
            .validities()
            .count(),
        1
    );
    assert!(matches!(
        step(&last, &observed, at(206)),
        Step::Wait {
            reason: Reason::Due,
            ..
        }
    ));
}

#[test]
fn a_leaf_is_renewed_while_a_rotation_is_stuck() {
    let renewed = taken(&begun(), Step::RenewLeaf, at(190));
    let both = taken(&renewed, Step::TrustBoth, at(200));
    let stuck = Observed {
        published: None,
        ..seen_by_all(at(0))
    };
    assert_eq!(step(&both, &stuck, at(211)), Step::RenewLeaf);
    // The CA ends before a new leaf would: nothing is gained by the next one.
    let last = taken(&both, Step::RenewLeaf, at(290));
    assert!(matches!(step(&last, &stuck, at(299)), Step::Wait { .. }));
    // With the old CA the leaf ends as well, and the next CA is all there is.
    assert_eq!(step(&last, &stuck, at(301)), Step::ServeNew);
}

#[test]
fn what_serves_nobody_is_healed_the_shortest_way() {
    let first = begun();
    let other = begun();
    let observed = seen_by_all(at(0));
    let table = [
        // C6: expired at start, the CA's key is there.
        ("leaf expired", first.clone(), 40, Step::RenewLeaf),
        ("everything expired", first.clone(), 301, Step::Generate),
        (
            "torn pair",
            Bundle {
                tls_key: other.tls_key.clone(),
                ..first.clone()
            },
            1,
            Step::RenewLeaf,
        ),
        (
            "no leaf",
            Bundle {
                tls_crt: String::new(),
                ..first.clone()
            },
            1,
            Step::RenewLeaf,
        ),
        (
            "leaf of a stranger",
            Bundle {
                tls_crt: other.tls_crt.clone(),
                tls_key: other.tls_key.clone(),
                ..first.clone()
            },
            1,
            Step::RenewLeaf,
        ),
        (
            "no CA",
            Bundle {
                ca_crt: String::new(),
                ..first.clone()
            },
            1,
            Step::Generate,
        ),
        // The leaf is good, and clients trust it: the CA that cannot issue is replaced in phases.
        (
            "key of a stranger",
            Bundle {
                ca_key: other.ca_key,
                ..first.clone()
            },
            1,
            Step::TrustBoth,
        ),
        (
            "no key",
            Bundle {
                ca_key: None,
                ..first.clone()
            },
            1,
            Step::TrustBoth,
        ),
    ];
    for (case, bundle, day, wanted) in table {
        let found = step(&bundle, &observed, at(day));
        assert_eq!(found, wanted, "{case}");
        let healed = taken(&bundle, found, at(day));
        let state = State::read(&healed);
        state.check(&names(), at(day)).unwrap();
        assert!(
            case.contains("key") || state.faults.is_empty(),
            "{case}: {:?}",
            state.faults
        );
    }
    let without_key = Bundle {
        ca_key: None,
        ..first
    };
    let both = taken(&without_key, Step::TrustBoth, at(1));
    assert_eq!(step(&both, &seen_by_all(at(1)), at(3)), Step::ServeNew);
    let new = taken(&both, Step::ServeNew, at(3));
    assert_eq!(step(&new, &seen_by_all(at(3)), at(5)), Step::DropOld);
}

#[test]
fn other_names_are_a_reason_to_issue() {
    let more = names().with("more.example".parse().unwrap());
    let state = State::read(&begun());
    let step = next(at(1), &state, &schedule(), &more, &seen_by_all(at(0)));
    assert_eq!(step, Step::RenewLeaf);
}

#[test]
fn other_names_do_not_hurry_a_rotation() {
    let more = names().with("more.example".parse().unwrap());
    let renewed = taken(&begun(), Step::RenewLeaf, at(190));
    let both = taken(&renewed, Step::TrustBoth, at(200));
    let unpublished = Observed {
        published: None,
        ..seen_by_all(at(200))
    };
    let step = |bundle: &Bundle| {
        let state = State::read(bundle);
        next(at(201), &state, &schedule(), &more, &unpublished)
    };
    assert_eq!(step(&both), Step::RenewLeaf);
    // Nobody can issue for the names before the next CA, which clients do not trust yet.
    let lost = Bundle {
        ca_key: None,
        ..both
    };
    let found = step(&lost);
    assert!(matches!(found, Step::Wait { .. }), "{found:?}");
}

#[test]
fn a_clock_gone_back_replaces_nothing() {
    let both = taken(&begun(), Step::TrustBoth, at(200));
    for now in [at(199), at(0), at(-1), at(-20_000)] {
        let found = step(&both, &seen_by_all(at(0)), now);
        assert!(
            matches!(found, Step::Wait { reason: Reason::Clock, until } if now < until),
            "{found:?}"
        );
    }
    // Within the margin it is only waited.
    let now = at(200) - Duration::minutes(30);
    let renewed = taken(&both, Step::RenewLeaf, at(199));
    let found = step(&renewed, &seen_by_all(now), now);
    assert!(matches!(found, Step::Wait { .. }), "{found:?}");
}

#[test]
fn a_missing_moment_is_replaced_by_that_of_the_first_look() {
    let renewed = taken(&begun(), Step::RenewLeaf, at(190));
    let both = Bundle {
        since: None,
        ..taken(&renewed, Step::TrustBoth, at(200))
    };
    let observed = seen_by_all(at(205));
    assert!(matches!(step(&both, &observed, at(206)), Step::Wait { .. }));
    assert_eq!(step(&both, &observed, at(207)), Step::ServeNew);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn waiting_ends_later_than_now_and_while_all_is_valid(
        day in 0_i64..400,
        phase in 0_usize..4,
        published in proptest::option::of(0_i64..400),
        served in proptest::option::of(0_i64..400),
    ) {
        let mut bundle = taken(&begun(), Step::RenewLeaf, at(190));
        let steps = [Step::TrustBoth, Step::ServeNew, Step::DropOld];
        for (moment, step) in (200..).step_by(2).zip(&steps[..phase]) {
            bundle = taken(&bundle, *step, at(moment));
        }
        let observed = Observed { stored: at(200), published: published.map(at), served: served.map(at) };
        let (state, now) = (State::read(&bundle), at(day));
        let found = next(now, &state, &schedule(), &names(), &observed);
        let healthy = state.check(&names(), now).is_ok();
        match found {
            Step::Wait { until, reason } => {
                prop_assert!(now < until);
                prop_assert!(healthy || reason == Reason::Clock);
                if let Some(ca) = &state.authority && reason == Reason::Due {
                    prop_assert!(ca.validity().contains(until));
                }
            }
            // Whatever it is, it can be taken, and what comes out serves.
            step => {
                let after = taken(&bundle, step, now);
                State::read(&after).check(&names(), now).unwrap();
            }
        }
        // A CA is neither served before it was published for long enough, nor dropped before its successor was served so.
        match found {
            Step::ServeNew if healthy => prop_assert!(published.is_some_and(|since| since + 2 <= day)),
            Step::DropOld => prop_assert!(served.is_some_and(|since| since + 2 <= day)),
            _ => {}
        }
    }
}

#[test]
fn authorities_do_not_take_each_others_place() {
    // A next key without its certificate among the trusted ones is no next CA.
    let stranger = Authority::generate("stranger", at(0), DAY).unwrap();
    let bundle = Bundle {
        next_key: Some(stranger.key_pem()),
        ..begun()
    };
    assert!(matches!(
        step(&bundle, &seen_by_all(at(0)), at(1)),
        Step::Wait { .. }
    ));
}
