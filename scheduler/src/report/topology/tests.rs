use proptest::prelude::*;
use serde_json::json;

use super::*;

fn report(object: Value) -> Report {
    let object: NodeResourceTopology = serde_json::from_value(object).unwrap();
    Report::of_topology(&object)
}

fn amounts(report: &Report) -> Vec<(&str, Vec<u32>, i64, i64)> {
    let amounts = report.amounts.iter();
    amounts
        .map(|amount| {
            let zones = amount.zones.indexes().map(|at| report.zones[at]).collect();
            (
                &*amount.resource,
                zones,
                amount.available,
                amount.allocatable,
            )
        })
        .collect()
}

fn zone(name: &str, kind: &str, resources: Value) -> Value {
    json!({"name": name, "type": kind, "resources": resources})
}

fn amount_of(name: &str, allocatable: &str, available: &str) -> Value {
    json!({"name": name, "capacity": allocatable, "allocatable": allocatable, "available": available})
}

#[test]
fn zones_by_number_and_quantities_in_units() {
    let report = report(json!({
        "attributes": [{"name": "topologyManagerPolicy", "value": "restricted"}, {"name": "topologyManagerScope", "value": "pod"}],
        "zones": [
            zone("node-10", "Node", json!([amount_of("memory", "8Gi", "1.5Gi"), amount_of("ephemeral-storage", "1Gi", "1Gi")])),
            zone("node-2", "Node", json!([amount_of("cpu", "4", "3500m"), amount_of("a.b/nic", "8", "5")])),
            zone("socket-0", "Socket", json!([amount_of("a.b/nic", "8", "8")])),
        ],
    }));
    assert_eq!(report.faults, [] as [&str; 0]);
    assert_eq!(
        (report.policy, report.scope),
        (Policy::Restricted, Scope::Pod)
    );
    assert_eq!(
        amounts(&report),
        [
            ("a.b/nic", vec![2], 5, 8),
            ("cpu", vec![2], 3500, 4000),
            ("memory", vec![10], 3 << 29, 8 << 30),
        ]
    );
}

#[test]
fn policies_in_old_words_and_in_attributes() {
    for (object, wanted, faults) in [
        (json!({}), (Policy::None, Scope::Container), 0),
        (
            json!({"topologyPolicies": ["SingleNUMANodePodLevel"]}),
            (Policy::SingleNumaNode, Scope::Pod),
            0,
        ),
        (
            json!({"topologyPolicies": ["SingleNUMANodeContainerLevel"]}),
            (Policy::SingleNumaNode, Scope::Container),
            0,
        ),
        (
            json!({"topologyPolicies": ["RestrictedPodLevel"]}),
            (Policy::Restricted, Scope::Pod),
            0,
        ),
        (
            json!({"topologyPolicies": ["Restricted"]}),
            (Policy::Restricted, Scope::Container),
            0,
        ),
        (
            json!({"topologyPolicies": ["BestEffort"]}),
            (Policy::BestEffort, Scope::Container),
            0,
        ),
        (
            json!({"topologyPolicies": ["None"]}),
            (Policy::None, Scope::Container),
            0,
        ),
        // Attributes hold, each for itself.
        (
            json!({"topologyPolicies": ["SingleNUMANodePodLevel"], "attributes": [{"name": "topologyManagerPolicy", "value": "none"}]}),
            (Policy::None, Scope::Pod),
            0,
        ),
        // What nobody can tell is taken to be strict.
        (
            json!({"topologyPolicies": ["Strict"]}),
            (Policy::SingleNumaNode, Scope::Container),
            1,
        ),
        (
            json!({"attributes": [{"name": "topologyManagerPolicy", "value": "strict"}, {"name": "topologyManagerScope", "value": ""}]}),
            (Policy::SingleNumaNode, Scope::Pod),
            2,
        ),
        (
            json!({"topologyPolicies": ["Strict"], "attributes": [{"name": "topologyManagerPolicy", "value": "none"}]}),
            (Policy::None, Scope::Container),
            1,
        ),
    ] {
        let mut with_zones = object.clone();
        with_zones["zones"] = json!([]);
        let report = report(with_zones);
        assert_eq!((report.policy, report.scope), wanted, "{object}");
        assert_eq!(report.faults.len(), faults, "{object}: {:?}", report.faults);
    }
}

