//! The kubelet: what it allocated to the pods of this node.

pub mod client;
pub mod error;
#[cfg(test)]
pub(crate) mod fake;
mod status;

pub use client::PodResourcesClient;
pub use error::PodResourcesError;
