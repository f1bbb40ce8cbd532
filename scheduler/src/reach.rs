//! The devices that a pod may be given on a node, by the physical functions behind them.

use crate::{
    need::Need,
    node::{Function, FunctionCell, Node},
    placement::Placement,
    resource::ResourceId,
};

/// The devices of a resource from which those of the pod will be taken, as far as functions are known.
pub(crate) fn within_reach<'a>(
    node: &'a Node,
    need: &Need,
    placement: &Placement,
    resource: ResourceId,
) -> impl Iterator<Item = (&'a FunctionCell, Function)> + Clone + 'a {
    let zones = placement.zones_for(need, resource);
    let is_near = move |cell: &&FunctionCell| {
        zones.is_empty() || cell.zones.is_empty() || cell.zones.overlaps(zones)
    };
    let of_node = node.function_cells_of(resource).iter().filter(is_near);
    of_node.map(|cell| {
        let function = node.functions.get(usize::from(cell.function));
        (cell, function.copied().unwrap_or_default())
    })
}
