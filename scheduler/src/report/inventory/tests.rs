use api::topology_manager::{Policy, Scope};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::report::ReportedAmount;

fn report(object: Value) -> Report {
    let object: NodeInventory = serde_json::from_value(object).unwrap();
    Report::of_inventory(&object)
}

/// `resource @ zones / function: available of allocatable`, a line each.
fn amounts(report: &Report) -> Vec<String> {
    let line = |amount: &ReportedAmount| {
        let zones: Vec<u32> = amount.zones.indexes().map(|at| report.zones[at]).collect();
        let function = amount.function.map_or(String::new(), |at| {
            format!(" / {}", report.functions[usize::from(at)].address)
        });
        let (resource, available, allocatable) =
            (&amount.resource, amount.available, amount.allocatable);
        format!("{resource} @ {zones:?}{function}: {available} of {allocatable}")
    };
    report.amounts.iter().map(line).collect()
}

fn a_node() -> Value {
    json!({
        "metadata": {"name": "n1"}, "epoch": 7, "sequence": 3,
        "topologyManager": {"policy": "single-numa-node", "scope": "pod", "memoryManager": "Static"},
        "zones": [
            {"id": 0, "cpus": "0-3", "exclusiveCPUs": "1-3", "resources": [
                {"name": "cpu", "capacity": 4, "allocatable": 3, "available": 2},
                {"name": "memory", "capacity": 100, "allocatable": 90, "available": 60},
                {"name": "hugepages-2Mi", "capacity": 10, "allocatable": 10, "available": 10},
                {"name": "a.b/nic", "capacity": 2, "allocatable": 2, "available": 1}]},
            {"id": 4, "cpus": "4-7", "exclusiveCPUs": "4-7", "resources": [
                {"name": "memory", "capacity": 100, "allocatable": 90, "available": 90}]},
        ],
        "resources": [{"name": "a.b/nic", "capacity": 6, "allocatable": 6, "available": 4}],
        "physicalFunctions": [
            {"address": "0000:01:00.0", "pcieRoot": "pci0000:00", "switchId": "aa", "linkUp": true},
            {"address": "0000:02:00.0", "pcieRoot": "pci0000:40"}],
        "accelerators": [{"address": "0000:05:00.0", "pcieRoot": "pci0000:40"}, {"address": "0000:06:00.0"}],
        "devices": [
            {"resource": "a.b/nic", "zones": [0], "physicalFunction": "0000:01:00.0", "ids": ["a", "b"]},
            {"resource": "a.b/nic", "zones": [4], "physicalFunction": "0000:02:00.0", "ids": ["c"]},
            {"resource": "a.b/nic", "zones": [0, 4], "ids": ["d"]},
            {"resource": "a.b/nic", "ids": ["e", "f"]},
        ],
        "allocations": [{"podUID": "u1", "namespace": "ns", "name": "p", "containers": [
            {"name": "one", "cpus": "2", "devices": [
                {"resource": "a.b/nic", "zones": [0], "physicalFunction": "0000:01:00.0", "ids": ["a", "gone"]}],
             "memory": [{"resource": "memory", "size": 30, "zones": [0]}]},
            {"name": "two", "devices": [{"resource": "a.b/nic", "ids": ["e"]}]},
        ]}],
    })
}

