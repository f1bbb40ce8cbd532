//! What has changed from one document to the next, a node at a time.

use serde::Serialize;

use super::document::{Document, Network, Node, Pod};

/// What makes one document out of another. What is not there has not changed.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Delta<'a> {
    /// Nodes that are new or changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    nodes: Vec<&'a Node>,
    /// The names of nodes that are gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gone: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    networks: Option<&'a [Network]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<&'a [Pod]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unseen: Option<&'a [String]>,
}

impl<'a> Delta<'a> {
    /// The way from one document to another. Both have their nodes in the order of their names.
    pub(super) fn between(before: &'a Document, after: &'a Document) -> Self {
        let find = |within: &'a Document, name: &str| {
            let found = within
                .nodes
                .binary_search_by(|node| node.name.as_str().cmp(name));
            found.ok().and_then(|at| within.nodes.get(at))
        };
        let after_nodes = after.nodes.iter();
        let before_nodes = before.nodes.iter();
        Self {
            nodes: after_nodes
                .filter(|node| find(before, &node.name) != Some(*node))
                .collect(),
            gone: before_nodes
                .filter(|node| find(after, &node.name).is_none())
                .map(|node| node.name.as_str())
                .collect(),
            networks: changed(&before.networks, &after.networks),
            waiting: changed(&before.waiting, &after.waiting),
            unseen: changed(&before.unseen, &after.unseen),
        }
    }
}

fn changed<'a, T: PartialEq>(before: &[T], after: &'a [T]) -> Option<&'a [T]> {
    (before != after).then_some(after)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(nodes: &[(&str, usize)]) -> Document {
        let node = |&(name, other_pods): &(&str, usize)| Node {
            name: name.to_owned(),
            other_pods,
            ..Node::default()
        };
        Document {
            nodes: nodes.iter().map(node).collect(),
            ..Document::default()
        }
    }

    #[test]
    fn only_what_changed_is_told() {
        let before = document(&[("a", 1), ("b", 1), ("c", 1)]);
        let mut after = document(&[("b", 2), ("c", 1), ("d", 1)]);
        let told = json!(Delta::between(&before, &after));
        let names: Vec<_> = told["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|node| node["name"].as_str().unwrap())
            .collect();
        assert_eq!((names, &told["gone"]), (vec!["b", "d"], &json!(["a"])));
        assert_eq!(told.get("networks"), None);
        assert_eq!(json!(Delta::between(&after, &after)), json!({}));
        after.unseen.push("Pods".to_owned());
        let before = document(&[("b", 2), ("c", 1), ("d", 1)]);
        assert_eq!(
            json!(Delta::between(&before, &after)),
            json!({"unseen": ["Pods"]})
        );
    }
}
