//! What the kernel says of a node's hardware, read from a sysfs tree whose root is given.
//!
//! Reading never fails as a whole. A file that cannot be read is a fact that is not known, a device that is gone before it
//! was read to its end is left out, and neither hides another device. What the tree means is documented by the kernel
//! (Documentation/ABI, `sysfs-bus-pci`, `sysfs-class-net`, `sysfs-devices-node`).

mod auxiliary;
mod file;
mod function;
mod interface;
pub mod numa;
mod pci;
pub mod port_name;
mod vdpa;

use std::{collections::BTreeMap, path::Path};

use spec::device::PciAddress;

pub use self::{
    auxiliary::Auxiliary,
    function::{Function, Physical, Virtual},
    interface::Interface,
    vdpa::Vdpa,
};
use self::{numa::Zones, port_name::PortName};

/// The hardware of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hardware {
    /// Network functions, accelerators and whatever has virtual functions, on PCI.
    pub functions: BTreeMap<PciAddress, Function>,
    /// Subfunctions, by their names on the auxiliary bus, such as `mlx5_core.sf.2`.
    pub auxiliary: BTreeMap<String, Auxiliary>,
    /// vDPA devices, by names such as `vdpa0`.
    pub vdpa: BTreeMap<String, Vdpa>,
    /// Interfaces that stand for a function on the switch of its card.
    pub representors: Vec<Interface>,
    /// NUMA zones with their CPUs and memory.
    pub zones: Zones,
}

impl Hardware {
    /// Reads the tree below `root`, which is `/sys` on a node.
    #[must_use]
    pub fn read(root: &Path) -> Self {
        Self {
            functions: pci::read(root),
            auxiliary: auxiliary::read(root),
            vdpa: vdpa::read(root),
            representors: interface::representors(root),
            zones: numa::read(root),
        }
    }

    /// The physical function behind a function: that of a virtual one, itself of any other.
    #[must_use]
    pub fn physical_function(&self, address: &PciAddress) -> Option<&PciAddress> {
        let (known, function) = self.functions.get_key_value(address)?;
        Some(
            function
                .virtual_of
                .as_ref()
                .map_or(known, |found| &found.physical),
        )
    }

    /// The representor of a virtual function on the switch of its card.
    #[must_use]
    pub fn representor(&self, address: &PciAddress) -> Option<&Interface> {
        let Virtual { physical, index } = self.functions.get(address)?.virtual_of.as_ref()?;
        let index = (*index)?;
        self.on_switch_of(physical, |pf, name| {
            matches!(name, PortName::VirtualFunction { pf: of, vf, .. } if *of == pf && *vf == index)
        })
    }

    /// The representor of a subfunction.
    #[must_use]
    pub fn subfunction_representor(&self, name: &str) -> Option<&Interface> {
        let function = self.auxiliary.get(name)?;
        let number = function.number?;
        self.on_switch_of(function.parent.as_ref()?, |pf, name| {
            matches!(name, PortName::Subfunction { pf: of, sf, .. } if *of == pf && *sf == number)
        })
    }

    fn on_switch_of(
        &self,
        physical: &PciAddress,
        is_it: impl Fn(u32, &PortName) -> bool,
    ) -> Option<&Interface> {
        let uplink = self.functions.get(physical)?.uplink()?;
        let (switch, port) = (uplink.switch_id.as_ref()?, uplink.port.as_ref()?);
        let PortName::Uplink { port } = port else {
            return None;
        };
        self.representors.iter().find(|interface| {
            interface.switch_id.as_ref() == Some(switch)
                && interface
                    .port
                    .as_ref()
                    .is_some_and(|name| name.is_of_this_host() && is_it(*port, name))
        })
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
