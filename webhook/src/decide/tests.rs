//! Pods whose labels inject networks: what is decided about a pod that selects none by itself.

use serde_json::{Value, json};
use spec::network::NETWORKS;

use super::*;
use crate::{fixture, review};

fn policy() -> Policy {
    serde_json::from_value(json!({"injection": {"userDefined": [
        {"label": "sriov", "annotations": {NETWORKS: "nothing"}},
        {"label": "note", "annotations": {"example.com/note": "x"}},
    ]}}))
    .unwrap()
}

fn decision(
    hook: Hook,
    operation: &str,
    label: &str,
    cluster: Option<&Cluster>,
) -> Result<Decision, Undecided> {
    let pod = json!({
        "metadata": {"name": "web", "labels": {label: "true"}},
        "spec": {"containers": [{"name": "app"}]},
    });
    let old = if operation == "UPDATE" {
        pod.clone()
    } else {
        Value::Null
    };
    let body = fixture::review(operation, &pod, &old).to_string();
    let request = review::parse(body.as_bytes()).unwrap();
    decide(hook, &request, cluster, &policy())
}

#[test]
fn a_label_that_injects_networks_is_a_selection() {
    let cluster = Cluster::default();
    for hook in [Hook::Mutate, Hook::Validate] {
        let denied = decision(hook, "CREATE", "sriov", Some(&cluster)).unwrap();
        assert!(
            matches!(denied, Decision::Denied(_)),
            "{hook:?}: {denied:?}"
        );
        let stored = decision(hook, "UPDATE", "sriov", Some(&cluster)).unwrap();
        assert_eq!(stored, allowed(), "{hook:?}");
        let other = decision(hook, "CREATE", "other", None).unwrap();
        assert_eq!(other, allowed(), "{hook:?}");
    }
    let early = decision(Hook::Mutate, "CREATE", "sriov", None);
    assert!(matches!(early, Err(Undecided::NotSynced)), "{early:?}");
}

#[test]
fn annotations_that_are_not_about_networks_are_injected_too() {
    let cluster = Cluster::default();
    let patched = decision(Hook::Mutate, "CREATE", "note", Some(&cluster)).unwrap();
    let Decision::Patched { patch, .. } = patched else {
        panic!("{patched:?}");
    };
    let wanted =
        json!([{"op": "add", "path": "/metadata/annotations", "value": {"example.com/note": "x"}}]);
    assert_eq!(serde_json::to_value(&patch).unwrap(), wanted);
}
