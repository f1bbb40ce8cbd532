//! Vectors about annotations that pods get by their labels.

use serde_json::json;
use spec::network::{DEFAULT_NETWORK, NETWORKS};

use super::*;
use crate::fixture::{cluster, namespace, patched_by, policy, read, review_by};

fn labelled(labels: Value, annotations: Value) -> Value {
    json!({
        "metadata": {"name": "web", "labels": labels, "annotations": annotations},
        "spec": {"containers": [{"name": "c0"}]},
    })
}

fn injecting() -> Policy {
    policy(json!({"injection": {"userDefined": [
        {"label": "bar", "annotations": {NETWORKS: "bar"}},
        {"label": "foo", "annotations": {NETWORKS: "foo", "example.com/other": "a"}},
        {"label": "def", "annotations": {DEFAULT_NETWORK: "def"}},
        {"label": "only", "annotations": {"example.com/only": "b"}},
        {"label": "gone", "annotations": {NETWORKS: "gone"}},
    ]}}))
}

#[test]
fn vector_53_networks_and_devices_are_of_one_pod() {
    for (name, labels, annotations, gets, wanted) in [
        ("none", json!({}), json!(null), vec![], json!(null)),
        (
            "a label",
            json!({"bar": "true"}),
            json!(null),
            vec!["c0 example.com/bar=1"],
            json!({NETWORKS: "bar"}),
        ),
        (
            "of any case",
            json!({"bar": "TrUe"}),
            json!({}),
            vec!["c0 example.com/bar=1"],
            json!({NETWORKS: "bar"}),
        ),
        (
            "another value",
            json!({"bar": "false"}),
            json!({}),
            vec![],
            json!({}),
        ),
        (
            "another label",
            json!({"baz": "true"}),
            json!({}),
            vec![],
            json!({}),
        ),
        (
            "53",
            json!({"bar": "true"}),
            json!({NETWORKS: "foo"}),
            vec!["c0 example.com/foo=1"],
            json!({NETWORKS: "foo"}),
        ),
        (
            "several",
            json!({"bar": "true", "def": "true"}),
            json!({"x": "y"}),
            vec!["c0 example.com/bar=1", "c0 example.com/system=1"],
            json!({NETWORKS: "bar", DEFAULT_NETWORK: "def", "x": "y"}),
        ),
        (
            "the first holds",
            json!({"bar": "true", "foo": "true"}),
            json!({}),
            vec!["c0 example.com/bar=1"],
            json!({NETWORKS: "bar", "example.com/other": "a"}),
        ),
        (
            "no networks",
            json!({"only": "true"}),
            json!(null),
            vec![],
            json!({"example.com/only": "b"}),
        ),
        (
            "one key of two is there",
            json!({"foo": "true"}),
            json!({NETWORKS: "noannot"}),
            vec![],
            json!({NETWORKS: "noannot", "example.com/other": "a"}),
        ),
    ] {
        let pod = labelled(labels, annotations);
        assert_eq!(gets_by(&pod, &injecting()), gets, "{name}");
        let (object, _) = patched_by(&pod, &injecting());
        assert_eq!(object["metadata"]["annotations"], wanted, "{name}");
    }
}

#[test]
fn labels_that_differ_are_told_of() {
    let pod = labelled(json!({"bar": "true", "foo": "true"}), json!({}));
    insta::assert_snapshot!(warnings_by(&pod, &injecting()).join("\n"));
}

#[test]
fn an_injected_network_that_is_not_there_is_denied() {
    let denial = denial_by(&labelled(json!({"gone": "true"}), json!({})), &injecting());
    insta::assert_snapshot!(told(&denial));
}

#[test]
fn a_final_pod_without_the_networks_of_its_labels_is_denied() {
    let denial = review_by(
        &labelled(json!({"foo": "true"}), json!({"x": "y"})),
        &injecting(),
    )
    .unwrap_err();
    insta::assert_snapshot!(told(&denial));
    let other = labelled(json!({"only": "true"}), json!({}));
    assert!(
        review_by(&other, &injecting()).is_ok(),
        "only networks are worth a denial"
    );
}

#[test]
fn a_stored_pod_is_given_nothing() {
    let (old, new) = (
        labelled(json!({}), json!({})),
        labelled(json!({"foo": "true"}), json!({NETWORKS: "noannot"})),
    );
    let plan = crate::review_update(
        &read(&old),
        &read(&new),
        &namespace("default"),
        &cluster(),
        &injecting(),
    )
    .unwrap();
    assert!(plan.annotations.is_empty() && plan.warnings.is_empty());
}
