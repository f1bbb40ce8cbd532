//! A PCI function as a value.

use std::collections::BTreeMap;

use spec::device::PciAddress;

use super::{interface::Interface, port_name::PortName};

/// A function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Function {
    /// Its class, such as `0x020000` for Ethernet.
    pub class: u32,
    /// Its vendor's number.
    pub vendor: Option<u32>,
    /// The vendor's number of the device.
    pub device: Option<u32>,
    /// Its driver, such as `mlx5_core` or `vfio-pci`.
    pub driver: Option<String>,
    /// Its NUMA zone; none where the firmware does not say it.
    pub zone: Option<u32>,
    /// The root complex, such as `pci0000:00`.
    pub pcie_root: Option<String>,
    /// Functions of one group can be given to user space only together.
    pub iommu_group: Option<u32>,
    /// Its RDMA devices.
    pub rdma: Vec<String>,
    /// Its interfaces in this network namespace.
    pub interfaces: Vec<Interface>,
    /// What makes it a physical function.
    pub physical: Option<Physical>,
    /// What makes it a virtual one.
    pub virtual_of: Option<Virtual>,
}

/// What a physical function has beyond others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Physical {
    /// How many virtual functions it can have.
    pub total: u32,
    /// How many it has.
    pub configured: u32,
    /// Its virtual functions by index.
    pub functions: BTreeMap<u32, PciAddress>,
}

/// Whose virtual function it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Virtual {
    /// The physical function.
    pub physical: PciAddress,
    /// Its index there; not known where the physical function cannot be read.
    pub index: Option<u32>,
}

impl Function {
    /// The interface that is the way out: in switchdev the one whose port is a physical one, otherwise the only one that
    /// is no representor. Of a function with several ports the first port's.
    #[must_use]
    pub fn uplink(&self) -> Option<&Interface> {
        let is_uplink =
            |interface: &&Interface| matches!(interface.port, Some(PortName::Uplink { .. }));
        let way_out = |interface: &&Interface| !interface.is_representor();
        self.interfaces.iter().find(is_uplink).or_else(|| {
            self.interfaces
                .iter()
                .filter(way_out)
                .min_by_key(|interface| interface.device_port)
        })
    }

    /// Whether its card is known to work as a switch with a representor for each function.
    #[must_use]
    pub fn is_switchdev(&self) -> bool {
        self.interfaces.iter().any(Interface::is_representor)
            || self.uplink().is_some_and(|uplink| {
                uplink.switch_id.is_some() && matches!(uplink.port, Some(PortName::Uplink { .. }))
            })
    }

    /// Vendor and device, such as `15b3:1017`.
    #[must_use]
    pub fn model(&self) -> Option<String> {
        Some(format!("{:04x}:{:04x}", self.vendor?, self.device?))
    }

    /// Whether it is a network controller.
    #[must_use]
    pub const fn is_network(&self) -> bool {
        self.class >> 16 == 0x02
    }

    /// Whether it computes: processing accelerators, 3D and other display controllers, and of those that drive a screen
    /// the ones of vendors who make processors, so that no server's console is taken for one.
    #[must_use]
    pub fn is_accelerator(&self) -> bool {
        match self.class >> 8 {
            0x0302 | 0x0380 | 0x1200 => true,
            0x0300 => matches!(self.vendor, Some(0x1002 | 0x10de | 0x8086)),
            _ => false,
        }
    }
}
