use proptest::prelude::*;

use super::*;
use crate::{
    fixture::{Known, known, node, placed, pod},
    node::Function,
    resource::ResourceId,
};

const FRESH: Circumstances = Circumstances {
    knowledge: Knowledge::Fresh,
    tentative: 0,
};

const GI: i64 = 1 << 30;

/// A node of zones with CPUs and memory, all of it free.
fn host(zones: &[(i64, i64)]) -> Node {
    let cpus: Vec<_> = zones
        .iter()
        .map(|zone| (zone.0 * 1000, zone.0 * 1000))
        .collect();
    let memory: Vec<_> = zones
        .iter()
        .map(|zone| (zone.1 * GI, zone.1 * GI))
        .collect();
    node(u32::try_from(zones.len()).unwrap())
        .with(ResourceId::CPU, &cpus)
        .with(ResourceId::MEMORY, &memory)
}

fn guaranteed(cpus: i64, memory: i64) -> Need {
    pod(&[
        (ResourceId::CPU, cpus * 1000),
        (ResourceId::MEMORY, memory * GI),
    ])
}

/// Who of the scheduler-plugins' integration tests wins where both nodes fit. Nodes that do not fit are never scored.
#[test]
fn winners() {
    let known = known();
    let score = |node: &Node, pod: &Need, zones: &[u64]| {
        let parts = parts(node, pod, &placed(zones), &known.all, FRESH);
        (parts.score(), parts.best_fit)
    };
    // MostAllocated, cpu 1, memory 4Gi: the smaller rest wins.
    let small = guaranteed(1, 4);
    let (n1, n2) = (host(&[(2, 8), (2, 8)]), host(&[(1, 4), (1, 4)]));
    assert!(score(&n1, &small, &[0b1]).0 < score(&n2, &small, &[0b1]).0);
    // BalancedAllocation, cpu 2, memory 2Gi: so it does here.
    let small = guaranteed(2, 2);
    let (n1, n2) = (host(&[(4, 50)]), host(&[(6, 6)]));
    assert!(score(&n1, &small, &[0b1]).1 < score(&n2, &small, &[0b1]).1);
    // LeastNUMANodes: one zone beats two, whatever is left over.
    let large = guaranteed(4, 5);
    let (n1, n2) = (host(&[(2, 5), (2, 5)]), host(&[(64, 500), (64, 500)]));
    assert!(score(&n1, &large, &[0b11]).0 < score(&n2, &large, &[0b1]).0);
    // Two containers of (3, 5Gi): theirs is the node with a zone for each, ours the one that keeps a zone whole.
    let mut two = guaranteed(6, 10);
    two.containers = vec![guaranteed(3, 5).containers[0].clone(); 2];
    let (n1, n2) = (host(&[(6, 20), (2, 20)]), host(&[(4, 20), (4, 20)]));
    assert!(score(&n1, &two, &[0b1, 0b1]).1 > score(&n2, &two, &[0b1, 0b10]).1);
}

#[test]
fn the_last_come_last() {
    let known = known();
    let wants = pod(&[(known.sriov, 1)]);
    let node = node(1).with(known.sriov, &[(1, 1)]);
    let score = |node: &Node, pod: &Need, circumstances| {
        score(node, pod, &placed(&[0b1]), &known.all, circumstances)
    };
    let best = score(&node, &wants, FRESH);
    assert_eq!(best, 9, "all but the link is known to be at its best");
    for knowledge in [Knowledge::Stale, Knowledge::Unreported] {
        let circumstances = Circumstances { knowledge, ..FRESH };
        assert_eq!(score(&node, &wants, circumstances), 0);
        assert_eq!(
            score(&Node::default(), &pod(&[]), circumstances),
            MAX_SCORE,
            "a pod that wants no devices is best where none are known"
        );
    }
    let fuzzy = Node {
        is_fuzzy: true,
        ..node.clone()
    };
    assert_eq!(score(&fuzzy, &wants, FRESH), 5);
    for (tentative, wanted) in [(0, 9), (1, 7), (2, 5), (3, 3), (u32::MAX, 3)] {
        let circumstances = Circumstances { tentative, ..FRESH };
        assert_eq!(score(&node, &wants, circumstances), wanted, "{tentative}");
    }
}

#[test]
fn what_does_not_concern_a_pod_is_not_weighed() {
    let known = known();
    let node = node(1).with(known.sriov, &[(4, 4)]);
    let names = |pod: &Need, zones: &[u64]| {
        let parts = parts(&node, pod, &placed(zones), &known.all, FRESH).weighted();
        let there = parts.into_iter().filter(|(_, _, part)| part.is_some());
        there.map(|(name, _, _)| name).collect::<Vec<_>>()
    };
    assert_eq!(names(&pod(&[]), &[0]), ["spare"]);
    assert_eq!(
        names(&guaranteed(1, 1), &[1]),
        ["alignment", "bestFit", "spare"]
    );
    assert_eq!(
        names(&pod(&[(known.sriov, 1)]), &[1]),
        ["alignment", "bestFit", "spare", "link", "headroom"]
    );
    let all = pod(&[(known.sriov, 2), (known.gpu, 1)]);
    assert_eq!(names(&all, &[1]).len(), 7);
}

/// A node with everything, and a pod that wants two network devices and an accelerator there.
#[derive(Clone, Debug)]
struct World {
    cells: Vec<(i64, i64)>,
    gpus: Vec<(i64, i64)>,
    functions: Vec<(usize, i64, Function)>,
    roots: Vec<u16>,
    zones: u64,
    wanted: i64,
    is_certain: bool,
    is_fuzzy: bool,
    circumstances: Circumstances,
}