#[test]
fn what_is_free_follows_from_ids_and_holders() {
    let report = report(a_node());
    assert_eq!(report.faults, [] as [&str; 0]);
    let sequence = Sequence {
        epoch: 7,
        number: 3,
    };
    assert_eq!(report.source, Source::Inventory(sequence));
    assert_eq!(
        (report.policy, report.scope),
        (Policy::SingleNumaNode, Scope::Pod)
    );
    assert_eq!(report.zones, [0, 4]);
    assert_eq!(
        amounts(&report),
        [
            "a.b/nic @ []: 1 of 2",
            "a.b/nic @ [0] / 0000:01:00.0: 1 of 2",
            "a.b/nic @ [4] / 0000:02:00.0: 1 of 1",
            "a.b/nic @ [0, 4]: 1 of 1",
            "cpu @ [0]: 2000 of 3000",
            "cpu @ [4]: 4000 of 4000",
            "hugepages-2Mi @ [0]: 10 of 10",
            "memory @ [0]: 60 of 90",
            "memory @ [4]: 90 of 90",
        ]
    );
    assert_eq!(report.accelerator_roots, ["pci0000:40".into()]);
    assert_eq!(report.functions[0].link_up, Some(true));
    let [holder] = &report.holders[..] else {
        panic!("one pod")
    };
    assert_eq!((holder.uid.as_deref(), &*holder.name), (Some("u1"), "p"));
    let held: Vec<(&str, &str, u64, i64)> = holder
        .held
        .iter()
        .map(|held| (&*held.container, &*held.resource, held.zones.0, held.amount))
        .collect();
    assert_eq!(
        held,
        [
            // An unhealthy device beside a healthy one: as the holder was told.
            ("one", "a.b/nic", 1, 2),
            ("one", "cpu", 1, 1000),
            ("one", "memory", 1, 30),
            ("two", "a.b/nic", 0, 1),
        ]
    );
}

#[test]
fn what_the_kubelet_does_not_align_has_no_zones() {
    let mut object = a_node();
    object["topologyManager"] = json!({"policy": "best-effort", "scope": "container"});
    for zone in [0, 1] {
        object["zones"][zone]["exclusiveCPUs"] = json!("");
    }
    let report = report(object);
    assert_eq!(report.faults, [] as [&str; 0]);
    assert!(
        report
            .amounts
            .iter()
            .all(|amount| &*amount.resource == "a.b/nic"),
        "{report:?}"
    );
}

/// Changes of a sound object, the fault that is told and the amounts that follow for what it concerns.
#[test]
fn what_is_wrong_is_told_and_never_counted_as_free() {
    let change = |path: &str, value: Value| {
        let mut object = a_node();
        *object.pointer_mut(path).unwrap() = value;
        object
    };
    let group =
        |zones: Value, ids: Value| json!({"resource": "a.b/nic", "zones": zones, "ids": ids});
    for (object, fault, wanted) in [
        (
            change("/devices/1", group(json!([9]), json!(["c"]))),
            "zones [9], which are not all among the node's",
            vec![
                "a.b/nic @ []: 1 of 2",
                "a.b/nic @ [0] / 0000:01:00.0: 1 of 2",
                "a.b/nic @ [0, 4]: 1 of 1",
            ],
        ),
        (
            change("/devices/1", group(json!([4]), json!(["d"]))),
            "device \"d\" is in two places",
            vec![
                "a.b/nic @ []: 1 of 2",
                "a.b/nic @ [0] / 0000:01:00.0: 1 of 2",
            ],
        ),
        (
            change("/devices/3", group(json!([]), json!(["e", "f", "f"]))),
            "device \"f\" is there twice",
            vec!["a.b/nic @ []: 1 of 2"],
        ),
        (
            change("/devices/1/physicalFunction", json!("0000:99:00.0")),
            "physical function \"0000:99:00.0\" is not listed",
            vec!["a.b/nic @ [4]: 1 of 1"],
        ),
        (
            change("/devices/0/resource", json!("cpu")),
            "\"cpu\" is no resource of devices",
            vec!["a.b/nic @ [4] / 0000:02:00.0: 1 of 1"],
        ),
        (
            change("/resources/0/available", json!(2)),
            "4 devices are free by their ids, 2 by the sum",
            vec![
                "a.b/nic @ []: 0 of 2",
                "a.b/nic @ [0] / 0000:01:00.0: 0 of 2",
                "a.b/nic @ [4] / 0000:02:00.0: 0 of 1",
            ],
        ),
        (
            change("/zones/1/id", json!(0)),
            "zone 0 is there twice",
            vec!["cpu @ [0]: 0 of 3000", "memory @ [0]: 0 of 90"],
        ),
        (
            change("/zones/0/exclusiveCPUs", json!("one")),
            "\"one\" is no list of CPUs",
            vec!["cpu @ [0]: 0 of 0", "cpu @ [4]: 4000 of 4000"],
        ),
        (
            change("/zones/1/exclusiveCPUs", json!("3-7")),
            "CPU 3 is in two zones",
            vec!["cpu @ [0]: 1000 of 2000", "cpu @ [4]: 4000 of 4000"],
        ),
        (
            change("/allocations/0/containers/0/cpus", json!("x")),
            "holds the CPUs \"x\"",
            vec!["cpu @ [0]: 0 of 3000", "cpu @ [4]: 0 of 4000"],
        ),
        (
            change("/zones/0/resources/1/available", json!(1000)),
            "memory of zone 0: 1000 available of 90",
            vec!["memory @ [0]: 60 of 90"],
        ),
        (
            change("/zones/0/resources/1/allocatable", json!(u64::MAX)),
            "memory of zone 0: 18446744073709551615 is more than any machine has",
            vec!["memory @ [0]: 0 of 0", "memory @ [4]: 90 of 90"],
        ),
        (
            change("/physicalFunctions/1/address", json!("0000:01:00.0")),
            "physical function \"0000:01:00.0\" is there twice",
            vec!["a.b/nic @ [4]: 1 of 1"],
        ),
    ] {
        let report = report(object);
        assert!(
            report.faults.iter().any(|told| told.contains(fault)),
            "{fault}: {:?}",
            report.faults
        );
        let amounts = amounts(&report);
        for line in wanted {
            assert!(
                amounts.iter().any(|found| found == line),
                "{fault}: {line}: {amounts:#?}"
            );
        }
    }
}

