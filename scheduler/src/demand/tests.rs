use serde_json::{Value, json};

use super::*;

fn pod(spec: Value) -> Pod {
    serde_json::from_value(json!({
        "metadata": {"namespace": "default", "name": "web", "uid": "u"},
        "spec": spec,
    }))
    .unwrap()
}

fn demand(spec: Value) -> PodDemand {
    PodDemand::of(&pod(spec)).unwrap()
}

fn total(init: Value, containers: Value) -> i64 {
    let demand = demand(json!({"initContainers": init, "containers": containers}));
    demand
        .total
        .get("intel.com/sriov")
        .copied()
        .unwrap_or_default()
}

fn container(quantity: u64) -> Value {
    json!({"resources": {"limits": {"intel.com/sriov": quantity.to_string(), "cpu": "2"}}})
}

fn sidecar(quantity: u64) -> Value {
    let mut container = container(quantity);
    container["restartPolicy"] = json!("Always");
    container
}

#[test]
fn containers_as_the_kubelet_counts_them() {
    assert_eq!(total(json!([]), json!([container(1), container(2)])), 3);
    assert_eq!(total(json!([container(5)]), json!([container(1)])), 5);
    assert_eq!(total(json!([container(1)]), json!([container(1)])), 1);
    assert_eq!(total(json!([sidecar(2)]), json!([container(1)])), 3);
    assert_eq!(
        total(json!([sidecar(2), container(4)]), json!([container(1)])),
        6
    );
    assert_eq!(
        total(json!([container(4), sidecar(2)]), json!([container(1)])),
        4
    );
    assert_eq!(total(json!([]), json!([container(0), {}])), 0);
}

#[test]
fn requests_are_limits_where_there_are_none() {
    let demand = demand(json!({
        "overhead": {"cpu": "250m", "memory": "1Mi"},
        "initContainers": [{"name": "i", "resources": {"requests": {"cpu": "3"}}}],
        "containers": [{"name": "a", "resources": {
            "requests": {"cpu": "1500m", "memory": "0", "a.b/c": "2"},
            "limits": {"cpu": 4, "memory": "1Gi", "hugepages-2Mi": "4Mi", "ephemeral-storage": "1G", "a.b/c": "2"},
        }}],
    }));
    let app = &demand.containers[1];
    assert_eq!((&*app.name, app.role), ("a", Role::App));
    let amounts: Vec<_> = app
        .amounts
        .iter()
        .map(|(name, amount)| (&**name, *amount))
        .collect();
    assert_eq!(
        amounts,
        [
            ("a.b/c", 2),
            ("cpu", 1_500),
            ("ephemeral-storage", 1_000_000_000),
            ("hugepages-2Mi", 4 << 20),
        ]
    );
    assert_eq!(demand.total["cpu"], 3_250);
    assert_eq!(demand.total["memory"], 1 << 20);
    assert!(!demand.has_pod_level_resources);
}

#[test]
fn quality_of_service() {
    let both = |cpu: &str| json!({"cpu": cpu, "memory": "1Gi"});
    let limited = |cpu: &str| json!({"resources": {"limits": both(cpu)}});
    let requested = |cpu: &str| json!({"resources": {"requests": both(cpu)}});
    let qos = |spec: Value| demand(spec).qos;
    for (spec, wanted) in [
        (json!({"containers": [{}]}), Qos::BestEffort),
        (
            json!({"containers": [{"resources": {"limits": {"a.b/c": 1, "hugepages-2Mi": "2Mi"}}}]}),
            Qos::BestEffort,
        ),
        (
            json!({"containers": [{"resources": {"requests": {"cpu": "0"}}}]}),
            Qos::BestEffort,
        ),
        (json!({"containers": [limited("2")]}), Qos::Guaranteed),
        (
            json!({"containers": [limited("2"), limited("500m")]}),
            Qos::Guaranteed,
        ),
        (json!({"containers": [limited("2"), {}]}), Qos::Burstable),
        (
            json!({"containers": [limited("2")], "initContainers": [{}]}),
            Qos::Burstable,
        ),
        (
            json!({"containers": [limited("2")], "initContainers": [limited("1")]}),
            Qos::Guaranteed,
        ),
        (json!({"containers": [requested("2")]}), Qos::Burstable),
        (
            json!({"containers": [{"resources": {"requests": both("1"), "limits": both("2")}}]}),
            Qos::Burstable,
        ),
        (
            json!({"containers": [{"resources": {"limits": {"cpu": 1}}}]}),
            Qos::Burstable,
        ),
        // What the pod has as a whole decides alone.
        (
            json!({"containers": [{}], "resources": {"limits": both("1")}}),
            Qos::Guaranteed,
        ),
        (
            json!({"containers": [limited("1")], "resources": {"limits": {"cpu": 1}}}),
            Qos::Burstable,
        ),
        (
            json!({"containers": [limited("1")], "resources": {"requests": both("1")}}),
            Qos::Burstable,
        ),
        (
            json!({"containers": [requested("1")], "resources": {"limits": both("2")}}),
            Qos::Burstable,
        ),
        (
            json!({"containers": [limited("1")], "resources": {}}),
            Qos::BestEffort,
        ),
    ] {
        assert_eq!(qos(spec.clone()), wanted, "{spec}");
    }
}

