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
mod denial;
mod fault;
mod findings;
mod holding;
mod interface;
mod namespace_index;
mod need;
mod network_attachment_definition;
mod network_index;
mod not_found;
mod patched;
mod place;
mod plan;
pub mod policy;
mod review;
mod rule;
mod selections;
mod selector;
mod static_policy;
mod target;
mod warning;

pub use admit::{admit, needs_networks};
pub use cluster::Cluster;
pub use container::{ContainerKind, ContainerRef};
pub use denial::{Cause, Denial};
pub use fault::Fault;
pub use findings::Finding;
pub use namespace_index::{Labels, NamespaceIndex};
pub use need::Need;
pub use network_attachment_definition::{admit_network, admit_network_update};
pub use network_index::NetworkIndex;
pub use patched::{Patched, Refusal, patched};
pub use place::Place;
pub use plan::{Addition, NetworkVersion, Plan};
pub use policy::{Mode, Policy};
pub use review::{review_final, review_update};
pub use rule::Rule;
pub use selector::{Selector, SelectorError};
pub use static_policy::{StaticPolicy, static_policies};
pub use warning::Warning;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod vectors;
