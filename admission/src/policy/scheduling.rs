//! What is done to pods for the sake of scheduling.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use spec::scheduler_name::SchedulerName;

use super::Namespaces;

/// What is done to pods for the sake of scheduling.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Scheduling {
    /// The scheduler that pods with devices get where they name none, or the default one; not said, they keep theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduler_name: Option<SchedulerName>,
    /// Which pods wait at a scheduling gate until nodes were chosen for them.
    pub gates: Gates,
}

/// Which pods wait at the scheduling gate [`spec::network::SCHEDULING_GATE`]: for clusters whose kube-scheduler cannot be
/// told of an extender. A webhook with `--scheduling-gates` must run, or they wait for ever.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Gates {
    /// Whether pods that demand devices get the gate.
    pub enabled: bool,
    /// The namespaces of these pods.
    pub namespaces: Namespaces,
    /// The schedulers of these pods (`spec.schedulerName`). A scheduler with the extender needs no gates.
    pub scheduler_names: BTreeSet<String>,
}

/// The name under which Kubernetes' own scheduler serves, unless it is configured otherwise.
pub(crate) const DEFAULT_SCHEDULER: &str = "default-scheduler";

impl Default for Gates {
    fn default() -> Self {
        Self {
            enabled: false,
            namespaces: Namespaces::default(),
            scheduler_names: [DEFAULT_SCHEDULER.to_owned()].into(),
        }
    }
}