#[test]
fn what_the_pod_has_as_a_whole_takes_the_place_of_the_sum() {
    let demand = demand(json!({
        "resources": {"limits": {"cpu": "8", "memory": "4Gi"}, "requests": {"cpu": "6"}},
        "containers": [{"resources": {"limits": {"cpu": "1", "memory": "1Gi", "a.b/c": "1"}}}],
    }));
    assert!(demand.has_pod_level_resources);
    assert_eq!(demand.total["cpu"], 6_000);
    assert_eq!(demand.total["memory"], 1 << 30);
    assert_eq!(demand.total["a.b/c"], 1);
}

#[test]
fn owners_and_spreads() {
    let with = |annotations: Value| -> Result<PodDemand, DemandError> {
        let pod = json!({"metadata": {
            "uid": "u", "name": "web", "annotations": annotations,
            "ownerReferences": [{"uid": "o", "controller": true}],
        }});
        PodDemand::of(&serde_json::from_value(pod).unwrap())
    };
    assert_eq!(with(json!({})).unwrap().owner.as_deref(), Some("o"));
    for (word, spread) in [
        ("physical-function", Spread::PhysicalFunction),
        (" switch\n", Spread::Switch),
    ] {
        let demand = with(json!({"polypod.dev/spread": word})).unwrap();
        assert_eq!(demand.spread, Some(spread));
    }
    insta::assert_snapshot!(with(json!({"polypod.dev/spread": "pf"})).unwrap_err(), @r#"the pod /web has the annotation polypod.dev/spread: "pf"; write physical-function or switch, or leave it away"#);
}

#[test]
fn what_cannot_be_counted_is_refused() {
    let mut nameless = pod(json!({}));
    nameless.metadata.uid.clear();
    insta::assert_snapshot!(PodDemand::of(&nameless).unwrap_err(), @r#"the pod default/web has no UID; send it as the API server has it"#);
    let error = |spec: Value| PodDemand::of(&pod(spec)).unwrap_err();
    let limit = |quantity: Value| json!({"containers": [{"name": "app", "resources": {"limits": {"a.b/c": quantity}}}]});
    insta::assert_snapshot!(error(limit(json!("-1"))), @r#"container app of the pod default/web asks for "-1" of a.b/c, which is no quantity that a node could have"#);
    insta::assert_snapshot!(error(limit(json!("1500m"))), @r#"container app of the pod default/web asks for "1500m" of a.b/c, which is no quantity that a node could have"#);
    insta::assert_snapshot!(error(json!({"overhead": {"memory": "NaN"}})), @r#"overhead of the pod default/web asks for "NaN" of memory, which is no quantity that a node could have"#);
    insta::assert_snapshot!(error(json!({"resources": {"requests": {"cpu": "1e30"}}})), @r#"spec.resources of the pod default/web asks for "1e30" of cpu, which is no quantity that a node could have"#);
}

#[test]
fn enormous_sums_end_at_the_largest_number() {
    let huge = json!({"resources": {"limits": {"a.b/c": i64::MAX.to_string()}}});
    let mut sidecar = huge.clone();
    sidecar["restartPolicy"] = json!("Always");
    let demand = demand(json!({
        "overhead": {"a.b/c": i64::MAX},
        "initContainers": [sidecar, huge],
        "containers": [huge, huge],
    }));
    assert_eq!(demand.total["a.b/c"], i64::MAX);
}
