//! What the agent of a node says of itself, as it stands in its NodeInventory.

use std::{collections::BTreeMap, time::SystemTime};

use api::node_inventory::NodeInventoryStatus;
use serde::Deserialize as _;
use serde_json::Value;

use super::{
    finding::Issue,
    several::{counted, named},
};
use crate::output::instant;

/// An agent, by its NodeInventory.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Agent {
    /// The node.
    pub(super) node: String,
    /// When it last asked the kubelet and said what it heard.
    pub(super) observed_at: Option<SystemTime>,
    /// How it is; nothing where it does not say, or not so that it can be read.
    pub(super) status: Option<NodeInventoryStatus>,
}

impl Agent {
    /// Of a NodeInventory; of one without a name nothing.
    pub(super) fn of(inventory: &Value) -> Option<Self> {
        let node = inventory.pointer("/metadata/name")?.as_str()?.to_owned();
        let observed_at = inventory["observedAt"].as_str().and_then(instant);
        let status = inventory.get("status");
        let status = status.and_then(|status| NodeInventoryStatus::deserialize(status).ok());
        Some(Self {
            node,
            observed_at,
            status,
        })
    }
}

/// What agents say by a condition: of those of whom it is not true, the nodes by reason, and one message of each reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// How many say it is true.
    pub(super) good: usize,
    /// How many have no such condition.
    pub(super) silent: Vec<String>,
    /// Nodes where it is not true, by status and reason, with the first message.
    pub(super) bad: BTreeMap<(String, String), (Vec<String>, String)>,
}

impl Said {
    /// By the condition of this type.
    pub(super) fn by(agents: &[Agent], condition: &str) -> Self {
        let mut said = Self::default();
        for Agent { node, status, .. } in agents {
            let found = status
                .as_ref()
                .and_then(|status| status.condition(condition));
            match found {
                None => said.silent.push(node.clone()),
                Some(found) if found.status == "True" => said.good += 1,
                Some(found) => {
                    let key = (found.status.clone(), found.reason.clone());
                    let of_reason = said.bad.entry(key);
                    let of_reason =
                        of_reason.or_insert_with(|| (Vec::new(), found.message.clone()));
                    of_reason.0.push(node.clone());
                }
            }
        }
        said
    }

    /// What is wrong, reason by reason: `problem` words a reason and its message, `remedy` mends the reason. What is neither
    /// true nor false was not looked at yet.
    pub(super) fn issues<R: Into<String>>(
        &self,
        problem: impl Fn(&str, &str) -> String,
        remedy: impl Fn(&str) -> R,
    ) -> impl Iterator<Item = Issue> {
        self.bad
            .iter()
            .map(move |((status, reason), (names, message))| {
                let nodes = format!("{}: {}", counted(names.len(), "node"), named(names));
                if status != "False" {
                    let text = format!("not looked at yet on {nodes}");
                    return Issue::unknown(text, "wait for a minute, and look again");
                }
                let text = format!("{} on {nodes}", problem(reason, message));
                Issue::fail(text, remedy(reason))
            })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    /// An agent with conditions of type, status, reason and message, as its NodeInventory says it.
    pub(in super::super) fn agent(node: &str, conditions: &[[&str; 4]]) -> Agent {
        let conditions = conditions.iter().map(|[kind, status, reason, message]| {
            json!({"type": kind, "status": status, "reason": reason, "message": message,
                "lastTransitionTime": "2026-01-01T00:00:00Z"})
        });
        let conditions: Vec<Value> = conditions.collect();
        Agent::of(&json!({"metadata": {"name": node}, "observedAt": "2026-01-01T00:00:00.000000Z",
            "status": {"conditions": conditions, "agentVersion": "0.1.0", "pluginVersion": "0.1.0"}}))
        .unwrap()
    }

    #[test]
    fn what_cannot_be_read_is_nothing_and_hides_nothing() {
        assert_eq!(Agent::of(&json!({"metadata": {}})), None);
        let read = Agent::of(
            &json!({"metadata": {"name": "n"}, "observedAt": 5, "status": {"conditions": 5}}),
        );
        let read = read.unwrap();
        assert_eq!((read.observed_at, read.status), (None, None));
    }

    #[test]
    fn nodes_are_grouped_by_reason() {
        let agents = [
            agent("a", &[["Ready", "True", "Ready", ""]]),
            agent("b", &[["Ready", "False", "NoAnswer", "first"]]),
            agent("c", &[["Ready", "False", "NoAnswer", "second"]]),
            agent("d", &[["Ready", "Unknown", "NotAskedYet", ""]]),
            agent("e", &[]),
        ];
        let said = Said::by(&agents, "Ready");
        assert_eq!((said.good, said.silent), (1, vec!["e".to_owned()]));
        let of =
            |status: &str, reason: &str| said.bad[&(status.to_owned(), reason.to_owned())].clone();
        assert_eq!(
            of("False", "NoAnswer"),
            (vec!["b".into(), "c".into()], "first".into())
        );
        assert_eq!(of("Unknown", "NotAskedYet").0, ["d"]);
    }
}
