//! vDPA devices: `bus/vdpa/devices`.

use std::{collections::BTreeMap, path::Path};

use spec::device::PciAddress;

use super::file::{link_name, names, pci_addresses, real};

/// A vDPA device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vdpa {
    /// The device it is made of: a virtual function's address or a subfunction's name.
    pub parent: Option<String>,
    /// The PCI function it is made of, or that its subfunction is a part of.
    pub function: Option<PciAddress>,
    /// `vhost_vdpa` or `virtio_vdpa`.
    pub driver: Option<String>,
}

/// Reads the vDPA devices.
pub(super) fn read(root: &Path) -> BTreeMap<String, Vdpa> {
    let bus = root.join("bus/vdpa/devices");
    names(&bus)
        .into_iter()
        .filter_map(|name| {
            let real = real(&bus.join(&name))?;
            let parent = real.parent()?.file_name()?.to_str()?;
            let function = pci_addresses(&real).pop();
            // A simulator hangs from no device.
            let device = Vdpa {
                parent: function.as_ref().map(|_| parent.to_owned()),
                function,
                driver: link_name(&real.join("driver")),
            };
            real.exists().then_some((name, device))
        })
        .collect()
}
