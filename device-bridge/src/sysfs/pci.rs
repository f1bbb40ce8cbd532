//! PCI functions: `bus/pci/devices`.

use std::{collections::BTreeMap, path::Path};

use spec::device::PciAddress;

use super::{
    file::{hexadecimal, link_name, names, number, real, text},
    function::{Function, Physical, Virtual},
    interface,
};

/// Reads the functions that are of the network, compute, or have virtual functions.
pub(super) fn read(root: &Path) -> BTreeMap<PciAddress, Function> {
    let bus = root.join("bus/pci/devices");
    let mut functions: BTreeMap<PciAddress, Function> = names(&bus)
        .into_iter()
        .filter_map(|name| {
            let folder = bus.join(&name);
            let address = PciAddress::try_from(name.as_str()).ok()?;
            Some((address, function(&folder)?))
        })
        .collect();
    let indices: Vec<(PciAddress, u32)> = functions
        .values()
        .filter_map(|function| function.physical.as_ref())
        .flat_map(|physical| &physical.functions)
        .map(|(index, address)| (address.clone(), *index))
        .collect();
    for (address, index) in indices {
        if let Some(found) = functions
            .get_mut(&address)
            .and_then(|function| function.virtual_of.as_mut())
        {
            found.index = Some(index);
        }
    }
    functions
}

/// The function in a folder of the bus; `None` when it is gone, or of no interest.
fn function(folder: &Path) -> Option<Function> {
    let real = real(folder)?;
    let mut function = Function {
        class: hexadecimal(&real.join("class")).unwrap_or_default(),
        vendor: hexadecimal(&real.join("vendor")),
        device: hexadecimal(&real.join("device")),
        physical: physical(&real),
        virtual_of: link_name(&real.join("physfn"))
            .and_then(|name| PciAddress::try_from(name).ok())
            .map(|physical| Virtual {
                physical,
                index: None,
            }),
        ..Function::default()
    };
    let has_functions = function.physical.is_some() || function.virtual_of.is_some();
    if !function.is_network() && !function.is_accelerator() && !has_functions {
        return None;
    }
    function.driver = link_name(&real.join("driver"));
    function.zone = zone(&real);
    function.pcie_root = pcie_root(&real);
    function.iommu_group =
        link_name(&real.join("iommu_group")).and_then(|group| group.parse().ok());
    function.rdma = names(&real.join("infiniband"));
    function.interfaces = interface::of_device(&real, function.virtual_of.is_none());
    // What vanished meanwhile would be half a device.
    real.exists().then_some(function)
}

fn physical(real: &Path) -> Option<Physical> {
    let total: u32 = number(&real.join("sriov_totalvfs"))?;
    let functions = names(real)
        .into_iter()
        .filter_map(|name| {
            let index = name.strip_prefix("virtfn")?.parse().ok()?;
            let address = link_name(&real.join(&name))?;
            Some((index, PciAddress::try_from(address).ok()?))
        })
        .collect();
    Some(Physical {
        total,
        configured: number(&real.join("sriov_numvfs")).unwrap_or_default(),
        functions,
    })
}

/// The NUMA zone of a device; the kernel writes -1 where the firmware gives none.
fn zone(real: &Path) -> Option<u32> {
    let zone: i64 = text(&real.join("numa_node"))?.parse().ok()?;
    u32::try_from(zone).ok()
}

/// The root complex: the first part of the way that is called `pci` and a domain and bus.
fn pcie_root(real: &Path) -> Option<String> {
    let is_root = |part: &&str| {
        let hex = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
        part.strip_prefix("pci")
            .and_then(|rest| rest.split_once(':'))
            .is_some_and(|(domain, bus)| domain.len() >= 4 && hex(domain) && hex(bus))
    };
    real.iter()
        .filter_map(|part| part.to_str())
        .find(is_root)
        .map(str::to_owned)
}
