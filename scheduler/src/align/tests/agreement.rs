//! What the rule says, compared with what the kubelet does.

use api::topology_manager::{Policy, Scope};
use proptest::prelude::*;
use serde_json::Value;

use super::{
    fixture::{CPU, NIC, PAGES, guaranteed, limited, pod, sidecar},
    kubelet::{Asked, Machine, Pieces, State, Table},
};
use crate::{
    align::{Scratch, align, take},
    demand::PodDemand,
    need::{Need, Role},
};

const GPU: &str = "vendor/gpu";

/// A container: its part, thousandths of CPUs, memory, huge pages, two kinds of devices.
type Container = (Role, i64, i64, i64, i64, i64);

fn state() -> impl Strategy<Value = State> {
    prop_oneof![12 => Just(State::Free), 2 => Just(State::Taken), 1 => Just(State::Barred)]
}

fn machine() -> impl Strategy<Value = Machine> {
    (1_usize..=3).prop_flat_map(|zones| {
        let everywhere: u32 = (1 << zones) - 1;
        let one = (0..zones).prop_map(|zone| 1_u32 << zone);
        let some = prop_oneof![6 => one.clone(), 1 => 0..=everywhere];
        let table = (prop_oneof![1 => 0_i64..=6, 3 => 6_i64..=12], 0_i64..=6).prop_map(
            |(allocatable, taken)| Table {
                allocatable,
                free: (allocatable - (taken - 3).max(0)).max(0),
            },
        );
        let tables = || prop::collection::vec(table.clone(), zones);
        let piece = || prop::collection::vec((some.clone(), state()), 0..12);
        let policy = prop_oneof![
            Just(Policy::None),
            Just(Policy::BestEffort),
            Just(Policy::Restricted),
            Just(Policy::SingleNumaNode)
        ];
        let scope = prop_oneof![Just(Scope::Container), Just(Scope::Pod)];
        let group = prop_oneof![3 => Just(0), 1 => 0..=everywhere];
        let cpus = prop::collection::vec((one, state()), 1..20);
        (
            policy,
            scope,
            cpus,
            piece(),
            piece(),
            tables(),
            tables(),
            group,
            0..7_usize,
        )
            .prop_map(
                move |(policy, scope, cpus, nics, gpus, mut memory, pages, group, turn)| {
                    let mut assignments = vec![0; zones];
                    let mut groups: Vec<u32> = (0..zones).map(|zone| 1 << zone).collect();
                    for zone in 0..zones {
                        if group & (1 << zone) != 0 && group.count_ones() > 1 {
                            groups[zone] = group;
                            assignments[zone] = 1;
                        } else if memory[zone].free < memory[zone].allocatable {
                            assignments[zone] = 1;
                        } else if pages[zone].free < pages[zone].allocatable {
                            // Whoever pins huge pages pins memory.
                            assignments[zone] = 1;
                            memory[zone].allocatable += 1;
                        }
                    }
                    let pieces = |name, mut all: Vec<(u32, State)>| {
                        all.sort_by_key(|(zones, _)| *zones);
                        Pieces {
                            name,
                            all,
                            reusable: Vec::new(),
                        }
                    };
                    Machine {
                        policy,
                        scope,
                        zones,
                        pieces: vec![pieces(CPU, cpus), pieces(NIC, nics), pieces(GPU, gpus)],
                        memory: [memory, pages],
                        assignments,
                        groups,
                        reusable: Vec::new(),
                        turn,
                    }
                },
            )
    })
}

fn containers() -> impl Strategy<Value = Vec<Container>> {
    let amounts = || {
        (
            prop_oneof![1 => Just(500_i64), 5 => (1_i64..4).prop_map(|cpus| cpus * 1_000)],
            1_i64..5,
            prop_oneof![4 => Just(0_i64), 1 => 1_i64..4],
            prop_oneof![1 => Just(0_i64), 1 => 1_i64..4],
            prop_oneof![4 => Just(0_i64), 1 => 1_i64..3],
        )
    };
    let with = |role: Role| {
        amounts().prop_map(move |(cpus, memory, pages, nics, gpus)| {
            (role, cpus, memory, pages, nics, gpus)
        })
    };
    let init = prop_oneof![with(Role::Init), with(Role::Sidecar)];
    (
        prop::collection::vec(init, 0..3),
        prop::collection::vec(with(Role::App), 1..4),
    )
        .prop_map(|(init, apps)| init.into_iter().chain(apps).collect())
}

