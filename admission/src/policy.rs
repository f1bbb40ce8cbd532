//! What an administrator decides about admission.

mod access;
mod injection;
mod mode;
mod namespaces;
mod network_pattern;
mod resource_name_keys;

use serde::{Deserialize, Serialize};
use spec::network::Namespace;

pub(crate) use access::AllowedTypes;
pub use access::{Access, AllowedNetworks, DelegateTypes};
pub use injection::{Injection, UserDefined};
pub use mode::{Mode, Modes, Relaxation};
pub use namespaces::Namespaces;
pub use network_pattern::{NetworkPattern, NetworkPatternError};
pub use resource_name_keys::{NoResourceNameKey, ResourceNameKeys};

/// The administrator's decisions.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Policy {
    /// Where a default network without a namespace is looked for: Multus's `multusNamespace`, normally `kube-system`.
    pub system_namespace: Namespace,
    /// What is added to pods.
    pub injection: Injection,
    /// Who may use which network.
    pub access: Access,
    /// Rules that are not enforced.
    pub modes: Modes,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            system_namespace: "kube-system"
                .parse()
                .expect("kube-system is lower case letters and an inner '-'"),
            injection: Injection::default(),
            access: Access::default(),
            modes: Modes::default(),
        }
    }
}
