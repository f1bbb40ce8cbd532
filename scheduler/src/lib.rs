//! Pure: which nodes can align a pod's devices, and which is best.
//!
//! So far this is the vocabulary of that decision: what kube-scheduler asks an extender and hears from it, what a pod
//! demands, and what a node has. The engine that decides stands on it. It knows no HTTP and no clock: what it needs of
//! either comes in as a value.

pub mod demand;
pub mod extender;
pub mod inventory;
