//! The kubelet's rule: where its topology manager puts a pod, or that it refuses it.

use crate::{
    need::Need,
    node::Node,
    placement::{Placement, Refusal},
};

/// What [`align`] needs of memory, kept from node to node so that none is allocated for each.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// The answer, when the node fits.
    pub placement: Placement,
    /// The free amounts of the node's cells as they become while containers are placed.
    pub free: Vec<i64>,
}

/// Replays what the kubelet of `node` decides about a pod, and leaves the decision in `scratch.placement`.
///
/// # Errors
/// It will refuse the pod.
pub fn align(node: &Node, need: &Need, scratch: &mut Scratch) -> Result<(), Refusal> {
    let _ = (node, need, scratch);
    todo!("H1")
}

/// Takes from `node` what a pod that is bound to it holds there according to `placement`: from cells and stocks.
pub fn take(node: &mut Node, need: &Need, placement: &Placement) {
    let _ = (node, need, placement);
    todo!("H1")
}
