//! Whether a pod would be given devices that reach nothing.

use crate::{
    need::Need,
    node::Node,
    placement::{Placement, Refusal},
    reach::within_reach,
    resource::ResourceId,
};

/// Whether, of each resource that the pod demands, some free device in the zones it is predicted to be in may have a link.
/// A link of which nothing is known is fine.
///
/// # Errors
/// Every free device is on a function whose link is known to be down.
pub fn check(node: &Node, need: &Need, placement: &Placement) -> Result<(), Refusal> {
    let is_down = |resource| is_down(node, need, placement, resource);
    let mut devices = need.devices.iter().map(|(resource, _)| *resource);
    match devices.find(|resource| is_down(*resource)) {
        Some(resource) => Err(Refusal::LinkDown { resource }),
        None => Ok(()),
    }
}

fn is_down(node: &Node, need: &Need, placement: &Placement, resource: ResourceId) -> bool {
    let (mut down, mut known) = (0_i64, 0_i64);
    for (cell, function) in within_reach(node, need, placement, resource) {
        known = known.saturating_add(cell.allocatable);
        if cell.free > 0 {
            if function.link_up != Some(false) {
                return false;
            }
            down = down.saturating_add(cell.free);
        }
    }
    down > 0 && known >= allocatable(node, need, placement, resource)
}

/// All devices of a resource in the pod's zones, those among them of which the function is not known.
fn allocatable(node: &Node, need: &Need, placement: &Placement, resource: ResourceId) -> i64 {
    let Some(stock) = node.stock(resource) else {
        return 0;
    };
    let zones = placement.zones_for(need, resource);
    if zones.is_empty() {
        return stock.allocatable;
    }
    let near = node.cells(stock).iter();
    let near = near.filter(|cell| cell.zones.overlaps(zones));
    near.fold(0, |sum, cell| sum.saturating_add(cell.allocatable))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixture::{known, node, placed, pod},
        node::Function,
    };

    #[test]
    fn all_that_is_free_must_be_down() {
        let known = known();
        let pod = pod(&[(known.sriov, 1)]);
        let is_refused = |links: &[(usize, i64, Option<bool>)], zones| {
            let mut node = node(2).with(known.sriov, &[(8, 8), (8, 8)]);
            for (zone, free, link_up) in links {
                let function = Function {
                    link_up: *link_up,
                    ..Function::default()
                };
                node = node.behind(known.sriov, *zone, (8, *free), function);
            }
            let checked = check(&node, &pod, &placed(&[zones]));
            assert!(
                checked.is_ok()
                    || checked
                        == Err(Refusal::LinkDown {
                            resource: known.sriov
                        })
            );
            checked.is_err()
        };
        let (up, down) = (Some(true), Some(false));
        for (links, zones, wanted) in [
            (&[(0, 8, down)][..], 0b01, true),
            (&[(0, 8, up)], 0b01, false),
            (&[(0, 8, None)], 0b01, false),
            (&[(0, 4, down), (0, 4, up)], 0b01, false),
            (&[(0, 8, down), (0, 0, up)], 0b01, true),
            (&[(0, 8, down), (1, 8, up)], 0b01, true),
            (&[(0, 8, down), (1, 8, up)], 0b11, false),
            (&[(0, 8, down), (1, 8, up)], 0, false),
            (&[(0, 8, down), (1, 8, down)], 0, true),
            // Half of the devices have functions that are not known.
            (&[(0, 8, down)], 0b11, false),
            // All are held: there is nothing to be said about free ones.
            (&[(0, 0, down)], 0b01, false),
            (&[], 0b01, false),
        ] {
            assert_eq!(is_refused(links, zones), wanted, "{links:?} {zones:b}");
        }
    }
}