#[test]
fn a_device_of_two_pods_is_held_once() {
    let mut object = a_node();
    let mut other = object["allocations"][0].clone();
    other["podUID"] = json!("u2");
    object["allocations"].as_array_mut().unwrap().push(other);
    let report = report(object);
    assert!(
        report.faults[0].contains("\"a\" is held by two pods"),
        "{:?}",
        report.faults
    );
    assert!(amounts(&report).contains(&"a.b/nic @ [0] / 0000:01:00.0: 1 of 2".to_owned()));
}

#[test]
fn zones_with_huge_numbers_are_zones_and_no_more_than_64_are_counted() {
    let zone = |id: u32| json!({"id": id, "exclusiveCPUs": format!("{}", id % 1000)});
    let mut object = json!({"metadata": {"name": "n1"}, "zones": [zone(u32::MAX), zone(7)]});
    let few = report(object.clone());
    assert_eq!(
        (few.zones.as_slice(), few.faults.len()),
        (&[7, u32::MAX][..], 0)
    );
    assert_eq!(amounts(&few).len(), 2);
    object["zones"] = (0..70).map(zone).collect();
    let many = report(object);
    assert_eq!(many.zones.len(), 64);
    assert!(many.faults[0].starts_with("70 zones"), "{:?}", many.faults);
    assert_eq!(amounts(&many).len(), 64);
}

#[test]
fn a_resource_without_a_healthy_device_is_known_all_the_same() {
    let report = report(json!({"metadata": {"name": "n1"}, "resources": [
        {"name": "a.b/nic", "capacity": 4, "allocatable": 0, "available": 0}]}));
    assert_eq!(amounts(&report), ["a.b/nic @ []: 0 of 0"]);
    assert_eq!(report.faults, [] as [&str; 0]);
}

fn any_number() -> impl Strategy<Value = u64> {
    prop_oneof![9 => 0..9_u64, 1 => Just(u64::MAX)]
}

prop_compose! {
    fn small_list()(text in "[0-9]{0,2}(-[0-9]{1,2})?(,[0-9]{1,3})?") -> String { text }
}

