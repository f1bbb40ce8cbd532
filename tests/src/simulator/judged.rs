//! The judge is judged: by the kubelet's own words where it has examples, by its plain loops where this one has shortcuts.

use api::topology_manager::{Policy, Scope};

use super::{
    kubelet::{
        Kubelet, Rejection,
        hint::{Hint, Hints, masks, merge},
    },
    machine::{Device, GIB, Machine, Zone},
    pod::{Amounts, Part, SimContainer, SimPod},
    random::Random,
};

/// The kubelet's way: every permutation, one after another, the best so far kept (`HintMerger.compare`).
fn slowly(policy: Policy, everywhere: u64, providers: &[Option<Hints>]) -> (Hint, bool) {
    fn each(all: &[Hints], chosen: &mut Vec<Hint>, done: &mut dyn FnMut(&[Hint])) {
        let Some((first, rest)) = all.split_first() else {
            done(chosen);
            return;
        };
        for hint in first {
            chosen.push(*hint);
            each(rest, chosen, done);
            chosen.pop();
        }
    }
    let any = |is_preferred| Hint {
        zones: None,
        is_preferred,
    };
    let mut all: Vec<Hints> = providers
        .iter()
        .map(|hints| match hints {
            None => vec![any(true)],
            Some(hints) if hints.is_empty() => vec![any(false)],
            Some(hints) => hints.clone(),
        })
        .collect();
    if policy == Policy::SingleNumaNode {
        for hints in &mut all {
            hints.retain(|hint| match hint.zones {
                None => hint.is_preferred,
                Some(zones) => hint.is_preferred && zones.count_ones() == 1,
            });
        }
    }
    let smallest = |hints: &Hints| {
        let sizes = hints.iter().filter_map(|hint| hint.zones);
        sizes.map(u64::count_ones).min()
    };
    let wished = all.iter().filter_map(smallest).max().unwrap_or(0);
    let narrower = |current: (u64, bool), candidate: (u64, bool)| {
        let key = |hint: (u64, bool)| (hint.0.count_ones(), hint.0);
        if key(candidate) < key(current) {
            candidate
        } else {
            current
        }
    };
    let mut best: Option<(u64, bool)> = None;
    each(&all, &mut Vec::new(), &mut |hints| {
        let with_zones: Vec<u64> = hints.iter().filter_map(|hint| hint.zones).collect();
        let is_preferred = hints.iter().all(|hint| hint.is_preferred)
            && with_zones.iter().all(|zones| *zones == with_zones[0]);
        let zones = with_zones.iter().fold(everywhere, |all, zones| all & zones);
        let candidate = (zones, is_preferred);
        if zones == 0 {
            return;
        }
        let Some(current) = best else {
            best = Some(candidate);
            return;
        };
        let (have, would) = (current.0.count_ones(), zones.count_ones());
        best = Some(match (current.1, is_preferred) {
            (false, true) => candidate,
            (true, false) => current,
            (true, true) => narrower(current, candidate),
            (false, false) if have > wished => narrower(current, candidate),
            (false, false) if have == wished => {
                if would == wished {
                    narrower(current, candidate)
                } else {
                    current
                }
            }
            (false, false) if would > wished => current,
            (false, false) if would == wished || would > have => candidate,
            (false, false) if would < have => current,
            (false, false) => narrower(current, candidate),
        });
    });
    let (zones, is_preferred) = best.unwrap_or((everywhere, false));
    let is_anywhere = policy == Policy::SingleNumaNode && zones == everywhere;
    let hint = Hint {
        zones: (!is_anywhere).then_some(zones),
        is_preferred,
    };
    let is_lenient = matches!(policy, Policy::BestEffort | Policy::None);
    (hint, is_lenient || is_preferred)
}

pub(super) fn merges_hints_as_the_kubelet_does() {
    let mut random = Random::new(1);
    for _ in 0..3000 {
        let zones = random.of(1..=4);
        let everywhere = (1 << zones) - 1;
        let providers: Vec<Option<Hints>> = (0..random.of(1..=3))
            .map(|_| {
                (!random.percent(20)).then(|| {
                    let mut hints = Hints::new();
                    for mask in masks(everywhere) {
                        if random.percent(40) {
                            hints.push(Hint {
                                zones: Some(mask),
                                is_preferred: random.percent(50),
                            });
                        }
                    }
                    hints
                })
            })
            .collect();
        for policy in [
            Policy::SingleNumaNode,
            Policy::Restricted,
            Policy::BestEffort,
        ] {
            assert_eq!(
                merge(policy, everywhere, &providers),
                slowly(policy, everywhere, &providers),
                "{policy} {providers:?}"
            );
        }
    }
}

const NIC: &str = "example.com/nic-a";

/// Two zones of four CPUs, the first of which is reserved, eight GiB, and so many devices.
fn machine(policy: Policy, scope: Scope, devices: [usize; 2]) -> Machine {
    let zone = |at: u32| Zone {
        id: at,
        cpus: (at * 4..at * 4 + 4).collect(),
        reserved: if at == 0 { vec![0] } else { Vec::new() },
        memory: 8 * GIB,
        huge_pages: 0,
    };
    let all = devices.iter().enumerate().flat_map(|(zone, count)| {
        (0..*count).map(move |at| Device {
            id: format!("{zone}-{at}"),
            resource: NIC,
            zones: 1 << zone,
            function: None,
        })
    });
    Machine {
        name: "n".to_owned(),
        policy,
        scope,
        has_exclusive_cpus: true,
        has_pinned_memory: true,
        zones: vec![zone(0), zone(1)],
        devices: all.collect(),
    }
}

