//! Vectors about devices that containers request for themselves.

use serde_json::json;
use spec::network::RESERVE;

use super::*;
use crate::fixture::{patched_by, pod_with, policy, review_by};

fn spec(counts: &[u8]) -> Value {
    let containers: Vec<Value> = counts
        .iter()
        .enumerate()
        .map(|(at, count)| {
            let quantities = json!({"example.com/foo": count.to_string()});
            json!({"name": format!("c{at}"), "resources": {"limits": quantities, "requests": quantities}})
        })
        .collect();
    json!({"containers": containers})
}

#[test]
fn reserved_devices_are_not_the_networks() {
    for (networks, reserve, counts, wanted) in [
        (
            "foo",
            "example.com/foo=1",
            vec![1],
            vec!["c0 example.com/foo=2"],
        ),
        ("foo", "example.com/foo=1", vec![2], vec![]),
        (
            "foo,foo2",
            " example.com/foo = 1 , example.com/bar=5",
            vec![0, 2],
            vec!["c0 example.com/foo=1"],
        ),
        (
            "foo",
            "example.com/foo=2",
            vec![0, 0],
            vec!["c0 example.com/foo=3"],
        ),
        ("foo", "example.com/bar=1", vec![1], vec![]),
        ("foo", "", vec![1], vec![]),
    ] {
        let pod = pod_with(networks, &[(RESERVE, reserve)], spec(&counts));
        assert_eq!(gets(&pod), wanted, "{reserve}");
        patched_by(&pod, &Policy::default());
    }
}

#[test]
fn reserved_devices_leave_the_target_what_it_lacks() {
    let annotations = [
        (RESERVE, "example.com/foo=1"),
        (spec::network::CONTAINER, "foo=c1,foo2=c0"),
    ];
    for (counts, wanted) in [
        ([1, 0], vec!["c0 example.com/foo=2", "c1 example.com/foo=1"]),
        ([0, 1], vec!["c0 example.com/foo=1", "c1 example.com/foo=2"]),
        ([0, 0], vec!["c0 example.com/foo=1", "c1 example.com/foo=2"]),
    ] {
        let pod = pod_with("foo,foo2", &annotations, spec(&counts));
        assert_eq!(gets(&pod), wanted, "{counts:?}");
    }
}

#[test]
fn vectors_28_and_29_what_is_held_at_first_sight_is_written_down() {
    let honor = policy(json!({"injection": {"honorExistingResources": true}}));
    for (counts, annotation, gets) in [
        ([0, 9], "example.com/foo=9", vec!["c0 example.com/foo=1"]),
        ([1, 0], "example.com/foo=1", vec!["c0 example.com/foo=2"]),
        ([0, 0], "example.com/foo=0", vec!["c0 example.com/foo=1"]),
    ] {
        let pod = pod_with("foo", &[], spec(&counts));
        assert_eq!(gets_by(&pod, &honor), gets);
        let (object, _) = patched_by(&pod, &honor);
        assert_eq!(object["metadata"]["annotations"][RESERVE], annotation);
    }
    let written = pod_with("foo", &[(RESERVE, "example.com/foo=0")], spec(&[1]));
    assert_eq!(
        patched_by(&written, &honor).1,
        [""; 0],
        "the author's word holds"
    );
    let plain = pod_with("noannot", &[], spec(&[1]));
    assert_eq!(
        patched_by(&plain, &honor).1,
        [""; 0],
        "no network needs a device"
    );
}

#[test]
fn the_final_pod_is_judged_by_the_same_arithmetic() {
    let honor = policy(json!({"injection": {"honorExistingResources": true}}));
    let short = pod_with("foo,foo2", &[(RESERVE, "example.com/foo=1")], spec(&[2]));
    let unseen = pod_with("foo", &[], spec(&[1]));
    let denials = [
        told(&review_by(&short, &Policy::default()).unwrap_err()),
        told(&review_by(&unseen, &honor).unwrap_err()),
    ];
    insta::assert_snapshot!(denials.concat());
}

#[test]
fn what_cannot_be_read_is_denied() {
    let pod = pod_with("foo", &[(RESERVE, "example.com/foo=one")], spec(&[1]));
    insta::assert_snapshot!(told(&denial(&pod)));
}