fn amounts() -> impl Strategy<Value = (i64, i64)> {
    prop_oneof![
        9 => (0_i64..40).prop_flat_map(|all| (Just(all), -1..=all)),
        1 => (any::<i64>(), any::<i64>()),
    ]
}

fn worlds() -> impl Strategy<Value = World> {
    let function = (
        prop::option::of(0_u16..3),
        prop::option::of(0_u16..3),
        prop::option::of(any::<bool>()),
    );
    let function = function.prop_map(|(pcie_root, switch, link_up)| Function {
        pcie_root,
        switch,
        link_up,
    });
    let knowledge = prop_oneof![
        8 => Just(Knowledge::Fresh),
        1 => Just(Knowledge::Stale),
        1 => Just(Knowledge::Unreported),
    ];
    let zones = prop::collection::vec((amounts(), amounts()), 1..5);
    (
        zones,
        prop::collection::vec((0_usize..5, -1_i64..9, function), 0..6),
        prop::collection::vec(0_u16..4, 0..3),
        (0_u64..32, 1_i64..4),
        any::<(bool, bool)>(),
        (knowledge, 0_u32..6),
    )
        .prop_map(
            |(zones, functions, roots, (mask, wanted), sure, about)| World {
                zones: mask & ((1 << zones.len()) - 1),
                cells: zones.iter().map(|zone| zone.0).collect(),
                gpus: zones.iter().map(|zone| zone.1).collect(),
                functions,
                roots,
                wanted,
                is_certain: sure.0,
                is_fuzzy: sure.1,
                circumstances: Circumstances {
                    knowledge: about.0,
                    tentative: about.1,
                },
            },
        )
}

impl World {
    fn parts(&self, known: &Known) -> Parts {
        let zones = u32::try_from(self.cells.len()).unwrap();
        let saturating = |cells: &[(i64, i64)]| -> Vec<(i64, i64)> {
            // Sums of the fixture are exact; the engine's are bounded when reports are read.
            cells.iter().map(|cell| (cell.0 / 8, cell.1 / 8)).collect()
        };
        let mut node = node(zones)
            .with(known.sriov, &saturating(&self.cells))
            .with(known.gpu, &saturating(&self.gpus));
        for (zone, free, function) in &self.functions {
            node = node.behind(known.sriov, *zone, (8, *free), *function);
        }
        node.accelerator_roots = self.roots.clone().into();
        node.is_fuzzy = self.is_fuzzy;
        let pod = pod(&[(known.sriov, self.wanted), (known.gpu, 1)]);
        let mut placement = placed(&[self.zones]);
        placement.is_certain = self.is_certain;
        parts(&node, &pod, &placement, &known.all, self.circumstances)
    }

    fn score(&self, known: &Known) -> i64 {
        self.parts(known).score()
    }
}

proptest! {
    #[test]
    fn scores_and_shares_are_within_bounds(world in worlds()) {
        let parts = world.parts(&known());
        prop_assert!((0..=MAX_SCORE).contains(&parts.score()), "{:?}", parts);
        for (name, _, part) in parts.weighted() {
            prop_assert!(part.is_none_or(|part| (0..=FULL).contains(&part)), "{} {:?}", name, parts);
        }
    }

    #[test]
    fn what_is_better_never_lowers_a_score(world in worlds(), which in any::<prop::sample::Index>()) {
        let known = known();
        let before = world.score(&known);
        let mut others = Vec::new();
        let mut other = |name: &'static str, change: &dyn Fn(&mut World)| {
            let mut world = world.clone();
            change(&mut world);
            others.push((name, world));
        };
        other("certain", &|world| world.is_certain = true);
        other("exact", &|world| world.is_fuzzy = false);
        other("fresh", &|world| world.circumstances.knowledge = Knowledge::Fresh);
        other("left alone", &|world| {
            world.circumstances.tentative = world.circumstances.tentative.saturating_sub(1);
        });
        if !world.functions.is_empty() {
            let which = which.index(world.functions.len());
            other("linked", &|world| world.functions[which].2.link_up = Some(true));
            other("not known to be without a link", &|world| {
                let function = &mut world.functions[which].2;
                if function.link_up == Some(false) {
                    function.link_up = None;
                }
            });
            other("on a switch of its own", &|world| world.functions[which].2.switch = Some(9));
            if let Some(&root) = world.roots.first() {
                other("beside an accelerator", &|world| {
                    world.functions[which].2.pcie_root = Some(root);
                });
            }
        }
        for (name, other) in others {
            let after = other.score(&known);
            prop_assert!(after >= before, "{}: {} after {}\n{:?}", name, after, before, other.parts(&known));
        }
    }

    #[test]
    fn a_smaller_rest_and_fewer_zones_are_never_worse(free in 2_i64..40, wanted in 1_i64..3, zones in 2_usize..6) {
        let known = known();
        let pod = pod(&[(known.sriov, wanted)]);
        let of = |free, mask| {
            let node = node(u32::try_from(zones).unwrap()).with(known.sriov, &vec![(40, free); zones]);
            parts(&node, &pod, &placed(&[mask]), &known.all, FRESH)
        };
        prop_assert!(of(free, 0b1).score() >= of(free + 1, 0b1).score());
        prop_assert!(of(free, 0b1).alignment > of(free, 0b11).alignment);
    }
}
