//! What kube-scheduler and an extender say to each other.
//!
//! Source: `k8s.io/kube-scheduler/extender/v1`. The Go types have no JSON tags, so that keys are written as the fields
//! are called and read in any case.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The question of the filter and prioritize verbs.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ExtenderArgs {
    /// The pod to be placed, as the scheduler has it.
    #[serde(alias = "Pod")]
    pub pod: Value,
    /// The candidates as whole objects, when the extender is not cache capable.
    #[serde(alias = "Nodes", default)]
    pub nodes: Option<Value>,
    /// The candidates by name, when it is.
    #[serde(alias = "NodeNames", alias = "nodeNames", alias = "nodenames", default)]
    pub node_names: Option<Vec<String>>,
}

/// The answer of the filter verb.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ExtenderFilterResult {
    /// The nodes that fit, as whole objects, when the extender is not cache capable.
    pub nodes: Option<Value>,
    /// The nodes that fit, by name, when it is.
    pub node_names: Option<Vec<String>>,
    /// Nodes that do not fit now, where taking other pods away might help, with the reason.
    pub failed_nodes: BTreeMap<String, String>,
    /// Nodes that no preemption makes fit, with the reason.
    pub failed_and_unresolvable_nodes: BTreeMap<String, String>,
    /// Why the whole question cannot be answered; empty when it can.
    pub error: String,
}

/// One element of the prioritize verb's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct HostPriority {
    /// The node.
    pub host: String,
    /// From 0 to [`MAX_SCORE`].
    pub score: i64,
}

/// The best score of an extender (`MaxExtenderPriority`).
pub const MAX_SCORE: i64 = 10;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_read_in_either_case_and_written_as_go_has_them() {
        for text in [
            r#"{"Pod":{"metadata":{}},"Nodes":null,"NodeNames":["n1"]}"#,
            r#"{"pod":{"metadata":{}},"nodes":null,"nodenames":["n1"]}"#,
        ] {
            let args: ExtenderArgs = serde_json::from_str(text).unwrap();
            assert_eq!(args.node_names, Some(vec!["n1".to_owned()]));
        }
        let result = ExtenderFilterResult {
            node_names: Some(vec!["n1".to_owned()]),
            failed_nodes: [("n2".to_owned(), "why".to_owned())].into(),
            ..ExtenderFilterResult::default()
        };
        assert_eq!(
            json!(result),
            json!({"Nodes": null, "NodeNames": ["n1"], "FailedNodes": {"n2": "why"}, "FailedAndUnresolvableNodes": {}, "Error": ""})
        );
        assert_eq!(
            json!(HostPriority {
                host: "n1".to_owned(),
                score: 7
            }),
            json!({"Host": "n1", "Score": 7})
        );
    }
}
