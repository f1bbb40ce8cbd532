//! Vectors about pods whose author wants nothing added.

use serde_json::json;
use spec::network::{INJECT, NETWORKS};

use super::*;
use crate::fixture::{patched_by, pod_with, policy, review_by};

#[test]
fn nothing_is_added_and_everything_is_validated() {
    let policy = policy(json!({"injection": {
        "podNetInfo": true,
        "honorExistingResources": true,
        "userDefined": [{"label": "a", "annotations": {NETWORKS: "foo", "x": "y"}}],
    }}));
    let of = |networks: &str| {
        let spec = json!({"containers": [{"name": "c0"}]});
        let mut pod = pod_with(networks, &[(INJECT, "false")], spec);
        pod["metadata"]["labels"] = json!({"a": "true"});
        pod
    };
    let plan = decide_by(&of("foo,eno3"), &policy).unwrap();
    assert!(
        plan.patch(&crate::fixture::read(&of("foo,eno3")))
            .is_empty()
    );
    assert_eq!(
        plan.needs[0].deficit(),
        1,
        "what is missing is known all the same"
    );
    let denials = [
        told(&review_by(&of("foo,eno3"), &policy).unwrap_err()),
        told(&denial_by(&of("fooo"), &policy)),
    ];
    insta::assert_snapshot!(denials.concat());
    let mut with_devices = of("foo");
    with_devices["spec"]["containers"][0]["resources"] =
        json!({"limits": {"example.com/foo": 1}, "requests": {"example.com/foo": 1}});
    assert_eq!(patched_by(&with_devices, &policy).1, [""; 0]);
    let mut without_networks = of("");
    without_networks["metadata"]["annotations"]
        .as_object_mut()
        .unwrap()
        .remove(NETWORKS);
    assert_eq!(patched_by(&without_networks, &policy).1, [""; 0]);
}

#[test]
fn yes_or_no() {
    let of = |text: &str| {
        pod_with(
            "foo",
            &[(INJECT, text)],
            json!({"containers": [{"name": "c0"}]}),
        )
    };
    assert_eq!(gets(&of("true")), ["c0 example.com/foo=1"]);
    insta::assert_snapshot!(told(&denial(&of("no"))));
}
