//! How pods that demand devices find their node.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use spec::scheduler_name::SchedulerName;

use super::Namespaces;

/// What is written into pods that demand devices, for whoever schedules them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Scheduling {
    /// The scheduler of those that name none, or the default one; not said, they keep it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduler_name: Option<SchedulerName>,
    /// Which of them wait at a scheduling gate until nodes were chosen for them.
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
    pub scheduler_names: BTreeSet<SchedulerName>,
}

/// The name that the API server writes into every pod that names no scheduler.
pub(crate) const DEFAULT_SCHEDULER: &str = "default-scheduler";

impl Default for Gates {
    fn default() -> Self {
        let default = DEFAULT_SCHEDULER
            .parse()
            .expect("default-scheduler is lower case letters and an inner '-'");
        Self {
            enabled: false,
            namespaces: Namespaces::default(),
            scheduler_names: [default].into(),
        }
    }
}
