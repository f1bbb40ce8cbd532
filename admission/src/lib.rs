//! What a pod's networks need, what is denied, and why.
//!
//! Every decision is a function of values: no HTTP, no clock, no client. The mutating hook, the validating hook and
//! `kubectl-polypod render` call the same [`admit`], so that none of them can say something else about a pod.

mod admit;
mod attachment;
mod cluster;
pub mod configuration;
mod container;
mod default_route;
mod definition_fault;
mod denial;
mod fault;
mod findings;
mod holding;
mod instances;
mod interface;
mod json;
mod namespace_index;
mod need;
mod network_attachment_definition;
mod network_deletion;
mod network_index;
mod not_found;
mod patched;
mod place;
mod plan;
mod plugin_schema;
pub mod policy;
mod review;
mod rule;
mod selections;
mod selector;
mod target;
mod usage_index;
mod users;
mod warning;

pub use admit::{admit, needs_networks};
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
pub use patched::{Patched, Refusal, patched};
pub use place::Place;
pub use plan::{Addition, NetworkVersion, Plan};
pub use policy::{Mode, Policy};
pub use review::{review_final, review_update};
pub use rule::Rule;
pub use selector::{Selector, SelectorError};
pub use usage_index::UsageIndex;
pub use users::Users;
pub use warning::Warning;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod vectors;
