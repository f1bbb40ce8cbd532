//! Why a pod may not use a network that is there.

use spec::{
    NameError,
    cni::PluginType,
    network::{Namespace, NetworkRef, SHARED_WITH},
};

use crate::{Place, Rule, permissions::UseQuestion, sharing::SharingError};

/// A network that is not for this pod, or a NetworkAttachmentDefinition that does not say for whom it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessFault {
    /// Namespace isolation.
    #[error(
        "{place}: namespace isolation: a pod of namespace {pod} may not select {network}, only networks of its own namespace{}; select one of those, or have the administrator add {} to globalNamespaces",
        or_of(global), network.namespace
    )]
    Isolated {
        /// Where it is selected.
        place: Place,
        /// The pod's namespace.
        pod: Namespace,
        /// What it selects.
        network: NetworkRef,
        /// The namespaces whose networks are for all.
        global: Vec<Namespace>,
    },
    /// The administrator's list for the pod's namespace does not have the network.
    #[error(
        "{place}: pods of namespace {pod} may not select {network}; the administrator allows them {}. Select one of those, or have the administrator add it to allowedNetworks",
        listed(allowed)
    )]
    NotListed {
        /// Where it is selected.
        place: Place,
        /// The pod's namespace.
        pod: Namespace,
        /// What it selects.
        network: NetworkRef,
        /// What the list has, as the administrator wrote it.
        allowed: Vec<String>,
    },
    /// The network is not shared with the pod's namespace.
    #[error(
        "{place}: {network} is not shared with namespace {pod}; have its owner write a label selector of that namespace, or \"*\", into the annotation {SHARED_WITH} of the NetworkAttachmentDefinition"
    )]
    NotShared {
        /// Where it is selected.
        place: Place,
        /// The pod's namespace.
        pod: Namespace,
        /// What it selects.
        network: NetworkRef,
    },
    /// It cannot be read with whom the network is shared, so it is shared with nobody.
    #[error(
        "{place}: {network} is shared with nobody, as in its annotation {SHARED_WITH}, {problem}; correct the NetworkAttachmentDefinition"
    )]
    Sharing {
        /// Where it is selected.
        place: Place,
        /// What it selects.
        network: NetworkRef,
        /// What is wrong with the annotation.
        problem: SharingError,
    },
    /// A NetworkAttachmentDefinition does not say with whom it is shared.
    #[error("in annotation {SHARED_WITH}, {0}")]
    OwnSharing(SharingError),
    /// The service account may not use the network.
    #[error(
        "{place}: service account {}/{} may not use {}; give it a Role in namespace {} with the verb use on network-attachment-definitions of k8s.cni.cncf.io, resourceNames [{}]",
        .question.namespace, .question.service_account, .question.network, .question.network.namespace, .question.network.name
    )]
    MayNotUse {
        /// Where it is selected.
        place: Place,
        /// What was asked.
        question: UseQuestion,
    },
    /// The API server was not asked yet whether the service account may use the network. Whoever can ask does so and
    /// decides again; who cannot has no decision.
    #[error(
        "{place}: whether service account {}/{} may use {} is not known; try again",
        .question.namespace, .question.service_account, .question.network
    )]
    Unasked {
        /// Where it is selected.
        place: Place,
        /// What is to be asked.
        question: UseQuestion,
        /// Whether the pod is let in where there is no answer, as the rule is not enforced.
        can_do_without: bool,
    },
    /// Labels decide, and those of this namespace are not known yet. Whoever can read them does so and decides again; who
    /// cannot has no decision.
    #[error("the labels of namespace {0}, by which rules select it, are not known yet; try again")]
    UnreadNamespace(Namespace),
    /// The API server did not say whether the service account may use the network. Only said where the rule is not enforced.
    #[error(
        "{place}: the API server did not say whether service account {}/{} may use {}",
        .question.namespace, .question.service_account, .question.network
    )]
    Unanswered {
        /// Where it is selected.
        place: Place,
        /// What was asked.
        question: UseQuestion,
    },
    /// The pod's service account has no name that anything could be granted to.
    #[error("spec.serviceAccountName: {0}")]
    ServiceAccount(NameError),
    /// The network has a plugin that the pod's namespace may not use.
    #[error(
        "{place}: {network} has a plugin of type {found}; the administrator allows pods of namespace {pod} {}",
        types(allowed)
    )]
    DelegateType {
        /// Where it is selected.
        place: Place,
        /// The pod's namespace.
        pod: Namespace,
        /// What it selects.
        network: NetworkRef,
        /// The first such plugin of the chain.
        found: PluginType,
        /// What the namespace may use.
        allowed: Vec<PluginType>,
    },
    /// A network is to get a plugin that pods which use it may not.
    #[error(
        "pods of namespace {pods} use this network, which is to have {}; the administrator allows them {}. Delete those pods first, or define another network",
        plugins(.found.as_ref()), types(allowed)
    )]
    OfUsers {
        /// The pods' namespace.
        pods: Namespace,
        /// The first such plugin of the chain; none where it has a file of the node.
        found: Option<PluginType>,
        /// What the namespace may use.
        allowed: Vec<PluginType>,
    },
    /// The network's plugins are in a file of the node, and the pod's namespace may use some types only.
    #[error(
        "{place}: {network} has no spec.config, so its plugins are in a file of the node and cannot be looked into; the administrator allows pods of namespace {pod} {}. Write the configuration into spec.config, or have the administrator set nodeFiles",
        types(allowed)
    )]
    NodeFile {
        /// Where it is selected.
        place: Place,
        /// The pod's namespace.
        pod: Namespace,
        /// What it selects.
        network: NetworkRef,
        /// What the namespace may use.
        allowed: Vec<PluginType>,
    },
}

