//! Pure: which nodes can align a pod's devices, and which is best.
//!
//! Nodes report their zones and devices, pods are seen coming, being bound and going; [`engine::Engine`] keeps account of
//! what is free where, replays the kubelet's rule for a pod on every candidate, and says which nodes are left, which is
//! best, and why the others are not. It knows no HTTP and no clock: what it needs of either comes in as a value.

pub mod affinity;
pub mod align;
pub mod candidate;
pub mod choice;
pub mod constraints;
pub mod demand;
pub mod engine;
pub mod explain;
pub mod extender;
pub mod link;
pub mod missing;
pub mod moment;
pub mod narrowing;
pub mod need;
pub mod node;
pub mod observed;
pub mod placement;
pub mod policy;
pub mod promises;
pub mod reach;
pub mod report;
pub mod resource;
pub mod score;
pub mod spread;
pub mod tentative;
pub mod toleration;
pub mod unbound;
pub mod waiting;
pub mod words;
pub mod zones;

#[cfg(test)]
#[path = "score/fixture.rs"]
mod fixture;
