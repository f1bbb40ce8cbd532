use proptest::prelude::*;
use time::Duration;

use super::*;
use crate::at_once::ready;
use crate::ca_bundle::CaBundle;
use crate::lookout::Lookout;
use crate::memory::Memory;
use crate::rotation::Reason;

mod simulation;

const DAY: Duration = Duration::DAY;

fn start() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap()
}

fn names() -> ServerNames {
    ServerNames::for_service("polypod", "kube-system").unwrap()
}

/// A leader that serves and publishes at once.
#[derive(Default)]
struct Leader {
    lookout: Lookout,
    last_good: Option<Bundle>,
}

impl Leader {
    fn tend(&mut self, store: &Memory, now: OffsetDateTime) -> Tended {
        let (schedule, names) = (Schedule::DEFAULT, names());
        let observe = async |bundle: &Bundle| self.lookout.look(now, bundle, true, true);
        let last_good = self.last_good.as_ref();
        let tended = tend(store, last_good, observe, &schedule, &names, now);
        let tended = ready(tended).unwrap();
        let bundle = tended.bundle.clone().unwrap();
        let is_good = State::read(&bundle).check(&names, now).is_ok();
        self.last_good = self
            .last_good
            .take()
            .filter(|_| !is_good)
            .or(is_good.then_some(bundle));
        tended
    }
}

fn stored(store: &Memory) -> Option<Bundle> {
    ready(store.load()).unwrap().0
}

fn overwrite(store: &Memory, bundle: &Bundle) {
    let (_, revision) = ready(store.load()).unwrap();
    ready(store.save(bundle, &revision)).unwrap();
}

/// C4 of the conformance vectors: whoever leads next goes on, and the rotation is completed.
#[test]
fn c4_a_leader_killed_in_each_phase_is_succeeded() {
    for killed_after in 0..6 {
        let store = Memory::default();
        let mut leader = Leader::default();
        leader.tend(&store, start());
        let first = stored(&store).unwrap();
        let mut now = start() + DAY * 250;
        let mut steps = Vec::new();
        for round in 0..20 {
            if round == killed_after {
                leader = Leader::default();
            }
            if let Action::Step(step) = leader.tend(&store, now).action
                && !matches!(step, Step::Wait { .. })
            {
                steps.push(step);
            }
            now += Duration::seconds(31);
        }
        // The leaf had expired by then; that is healed first.
        let wanted = [
            Step::RenewLeaf,
            Step::TrustBoth,
            Step::ServeNew,
            Step::DropOld,
        ];
        assert_eq!(steps, wanted, "killed after {killed_after}");
        let last = State::read(&stored(&store).unwrap());
        last.check(&names(), now).unwrap();
        assert!(
            !last
                .trust
                .unwrap()
                .trusts_the_same(&CaBundle::from_pem(&first.ca_crt).unwrap())
        );
    }
}

/// C6: the CA's key is there.
#[test]
fn c6_a_leaf_that_expired_before_the_start_is_reissued_at_once() {
    let store = Memory::default();
    Leader::default().tend(&store, start());
    let before = stored(&store).unwrap();
    let now = start() + DAY * 60;
    let tended = Leader::default().tend(&store, now);
    assert_eq!(tended.action, Action::Step(Step::RenewLeaf));
    let after = stored(&store).unwrap();
    assert_eq!((after.ca_crt, after.ca_key), (before.ca_crt, before.ca_key));
    let leaf = State::read(&tended.bundle.unwrap()).leaf.unwrap();
    assert!(leaf.validity().contains(now));
}

/// C2: what is damaged takes no one's place.
#[test]
fn c2_what_was_deleted_or_damaged_is_put_back_by_who_serves() {
    let store = Memory::default();
    let mut leader = Leader::default();
    leader.tend(&store, start());
    let good = stored(&store).unwrap();
    let now = start() + DAY;
    let stranger = Memory::default();
    Leader::default().tend(&stranger, start());
    let stranger = stored(&stranger).unwrap();
    let damaged = [
        Bundle::NOTHING,
        Bundle {
            tls_key: stranger.tls_key.clone(),
            ..good.clone()
        },
        Bundle {
            ca_crt: stranger.ca_crt.clone(),
            ..good.clone()
        },
        Bundle {
            tls_crt: "no PEM".to_owned(),
            ..good.clone()
        },
    ];
    for damage in damaged {
        overwrite(&store, &damage);
        let tended = leader.tend(&store, now);
        assert_eq!(tended.action, Action::Restored);
        assert_eq!(stored(&store).as_ref(), Some(&good));
    }
    // Another one that is whole is somebody's decision.
    overwrite(&store, &stranger);
    assert!(matches!(
        leader.tend(&store, now).action,
        Action::Step(Step::Wait { .. })
    ));
    assert_eq!(stored(&store), Some(stranger));
}

#[test]
fn a_clock_gone_back_writes_nothing_even_over_damage() {
    let store = Memory::default();
    let mut leader = Leader::default();
    leader.tend(&store, start());
    overwrite(&store, &Bundle::NOTHING);
    let tended = ready(async {
        let observe =
            async |_: &Bundle| Lookout::default().look(start(), &Bundle::NOTHING, true, true);
        let now = start() - DAY * 9000;
        tend(
            &store,
            leader.last_good.as_ref(),
            observe,
            &Schedule::DEFAULT,
            &names(),
            now,
        )
        .await
    });
    let action = tended.unwrap().action;
    assert!(
        matches!(
            action,
            Action::Step(Step::Wait {
                reason: Reason::Clock,
                ..
            })
        ),
        "{action:?}"
    );
    assert_eq!(stored(&store), Some(Bundle::NOTHING));
    assert_eq!(leader.tend(&store, start()).action, Action::Restored);
}

#[test]
fn who_was_overtaken_is_told_and_changes_nothing() {
    let store = Memory::default();
    let observe = async |_: &Bundle| {
        // Another leader is quicker.
        Leader::default().tend(&store, start());
        Lookout::default().look(start(), &Bundle::NOTHING, true, true)
    };
    let error = ready(tend(
        &store,
        None,
        observe,
        &Schedule::DEFAULT,
        &names(),
        start(),
    ));
    assert!(matches!(error, Err(TendError::Store(_))));
    State::read(&stored(&store).unwrap())
        .check(&names(), start())
        .unwrap();
}

/// A leader with other names takes over before it has heard of what the last one stored.
#[test]
fn a_missing_name_is_no_reason_to_put_something_older_back() {
    let store = Memory::default();
    let mut leader = Leader::default();
    leader.tend(&store, start());
    let good = stored(&store).unwrap();
    let other = ServerNames::new(["other.example".parse().unwrap()]).unwrap();
    let tend_as = |names: &ServerNames| {
        let observe = async |bundle: &Bundle| Lookout::default().look(start(), bundle, true, true);
        let schedule = Schedule::DEFAULT;
        ready(tend(
            &store,
            Some(&good),
            observe,
            &schedule,
            names,
            start(),
        ))
        .unwrap()
    };
    let renewed = Action::Step(Step::RenewLeaf);
    assert_eq!(tend_as(&other).action, renewed);
    let between = stored(&store).unwrap();
    assert_eq!(tend_as(&names()).action, renewed);
    assert_ne!(stored(&store).unwrap(), between);
    assert_ne!(stored(&store).unwrap(), good);
    let again = tend_as(&names()).action;
    assert!(
        matches!(again, Action::Step(Step::Wait { .. })),
        "{again:?}"
    );
}
