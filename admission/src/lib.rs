//! What a pod's networks need, what is denied, and why.
//!
//! Every decision is a function of values: no HTTP, no clock, no client. The mutating hook, the validating hook and
//! `kubectl-polypod render` call the same [`admit`], so that none of them can say something else about a pod.

mod admit;
mod attachment;
mod container;
mod default_route;
mod denial;
mod fault;
mod holding;
mod interface;
mod need;
mod network_attachment_definition;
mod network_index;
mod not_found;
mod patched;
mod place;
mod plan;
mod policy;
mod review;
mod selections;
mod target;
mod warning;

pub use admit::{admit, needs_networks};
pub use container::{ContainerKind, ContainerRef};
pub use denial::{Cause, Denial};
pub use fault::Fault;
pub use need::Need;
pub use network_attachment_definition::{admit_network, admit_network_update};
pub use network_index::NetworkIndex;
pub use patched::{Patched, Refusal, patched};
pub use place::Place;
pub use plan::{Addition, NetworkVersion, Plan};
pub use policy::Policy;
pub use review::{review_final, review_update};
pub use warning::Warning;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod vectors;
