//! What can be wrong with where a pod's devices and labels go: the annotations about containers and reserved devices, the
//! node selectors, and what the administrator injects.

use spec::{
    NameError,
    network::{CONTAINER, INJECT, NETWORKS, NetworkRef, RESERVE},
};

use crate::{NodeLabel, Place, Rule, node_selector::NodeSelectorError};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlacementFault {
    /// An entry of [`CONTAINER`] or [`RESERVE`] cannot be read.
    #[error("annotation {annotation}: entry {index} ({text:?}): {problem}")]
    Entry {
        /// The annotation's key.
        annotation: &'static str,
        /// The entry, from 1.
        index: usize,
        /// Its text, shortened when it is long.
        text: String,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// [`CONTAINER`] names a container that the pod does not have.
    #[error(
        "annotation {CONTAINER}: there is no container {found:?}; the pod has {}",
        listed(candidates)
    )]
    NoContainer {
        /// The name, shortened when it is long.
        found: String,
        /// The names that may be written.
        candidates: Vec<String>,
    },
    /// [`CONTAINER`] names an init container that ends before the application starts.
    #[error(
        "annotation {CONTAINER}: {found:?} is an init container, whose devices are given to the app containers once it has ended; name one of {}",
        listed(candidates)
    )]
    InitContainer {
        /// Its name.
        found: String,
        /// The names that may be written.
        candidates: Vec<String>,
    },
    /// [`CONTAINER`] names a network that the pod does not select.
    #[error(
        "annotation {CONTAINER}: the pod does not select network {network}; it selects {}",
        networks(selected)
    )]
    NoNetwork {
        /// The network.
        network: NetworkRef,
        /// Those that it selects.
        selected: Vec<NetworkRef>,
    },
    /// [`INJECT`] is neither yes nor no.
    #[error("annotation {INJECT} is {found:?}; write \"true\" or \"false\"")]
    Inject {
        /// The annotation, shortened when it is long.
        found: String,
    },
    /// A network asks for a resource that cannot be, in an annotation that the administrator has named.
    #[error(
        "{place}: NetworkAttachmentDefinition {network} asks for a device that no container can request: {problem}; correct its annotation {key}"
    )]
    ResourceName {
        /// Where it is selected.
        place: Place,
        /// The network.
        network: NetworkRef,
        /// The annotation's key.
        key: String,
        /// What is wrong with it.
        problem: Box<NameError>,
    },
    /// A network's node selector cannot be read.
    #[error("{place}: NetworkAttachmentDefinition {network}: {problem}")]
    NodeSelector {
        /// Where it is selected.
        place: Place,
        /// The network.
        network: NetworkRef,
        /// What is wrong with it.
        problem: Box<NodeSelectorError>,
    },
    /// Two networks want different nodes.
    #[error(
        "no node has both {}={}, which network {} needs, and {}={}, which network {} needs; select one of the two",
        first.key, first.value, first.network, second.key, second.value, second.network
    )]
    NetworksDiffer {
        /// What the network that is selected first wants.
        first: Box<NodeLabel>,
        /// What the other wants, under the same key.
        second: Box<NodeLabel>,
    },
    /// A network wants other nodes than the pod.
    #[error(
        "spec.nodeSelector has {}={found}, but network {} needs nodes with {}={}; remove the label there, or select another network",
        wanted.key, wanted.network, wanted.key, wanted.value
    )]
    PodDiffers {
        /// What the pod wants, shortened when it is long.
        found: String,
        /// What the network wants.
        wanted: Box<NodeLabel>,
    },
    /// A final pod does not ask for the nodes that a network needs.
    #[error(
        "spec.nodeSelector lacks {}={}, which network {} needs; write {}: {:?} there",
        .0.key, .0.value, .0.network, .0.key, .0.value.as_str()
    )]
    NodeSelectorMissing(Box<NodeLabel>),
    /// A final pod does not have an annotation that it should have been given.
    #[error(
        "annotation {key} is missing, which the administrator has injected; write {key}: {text:?}"
    )]
    AnnotationMissing {
        /// Its key.
        key: String,
        /// What it says, shortened when it is long.
        text: String,
    },
}

