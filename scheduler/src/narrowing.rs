//! How a pod's node affinity is narrowed to the nodes that were chosen for it.
//!
//! Of a pod with a scheduling gate the API server lets the required node affinity be made narrower and in no other way
//! (`validateNodeAffinityMutation` of `pkg/apis/core/validation`): where there is none it may be written; where there are
//! terms, each may get more requirements, none may go, and no term may come. A requirement about the field `metadata.name`
//! has exactly one value, so several nodes are named by one term each, or else by their label `kubernetes.io/hostname`.

use serde_json::{Value, json};

use crate::candidate::{Candidate, HOSTNAME};

/// A narrower node affinity.
#[derive(Clone, Debug, PartialEq)]
pub struct Narrowed {
    /// `nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution`, whole.
    pub required: Value,
    /// The nodes that it leaves, which may be fewer than were chosen.
    pub nodes: Vec<Box<str>>,
}

/// Narrows `affinity`, the `spec.affinity` of a pod as it is written, to the nodes that were `chosen`, the best first.
/// `is_unique` says whether no other node has this label [`HOSTNAME`]. None where no node was chosen.
#[must_use]
pub fn narrow(
    affinity: &Value,
    chosen: &[&Candidate],
    is_unique: impl Fn(&str) -> bool,
) -> Option<Narrowed> {
    let best = *chosen.first()?;
    let required = &affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    let terms = required["nodeSelectorTerms"].as_array();
    let Some(terms) = terms.filter(|terms| !terms.is_empty()) else {
        let names = chosen.iter().map(|node| &node.name);
        let terms: Vec<Value> = names
            .clone()
            .map(|name| json!({"matchFields": [named(name)]}))
            .collect();
        return Some(Narrowed {
            required: json!({ "nodeSelectorTerms": terms }),
            nodes: names.cloned().collect(),
        });
    };
    let labelled: Vec<(&str, &Candidate)> = chosen
        .iter()
        .filter_map(|node| Some((node.hostname()?, *node)))
        .filter(|(hostname, _)| is_unique(hostname))
        .collect();
    // The best node is worth more than several others.
    let by_label = labelled
        .first()
        .is_some_and(|(_, node)| node.name == best.name);
    let (list, requirement, nodes) = if by_label {
        let hostnames: Vec<&str> = labelled.iter().map(|(hostname, _)| *hostname).collect();
        let nodes = labelled.iter().map(|(_, node)| node.name.clone());
        let requirement = json!({"key": HOSTNAME, "operator": "In", "values": hostnames});
        ("matchExpressions", requirement, nodes.collect())
    } else {
        ("matchFields", named(&best.name), vec![best.name.clone()])
    };
    let mut required = required.clone();
    required["nodeSelectorTerms"] = terms
        .iter()
        .map(|term| with(term, list, &requirement))
        .collect();
    Some(Narrowed { required, nodes })
}

/// The term with one more requirement. One without any selects no node and must stay so.
fn with(term: &Value, list: &str, requirement: &Value) -> Value {
    let is_empty = |list: &str| term[list].as_array().is_none_or(Vec::is_empty);
    let mut term = term.clone();
    if is_empty("matchExpressions") && is_empty("matchFields") || !term.is_object() {
        return term;
    }
    let mut requirements = term[list].as_array().cloned().unwrap_or_default();
    requirements.push(requirement.clone());
    term[list] = requirements.into();
    term
}

fn named(node: &str) -> Value {
    json!({"key": "metadata.name", "operator": "In", "values": [node]})
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::affinity::NodeSelector;

    fn node(name: &str, hostname: Option<&str>) -> Candidate {
        let mut labels = json!({"zone": "a"});
        if let Some(hostname) = hostname {
            labels[HOSTNAME] = json!(hostname);
        }
        serde_json::from_value(json!({"metadata": {"name": name, "labels": labels}})).unwrap()
    }

    fn nodes() -> [Candidate; 4] {
        [
            node("n1", Some("h1")),
            node("n2", Some("h2")),
            node("n3", Some("twin")),
            node("n4", None),
        ]
    }

    /// What is left of the four nodes.
    fn selected(narrowed: &Narrowed) -> Vec<String> {
        let selector = NodeSelector::deserialize(&narrowed.required).unwrap();
        let nodes = nodes();
        let selected = nodes.iter().filter(|node| selector.selects(node));
        selected.map(|node| node.name.to_string()).collect()
    }

    fn narrowed(terms: Value, chosen: &[usize]) -> Narrowed {
        let nodes = nodes();
        let chosen: Vec<&Candidate> = chosen.iter().map(|index| &nodes[*index]).collect();
        let affinity = match terms {
            Value::Null => Value::Null,
            terms => {
                json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}})
            }
        };
        narrow(&affinity, &chosen, |hostname| hostname != "twin").unwrap()
    }

    #[test]
    fn without_an_affinity_nodes_are_named() {
        let found = narrowed(Value::Null, &[3, 0, 2]);
        assert_eq!(selected(&found), ["n1", "n3", "n4"]);
        assert_eq!(found.nodes, ["n4".into(), "n1".into(), "n3".into()]);
        names_one(&found.required["nodeSelectorTerms"][0], "n4");
        for affinity in [
            json!({}),
            json!({"podAffinity": {}}),
            json!({"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}),
        ] {
            let nodes = nodes();
            let found = narrow(&affinity, &[&nodes[1]], |_| true).unwrap();
            assert_eq!(selected(&found), ["n2"], "{affinity}");
        }
    }

    fn names_one(term: &Value, name: &str) {
        assert_eq!(
            *term,
            json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": [name]}]})
        );
    }

    #[test]
    fn terms_get_one_more_requirement_each() {
        let zone = json!({"key": "zone", "operator": "In", "values": ["a"]});
        let hosts = json!({"key": HOSTNAME, "operator": "In", "values": ["h2", "h1"]});
        let terms = json!([
            {"matchExpressions": [zone]},
            {"matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["n1"]}]},
            {},
        ]);
        let found = narrowed(terms.clone(), &[1, 0]);
        assert_eq!(
            found.required["nodeSelectorTerms"],
            json!([
                {"matchExpressions": [zone, hosts]},
                {"matchFields": terms[1]["matchFields"], "matchExpressions": [hosts]},
                {},
            ])
        );
        assert_eq!(selected(&found), ["n1", "n2"]);
        assert_eq!(found.nodes, ["n2".into(), "n1".into()]);
    }

    #[test]
    fn labels_that_do_not_tell_nodes_apart_are_not_relied_on() {
        let zone = json!([{"matchExpressions": [{"key": "zone", "operator": "Exists"}]}]);
        // The best one can be named by label: others that cannot are left out.
        let found = narrowed(zone.clone(), &[0, 2, 3, 1]);
        assert_eq!(found.nodes, ["n1".into(), "n2".into()]);
        assert_eq!(selected(&found), ["n1", "n2"]);
        // It cannot: it is the only one.
        for best in [2, 3] {
            let found = narrowed(zone.clone(), &[best, 0, 1]);
            let name = format!("n{}", best + 1);
            assert_eq!(found.nodes, [name.as_str().into()]);
            assert_eq!(selected(&found), [name]);
        }
    }

    #[test]
    fn no_nodes_no_affinity() {
        assert_eq!(narrow(&Value::Null, &[], |_| true), None);
    }
}
