//! How a node's device-bridge is, by its own account: the status of a NodeInventory.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde::{Deserialize, Serialize};

/// The condition that is the sum of the others.
pub const READY: &str = "Ready";

/// The condition that plugins are answered.
pub const SERVING: &str = "Serving";

/// The condition that runtimes take our configuration, and that it is true. Missing where the agent installs none.
pub const CONFIGURATION_INSTALLED: &str = "ConfigurationInstalled";

/// The condition that the kubelet says which devices there are and who holds them.
pub const KUBELET_ANSWERS: &str = "KubeletAnswers";

/// How the agent is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeInventoryStatus {
    /// Each by its type. `observedGeneration` is not set: the generation counts reports, of which conditions say nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The version of the device-bridge that says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_version: Option<String>,
    /// The version of the plugin that is installed, where the agent installs it and it says one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin_version: Option<String>,
    /// The name of the file that container runtimes take, where the agent installs one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_configuration: Option<String>,
}

impl NodeInventoryStatus {
    /// The condition of this type.
    #[must_use]
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions
            .iter()
            .find(|condition| condition.type_ == kind)
    }

    /// The same, where a condition whose status was the same before has the time that it had then.
    #[must_use]
    pub fn keeping_times_of(mut self, before: &Self) -> Self {
        for condition in &mut self.conditions {
            if let Some(known) = before.condition(&condition.type_)
                && known.status == condition.status
            {
                condition.last_transition_time = known.last_transition_time.clone();
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};

    use super::*;

    fn status(conditions: &[(&str, &str, i64)]) -> NodeInventoryStatus {
        let conditions = conditions.iter().map(|(kind, status, second)| Condition {
            type_: (*kind).to_owned(),
            status: (*status).to_owned(),
            reason: format!("Of{second}"),
            message: String::new(),
            observed_generation: None,
            last_transition_time: Time(Timestamp::from_second(*second).unwrap()),
        });
        NodeInventoryStatus {
            conditions: conditions.collect(),
            ..NodeInventoryStatus::default()
        }
    }

    #[test]
    fn a_time_is_kept_as_long_as_the_status_stays() {
        let before = status(&[(READY, "True", 1), (SERVING, "True", 2), ("Old", "True", 3)]);
        let now = status(&[
            (READY, "False", 9),
            (SERVING, "True", 9),
            (KUBELET_ANSWERS, "False", 9),
        ]);
        let kept = now.keeping_times_of(&before);
        let told = |kind: &str| {
            let condition = kept.condition(kind).unwrap();
            let second = condition.last_transition_time.0.as_second();
            (condition.reason.as_str(), second)
        };
        assert_eq!(told(READY), ("Of9", 9));
        assert_eq!(told(SERVING), ("Of9", 2));
        assert_eq!(told(KUBELET_ANSWERS), ("Of9", 9));
        assert_eq!(kept.condition("Old"), None);
    }
}
