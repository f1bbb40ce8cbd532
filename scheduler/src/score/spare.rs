//! The free devices that the pod has no use for.

use super::share::FULL;
use crate::{
    need::Need,
    node::Node,
    resource::{Kind, Resources},
};

/// More devices of one resource than this are no devices that anybody waits for.
const PLENTY: i64 = 16;

/// So many free devices halve the share.
const MANY: i64 = 8;

/// All for a node without free devices, a half for one with [`MANY`] of them, those aside that the pod demands: nodes with
/// devices are kept for pods that want them.
pub(super) fn share(node: &Node, need: &Need, resources: &Resources) -> i64 {
    let is_spare = |resource| {
        let needed = need.total.binary_search_by_key(&resource, |(id, _)| *id);
        resources.kind(resource) == Kind::Device && needed.is_err()
    };
    let spare = node.stocks.iter().filter(|stock| is_spare(stock.resource));
    let free = spare.map(|stock| stock.free.clamp(0, PLENTY)).sum::<i64>();
    FULL * MANY / (MANY + free)
}
