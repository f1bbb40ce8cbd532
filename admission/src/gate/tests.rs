use serde_json::{Value, json};

use spec::network::{INJECT, SPREAD};

use super::*;
use crate::{
    Cluster, NetworkIndex, Policy, View, admit,
    fixture::{self, cluster, patched_by, pod_with, policy},
};

fn gating(more: Value) -> Policy {
    let mut gates = json!({"enabled": true});
    for (key, value) in more.as_object().unwrap() {
        gates[key] = value.clone();
    }
    policy(json!({"scheduling": {"gates": gates}}))
}

fn gates(pod: &Value, policy: &Policy) -> Value {
    let (pod, _) = patched_by(pod, policy);
    pod["spec"]["schedulingGates"].clone()
}

fn policy_with_scheduler() -> Policy {
    policy(
        json!({"scheduling": {"schedulerName": "polypod-scheduler", "gates": {"enabled": true}}}),
    )
}

fn requesting(resource: &str, quantity: Value) -> Value {
    let limits = json!({resource: quantity});
    json!({"containers": [{"name": "c0", "resources": {"limits": limits}}]})
}

fn plain(spec: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec})
}

fn ours() -> Value {
    json!([{"name": SCHEDULING_GATE}])
}

#[test]
fn devices_of_classes_get_none() {
    let class =
        json!({"metadata": {"name": "gpus"}, "spec": {"extendedResourceName": "example.com/gpu"}});
    let mut cluster = cluster();
    let class = serde_json::from_value(class).unwrap();
    cluster.devices.classes.insert(&class);
    let policy = policy_with_scheduler_and_gate();
    let mut both = requesting("intel.com/qat", json!(1));
    both["containers"][0]["resources"]["limits"]["example.com/gpu"] = json!(1);
    for (spec, wanted) in [
        (requesting("example.com/gpu", json!(1)), false),
        (
            requesting("deviceclass.resource.kubernetes.io/gpus", json!(1)),
            false,
        ),
        // No node would be found for it.
        (both, false),
        (requesting("intel.com/qat", json!(1)), true),
    ] {
        let pod: Pod = serde_json::from_value(plain(spec.clone())).unwrap();
        let plan = admit(&pod, &fixture::namespace("default"), &cluster, &policy).unwrap();
        let found = (plan.scheduling_gate, plan.scheduler_name.is_some());
        assert_eq!(found, (wanted, wanted), "{spec}");
    }
}

