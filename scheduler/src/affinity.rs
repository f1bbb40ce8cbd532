//! Which nodes a pod's node affinity selects, as kube-scheduler and the kubelet decide it.
//!
//! Source: `k8s.io/component-helpers/scheduling/corev1/nodeaffinity` and `apimachinery/pkg/labels`.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::candidate::Candidate;

/// The one field of a node that can be selected by.
const NAME: &str = "metadata.name";

/// `requiredDuringSchedulingIgnoredDuringExecution` of a node affinity: a node that any of the terms selects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeSelector {
    /// The terms.
    #[serde(default, deserialize_with = "null_is_default")]
    pub node_selector_terms: Vec<Term>,
}

/// A term: a node that all of its requirements select. One without any selects no node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Term {
    /// About labels.
    #[serde(default, deserialize_with = "null_is_default")]
    pub match_expressions: Vec<Requirement>,
    /// About fields.
    #[serde(default, deserialize_with = "null_is_default")]
    pub match_fields: Vec<Requirement>,
}

/// A requirement of a term.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Requirement {
    /// The label or field.
    pub key: String,
    /// How its value is compared.
    pub operator: Operator,
    /// With what.
    #[serde(default, deserialize_with = "null_is_default")]
    pub values: Vec<String>,
}

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Operator {
    /// There, and one of the values.
    In,
    /// Not there, or none of the values.
    NotIn,
    /// There.
    Exists,
    /// Not there.
    DoesNotExist,
    /// There, and a greater whole number.
    Gt,
    /// There, and a smaller whole number.
    Lt,
    /// One of a newer Kubernetes: nobody can say whom it selects, so it selects no node.
    #[serde(other)]
    Unknown,
}

impl NodeSelector {
    /// Whether the node is selected.
    #[must_use]
    pub fn selects(&self, node: &Candidate) -> bool {
        self.node_selector_terms
            .iter()
            .any(|term| term.selects(node))
    }
}

impl Term {
    /// Whether it has no requirement, and so selects no node.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.match_expressions.is_empty() && self.match_fields.is_empty()
    }

    /// Whether the node is selected. A term with a requirement that cannot be selects no node at all.
    #[must_use]
    pub fn selects(&self, node: &Candidate) -> bool {
        !self.is_empty()
            && self.match_expressions.iter().all(Requirement::can_be)
            && self
                .match_expressions
                .iter()
                .all(|requirement| requirement.is_met(&node.labels))
            && self
                .match_fields
                .iter()
                .all(|requirement| requirement.is_met_by_field(node))
    }
}

impl Term {
    /// The nodes that it names, where it selects no other.
    #[must_use]
    pub fn named(&self) -> Option<impl Iterator<Item = &str>> {
        let mut fields = self.match_fields.iter();
        let names = fields.find(|field| field.key == NAME && field.operator == Operator::In)?;
        Some(names.values.iter().map(String::as_str))
    }
}

impl Requirement {
    /// Whether it has as many values as its operator wants.
    fn can_be(&self) -> bool {
        match self.operator {
            Operator::In | Operator::NotIn => !self.values.is_empty(),
            Operator::Exists | Operator::DoesNotExist => self.values.is_empty(),
            Operator::Gt | Operator::Lt => self.bound().is_some(),
            Operator::Unknown => false,
        }
    }

    fn is_met(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.key);
        let number = || value.and_then(|value| integer(value));
        match self.operator {
            Operator::In => value.is_some_and(|value| self.values.contains(value)),
            Operator::NotIn => value.is_none_or(|value| !self.values.contains(value)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::Gt => number().zip(self.bound()).is_some_and(|(is, of)| is > of),
            Operator::Lt => number().zip(self.bound()).is_some_and(|(is, of)| is < of),
            Operator::Unknown => false,
        }
    }

    /// A field is compared with exactly one value, and one that nodes do not have is empty.
    fn is_met_by_field(&self, node: &Candidate) -> bool {
        let [value] = &self.values[..] else {
            return false;
        };
        let field = if self.key == NAME { &*node.name } else { "" };
        match self.operator {
            Operator::In => field == value,
            Operator::NotIn => field != value,
            Operator::Exists
            | Operator::DoesNotExist
            | Operator::Gt
            | Operator::Lt
            | Operator::Unknown => false,
        }
    }

    fn bound(&self) -> Option<i64> {
        match &self.values[..] {
            [value] => integer(value),
            _ => None,
        }
    }
}

/// A whole number as Go's `ParseInt` reads it, in base ten.
fn integer(text: &str) -> Option<i64> {
    text.parse().ok()
}