prop_compose! {
    fn a_group()(resource in "a|b/c|b/d|cpu|", zones in prop::collection::vec(0_u32..6, 0..3),
        function in prop::option::of("f|g|h"), ids in prop::collection::vec("[a-e]", 0..4)) -> Value {
        json!({"resource": resource, "zones": zones, "physicalFunction": function, "ids": ids})
    }
}

#[test]
fn more_memory_than_there_are_numbers_is_all_of_it() {
    let mut object = a_node();
    let block = json!({"resource": "memory", "size": 1_u64 << 50, "zones": [0]});
    object["allocations"][0]["containers"][0]["memory"] = json!(vec![block; 8193]);
    let amounts = amounts(&report(object));
    let memory = "memory @ [0]: 0 of 90".to_owned();
    assert!(amounts.contains(&memory), "{amounts:?}");
}

prop_compose! {
    fn an_amount()(name in "cpu|memory|hugepages-2Mi|b/c|b/d|", amounts in [any_number(), any_number(), any_number()]) -> Value {
        json!({"name": name, "capacity": amounts[0], "allocatable": amounts[1], "available": amounts[2]})
    }
}

prop_compose! {
    fn any_object()(
        zones in prop::collection::vec((0_u32..6, small_list(), prop::collection::vec(an_amount(), 0..3)), 0..4),
        resources in prop::collection::vec(an_amount(), 0..3),
        functions in prop::collection::vec("f|g", 0..3),
        devices in prop::collection::vec(a_group(), 0..5),
        held in prop::collection::vec((prop::collection::vec(a_group(), 0..3), small_list(), 0_u64..9), 0..4),
        manager in prop::option::of("None|Static"),
    ) -> Value {
        json!({
            "metadata": {"name": "n1"},
            "topologyManager": {"memoryManager": manager},
            "zones": zones.into_iter().map(|(id, cpus, resources)| json!({"id": id, "exclusiveCPUs": cpus, "resources": resources})).collect::<Vec<_>>(),
            "resources": resources,
            "physicalFunctions": functions.into_iter().map(|address| json!({"address": address})).collect::<Vec<_>>(),
            "devices": devices,
            "allocations": held.into_iter().map(|(devices, cpus, size)| json!({"name": "p", "containers": [
                {"name": "c", "devices": devices, "cpus": cpus, "memory": [{"resource": "memory", "size": size, "zones": [1]}]}]})).collect::<Vec<_>>(),
        })
    }
}

proptest! {
    /// Whatever an object says: amounts make sense, places exist, and no device is free that somebody holds.
    #[test]
    fn any_object_is_read(object in any_object()) {
        let object: NodeInventory = serde_json::from_value(object).unwrap();
        let report = Report::of_inventory(&object);
        let zones = ZoneMask::first(report.zones.len());
        for amount in &report.amounts {
            prop_assert!(0 <= amount.available && amount.available <= amount.allocatable, "{amount:?}");
            prop_assert_eq!(amount.zones.and(zones), amount.zones);
            prop_assert!(amount.function.is_none_or(|at| usize::from(at) < report.functions.len()));
        }
        let inventory = &object.inventory;
        for name in ["b/c", "b/d"] {
            let ids = |groups: &[api::node_inventory::DeviceGroup]| -> BTreeSet<String> {
                let own = groups.iter().filter(|group| group.resource == name);
                own.flat_map(|group| group.ids.clone()).collect()
            };
            let containers = inventory.allocations.iter().flat_map(|pod| &pod.containers);
            let held: BTreeSet<String> = containers.flat_map(|container| ids(&container.devices)).collect();
            let all = ids(&inventory.devices);
            let own = || report.amounts.iter().filter(|amount| &*amount.resource == name);
            let free: i64 = own().map(|amount| amount.available).sum();
            prop_assert!(free <= i64::try_from(all.difference(&held).count()).unwrap());
            prop_assert!(all.is_empty() || own().count() > 0, "{name} is not known");
        }
    }
}
