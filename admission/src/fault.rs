//! What can be wrong with a pod's networks or with a network, each with the place in the manifest that is to be mended.

use std::net::IpAddr;

use api::{network::UnusableName, network_fault::NetworkFault, quantity::QuantityError};
use spec::{
    NameError,
    cni::{ConfError, InterfaceName},
    device::ResourceName,
    network::{AnnotationError, Namespace, NetworkRef, RESERVE, RESOURCE_NAME},
};

use crate::{
    AccessFault, ClaimFault, ContainerRef, DefinitionFault, Need, Place, PlacementFault, Rule,
    permissions::UseQuestion,
};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// An annotation is not understood.
    #[error(transparent)]
    Annotation(#[from] AnnotationError),
    /// A selected network is not there.
    #[error("{place}: there is no NetworkAttachmentDefinition {network}; {hint}")]
    NotFound {
        /// Where it is selected.
        place: Place,
        /// What was looked for.
        network: NetworkRef,
        /// What may have been meant.
        hint: String,
    },
    /// A selected network is broken, or does not fit its selection.
    #[error("{place}: {problem}")]
    Network {
        /// Where it is selected.
        place: Place,
        /// What is wrong.
        #[source]
        problem: NetworkFault,
    },
    /// A selected network is not for this pod.
    #[error(transparent)]
    Access(Box<AccessFault>),
    /// A claim that a network needs is not there.
    #[error(transparent)]
    Claim(#[from] ClaimFault),
    /// Two attachments would have one interface name.
    #[error(
        "{place}: field \"interface\": {name:?} is already the interface of {taken_by}; choose another name",
        name = interface.as_str()
    )]
    Interface {
        /// Where it is selected.
        place: Place,
        /// The name.
        interface: InterfaceName,
        /// Whose it is already.
        taken_by: String,
    },
    /// Two attachments would give the pod a default route of one family.
    #[error(
        "{place}: field \"default-route\": a pod has one default route per family, but {first} of the default network and {second} are both {}; remove one",
        family(second)
    )]
    DefaultRoute {
        /// Where the second is.
        place: Place,
        /// The gateway of the default network.
        first: IpAddr,
        /// The gateway of the other one.
        second: IpAddr,
    },
    /// A container has a quantity of a needed resource that is no number of devices.
    #[error("{container}: {list} of {resource}: {problem}")]
    Quantity {
        /// Whose.
        container: ContainerRef,
        /// Of what.
        resource: ResourceName,
        /// `requests` or `limits`.
        list: &'static str,
        /// What is wrong with it.
        problem: QuantityError,
    },
    /// A container's request and limit of a needed resource differ.
    #[error(
        "{container} requests {request} of {resource} but its limit is {limit}; devices cannot be overcommitted, write the same number twice"
    )]
    RequestIsNotLimit {
        /// Whose.
        container: ContainerRef,
        /// Of what.
        resource: ResourceName,
        /// What stands in `requests`.
        request: u64,
        /// What stands in `limits`.
        limit: u64,
    },
    /// A container requests a needed resource without a limit. Only said of a final pod: before, it is repaired.
    #[error(
        "{container} requests {request} of {resource} without a limit; devices cannot be overcommitted, write the same number in limits"
    )]
    NoLimit {
        /// Whose.
        container: ContainerRef,
        /// Of what.
        resource: ResourceName,
        /// What stands in `requests`.
        request: u64,
    },
    /// A final pod has fewer devices than its networks need.
    #[error(
        "it needs {} of {} for {}{}, but its containers request {}{}; add {} to the requests and limits of one container",
        .0.wanted, .0.resource, networks(.0), reserved(.0), .0.held, claimed(.0), .0.deficit()
    )]
    Deficit(Need),
    /// Its devices, its node or its annotations are not where they should be.
    #[error(transparent)]
    Placement(#[from] PlacementFault),
    /// A NetworkAttachmentDefinition has a name that no selection can write.
    #[error("{}", .0.problem)]
    Name(UnusableName),
    /// A NetworkAttachmentDefinition has a configuration that no plugin could be given.
    #[error("in spec.config, {0}")]
    OwnConf(ConfError),
    /// A NetworkAttachmentDefinition asks for a resource that cannot be.
    #[error("in annotation {RESOURCE_NAME}, {0}")]
    OwnResource(NameError),
    /// A NetworkAttachmentDefinition could not do its work, or is needed.
    #[error(transparent)]
    Definition(#[from] DefinitionFault),
}

impl From<AccessFault> for Fault {
    fn from(fault: AccessFault) -> Self {
        Self::Access(Box::new(fault))
    }
}

impl Fault {
    /// The field of the manifest that is to be mended, as Kubernetes writes field paths.
    #[must_use]
    pub fn field(&self) -> String {
        let annotation = |key: &str| format!("metadata.annotations[{key}]");
        let resources = |container: &ContainerRef, list: &str, resource: &ResourceName| {
            let ContainerRef { index, .. } = container;
            format!(
                "spec.{}[{index}].resources.{list}[{resource}]",
                container.list()
            )
        };
        match self {
            Self::Annotation(
                AnnotationError::Syntax {
                    annotation: key, ..
                }
                | AnnotationError::NotAList {
                    annotation: key, ..
                }
                | AnnotationError::Entry {
                    annotation: key, ..
                }
                | AnnotationError::NotOne {
                    annotation: key, ..
                }
                | AnnotationError::TooMany {
                    annotation: key, ..
                },
            ) => annotation(key),
            Self::Access(fault) => fault.field(),
            Self::Claim(fault) => fault.field(),
            Self::NotFound { place, .. }
            | Self::Network { place, .. }
            | Self::Interface { place, .. }
            | Self::DefaultRoute { place, .. } => annotation(place.annotation()),
            Self::Quantity {
                container,
                resource,
                list,
                ..
            } => resources(container, list, resource),
            Self::RequestIsNotLimit {
                container,
                resource,
                ..
            }
            | Self::NoLimit {
                container,
                resource,
                ..
            } => resources(container, "limits", resource),
            Self::Deficit(need) => {
                format!("spec.containers[*].resources.limits[{}]", need.resource)
            }
            Self::Placement(fault) => fault.field(),
            Self::Name(_) => "metadata.name".to_owned(),
            Self::OwnConf(_) => "spec.config".to_owned(),
            Self::OwnResource(_) => annotation(RESOURCE_NAME),
            Self::Definition(fault) => fault.field(),
        }
    }

    /// The kind of the fault in the words of Kubernetes's `CauseType`.
    #[must_use]
    pub fn cause_type(&self) -> &'static str {
        match self {
            Self::Access(fault) => fault.cause_type(),
            Self::Claim(fault) => fault.cause_type(),
            Self::NotFound { .. } => "FieldValueNotFound",
            Self::Interface { .. } | Self::DefaultRoute { .. } => "FieldValueDuplicate",
            Self::NoLimit { .. } | Self::Deficit(_) => "FieldValueRequired",
            Self::Placement(fault) => fault.cause_type(),
            Self::Annotation(_)
            | Self::Network { .. }
            | Self::Quantity { .. }
            | Self::RequestIsNotLimit { .. }
            | Self::Name(_)
            | Self::OwnConf(_)
            | Self::OwnResource(_) => "FieldValueInvalid",
            Self::Definition(fault) => fault.cause_type(),
        }
    }

    /// The rule it breaks.
    #[must_use]
    pub fn rule(&self) -> Rule {
        match self {
            Self::Annotation(_) => Rule::AnnotationSyntax,
            Self::Access(fault) => fault.rule(),
            Self::Claim(fault) => fault.rule(),
            Self::NotFound { .. } => Rule::NetworkNotFound,
            Self::Network { .. } => Rule::NetworkUnusable,
            Self::Interface { .. } => Rule::InterfaceConflict,
            Self::DefaultRoute { .. } => Rule::DefaultRouteConflict,
            Self::Quantity { .. } | Self::RequestIsNotLimit { .. } | Self::NoLimit { .. } => {
                Rule::DeviceQuantity
            }
            Self::Deficit(_) => Rule::DeviceDeficit,
            Self::Placement(fault) => fault.rule(),
            Self::Name(_) => Rule::DefinitionName,
            Self::OwnConf(_) => Rule::DefinitionConfig,
            Self::OwnResource(_) => Rule::DefinitionAnnotations,
            Self::Definition(fault) => fault.rule(),
        }
    }

    /// What is to be asked, and whether the pod is let in without an answer.
    pub(crate) fn question(&self) -> Option<(&UseQuestion, bool)> {
        match self {
            Self::Access(fault) => fault.question(),
            _ => None,
        }
    }

    /// The namespace whose labels are to be read.
    pub(crate) fn unread_namespace(&self) -> Option<&Namespace> {
        match self {
            Self::Access(fault) => fault.unread_namespace(),
            _ => None,
        }
    }

    /// Whether the object is right in itself and only the cluster's networks do not let it in.
    pub(crate) fn is_of_the_cluster(&self) -> bool {
        match self {
            Self::Access(fault) => fault.is_of_the_cluster(),
            Self::Claim(fault) => fault.is_of_the_cluster(),
            Self::Placement(fault) => fault.is_of_the_cluster(),
            other => matches!(
                other,
                Self::NotFound { .. }
                    | Self::Deficit(_)
                    | Self::Definition(DefinitionFault::InUse(_))
                    | Self::Network {
                        problem: NetworkFault::Conf { .. } | NetworkFault::Resource { .. },
                        ..
                    }
            ),
        }
    }
}

fn family(gateway: &IpAddr) -> &'static str {
    if gateway.is_ipv4() { "IPv4" } else { "IPv6" }
}

fn claimed(need: &Need) -> String {
    match need.claimed {
        0 => String::new(),
        claimed => format!(" and its claims supply {claimed}"),
    }
}

fn networks(need: &Need) -> String {
    let names: Vec<String> = need.networks.iter().map(ToString::to_string).collect();
    match names.as_slice() {
        [one] => format!("network {one}"),
        several => format!("networks {}", several.join(", ")),
    }
}

fn reserved(need: &Need) -> String {
    match need.reserved {
        0 => String::new(),
        count => format!(", and {count} reserved by annotation {RESERVE}"),
    }
}