pub(crate) fn null_is_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    from: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn selects(terms: &Value, node: &Value) -> bool {
        let selector: NodeSelector =
            serde_json::from_value(json!({"nodeSelectorTerms": terms})).unwrap();
        selector.selects(&serde_json::from_value(node.clone()).unwrap())
    }

    /// What a requirement about the label `a` says of nodes where it is absent, `x`, `5` and `-3`.
    #[test]
    fn operators() {
        let nodes = [
            json!({}),
            json!({"a": "x"}),
            json!({"a": "5"}),
            json!({"a": "-3"}),
        ];
        for (operator, values, wanted) in [
            ("In", json!(["x", "y"]), "-x--"),
            ("In", json!(["y"]), "----"),
            ("NotIn", json!(["x", "y"]), "0-5n"),
            ("Exists", json!([]), "-x5n"),
            ("Exists", json!(null), "-x5n"),
            ("DoesNotExist", json!([]), "0---"),
            ("Gt", json!(["4"]), "--5-"),
            ("Gt", json!(["5"]), "----"),
            ("Gt", json!(["-4"]), "--5n"),
            ("Lt", json!(["5"]), "---n"),
            ("Lt", json!(["6"]), "--5n"),
            // What the API server would not take selects no node, and neither does what we do not know.
            ("In", json!([]), "----"),
            ("NotIn", json!([]), "----"),
            ("Exists", json!(["x"]), "----"),
            ("DoesNotExist", json!(["x"]), "----"),
            ("Gt", json!(["4", "5"]), "----"),
            ("Gt", json!(["four"]), "----"),
            ("Lt", json!([]), "----"),
            ("Matches", json!(["x"]), "----"),
        ] {
            let terms = json!([{"matchExpressions": [{"key": "a", "operator": operator, "values": values}]}]);
            let found: String = nodes
                .iter()
                .zip("0x5n".chars())
                .map(|(labels, sign)| {
                    let node = json!({"metadata": {"name": "n", "labels": labels}});
                    if selects(&terms, &node) { sign } else { '-' }
                })
                .collect();
            assert_eq!(found, wanted, "{operator} {values}");
        }
    }

    #[test]
    fn fields() {
        let node = json!({"metadata": {"name": "n1"}});
        for (key, operator, values, wanted) in [
            (NAME, "In", json!(["n1"]), true),
            (NAME, "In", json!(["n2"]), false),
            (NAME, "In", json!(["n1", "n2"]), false),
            (NAME, "NotIn", json!(["n2"]), true),
            (NAME, "NotIn", json!(["n1"]), false),
            (NAME, "Exists", json!([]), false),
            (NAME, "Gt", json!(["1"]), false),
            ("spec.unschedulable", "In", json!(["false"]), false),
            ("spec.unschedulable", "NotIn", json!(["false"]), true),
        ] {
            let terms =
                json!([{"matchFields": [{"key": key, "operator": operator, "values": values}]}]);
            assert_eq!(selects(&terms, &node), wanted, "{key} {operator} {values}");
        }
    }

    #[test]
    fn terms_are_alternatives_and_requirements_are_not() {
        let node = json!({"metadata": {"name": "n1", "labels": {"a": "x", "b": "y"}}});
        let a = |value: &str| json!({"key": "a", "operator": "In", "values": [value]});
        let b = |value: &str| json!({"key": "b", "operator": "In", "values": [value]});
        let named = |name: &str| json!([{"key": NAME, "operator": "In", "values": [name]}]);
        for (terms, wanted) in [
            (json!([]), false),
            (json!(null), false),
            (json!([{}]), false),
            (
                json!([{"matchExpressions": [], "matchFields": null}]),
                false,
            ),
            (json!([{"matchExpressions": [a("x"), b("y")]}]), true),
            (json!([{"matchExpressions": [a("x"), b("n")]}]), false),
            (
                json!([{"matchExpressions": [a("n")]}, {"matchExpressions": [b("y")]}]),
                true,
            ),
            (json!([{}, {"matchExpressions": [b("y")]}]), true),
            (
                json!([{"matchExpressions": [a("x")], "matchFields": named("n1")}]),
                true,
            ),
            (
                json!([{"matchExpressions": [a("x")], "matchFields": named("n2")}]),
                false,
            ),
            // One that cannot be spoils its own term alone.
            (
                json!([{"matchExpressions": [a("x"), {"key": "b", "operator": "New"}]}]),
                false,
            ),
            (
                json!([{"matchExpressions": [{"key": "b", "operator": "New"}]}, {"matchExpressions": [a("x")]}]),
                true,
            ),
        ] {
            assert_eq!(selects(&terms, &node), wanted, "{terms}");
        }
    }
}
