//! Whether a pod's devices of one resource can come from different physical functions, or switches.

use crate::{
    demand::Spread,
    need::Need,
    node::{Function, FunctionCell, Node},
    placement::{Placement, Refusal},
    reach::within_reach,
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
) -> Result<(), Refusal> {
    let Some(spread) = spread else { return Ok(()) };
    for &(resource, wanted) in &need.devices {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{known, node, placed, pod};

    #[test]
    fn as_many_functions_or_switches_as_devices() {
        let known = known();
        let found = |devices, functions: &[(usize, i64, Option<u16>)], zones, spread| {
            let mut node = node(2).with(known.sriov, &[(8, 8), (8, 8)]);
            for (zone, free, switch) in functions {
                let function = Function {
                    switch: *switch,
                    ..Function::default()
                };
                node = node.behind(known.sriov, *zone, (8, *free), function);
            }
            let pod = pod(&[(known.sriov, devices)]);
            match check(&node, &pod, &placed(&[zones]), spread) {
                Ok(()) => None,
                Err(Refusal::Spread { found, wanted }) => Some((found, wanted)),
                Err(other) => panic!("{other:?}"),
            }
        };
        let (functions, switches) = (Some(Spread::PhysicalFunction), Some(Spread::Switch));
        let two = &[(0, 1, Some(1)), (0, 1, Some(1))][..];
        for (devices, there, zones, spread, wanted) in [
            (2, two, 0b01, functions, None),
            (2, two, 0b01, switches, Some((1, 2))),
            (2, two, 0b10, functions, Some((0, 2))),
            (2, two, 0b11, functions, None),
            (2, two, 0, functions, None),
            (2, two, 0b10, None, None),
            (1, &[], 0b01, switches, None),
            (3, two, 0b01, functions, Some((2, 3))),
            (2, &[], 0b01, functions, Some((0, 2))),
            (
                2,
                &[(0, 9, Some(1)), (0, 0, Some(2))],
                0b01,
                functions,
                Some((1, 2)),
            ),
            (2, &[(0, 1, Some(1)), (0, 1, Some(2))], 0b01, switches, None),
            (
                2,
                &[(0, 1, Some(1)), (0, 1, None), (0, 1, None)],
                0b01,
                switches,
                Some((1, 2)),
            ),
            (
                2,
                &[(0, 1, Some(1)), (1, 1, Some(2))],
                0b01,
                switches,
                Some((1, 2)),
            ),
            (i64::MAX, two, 0b01, functions, Some((2, u16::MAX))),
        ] {
            let name = format!("{devices} of {there:?} in {zones:b} over {spread:?}");
            assert_eq!(found(devices, there, zones, spread), wanted, "{name}");
        }
    }
}