#[test]
fn a_spread_that_is_none_is_warned_of() {
    let devices = requesting("intel.com/qat", json!(1));
    let none = json!({"containers": [{"name": "c0"}]});
    for (word, spec, count) in [
        ("switch", &devices, 0),
        ("physical-function", &devices, 0),
        ("pf", &devices, 1),
        ("pf", &none, 0),
    ] {
        let mut pod = plain(spec.clone());
        pod["metadata"]["annotations"] = json!({SPREAD: word});
        let pod: Pod = serde_json::from_value(pod).unwrap();
        let plan = admit(
            &pod,
            &fixture::namespace("default"),
            &cluster(),
            &gating(json!({})),
        );
        let warnings = plan.unwrap().warnings;
        assert_eq!(warnings.len(), count, "{word} {spec}");
        if let Some(warning) = warnings.first() {
            insta::assert_snapshot!(warning.to_string(), @r#"annotation polypod.dev/spread is "pf"; write physical-function or switch; no node is chosen for the pod"#);
        }
    }
}

fn policy_with_scheduler_and_gate() -> Policy {
    let gates = json!({"enabled": true, "schedulerNames": ["polypod-scheduler"]});
    policy(json!({"scheduling": {"schedulerName": "polypod-scheduler", "gates": gates}}))
}

#[test]
fn pods_that_demand_devices_get_the_gate() {
    let containers = json!({"containers": [{"name": "c0"}]});
    let mut in_init = requesting("intel.com/qat", json!(1));
    in_init["initContainers"] = in_init["containers"].clone();
    in_init["initContainers"][0]["name"] = json!("i");
    in_init["containers"][0]["resources"] = json!({});
    let mut by_request = requesting("intel.com/qat", json!("2"));
    let resources = &mut by_request["containers"][0]["resources"];
    *resources = json!({"requests": resources["limits"], "limits": resources["limits"]});
    for (pod, wanted) in [
        (pod_with("foo", &[], containers.clone()), ours()),
        (plain(requesting("intel.com/qat", json!(1))), ours()),
        (plain(by_request), ours()),
        (plain(in_init), ours()),
        // What no node reports devices of.
        (pod_with("noannot", &[], containers.clone()), Value::Null),
        (plain(containers), Value::Null),
        (plain(requesting("cpu", json!("500m"))), Value::Null),
        (
            plain(requesting("hugepages-1Gi", json!("1Gi"))),
            Value::Null,
        ),
        (
            plain(requesting("ephemeral-storage", json!(1))),
            Value::Null,
        ),
        (plain(requesting("intel.com/qat", json!(0))), Value::Null),
    ] {
        assert_eq!(gates(&pod, &gating(json!({}))), wanted, "{pod}");
        assert_eq!(gates(&pod, &Policy::default()), Value::Null, "{pod}");
    }
}

#[test]
fn gates_of_others_stay_and_ours_is_added_once() {
    let with = |gates: Value| {
        let mut spec = requesting("intel.com/qat", json!(1));
        spec["schedulingGates"] = gates;
        plain(spec)
    };
    let policy = gating(json!({}));
    assert_eq!(gates(&with(json!([])), &policy), ours());
    assert_eq!(gates(&with(ours()), &policy), ours());
    assert_eq!(
        gates(&with(json!([{"name": "example.com/quota"}])), &policy),
        json!([{"name": "example.com/quota"}, {"name": SCHEDULING_GATE}])
    );
}

#[test]
fn who_is_no_schedulers_gets_none() {
    let policy = gating(json!({}));
    let of = |metadata: Value, more: Value| {
        let mut pod = plain(requesting("intel.com/qat", json!(1)));
        for (key, value) in metadata.as_object().unwrap() {
            pod["metadata"][key] = value.clone();
        }
        for (key, value) in more.as_object().unwrap() {
            pod["spec"][key] = value.clone();
        }
        pod
    };
    let annotated = |key: &str, text: &str| json!({"annotations": {key: text}});
    for (pod, wanted) in [
        (of(json!({}), json!({"nodeName": "n1"})), Value::Null),
        (
            of(
                json!({"annotations": {"kubernetes.io/config.mirror": "x"}}),
                json!({}),
            ),
            Value::Null,
        ),
        (
            of(
                json!({"deletionTimestamp": "2026-01-01T00:00:00Z"}),
                json!({}),
            ),
            Value::Null,
        ),
        (
            of(json!({}), json!({"schedulerName": "polypod-scheduler"})),
            Value::Null,
        ),
        (
            of(json!({}), json!({"schedulerName": "default-scheduler"})),
            ours(),
        ),
        (of(annotated(GATE, "false"), json!({})), Value::Null),
        (of(annotated(INJECT, "false"), json!({})), Value::Null),
        (of(annotated(GATE, "true"), json!({})), ours()),
        (of(annotated(GATE, "no"), json!({})), ours()),
    ] {
        assert_eq!(gates(&pod, &policy), wanted, "{pod}");
    }
    let pod = of(annotated(GATE, "no"), json!({}));
    let namespace = fixture::namespace("default");
    let plan = admit(&fixture::read(&pod), &namespace, &cluster(), &policy).unwrap();
    insta::assert_snapshot!(plan.warnings[0], @r#"annotation polypod.dev/scheduling-gate is "no"; write "true" or "false"; the pod waits at the scheduling gate"#);
    let given = policy_with_scheduler();
    assert_eq!(
        gates(&of(json!({}), json!({})), &given),
        Value::Null,
        "its scheduler has the extender"
    );
    let other = gating(json!({"schedulerNames": ["polypod-scheduler"]}));
    assert_eq!(
        gates(
            &of(json!({}), json!({"schedulerName": "polypod-scheduler"})),
            &other
        ),
        ours()
    );
    assert_eq!(gates(&of(json!({}), json!({})), &other), Value::Null);
}

#[test]
fn namespaces_are_chosen_by_name_and_label() {
    let policy = gating(
        json!({"namespaces": {"names": ["a"], "selector": {"matchLabels": {"devices": "scarce"}}}}),
    );
    let pod = fixture::read(&plain(requesting("intel.com/qat", json!(1))));
    let mut cluster: Cluster = NetworkIndex::default().into();
    let labels = [("devices".to_owned(), "scarce".to_owned())];
    cluster
        .namespaces
        .insert(fixture::namespace("b"), labels.into());
    for (namespace, wanted) in [("a", true), ("b", true), ("c", false)] {
        let namespace = fixture::namespace(namespace);
        let plan = admit(&pod, &namespace, View::from(&cluster), &policy).unwrap();
        assert_eq!(plan.scheduling_gate, wanted, "{namespace}");
    }
}
