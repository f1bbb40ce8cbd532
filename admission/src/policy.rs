//! What an administrator decides about admission.

mod access;
mod injection;
mod mode;
mod namespaces;
mod network_pattern;
mod resource_name_keys;
mod scheduling;

use serde::{Deserialize, Serialize};
use spec::network::Namespace;

pub(crate) use access::AllowedTypes;
pub use access::{Access, AllowedNetworks, DelegateTypes};
pub use injection::{Injection, UserDefined};
pub use mode::{Mode, Modes, Relaxation};
pub use namespaces::Namespaces;
pub use network_pattern::{NetworkPattern, NetworkPatternError};
pub use resource_name_keys::{NoResourceNameKey, ResourceNameKeys};
pub(crate) use scheduling::DEFAULT_SCHEDULER;
pub use scheduling::{Gates, Scheduling};

/// The administrator's decisions.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Policy {
    /// Where a default network without a namespace is looked for: Multus's `multusNamespace`, normally `kube-system`.
    pub system_namespace: Namespace,
    /// What is added to pods.
    pub injection: Injection,
    /// Who schedules pods that demand devices.
    pub scheduling: Scheduling,
    /// Who may use which network.
    pub access: Access,
    /// Rules that are not enforced.
    pub modes: Modes,
}

impl Policy {
    /// What an administrator should know of a policy that can be carried out.
    #[must_use]
    pub fn cautions(&self) -> Vec<&'static str> {
        let honor = self.injection.honor_existing_resources;
        let honor = honor.then_some(
            "injection.honorExistingResources takes devices that another injector has added for a pod's networks for the application's own and adds as many again: let only one of them inject, or switch it off",
        );
        honor.into_iter().collect()
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            system_namespace: "kube-system"
                .parse()
                .expect("kube-system is lower case letters and an inner '-'"),
            injection: Injection::default(),
            scheduling: Scheduling::default(),
            access: Access::default(),
            modes: Modes::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn honor_mode_is_cautioned_of() {
        let mut policy = Policy::default();
        assert_eq!(policy.cautions(), Vec::<&str>::new());
        policy.injection.honor_existing_resources = true;
        assert_eq!(policy.cautions().len(), 1);
    }
}