impl AccessFault {
    /// The field of the manifest that is to be mended.
    pub(crate) fn field(&self) -> String {
        let annotation = |key: &str| format!("metadata.annotations[{key}]");
        match self {
            Self::Isolated { place, .. }
            | Self::NotListed { place, .. }
            | Self::NotShared { place, .. }
            | Self::Sharing { place, .. }
            | Self::Unasked { place, .. }
            | Self::Unanswered { place, .. }
            | Self::DelegateType { place, .. }
            | Self::NodeFile { place, .. } => annotation(place.annotation()),
            Self::OfUsers { .. } => "spec.config".to_owned(),
            Self::OwnSharing(_) => annotation(SHARED_WITH),
            Self::UnreadNamespace(_) => "metadata.namespace".to_owned(),
            Self::MayNotUse { .. } | Self::ServiceAccount(_) => {
                "spec.serviceAccountName".to_owned()
            }
        }
    }

    /// The kind of the fault in the words of Kubernetes's `CauseType`.
    pub(crate) const fn cause_type(&self) -> &'static str {
        match self {
            Self::OwnSharing(_) | Self::ServiceAccount(_) => "FieldValueInvalid",
            _ => "FieldValueForbidden",
        }
    }

    /// The rule it breaks.
    pub(crate) const fn rule(&self) -> Rule {
        match self {
            Self::Isolated { .. } => Rule::NamespaceIsolation,
            Self::NotListed { .. } | Self::UnreadNamespace(_) => Rule::AllowedNetworks,
            Self::NotShared { .. } | Self::Sharing { .. } => Rule::SharedWith,
            Self::OwnSharing(_) => Rule::DefinitionAnnotations,
            Self::MayNotUse { .. }
            | Self::Unasked { .. }
            | Self::Unanswered { .. }
            | Self::ServiceAccount(_) => Rule::UsePermission,
            Self::DelegateType { .. } | Self::NodeFile { .. } | Self::OfUsers { .. } => {
                Rule::DelegateType
            }
        }
    }

    /// What is to be asked, and whether the pod is let in without an answer.
    pub(crate) const fn question(&self) -> Option<(&UseQuestion, bool)> {
        match self {
            Self::Unasked {
                question,
                can_do_without,
                ..
            } => Some((question, *can_do_without)),
            _ => None,
        }
    }

    /// The namespace whose labels are to be read.
    pub(crate) const fn unread_namespace(&self) -> Option<&Namespace> {
        match self {
            Self::UnreadNamespace(namespace) => Some(namespace),
            _ => None,
        }
    }

    /// Whether the pod is right in itself and only somebody's rules do not let it in.
    pub(crate) const fn is_of_the_cluster(&self) -> bool {
        !matches!(self, Self::OwnSharing(_) | Self::ServiceAccount(_))
    }
}

fn or_of(global: &[Namespace]) -> String {
    let names: Vec<&str> = global.iter().map(Namespace::as_str).collect();
    match names.as_slice() {
        [] => String::new(),
        some => format!(" or of {}", some.join(", ")),
    }
}

/// How many entries of a list a denial shows.
const MOST: usize = 8;

fn listed(allowed: &[String]) -> String {
    match allowed {
        [] => "none".to_owned(),
        some => joined(some.iter().map(String::as_str)),
    }
}

fn types(allowed: &[PluginType]) -> String {
    match allowed {
        [] => "no types".to_owned(),
        some => format!("the types {}", joined(some.iter().map(PluginType::as_str))),
    }
}

fn plugins(found: Option<&PluginType>) -> String {
    match found {
        Some(found) => format!("a plugin of type {found}"),
        None => "no spec.config, so plugins of a file of the node".to_owned(),
    }
}

fn joined<'a>(all: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = match all.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let shown: Vec<&str> = all.take(MOST).collect();
    format!("{}{more}", shown.join(", "))
}
