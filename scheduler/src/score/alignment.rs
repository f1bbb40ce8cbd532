//! In how many zones the containers will be.

use super::share::FULL;
use crate::{need::Need, node::Node, placement::Placement};

/// By the container that is in most zones: all for one zone, a half for two, a third for three. A container of which the
/// kubelet aligns nothing on this node may be in all of them.
pub(super) fn share(node: &Node, need: &Need, placement: &Placement) -> i64 {
    let of_node = i64::try_from(node.zones.len()).unwrap_or(i64::MAX).max(1);
    let containers = need.containers.iter().zip(&placement.zones);
    let aligned = containers.filter(|(container, _)| !container.aligned.is_empty());
    let counts = aligned.map(|(_, zones)| match zones.count() {
        0 => of_node,
        count => i64::from(count),
    });
    FULL / counts.max().unwrap_or(1)
}