impl PlacementFault {
    /// The field of the manifest that is to be mended.
    pub(crate) fn field(&self) -> String {
        let annotation = |key: &str| format!("metadata.annotations[{key}]");
        match self {
            Self::Entry {
                annotation: key, ..
            } => annotation(key),
            Self::NoContainer { .. } | Self::InitContainer { .. } | Self::NoNetwork { .. } => {
                annotation(CONTAINER)
            }
            Self::Inject { .. } => annotation(INJECT),
            Self::ResourceName { place, .. } | Self::NodeSelector { place, .. } => {
                annotation(place.annotation())
            }
            Self::NetworksDiffer { .. } => annotation(NETWORKS),
            Self::PodDiffers { wanted: label, .. } | Self::NodeSelectorMissing(label) => {
                format!("spec.nodeSelector[{}]", label.key)
            }
            Self::AnnotationMissing { key, .. } => annotation(key),
        }
    }

    /// The kind of the fault in the words of Kubernetes's `CauseType`.
    pub(crate) const fn cause_type(&self) -> &'static str {
        match self {
            Self::NoContainer { .. } | Self::NoNetwork { .. } => "FieldValueNotFound",
            Self::NodeSelectorMissing(_) | Self::AnnotationMissing { .. } => "FieldValueRequired",
            Self::Inject { .. } => "FieldValueNotSupported",
            Self::Entry { .. }
            | Self::InitContainer { .. }
            | Self::ResourceName { .. }
            | Self::NodeSelector { .. }
            | Self::NetworksDiffer { .. }
            | Self::PodDiffers { .. } => "FieldValueInvalid",
        }
    }

    /// The rule it breaks.
    pub(crate) fn rule(&self) -> Rule {
        match self {
            Self::Entry { annotation, .. } if *annotation == RESERVE => Rule::AnnotationSyntax,
            Self::Inject { .. } => Rule::AnnotationSyntax,
            Self::Entry { .. }
            | Self::NoContainer { .. }
            | Self::InitContainer { .. }
            | Self::NoNetwork { .. } => Rule::TargetContainer,
            Self::ResourceName { .. } | Self::NodeSelector { .. } => Rule::NetworkUnusable,
            Self::NetworksDiffer { .. }
            | Self::PodDiffers { .. }
            | Self::NodeSelectorMissing(_) => Rule::NodeSelectorConflict,
            Self::AnnotationMissing { .. } => Rule::InjectedAnnotations,
        }
    }

    /// Whether the pod is right in itself and only the cluster's networks, or the administrator's injections, do not let
    /// it in.
    pub(crate) const fn is_of_the_cluster(&self) -> bool {
        match self {
            Self::ResourceName { .. }
            | Self::NodeSelector { .. }
            | Self::NetworksDiffer { .. }
            | Self::PodDiffers { .. }
            | Self::NodeSelectorMissing(_)
            | Self::AnnotationMissing { .. } => true,
            Self::Entry { .. }
            | Self::NoContainer { .. }
            | Self::InitContainer { .. }
            | Self::NoNetwork { .. }
            | Self::Inject { .. } => false,
        }
    }
}

/// A text of somebody else, as much of it as an error shows.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 120;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// How many names an error lists.
const LISTED: usize = 10;

fn listed(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    joined(&quoted)
}

fn networks(networks: &[NetworkRef]) -> String {
    let mut names: Vec<String> = networks.iter().map(ToString::to_string).collect();
    names.sort();
    names.dedup();
    joined(&names)
}

fn joined(names: &[String]) -> String {
    let more = names.len().saturating_sub(LISTED);
    let mut text = names[..names.len() - more].join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}
