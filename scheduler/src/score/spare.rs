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
        let needed = need.devices.binary_search_by_key(&resource, |(id, _)| *id);
        resources.kind(resource) == Kind::Device && needed.is_err()
    };
    let spare = node.stocks.iter().filter(|stock| is_spare(stock.resource));
    let free = spare.map(|stock| stock.free.clamp(0, PLENTY)).sum::<i64>();
    FULL * MANY / (MANY + free)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixture::{known, node, pod},
        resource::ResourceId,
    };

    #[test]
    fn free_devices_of_others_count_against_a_node() {
        let known = known();
        let of = |sriov, gpu| {
            node(1)
                .with(ResourceId::CPU, &[(64_000, 64_000)])
                .with(known.sriov, &[(1000, sriov)])
                .with(known.gpu, &[(8, gpu)])
        };
        let none = pod(&[]);
        for (sriov, gpu, wanted) in [
            (0, 0, 1000),
            (-3, 0, 1000),
            (0, 8, 500),
            (8, 0, 500),
            (8, 8, 333),
            (1000, 0, 333),
        ] {
            assert_eq!(
                share(&of(sriov, gpu), &none, &known.all),
                wanted,
                "{sriov} {gpu}"
            );
        }
        let wants = pod(&[(known.sriov, 1)]);
        assert_eq!(share(&of(8, 0), &wants, &known.all), 1000);
        assert_eq!(share(&of(8, 8), &wants, &known.all), 500);
    }
}
