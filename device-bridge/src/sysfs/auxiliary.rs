//! Subfunctions: `bus/auxiliary/devices`. Their ids are no PCI addresses.

use std::{collections::BTreeMap, path::Path};

use spec::device::PciAddress;

use super::{
    file::{link_name, names, number, pci_addresses, real},
    interface::{self, Interface},
};

/// A subfunction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Auxiliary {
    /// The PCI function it is a part of.
    pub parent: Option<PciAddress>,
    /// Its number (`sfnum`).
    pub number: Option<u32>,
    /// Its driver.
    pub driver: Option<String>,
    /// Its RDMA devices.
    pub rdma: Vec<String>,
    /// Its interfaces in this network namespace.
    pub interfaces: Vec<Interface>,
}

/// Reads the subfunctions. Other auxiliary devices are how drivers are built, and are handed out to nobody.
pub(super) fn read(root: &Path) -> BTreeMap<String, Auxiliary> {
    let bus = root.join("bus/auxiliary/devices");
    names(&bus)
        .into_iter()
        .filter_map(|name| {
            let real = real(&bus.join(&name))?;
            let number = number(&real.join("sfnum"));
            if number.is_none() && !name.contains(".sf.") {
                return None;
            }
            let function = Auxiliary {
                parent: pci_addresses(&real).pop(),
                number,
                driver: link_name(&real.join("driver")),
                rdma: names(&real.join("infiniband")),
                interfaces: interface::of_device(&real, false),
            };
            real.exists().then_some((name, function))
        })
        .collect()
}
