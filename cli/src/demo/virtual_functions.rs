//! The node's hardware: an uplink and two virtual functions, played by ends of veth pairs.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, Result};
use spec::device::DeviceId;

use super::{
    deadline::wait_for,
    interfaces::{all_up, interfaces},
    netlink::session,
};

/// The device plugin's resource, as in the network `sriov-net-a`.
pub(super) const RESOURCE: &str = "intel.com/sriov";

/// The node's uplink, on which `macvlan-conf` is made.
const UPLINK: &str = "eth0";

/// The functions of the card: PCI address, name on the node, the other end.
const FUNCTIONS: [(&str, &str, &str); 2] = [
    ("0000:03:02.2", "enp3s0f0v0", "card-v0"),
    ("0000:03:02.3", "enp3s0f0v1", "card-v1"),
];

/// A veth pair is up when both its ends are, and the kernel says so within a second.
const UP: Duration = Duration::from_secs(10);

/// A virtual function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct VirtualFunction {
    /// Its device id.
    pub(super) device: DeviceId,
    /// Its network device's name on the node.
    pub(super) name: String,
    /// Its network device's hardware address.
    pub(super) mac: String,
}

/// Makes the hardware in the calling thread's namespace, and the folder that plays `/sys` and tells which network
/// device belongs to which PCI address.
pub(super) fn install(sysfs: &Path) -> Result<Vec<VirtualFunction>> {
    session(async |netlink| {
        let functions = FUNCTIONS.iter().map(|(_, name, other)| (*name, *other));
        for (name, other) in functions.chain([(UPLINK, "wire")]) {
            netlink.add_veth(name, other, None).await?;
            for end in [name, other] {
                netlink.up(netlink.index(end).await?).await?;
            }
        }
        Ok(())
    })?;
    let all = wait_for("the node's devices to be up", UP, || {
        let all = interfaces()?;
        Ok(all_up(&all).then_some(all))
    })?;
    FUNCTIONS
        .iter()
        .map(|(device, name, _)| {
            let folder = sysfs
                .join("bus/pci/devices")
                .join(device)
                .join("net")
                .join(name);
            fs::create_dir_all(&folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
            let own = all.iter().find(|interface| interface.name == *name);
            Ok(VirtualFunction {
                device: device.parse()?,
                name: (*name).to_owned(),
                mac: own
                    .with_context(|| format!("{name} is not there after it was made"))?
                    .mac
                    .clone(),
            })
        })
        .collect()
}
