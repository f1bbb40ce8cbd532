//! Which nodes a pod's own spec lets it go to: node selector, required node affinity, tolerations.
//!
//! What else kube-scheduler looks at (other pods, volumes, ports) is its business alone: here nothing more is asked than is
//! needed to choose nodes before it does.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::Deserialize;

use crate::{
    affinity::{NodeSelector, null_is_default},
    candidate::Candidate,
    toleration::{Taint, Toleration, UNSCHEDULABLE},
};

/// What a pod's spec says about nodes. Read of `spec`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Spec")]
pub struct Constraints {
    /// Labels that the node must have.
    pub node_selector: BTreeMap<String, String>,
    /// The required part of the node affinity, where there is one.
    pub required: Option<NodeSelector>,
    /// What is tolerated.
    pub tolerations: Vec<Toleration>,
}

/// Why a node is not for the pod whatever is free there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Barrier {
    /// It is cordoned off.
    Unschedulable,
    /// It lacks a label of the node selector.
    NodeSelector,
    /// The node affinity does not select it.
    Affinity,
    /// It has a taint that is not tolerated.
    Taint,
}

impl Constraints {
    /// Whether the pod may go to the node.
    ///
    /// # Errors
    /// It may not, and why.
    pub fn allow(&self, node: &Candidate) -> Result<(), Barrier> {
        if node.is_unschedulable && !self.tolerate(&unschedulable()) {
            return Err(Barrier::Unschedulable);
        }
        let has = |(key, value): (&String, &String)| node.labels.get(key) == Some(value);
        if !self.node_selector.iter().all(has) {
            return Err(Barrier::NodeSelector);
        }
        if self
            .required
            .as_ref()
            .is_some_and(|required| !required.selects(node))
        {
            return Err(Barrier::Affinity);
        }
        let mut taints = node.taints.iter();
        if taints.any(|taint| taint.keeps_away() && !self.tolerate(taint)) {
            return Err(Barrier::Taint);
        }
        Ok(())
    }

    /// The nodes that the spec names, where it lets the pod go to no other, whichever may come.
    #[must_use]
    pub fn named(&self) -> Option<BTreeSet<&str>> {
        let terms = &self.required.as_ref()?.node_selector_terms;
        let mut named = BTreeSet::new();
        for term in terms.iter().filter(|term| !term.is_empty()) {
            named.extend(term.named()?);
        }
        Some(named)
    }

    fn tolerate(&self, taint: &Taint) -> bool {
        self.tolerations
            .iter()
            .any(|toleration| toleration.tolerates(taint))
    }
}

impl fmt::Display for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unschedulable => "cordoned off",
            Self::NodeSelector => "not of the pod's nodeSelector",
            Self::Affinity => "not of the pod's node affinity",
            Self::Taint => "has a taint that the pod does not tolerate",
        })
    }
}

/// `spec.unschedulable` as a taint.
fn unschedulable() -> Taint {
    Taint {
        key: UNSCHEDULABLE.to_owned(),
        value: String::new(),
        effect: "NoSchedule".to_owned(),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(default, deserialize_with = "null_is_default")]
    node_selector: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "null_is_default")]
    affinity: Affinity,
    #[serde(default, deserialize_with = "null_is_default")]
    tolerations: Vec<Toleration>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Affinity {
    #[serde(default, deserialize_with = "null_is_default")]
    node_affinity: NodeAffinity,
}

#[derive(Default, Deserialize)]
struct NodeAffinity {
    #[serde(default, rename = "requiredDuringSchedulingIgnoredDuringExecution")]
    required: Option<NodeSelector>,
}

