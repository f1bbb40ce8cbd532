//! Vectors about the nodes that networks can be had on.

use serde_json::json;

use super::*;
use crate::{
    fixture::{cluster, namespace, patched_by, pod, pod_with, policy, read, review_by},
    review_update,
};

fn with_selector(networks: &str, selector: Value) -> Value {
    let mut pod = pod_with(networks, &[], json!({"containers": [{"name": "c0"}]}));
    pod["spec"]["nodeSelector"] = selector;
    pod
}

#[test]
fn vectors_49_and_52_labels_are_added_and_nothing_else() {
    let whole = |labels: Value| {
        vec![json!({"op": "add", "path": "/spec/nodeSelector", "value": labels}).to_string()]
    };
    let single = |key: &str, value: &str| {
        let path = format!("/spec/nodeSelector/{key}");
        json!({"op": "add", "path": path, "value": value}).to_string()
    };
    for (number, networks, selector, wanted) in [
        ("49", "eno3", json!(null), whole(json!({"master": "eno3"}))),
        (
            "49 twice",
            "eno3,eno3,eno3b",
            json!(null),
            whole(json!({"gpu": "", "master": "eno3"})),
        ),
        (
            "49 beside others",
            "eno3b",
            json!({"a": "b"}),
            vec![single("gpu", ""), single("master", "eno3")],
        ),
        (
            "49 in an empty one",
            "eno3",
            json!({}),
            vec![single("master", "eno3")],
        ),
        (
            "49 there already",
            "eno3",
            json!({"master": "eno3"}),
            vec![],
        ),
        (
            "49 partly there",
            "eno3b",
            json!({"master": "eno3"}),
            vec![single("gpu", "")],
        ),
        (
            "52 a key alone",
            "gpu",
            json!(null),
            whole(json!({"gpu": ""})),
        ),
        (
            "52 two labels",
            "labels",
            json!({}),
            vec![single("a", "b"), single("example.com~1c", "d")],
        ),
        ("none", "noannot", json!({"a": "b"}), vec![]),
    ] {
        let (_, operations) = patched_by(&with_selector(networks, selector), &Policy::default());
        let sorted = |texts: Vec<String>| -> Vec<Value> {
            texts
                .iter()
                .map(|text| serde_json::from_str(text).unwrap())
                .collect()
        };
        assert_eq!(sorted(operations), sorted(wanted), "{number}");
    }
}

#[test]
fn vectors_50_and_51_conflicts_are_denied_naming_both_sides() {
    let denials: Vec<String> = [
        ("eno3,eno4", json!(null)),
        ("eno3", json!({"master": "mine"})),
        ("eno3,eno4", json!({"master": "eno4"})),
        ("labelbad,labelbad", json!(null)),
    ]
    .into_iter()
    .map(|(networks, selector)| told(&denial(&with_selector(networks, selector))))
    .collect();
    insta::assert_snapshot!(denials.concat());
}

#[test]
fn a_relaxed_conflict_keeps_the_pods_own_value_and_the_first_networks() {
    let policy = policy(json!({"modes": [{"rules": ["node-selector-conflict"], "mode": "warn"}]}));
    let (object, _) = patched_by(&with_selector("eno3,eno4", json!(null)), &policy);
    assert_eq!(
        object["spec"]["nodeSelector"],
        json!({"master": "eno3"}),
        "50"
    );
    let (object, _) = patched_by(&with_selector("eno3b", json!({"master": "mine"})), &policy);
    assert_eq!(
        object["spec"]["nodeSelector"],
        json!({"gpu": "", "master": "mine"}),
        "51"
    );
    let warnings = warnings_by(&with_selector("eno3", json!({"master": "mine"})), &policy);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
}

#[test]
fn a_final_pod_without_the_labels_is_denied() {
    let denial = review_by(&pod(Some("eno3b"), None), &Policy::default()).unwrap_err();
    insta::assert_snapshot!(told(&denial));
}

#[test]
fn a_stored_pod_may_be_on_such_a_node_already() {
    let (old, new) = (read(&pod(None, None)), read(&pod(Some("gpu"), None)));
    let plan = review_update(
        &old,
        &new,
        &namespace("default"),
        &cluster(),
        &Policy::default(),
    )
    .unwrap();
    let warnings: Vec<&str> = plan.warnings.iter().map(crate::Warning::as_str).collect();
    assert_eq!(
        warnings,
        ["network default/gpu needs a node with gpu=, which the pod does not ask for"]
    );
}

#[test]
fn what_a_pod_says_is_told_on_one_line() {
    let denial = review_by(
        &with_selector("eno3", json!({"master": "a\u{85}\nb"})),
        &Policy::default(),
    )
    .unwrap_err();
    let messages = denial.causes().map(|cause| cause.message);
    for text in messages.chain([denial.to_string()]) {
        assert!(
            text.contains("a  b") && !text.contains(char::is_control),
            "{text:?}"
        );
    }
}
