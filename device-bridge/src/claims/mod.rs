//! Devices of ResourceClaims: which resource they belong to and what a delegate is to call them.
//!
//! The kubelet says which devices a pod's claims allocated, by driver, pool and name; this node's ResourceSlices say what
//! they are. Only where one of the two does not suffice, pod and claims are read.

pub mod files;
pub mod follow;
pub mod naming;
pub mod objects;
pub mod slices;
pub mod source;

pub use slices::Slices;
pub use source::ClaimSource;
