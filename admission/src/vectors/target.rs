//! Vectors about the containers that a pod's author names.

use serde_json::json;
use spec::network::CONTAINER;

use super::*;
use crate::fixture::{patched_by, pod_with};

/// Two app containers, a sidecar and an ordinary init container, which has devices.
fn spec() -> Value {
    let foo = |count: u8| json!({"limits": {"example.com/foo": count}, "requests": {"example.com/foo": count}});
    json!({
        "containers": [{"name": "c0"}, {"name": "c1"}],
        "initContainers": [
            {"name": "s0", "restartPolicy": "Always"},
            {"name": "i0", "resources": foo(4)},
        ],
    })
}

#[test]
fn vector_32_the_named_container_gets_the_devices() {
    for (networks, container, wanted) in [
        ("foo", "c1", vec!["c1 example.com/foo=1"]),
        ("foo", " s0 ", vec!["s0 example.com/foo=1"]),
        ("foo", "", vec!["c0 example.com/foo=1"]),
        (
            "foo,bar",
            "bar=c1",
            vec!["c1 example.com/bar=1", "c0 example.com/foo=1"],
        ),
        (
            "foo,bar,foo2",
            "c1, default/bar = s0, foo2=c0",
            vec![
                "s0 example.com/bar=1",
                "c0 example.com/foo=1",
                "c1 example.com/foo=1",
            ],
        ),
        (
            "foo,foo,foo2",
            "foo=c1",
            vec!["c0 example.com/foo=1", "c1 example.com/foo=2"],
        ),
        (
            "ns1/foo,foo",
            "ns1/foo=c1",
            vec!["c0 example.com/foo=1", "c1 example.com/nsfoo=1"],
        ),
        ("noannot", "c1", vec![]),
    ] {
        let pod = pod_with(networks, &[(CONTAINER, container)], spec());
        assert_eq!(gets(&pod), wanted, "{container}");
        patched_by(&pod, &Policy::default());
    }
}

#[test]
fn what_containers_hold_is_counted_for_their_networks_first() {
    let held = |c0: u8, c1: u8| {
        let resources = |count: u8| json!({"limits": {"example.com/foo": count}, "requests": {"example.com/foo": count}});
        json!({"containers": [
            {"name": "c0", "resources": resources(c0)},
            {"name": "c1", "resources": resources(c1)},
        ]})
    };
    for (c0, c1, wanted) in [
        (0, 0, vec!["c0 example.com/foo=1", "c1 example.com/foo=2"]),
        (1, 0, vec!["c1 example.com/foo=2"]),
        (0, 1, vec!["c0 example.com/foo=1", "c1 example.com/foo=2"]),
        // Two are missing of one resource in one container, but the pod as a whole lacks one.
        (2, 0, vec!["c1 example.com/foo=1"]),
        (0, 3, vec![]),
        (3, 0, vec![]),
    ] {
        let pod = pod_with(
            "foo,foo2,foo2",
            &[(CONTAINER, "foo=c0,foo2=c1")],
            held(c0, c1),
        );
        assert_eq!(gets(&pod), wanted, "{c0} {c1}");
        patched_by(&pod, &Policy::default());
    }
}

#[test]
fn vector_33_what_cannot_be_carried_out_is_denied() {
    let long = "x".repeat(500);
    let denials: Vec<String> = [
        "c2",
        "i0",
        "C0",
        "foo=c2",
        "fooo=c1",
        "ns1/foo=c1",
        "c0,c1",
        "foo=c0,foo=c1",
        "c0,",
        ",",
        "foo=",
        "=c0",
        "a/b/c=c0",
        "foo=c0=c1",
        &long,
    ]
    .iter()
    .map(|text| {
        let pod = pod_with("foo,bar", &[(CONTAINER, text)], spec());
        told(&denial(&pod))
    })
    .collect();
    insta::assert_snapshot!(denials.concat());
}

#[test]
fn vector_38_a_pod_without_containers_is_the_api_servers_to_refuse() {
    let pod = pod_with("foo,eno3", &[(CONTAINER, "c0")], json!({}));
    assert_eq!(patched_by(&pod, &Policy::default()).1, [""; 0]);
}

#[test]
fn a_relaxed_rule_leaves_the_default_container() {
    let policy =
        crate::fixture::policy(json!({"modes": [{"rules": ["target-container"], "mode": "warn"}]}));
    let pod = pod_with("foo", &[(CONTAINER, "c2")], spec());
    assert_eq!(gets_by(&pod, &policy), ["c0 example.com/foo=1"]);
    insta::assert_snapshot!(warnings_by(&pod, &policy).join("\n"));
}
