//! How pods that demand devices find their node.

use serde::{Deserialize, Serialize};
use spec::scheduler_name::SchedulerName;

/// What is written into pods that demand devices, for whoever schedules them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Scheduling {
    /// The scheduler of those that name none, or the default one; not said, they keep it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduler_name: Option<SchedulerName>,
}