#[test]
fn what_is_wrong_is_told_and_never_counted_as_free() {
    for (zones, fault, wanted) in [
        (
            json!([
                zone("node-x", "Node", json!([amount_of("a.b/nic", "4", "4")])),
                zone("node--1", "Node", json!([])),
                zone("75", "Node", json!([]))
            ]),
            "\"node-x\" is passed over",
            vec![],
        ),
        (
            json!([zone(
                "node-0",
                "Node",
                json!([amount_of("a.b/nic", "4", "-1")])
            )]),
            "a.b/nic of zone node-0",
            vec![("a.b/nic", vec![0], 0, 4)],
        ),
        (
            json!([zone(
                "node-0",
                "Node",
                json!([amount_of("a.b/nic", "9e99", "3")])
            )]),
            "a.b/nic of zone node-0",
            vec![("a.b/nic", vec![0], 0, 0)],
        ),
        (
            json!([zone(
                "node-0",
                "Node",
                json!([amount_of("memory", "8Ei", "7Ei")])
            )]),
            "more than any machine has",
            vec![("memory", vec![0], 0, 0)],
        ),
        (
            json!([zone(
                "node-0",
                "Node",
                json!([amount_of("a.b/nic", "4", "1.5")])
            )]),
            "a.b/nic of zone node-0",
            vec![("a.b/nic", vec![0], 0, 4)],
        ),
        (
            json!([zone(
                "node-0",
                "Node",
                json!([amount_of("a.b/nic", "4", "6")])
            )]),
            "6 available of 4",
            vec![("a.b/nic", vec![0], 4, 4)],
        ),
        (
            json!([
                zone("node-1", "Node", json!([amount_of("a.b/nic", "4", "4")])),
                zone("node-1", "Node", json!([amount_of("a.b/nic", "6", "2")]))
            ]),
            "node-1 is there twice",
            vec![("a.b/nic", vec![1], 2, 4)],
        ),
    ] {
        let report = report(json!({"zones": zones}));
        assert!(
            report.faults.iter().any(|told| told.contains(fault)),
            "{fault}: {:?}",
            report.faults
        );
        assert_eq!(amounts(&report), wanted, "{fault}");
    }
    let many: Vec<Value> = (0..70_u64)
        .map(|id| {
            zone(
                &format!("node-{id}"),
                "Node",
                json!([amount_of("a.b/nic", "1", "1")]),
            )
        })
        .collect();
    let report = report(json!({"zones": many}));
    assert_eq!((report.zones.len(), report.amounts.len()), (64, 64));
    assert!(
        report
            .faults
            .iter()
            .any(|told| told.contains("knows zones below 64")),
        "{:?}",
        report.faults
    );
}

proptest! {
    #[test]
    fn any_object_is_read(
        zones in prop::collection::vec(("node-[0-9]{1,11}|node-[a-z+-]?[0-3]|", "Node|Socket", prop::collection::vec(("cpu|memory|b/c||storage", "[0-9]{1,3}(m|Ki|Ei|e9)?|-[0-9]|[a-z]?", "[0-9]{1,3}(m|Ki)?|-1|"), 0..3)), 0..5),
        policies in prop::collection::vec("(SingleNUMANode|None|x)(PodLevel)?", 0..2),
        attributes in prop::collection::vec(("topologyManager(Policy|Scope)|x", "none|restricted|pod|"), 0..3),
    ) {
        let zones: Vec<Value> = zones.into_iter().map(|(name, kind, resources)| {
            let resources: Vec<Value> = resources.iter().map(|(name, allocatable, available)| amount_of(name, allocatable, available)).collect();
            zone(&name, &kind, json!(resources))
        }).collect();
        let attributes: Vec<Value> = attributes.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        let report = report(json!({"zones": zones, "topologyPolicies": policies, "attributes": attributes}));
        for amount in &report.amounts {
            prop_assert!(0 <= amount.available && amount.available <= amount.allocatable);
            prop_assert!(!amount.zones.is_empty() && amount.zones.indexes().all(|at| at < report.zones.len()));
        }
    }
}
