//! What a pod's networks need, what is denied, and why.
//!
//! Every decision is a function of values: no HTTP, no clock, no client. The mutating hook, the validating hook and
//! `kubectl-polypod render` call the same [`admit`], so that none of them can say something else about a pod.

mod access;
mod access_fault;
mod admit;
mod attachment;
mod claim_fault;
mod cluster;
pub mod configuration;
mod container;
pub mod control_switches;
mod default_route;
mod definition_fault;
mod denial;
pub mod device_claim;
mod devices;
mod distribution;
mod fault;
mod findings;
mod holding;
mod hugepages;
mod inject;
mod instances;
mod interface;
mod json;
mod known_labels;
mod namespace_index;
mod need;
mod network_attachment_definition;
mod network_deletion;
mod network_index;
mod node_labels;
mod node_selector;
mod not_found;
mod one_line;
mod packed_network;
mod patch;
mod patched;
pub mod permissions;
mod place;
mod placement_fault;
mod plan;
mod plugin_schema;
mod plugin_types;
mod pod_net_info;
pub mod policy;
mod reserve;
mod resource_names;
mod review;
mod rule;
mod selections;
mod selector;
mod sharing;
mod stage;
mod static_policy;
mod supplier;
mod target;
mod unknown;
mod usage_index;
mod user_defined;
mod users;
mod view;
mod warning;

pub use access_fault::AccessFault;
pub use admit::{admit, needs_networks};
pub use claim_fault::ClaimFault;
pub use cluster::Cluster;
pub use container::{ContainerKind, ContainerRef};
pub use definition_fault::DefinitionFault;
pub use denial::{Cause, Denial};
pub use fault::Fault;
pub use findings::Finding;
pub use instances::Instances;
pub use namespace_index::{Labels, NamespaceIndex};
pub use need::Need;
pub use network_attachment_definition::{admit_network, admit_network_update};
pub use network_deletion::admit_network_deletion;
pub use network_index::NetworkIndex;
pub use node_labels::NodeLabel;
pub use node_selector::{NodeSelectorError, NodeSelectorProblem, parse_node_selector};
pub use patched::{Patched, Refusal, patched};
pub use permissions::Permissions;
pub use place::Place;
pub use placement_fault::PlacementFault;
pub use plan::{Addition, NetworkVersion, Plan};
pub use pod_net_info::{DownwardFile, DownwardSource, PodNetInfo};
pub use policy::{Mode, Policy};
pub use review::{review_final, review_update};
pub use rule::Rule;
pub use selector::{Selector, SelectorError};
pub use sharing::SharingError;
pub use static_policy::{StaticPolicy, static_policies};
pub use supplier::UnknownSupplier;
pub use unknown::{Unknown, unknown};
pub use usage_index::UsageIndex;
pub use users::Users;
pub use view::{Found, View};
pub use warning::Warning;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod vectors;