fn demand(containers: &[Container], is_guaranteed: bool) -> PodDemand {
    let written = |(role, cpus, memory, pages, nics, gpus): &Container| -> Value {
        let texts = [pages, nics, gpus].map(ToString::to_string);
        let more = [(PAGES, &*texts[0]), (NIC, &*texts[1]), (GPU, &*texts[2])];
        let container = match is_guaranteed {
            true => guaranteed(&format!("{cpus}m"), &memory.to_string(), &more),
            false => limited(&more[1..]),
        };
        match role {
            Role::Sidecar => sidecar(container),
            Role::Init | Role::App => container,
        }
    };
    let (apps, init): (Vec<_>, Vec<_>) = containers
        .iter()
        .partition(|container| container.0 == Role::App);
    let written = |part: Vec<&Container>| part.into_iter().map(written).collect();
    pod(written(init), written(apps))
}

fn asked(containers: &[Container], is_guaranteed: bool) -> Vec<Asked> {
    let whole = |cpus: i64| match is_guaranteed && cpus % 1_000 == 0 {
        true => cpus / 1_000,
        false => 0,
    };
    containers
        .iter()
        .map(|&(role, cpus, memory, pages, nics, gpus)| Asked {
            role,
            pieces: vec![whole(cpus), nics, gpus],
            memory: is_guaranteed.then_some([memory, pages]),
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// What the rule lets pass the kubelet admits. Where the kubelet has no choice, both say the same in everything, and
    /// the same is left over; where it has one, no zone is believed to have more than it has left.
    #[test]
    fn the_rule_is_the_kubelets(
        machine in machine(),
        containers in containers(),
        is_guaranteed in any::<bool>(),
    ) {
        let (node, mut resources) = machine.node();
        for name in [NIC, GPU] {
            resources.intern(name);
        }
        let demand = demand(&containers, is_guaranteed);
        let need = Need::of(&demand, &resources);
        let mut scratch = Scratch::default();
        let predicted = align(&node, &need, &mut scratch);
        let mut after = machine.clone();
        let admitted = after.admit(&asked(&containers, is_guaranteed));
        let is_certain = scratch.is_certain();
        match (&predicted, &admitted) {
            (Ok(()), Some(hints)) => {
                prop_assert_eq!(scratch.placement.is_certain, is_certain);
                for (zones, hint) in scratch.placement.zones.iter().zip(hints) {
                    let hint = hint.map_or(0, u64::from);
                    prop_assert!(
                        !is_certain || zones.is_empty() || zones.0 == hint,
                        "{:?} {:?}", scratch.placement, hints
                    );
                }
                let mut taken = node.clone();
                take(&mut taken, &need, &scratch.placement.clone(), &mut scratch);
                prop_assert_eq!(taken.is_fuzzy, !is_certain);
                for stock in &taken.stocks {
                    for cell in taken.cells(stock) {
                        let free = after.free(&resources, stock.resource, cell.zones);
                        prop_assert!(
                            if is_certain { cell.free == free } else { cell.free <= free },
                            "{} {:?}: {} {free}", resources.name(stock.resource), cell.zones, cell.free
                        );
                    }
                }
            }
            // What else than devices best-effort and none refuse hangs by zones that are guessed here.
            (Ok(()), None) => prop_assert!(
                !is_certain && machine.policy == Policy::BestEffort,
                "admitted where the kubelet refuses: {:?}", scratch.placement
            ),
            (Err(refusal), Some(hints)) => prop_assert!(
                !is_certain && matches!(machine.policy, Policy::Restricted | Policy::SingleNumaNode),
                "{refusal:?} where the kubelet admits: {hints:?}"
            ),
            (Err(_), None) => {}
        }
    }
}