impl From<Spec> for Constraints {
    fn from(spec: Spec) -> Self {
        Self {
            node_selector: spec.node_selector,
            required: spec.affinity.node_affinity.required,
            tolerations: spec.tolerations,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn allow(spec: &Value, node: &Value) -> Result<(), Barrier> {
        let constraints: Constraints = serde_json::from_value(spec.clone()).unwrap();
        constraints.allow(&serde_json::from_value(node.clone()).unwrap())
    }

    #[test]
    fn table() {
        let node = json!({"metadata": {"name": "n1", "labels": {"a": "x", "zone": "1"}}});
        let with = |spec: Value| {
            let mut node = node.clone();
            node["spec"] = spec;
            node
        };
        let tainted =
            |effect: &str| with(json!({"taints": [{"key": "k", "value": "v", "effect": effect}]}));
        let cordoned = with(json!({"unschedulable": true}));
        let affinity = |terms: Value| json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}});
        let tolerating = |toleration: Value| json!({"tolerations": [toleration]});
        for (spec, node, wanted) in [
            (json!({}), &node, Ok(())),
            (
                json!({"affinity": null, "tolerations": null, "nodeSelector": null}),
                &node,
                Ok(()),
            ),
            (
                json!({"affinity": {"nodeAffinity": null, "podAffinity": {}}}),
                &node,
                Ok(()),
            ),
            (
                json!({"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}}),
                &node,
                Ok(()),
            ),
            (json!({"nodeSelector": {"a": "x"}}), &node, Ok(())),
            (
                json!({"nodeSelector": {"a": "x", "b": ""}}),
                &node,
                Err(Barrier::NodeSelector),
            ),
            (
                json!({"nodeSelector": {"a": "y"}}),
                &node,
                Err(Barrier::NodeSelector),
            ),
            (
                affinity(
                    json!([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}]),
                ),
                &node,
                Ok(()),
            ),
            (
                affinity(
                    json!([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n2"]}]}]),
                ),
                &node,
                Err(Barrier::Affinity),
            ),
            (affinity(json!([])), &node, Err(Barrier::Affinity)),
            (json!({}), &tainted("NoSchedule"), Err(Barrier::Taint)),
            (json!({}), &tainted("NoExecute"), Err(Barrier::Taint)),
            (json!({}), &tainted("PreferNoSchedule"), Ok(())),
            (
                tolerating(json!({"key": "k", "operator": "Exists", "effect": "NoSchedule"})),
                &tainted("NoSchedule"),
                Ok(()),
            ),
            (
                tolerating(json!({"key": "k", "operator": "Exists", "effect": "NoSchedule"})),
                &tainted("NoExecute"),
                Err(Barrier::Taint),
            ),
            (json!({}), &cordoned, Err(Barrier::Unschedulable)),
            (tolerating(json!({"operator": "Exists"})), &cordoned, Ok(())),
            (
                tolerating(
                    json!({"key": UNSCHEDULABLE, "operator": "Exists", "effect": "NoSchedule"}),
                ),
                &cordoned,
                Ok(()),
            ),
            (
                tolerating(
                    json!({"key": UNSCHEDULABLE, "operator": "Exists", "effect": "NoExecute"}),
                ),
                &cordoned,
                Err(Barrier::Unschedulable),
            ),
        ] {
            assert_eq!(allow(&spec, node), wanted, "{spec} {node}");
        }
    }

    #[test]
    fn whom_the_spec_names() {
        let name = |operator: &str, names: &[&str]| json!({"key": "metadata.name", "operator": operator, "values": names});
        let zone = json!({"key": "zone", "operator": "In", "values": ["1"]});
        for (terms, wanted) in [
            (json!(null), None),
            (json!([{"matchExpressions": [zone]}]), None),
            (json!([{"matchFields": [name("NotIn", &["n1"])]}]), None),
            (
                json!([{"matchFields": [name("In", &["n1"])]}]),
                Some(vec!["n1"]),
            ),
            (
                json!([{"matchFields": [name("In", &["n2"])]}, {"matchExpressions": [zone], "matchFields": [name("In", &["n1"])]}, {}]),
                Some(vec!["n1", "n2"]),
            ),
            (
                json!([{"matchFields": [name("In", &["n1"])]}, {"matchExpressions": [zone]}]),
                None,
            ),
        ] {
            let affinity = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}});
            let spec = match terms.is_null() {
                true => json!({"nodeSelector": {"kubernetes.io/hostname": "n1"}}),
                false => json!({"affinity": affinity}),
            };
            let constraints: Constraints = serde_json::from_value(spec).unwrap();
            let named = constraints.named().map(Vec::from_iter);
            assert_eq!(named, wanted, "{terms}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        for spec in [
            json!({"tolerations": {}}),
            json!({"affinity": "zone-a"}),
            json!({"nodeSelector": {"a": 5}}),
        ] {
            assert!(
                serde_json::from_value::<Constraints>(spec.clone()).is_err(),
                "{spec}"
            );
        }
    }
}
