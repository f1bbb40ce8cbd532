//! Nodes that cannot be, and pods that ask for more than there is: an answer, and never a panic.

use api::topology_manager::{Policy, Scope};
use proptest::prelude::*;

use crate::{
    align::{Scratch, align, take},
    need::{ContainerNeed, Need, Role},
    node::{Cell, Node, Stock},
    placement::Placement,
    resource::{ResourceId, Resources},
    zones::{MAX_ZONES, ZoneMask},
};

fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![
        any::<i64>(),
        -3_i64..10,
        Just(i64::MAX),
        Just(i64::MIN),
        (0_i64..9).prop_map(|cpus| cpus * 1_000),
    ]
}

fn ids() -> Vec<ResourceId> {
    let mut resources = Resources::default();
    let names = ["cpu", "memory", "hugepages-2Mi", "a.b/c", "a.b/d"];
    names.map(|name| resources.intern(name).unwrap()).to_vec()
}

fn node() -> impl Strategy<Value = Node> {
    let cell = (any::<u64>(), any::<bool>(), 0..64_u32, amount(), amount()).prop_map(
        |(some, is_single, zone, allocatable, free)| Cell {
            zones: ZoneMask(if is_single { 1 << zone } else { some | 1 }),
            allocatable,
            free,
        },
    );
    let stock = (prop::collection::vec(cell, 0..70), amount(), amount());
    let zones = prop::collection::btree_set(any::<u32>(), 0..=MAX_ZONES);
    let policy = prop_oneof![
        Just(Policy::None),
        Just(Policy::BestEffort),
        Just(Policy::Restricted),
        Just(Policy::SingleNumaNode)
    ];
    let scope = prop_oneof![Just(Scope::Container), Just(Scope::Pod)];
    let groups = prop::collection::vec(any::<u64>().prop_map(ZoneMask), 0..3);
    (
        (policy, scope, any::<bool>(), any::<bool>()),
        zones,
        prop::collection::vec(stock, 0..=5),
        groups,
        prop::collection::vec(amount(), 0..100),
    )
        .prop_map(
            |((policy, scope, is_fuzzy, is_strict), zones, described, groups, capacities)| {
                let mut cells = Vec::new();
                let mut stocks = Vec::new();
                for (resource, (own, allocatable, free)) in ids().into_iter().zip(described) {
                    let start = u16::try_from(cells.len()).unwrap();
                    cells.extend(own);
                    stocks.push(Stock {
                        resource,
                        cells: start..u16::try_from(cells.len()).unwrap(),
                        allocatable,
                        free,
                    });
                }
                Node {
                    policy,
                    scope,
                    zones: zones.into_iter().collect(),
                    stocks: stocks.into(),
                    cells: cells.into(),
                    capacities: capacities.into(),
                    memory_groups: groups,
                    has_only_zoned_natives: is_strict,
                    is_fuzzy,
                    ..Node::default()
                }
            },
        )
}

fn need() -> impl Strategy<Value = Need> {
    let role = prop_oneof![Just(Role::Init), Just(Role::Sidecar), Just(Role::App)];
    let amounts = || {
        prop::collection::btree_map(prop::sample::select(ids()), amount(), 0..5)
            .prop_map(|amounts| amounts.into_iter().collect::<Vec<_>>())
    };
    let container = (role, amounts()).prop_map(|(role, aligned)| ContainerNeed { role, aligned });
    (prop::collection::vec(container, 0..6), amounts(), amounts()).prop_map(
        |(containers, aligned, total)| Need {
            containers,
            aligned,
            devices: total.clone(),
            total,
            memory: ids()[1..3].to_vec(),
            ..Need::default()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_is_reported_and_asked_for(
        mut node in node(),
        need in need(),
        zones in prop::collection::vec(any::<u64>().prop_map(ZoneMask), 0..8),
    ) {
        let mut scratch = Scratch::default();
        let answer = align(&node, &need, &mut scratch);
        prop_assert_eq!(align(&node, &need, &mut scratch), answer);
        if answer.is_ok() {
            prop_assert_eq!(scratch.placement.zones.len(), need.containers.len());
            let placement = scratch.placement.clone();
            take(&mut node, &need, &placement, &mut scratch);
        }
        // A pod that is bound all the same is taken from the node, wherever it may be.
        let elsewhere = Placement { zones, is_certain: false };
        take(&mut node, &need, &elsewhere, &mut scratch);
        take(&mut node, &need, &Placement::default(), &mut scratch);
        let _ = align(&node, &need, &mut scratch);
    }
}

#[test]
fn sparse_ids_are_bits_in_their_order() {
    let cpu = |zone: usize| Cell {
        zones: ZoneMask::of(zone),
        allocatable: 4_000,
        free: if zone == 0 { 0 } else { 4_000 },
    };
    let node = Node {
        policy: Policy::SingleNumaNode,
        zones: [0, 7, 4_000_000_000].into(),
        stocks: [Stock {
            resource: ResourceId::CPU,
            cells: 0..3,
            allocatable: 12_000,
            free: 8_000,
        }]
        .into(),
        cells: [cpu(0), cpu(1), cpu(2)].into(),
        ..Node::default()
    };
    let need = Need {
        containers: vec![ContainerNeed {
            role: Role::App,
            aligned: vec![(ResourceId::CPU, 4_000)],
        }],
        ..Need::default()
    };
    let mut scratch = Scratch::default();
    assert_eq!(align(&node, &need, &mut scratch), Ok(()));
    assert_eq!(scratch.placement.zones, [ZoneMask(0b10)]);
}
