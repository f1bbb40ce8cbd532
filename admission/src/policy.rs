//! What an administrator decides about admission.

use spec::network::Namespace;

/// The administrator's decisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Where a default network without a namespace is looked for: Multus's `multusNamespace`, normally `kube-system`.
    pub system_namespace: Namespace,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            system_namespace: "kube-system"
                .parse()
                .expect("kube-system is lower case letters and an inner '-'"),
        }
    }
}
