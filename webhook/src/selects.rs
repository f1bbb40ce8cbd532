//! Whether a pod selects networks at all, or may be given some, read from its annotations and labels alone.
//!
//! Where it does not, that is the whole decision: it takes a third of the time of reading the pod, and holds while the
//! networks are not known yet.

use std::collections::BTreeMap;

use admission::policy::UserDefined;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Annotated<'a> {
    #[serde(default, borrow)]
    metadata: Option<Metadata<'a>>,
}

#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(default)]
    annotations: Option<Annotations>,
    /// Looked into only where labels inject anything.
    #[serde(default, borrow)]
    labels: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Annotations {
    #[serde(default, rename = "k8s.v1.cni.cncf.io/networks")]
    networks: Option<IgnoredAny>,
    #[serde(default, rename = "v1.multus-cni.io/default-network")]
    default_network: Option<IgnoredAny>,
}

/// Whether the pod has one of the two annotations, or a label that `user_defined` gives annotations to. An object that
/// cannot be read may have them.
pub(crate) fn networks(pod: &str, user_defined: &[UserDefined]) -> bool {
    let Ok(pod) = serde_json::from_str::<Annotated<'_>>(pod) else {
        return true;
    };
    let Some(metadata) = pod.metadata else {
        return false;
    };
    let annotations = metadata.annotations;
    annotations.is_some_and(|all| all.networks.is_some() || all.default_network.is_some())
        || metadata
            .labels
            .is_some_and(|labels| are_selected(labels, user_defined))
}

/// Whether a pod has one of the two annotations, or any label, which a policy that is not known yet may give networks to.
pub(crate) fn may_be_given(pod: &str) -> bool {
    let Ok(pod) = serde_json::from_str::<Annotated<'_>>(pod) else {
        return true;
    };
    pod.metadata.is_some_and(|metadata| {
        let annotations = metadata.annotations;
        annotations.is_some_and(|all| all.networks.is_some() || all.default_network.is_some())
            || metadata.labels.is_some_and(|labels| labels.get() != "{}")
    })
}

fn are_selected(labels: &RawValue, user_defined: &[UserDefined]) -> bool {
    if user_defined.is_empty() {
        return false;
    }
    let Ok(labels) = serde_json::from_str::<BTreeMap<String, String>>(labels.get()) else {
        return true;
    };
    let label = |key: &str| labels.get(key).map(String::as_str);
    user_defined.iter().any(|one| one.selects(label))
}

#[cfg(test)]
mod tests {
    use admission::{Cluster, Plan, Policy};
    use serde_json::{Value, json};
    use spec::network::{DEFAULT_NETWORK, NETWORKS};

    use super::*;
    use crate::{
        decide::{Decision, Undecided, decide},
        fixture,
        hook::Hook,
        review,
    };

    #[test]
    fn the_keys_are_the_specifications() {
        for (pod, wanted) in [
            (json!({}), false),
            (json!({"metadata": null}), false),
            (json!({"metadata": {"annotations": null}}), false),
            (json!({"metadata": {"annotations": {"a": "b"}}}), false),
            (json!({"metadata": {"annotations": {NETWORKS: ""}}}), true),
            (
                json!({"metadata": {"annotations": {DEFAULT_NETWORK: "a"}}}),
                true,
            ),
            (json!({"metadata": 5}), true),
        ] {
            assert_eq!(networks(&pod.to_string(), &[]), wanted, "{pod}");
        }
    }

    #[test]
    fn a_label_that_injects_is_seen() {
        let user_defined: Vec<UserDefined> = serde_json::from_value(json!([
            {"label": "a", "annotations": {NETWORKS: "x"}},
            {"label": "example.com/b", "annotations": {"c": "d"}},
        ]))
        .unwrap();
        for (labels, wanted) in [
            (json!({"a": "true"}), true),
            (json!({"example.com/b": "TRUE"}), true),
            (json!({"example.com\u{2f}b": "True", "z": "1"}), true),
            (json!({"a": "false", "b": "true"}), false),
            (json!({}), false),
            (json!(null), false),
            (json!({"a": true}), true),
        ] {
            let pod = json!({"metadata": {"labels": &labels}}).to_string();
            assert_eq!(networks(&pod, &user_defined), wanted, "{pod}");
            assert!(!networks(&pod, &[]), "{pod}");
            let is_labelled = !matches!(labels, Value::Null) && labels != json!({});
            assert_eq!(may_be_given(&pod), is_labelled, "{pod}");
        }
    }

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
            assert_eq!(stored, Decision::Allowed(Plan::default()), "{hook:?}");
            let other = decision(hook, "CREATE", "other", None).unwrap();
            assert_eq!(other, Decision::Allowed(Plan::default()), "{hook:?}");
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
        let wanted = json!([{"op": "add", "path": "/metadata/annotations", "value": {"example.com/note": "x"}}]);
        assert_eq!(serde_json::to_value(&patch).unwrap(), wanted);
    }
}
