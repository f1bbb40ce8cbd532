//! A node as decisions see it: what is free in which zones. Flat, small, and read without a single allocation.

use std::ops::Range;

use api::topology_manager::{Policy, Scope};

use crate::{resource::ResourceId, zones::ZoneMask};

/// A node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// What the kubelet refuses for want of alignment.
    pub policy: Policy,
    /// What the kubelet aligns as a whole.
    pub scope: Scope,
    /// The kernel's numbers of the zones, ascending: bit `i` of a [`ZoneMask`] is `zones[i]`.
    pub zones: Box<[u32]>,
    /// What there is, sorted by resource.
    pub stocks: Box<[Stock]>,
    /// The stocks' parts that have zones, those of one stock together.
    pub cells: Box<[Cell]>,
    /// The physical functions behind its devices.
    pub functions: Box<[Function]>,
    /// Devices by physical function, for what is decided between functions. Sorted by resource.
    pub function_cells: Box<[FunctionCell]>,
    /// The PCIe roots of its accelerators, numbered as in [`Function::pcie_root`], one entry for each accelerator.
    pub accelerator_roots: Box<[u16]>,
    /// How far zones are from each other ([`crate::report::Report::distances`]).
    pub distances: Box<[u8]>,
    /// What there is behind each of [`Node::cells`] with what is reserved or unhealthy, where that is known; else empty.
    /// By this the kubelet decides how many zones a request needs at least.
    pub capacities: Box<[i64]>,
    /// The sets of several zones in which memory is pinned together. While it is, the kubelet pins nothing else there
    /// than for the same set.
    pub memory_groups: Vec<ZoneMask>,
    /// CPUs, memory and huge pages that are in no zone are not there to be pinned: so a NodeResourceTopology is read, while
    /// in a NodeInventory they are not pinned at all.
    pub has_only_zoned_natives: bool,
    /// Something is held of which the zones can only be guessed: what zones have free is a lower bound.
    pub is_fuzzy: bool,
}

/// A resource of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stock {
    /// Which.
    pub resource: ResourceId,
    /// Its cells; none where the kubelet does not align it on this node.
    pub cells: Range<u16>,
    /// All that pods may get, those without zones included. In units of [`crate::resource::Kind`].
    pub allocatable: i64,
    /// What of it nobody holds and nothing bound to the node will hold; less than nothing when too much was promised.
    pub free: i64,
}

/// So much of a resource that is in the same zones: for CPUs and memory one zone, for a device all that it is near to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Its zones, at least one.
    pub zones: ZoneMask,
    /// All that pods may get.
    pub allocatable: i64,
    /// What is free, as in [`Stock::free`].
    pub free: i64,
}

/// A physical function. Roots and switches are numbered within the node: equal numbers, equal things.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Function {
    /// Its PCIe root.
    pub pcie_root: Option<u16>,
    /// Its switch.
    pub switch: Option<u16>,
    /// Whether it has a link, where that is known.
    pub link_up: Option<bool>,
}

/// So many devices of a resource behind one physical function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunctionCell {
    /// The resource.
    pub resource: ResourceId,
    /// An index of [`Node::functions`].
    pub function: u16,
    /// Where they are; none for devices that are aligned with no zone.
    pub zones: ZoneMask,
    /// All that pods may get.
    pub allocatable: i64,
    /// What nobody holds, as it was reported: of what will be held by pods that are not in the report yet, nobody knows
    /// the function.
    pub free: i64,
}

impl Node {
    /// What it has of a resource.
    #[must_use]
    pub fn stock(&self, resource: ResourceId) -> Option<&Stock> {
        let at = self
            .stocks
            .binary_search_by_key(&resource, |stock| stock.resource);
        at.ok().map(|at| &self.stocks[at])
    }

    /// What the zones of a cell have with what is reserved or unhealthy.
    #[must_use]
    pub fn capacity(&self, cell: usize) -> i64 {
        let allocatable = self.cells[cell].allocatable;
        let capacity = self.capacities.get(cell).copied();
        capacity.unwrap_or_default().max(allocatable)
    }

    /// The cells of a stock.
    #[must_use]
    pub fn cells(&self, stock: &Stock) -> &[Cell] {
        &self.cells[usize::from(stock.cells.start)..usize::from(stock.cells.end)]
    }

    /// The devices of a resource by physical function, as far as the functions are known.
    #[must_use]
    pub fn function_cells_of(&self, resource: ResourceId) -> &[FunctionCell] {
        let cells = &self.function_cells;
        let start = cells.partition_point(|cell| cell.resource < resource);
        let end = cells.partition_point(|cell| cell.resource <= resource);
        &cells[start..end]
    }
}
