//! Vectors about networks that ask for several resources.

use serde_json::json;

use super::*;
use crate::fixture::{BRIDGE_NAME, patched_by, pod, policy};

#[test]
fn vector_43_each_named_annotation_asks_for_a_device() {
    let standard = "k8s.v1.cni.cncf.io/resourceName";
    for (keys, networks, wanted) in [
        (
            vec![standard, BRIDGE_NAME],
            "twokeys",
            vec!["c0 example.com/foo=1", "c0 ovs/br1=1"],
        ),
        (
            vec![standard, BRIDGE_NAME],
            "twokeys,foo,twokeys",
            vec!["c0 example.com/foo=3", "c0 ovs/br1=2"],
        ),
        (
            vec![BRIDGE_NAME],
            "twokeys,foo",
            vec!["c0 example.com/foo=2", "c0 ovs/br1=1"],
        ),
        (
            vec![standard],
            "twokeys,keybad",
            vec!["c0 example.com/foo=1"],
        ),
        (
            vec![BRIDGE_NAME, BRIDGE_NAME],
            "twokeys",
            vec!["c0 example.com/foo=1", "c0 ovs/br1=1"],
        ),
    ] {
        let policy = policy(json!({"injection": {"resourceNameKeys": keys}}));
        let pod = pod(Some(networks), None);
        assert_eq!(gets_by(&pod, &policy), wanted, "{keys:?} {networks}");
        patched_by(&pod, &policy);
    }
}

#[test]
fn vectors_39_to_41_of_another_annotation() {
    let policy = policy(json!({"injection": {"resourceNameKeys": [BRIDGE_NAME]}}));
    let denials: Vec<String> = ["keybad", "keyempty"]
        .iter()
        .map(|network| told(&denial_by(&pod(Some(network), None), &policy)))
        .collect();
    insta::assert_snapshot!(denials.concat());
}
