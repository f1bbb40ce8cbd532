//! A report about a node, read once: what the engine takes of a NodeInventory or of a NodeResourceTopology.

use api::{
    node_inventory::NodeInventory,
    node_resource_topology::NodeResourceTopology,
    topology_manager::{Policy, Scope},
};

use crate::zones::ZoneMask;

mod cpus;
mod devices;
mod distances;
mod faults;
mod inventory;
mod numbering;
mod sum;
mod topology;

/// A report about a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Who tells.
    pub source: Source,
    /// What the kubelet refuses for want of alignment.
    pub policy: Policy,
    /// What the kubelet aligns as a whole.
    pub scope: Scope,
    /// The kernel's numbers of the zones, ascending.
    pub zones: Vec<u32>,
    /// What there is.
    pub amounts: Vec<ReportedAmount>,
    /// Who holds what, by pod; nobody where the source does not tell.
    pub holders: Vec<Holder>,
    /// The physical functions behind the devices.
    pub functions: Vec<Function>,
    /// Accelerators' PCIe roots, each once for each accelerator.
    pub accelerator_roots: Vec<Box<str>>,
    /// How far each zone is from each, row by row in the order of [`Report::zones`] (ACPI SLIT: 10 is the zone itself);
    /// 0 where it is not told, and empty where none is.
    pub distances: Vec<u8>,
    /// What of the object could not be read or contradicts itself, in words. What it concerns is left out of `amounts`.
    pub faults: Vec<String>,
}

/// Who tells, and which of its reports it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A NodeInventory: it names pods by UID, and its reports have an order.
    Inventory(Sequence),
    /// A NodeResourceTopology of anyone: sums alone.
    Topology,
}

/// The place of a report among all reports of a node. Reports are compared by this alone, never by clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence {
    /// Grows with every start of the node's device-bridge.
    pub epoch: u64,
    /// Grows with every report within an epoch.
    pub number: u64,
}

/// So much of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedAmount {
    /// The resource.
    pub resource: Box<str>,
    /// Where it is; [`ZoneMask::NONE`] for what is aligned with no zone.
    pub zones: ZoneMask,
    /// The physical function behind it: an index of [`Report::functions`].
    pub function: Option<u16>,
    /// All there is, with what is reserved, or unhealthy and held.
    pub capacity: i64,
    /// All that pods may get.
    pub allocatable: i64,
    /// What nobody holds.
    pub available: i64,
}

/// A pod that holds something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its UID, where the reporter knew it.
    pub uid: Option<Box<str>>,
    /// Its namespace.
    pub namespace: Box<str>,
    /// Its name.
    pub name: Box<str>,
    /// What it holds, by container.
    pub held: Vec<Held>,
}

/// So much of a resource, held by a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The container.
    pub container: Box<str>,
    /// The resource.
    pub resource: Box<str>,
    /// Where it is.
    pub zones: ZoneMask,
    /// The physical function behind it: an index of [`Report::functions`].
    pub function: Option<u16>,
    /// How much.
    pub amount: i64,
}

/// A physical function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its PCI address.
    pub address: Box<str>,
    /// Its PCIe root.
    pub pcie_root: Option<Box<str>>,
    /// Its switch.
    pub switch: Option<Box<str>>,
    /// Whether it has a link, where that is known.
    pub link_up: Option<bool>,
}

impl Report {
    /// The report that a NodeInventory is. Whatever it holds: what is malformed, contradicts itself or is beyond all
    /// machines is told in `faults` and counted as in use.
    #[must_use]
    pub fn of_inventory(object: &NodeInventory) -> Self {
        inventory::read(object)
    }

    /// The report that a NodeResourceTopology is, whatever it holds, as for a NodeInventory.
    #[must_use]
    pub fn of_topology(object: &NodeResourceTopology) -> Self {
        topology::read(object)
    }
}