/// A Guaranteed pod: CPUs, GiB and devices of each container.
fn pod(uid: &str, containers: &[(Part, u64, u64, u64)]) -> SimPod {
    let containers = containers.iter().enumerate();
    SimPod {
        uid: uid.to_owned(),
        name: uid.to_owned(),
        owner: uid.to_owned(),
        containers: containers
            .map(|(at, (part, cpus, gib, devices))| {
                let mut requests: Amounts = [("cpu", cpus * 1000), ("memory", gib * GIB)].into();
                if *devices > 0 {
                    requests.insert(NIC, *devices);
                }
                SimContainer {
                    name: format!("c{at}"),
                    part: *part,
                    limits: requests.clone(),
                    requests,
                }
            })
            .collect(),
    }
}

pub(super) fn hands_out_as_the_kubelet_does() {
    use Part::{App, Init, Sidecar};
    use Rejection::{OutOf, TopologyAffinity, UnexpectedAdmission};
    let refused = Err(TopologyAffinity);
    type Containers = &'static [(Part, u64, u64, u64)];
    type Case = (
        &'static str,
        Scope,
        [usize; 2],
        Containers,
        Result<(), Rejection>,
    );
    let single: &[Case] = &[
        (
            "fits the lowest",
            Scope::Container,
            [2, 2],
            &[(App, 3, 1, 2)],
            Ok(()),
        ),
        (
            "one is reserved",
            Scope::Container,
            [2, 0],
            &[(App, 4, 1, 1)],
            refused,
        ),
        (
            "the other has none reserved",
            Scope::Container,
            [0, 2],
            &[(App, 4, 1, 1)],
            Ok(()),
        ),
        (
            "devices here, CPUs there",
            Scope::Container,
            [2, 0],
            &[(App, 4, 1, 2)],
            refused,
        ),
        (
            "two containers in two zones",
            Scope::Container,
            [2, 2],
            &[(App, 3, 1, 2), (App, 4, 1, 2)],
            Ok(()),
        ),
        (
            "never a pod in two zones",
            Scope::Pod,
            [2, 2],
            &[(App, 3, 1, 2), (App, 4, 1, 2)],
            refused,
        ),
        (
            "an init container leaves what it had",
            Scope::Pod,
            [2, 0],
            &[(Init, 2, 4, 2), (App, 2, 4, 2)],
            Ok(()),
        ),
        (
            "what follows stays in its zone",
            Scope::Container,
            [2, 4],
            &[(Init, 1, 1, 1), (App, 1, 1, 3)],
            refused,
        ),
        (
            "a sidecar keeps what it has",
            Scope::Container,
            [3, 1],
            &[(Init, 1, 1, 3), (Sidecar, 1, 1, 1), (App, 1, 1, 3)],
            refused,
        ),
        (
            "more than all",
            Scope::Container,
            [2, 2],
            &[(App, 1, 1, 5)],
            Err(OutOf(NIC)),
        ),
        (
            "memory of one zone",
            Scope::Container,
            [2, 2],
            &[(App, 1, 9, 0)],
            refused,
        ),
    ];
    for (name, scope, devices, containers, expected) in single {
        let mut kubelet = Kubelet::new(machine(Policy::SingleNumaNode, *scope, *devices));
        let found = kubelet.admit(&pod("u", containers), &mut Random::new(1));
        assert_eq!(found, *expected, "{name}");
        assert_eq!(kubelet.pods.len(), usize::from(expected.is_ok()), "{name}");
        kubelet.end("u");
        let empty = Kubelet::new(machine(Policy::SingleNumaNode, *scope, *devices));
        assert_eq!(kubelet.held_devices, empty.held_devices, "{name}");
        assert_eq!(kubelet.free_cpus, empty.free_cpus, "{name}");
        for zone in [0, 1] {
            assert_eq!(
                kubelet.free_memory_of(zone),
                empty.free_memory_of(zone),
                "{name}"
            );
        }
    }

    // Restricted counts reserved CPUs when it says how many zones are enough.
    let mut kubelet = Kubelet::new(machine(Policy::Restricted, Scope::Container, [2, 2]));
    let mut admit = |uid: &str, containers: Containers| {
        kubelet.admit(&pod(uid, containers), &mut Random::new(1))
    };
    assert_eq!(admit("two zones", &[(App, 5, 9, 3)]), Ok(()));
    assert_eq!(admit("of the group", &[(App, 1, 1, 1)]), refused);

    // A memory manager without a zone left fails late, whatever the policy.
    let mut kubelet = Kubelet::new(machine(Policy::BestEffort, Scope::Container, [0, 0]));
    for (uid, gib, expected) in [
        ("a", 5, Ok(())),
        ("b", 5, Ok(())),
        ("c", 5, Err(UnexpectedAdmission)),
    ] {
        let found = kubelet.admit(&pod(uid, &[(App, 1, gib, 0)]), &mut Random::new(1));
        assert_eq!(found, expected, "{uid}");
    }
}
