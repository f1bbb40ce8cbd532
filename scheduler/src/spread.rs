//! Whether a pod's devices of one resource can come from different physical functions, or switches.

use crate::{
    demand::Spread,
    need::Need,
    node::{Function, FunctionCell, Node},
    placement::{Placement, Refusal},
    reach::{devices, within_reach},
    resource::Resources,
};

/// Whether, for each resource of which the pod has several devices, there are as many functions (switches) with a free one
/// in the zones the pod is predicted to be in. A switch that is not known is different from none.
///
/// Which of the free devices it gives, the kubelet decides: this says that it can, not that it will.
///
/// # Errors
/// There are fewer.
pub fn check(
    node: &Node,
    need: &Need,
    placement: &Placement,
    spread: Option<Spread>,
    resources: &Resources,
) -> Result<(), Refusal> {
    let Some(spread) = spread else { return Ok(()) };
    for (resource, wanted) in devices(need, resources) {
        if wanted < 2 {
            continue;
        }
        let of = |(cell, function): (&FunctionCell, Function)| match spread {
            _ if cell.free < 1 => None,
            Spread::PhysicalFunction => Some(cell.function),
            Spread::Switch => function.switch,
        };
        let there = within_reach(node, need, placement, resource).filter_map(of);
        // Of each only the first counts.
        let first = there.clone().enumerate().filter(|(at, one)| {
            let mut before = there.clone().take(*at);
            !before.any(|other| other == *one)
        });
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        let found = first.take(wanted).count();
        if found < wanted {
            let counted = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
            return Err(Refusal::Spread {
                found: counted(found),
                wanted: counted(wanted),
            });
        }
    }
    Ok(())
}
