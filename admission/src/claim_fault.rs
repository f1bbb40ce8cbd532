//! What is wrong with the claims that networks need.

use spec::network::{DEVICES, NetworkRef};

use crate::{Place, Rule, supplier::UnknownSupplier};

/// A pod without the claim that its network needs, or a NetworkAttachmentDefinition that does not say what it needs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimFault {
    /// No container of the pod uses a claim.
    #[error(
        "{place}: the device of {network} comes from a ResourceClaim of the pod (annotation {DEVICES}: claim of the NetworkAttachmentDefinition), but no container uses one; add it to spec.resourceClaims, and its name to resources.claims of a container"
    )]
    NoClaim {
        /// Where it is selected.
        place: Place,
        /// What it selects.
        network: NetworkRef,
    },
    /// The annotation of a NetworkAttachmentDefinition cannot be read.
    #[error("in annotation {DEVICES}, {0}")]
    OwnSupplier(UnknownSupplier),
}

impl ClaimFault {
    /// The field of the manifest that is to be mended.
    pub(crate) fn field(&self) -> String {
        match self {
            Self::NoClaim { .. } => "spec.resourceClaims".to_owned(),
            Self::OwnSupplier(_) => format!("metadata.annotations[{DEVICES}]"),
        }
    }

    /// The kind of the fault in the words of Kubernetes's `CauseType`.
    pub(crate) const fn cause_type(&self) -> &'static str {
        match self {
            Self::NoClaim { .. } => "FieldValueRequired",
            Self::OwnSupplier(_) => "FieldValueInvalid",
        }
    }

    /// The rule it breaks.
    pub(crate) const fn rule(&self) -> Rule {
        match self {
            Self::NoClaim { .. } => Rule::DeviceDeficit,
            Self::OwnSupplier(_) => Rule::DefinitionAnnotations,
        }
    }

    /// Whether the pod is right in itself and only the cluster's networks do not let it in.
    pub(crate) const fn is_of_the_cluster(&self) -> bool {
        matches!(self, Self::NoClaim { .. })
    }
}
