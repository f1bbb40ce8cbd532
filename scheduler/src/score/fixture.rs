//! Nodes and pods, written down.

use api::topology_manager::{Policy, Scope};

use crate::{
    need::{ContainerNeed, Need, Role},
    node::{Cell, Function, FunctionCell, Node, Stock},
    placement::Placement,
    resource::{ResourceId, Resources},
    zones::ZoneMask,
};

/// The resources of all tests here: two network resources, one of accelerators.
pub(crate) struct Known {
    pub(crate) all: Resources,
    pub(crate) sriov: ResourceId,
    pub(crate) other: ResourceId,
    pub(crate) gpu: ResourceId,
}

pub(crate) fn known() -> Known {
    let mut all = Resources::default();
    let sriov = all.intern("intel.com/sriov").unwrap();
    let other = all.intern("intel.com/other").unwrap();
    let gpu = all.intern("nvidia.com/gpu").unwrap();
    Known {
        all,
        sriov,
        other,
        gpu,
    }
}

/// A node of so many zones with nothing in them.
pub(crate) fn node(zones: u32) -> Node {
    Node {
        policy: Policy::SingleNumaNode,
        scope: Scope::Container,
        zones: (0..zones).collect(),
        ..Node::default()
    }
}

impl Node {
    /// The same with a resource: `(allocatable, free)` of each zone. Resources come in the order of their ids.
    pub(crate) fn with(mut self, resource: ResourceId, zones: &[(i64, i64)]) -> Self {
        let start = u16::try_from(self.cells.len()).unwrap();
        let cells = zones.iter().enumerate();
        let cells = cells.map(|(at, &(allocatable, free))| Cell {
            zones: ZoneMask::of(at),
            allocatable,
            free,
        });
        let cells: Vec<Cell> = self.cells.iter().copied().chain(cells).collect();
        let end = u16::try_from(cells.len()).unwrap();
        self.cells = cells.into();
        let stock = Stock {
            resource,
            cells: start..end,
            allocatable: zones.iter().map(|zone| zone.0).sum(),
            free: zones.iter().map(|zone| zone.1).sum(),
        };
        self.stocks = self.stocks.iter().cloned().chain([stock]).collect();
        self
    }

    /// The same with a physical function that has devices of a resource in a zone.
    pub(crate) fn behind(
        mut self,
        resource: ResourceId,
        zone: usize,
        (allocatable, free): (i64, i64),
        function: Function,
    ) -> Self {
        let cell = FunctionCell {
            resource,
            function: u16::try_from(self.functions.len()).unwrap(),
            zones: ZoneMask::of(zone),
            allocatable,
            free,
        };
        self.functions = self.functions.iter().copied().chain([function]).collect();
        self.function_cells = self.function_cells.iter().copied().chain([cell]).collect();
        self
    }
}

/// A pod of one container.
pub(crate) fn pod(amounts: &[(ResourceId, i64)]) -> Need {
    Need {
        containers: vec![ContainerNeed {
            role: Role::App,
            aligned: amounts.to_vec(),
        }],
        aligned: amounts.to_vec(),
        total: amounts.to_vec(),
        devices: amounts
            .iter()
            .filter(|(id, _)| *id > ResourceId::MEMORY)
            .copied()
            .collect(),
        ..Need::default()
    }
}

/// Every container in these zones.
pub(crate) fn placed(containers: &[u64]) -> Placement {
    Placement {
        zones: containers.iter().map(|mask| ZoneMask(*mask)).collect(),
        is_certain: true,
    }
}
