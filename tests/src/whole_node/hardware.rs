//! What stands for the node's hardware: an uplink, and network devices that are to be virtual functions.
//!
//! A virtual function is one end of a veth pair whose other end is a port of one bridge, the switch of the card. Its PCI address
//! leads to it by a sysfs of the test's: the reference plugin host-device looks there as it does for a real one. sysfs itself
//! tells the agent of the card ([`FakeSysfs`]).

use std::{fs, os::unix::fs::symlink, path::Path};

use super::{device_plugin::VFS, mounts};
use crate::fixture::{
    needs::PCI_DEVICES,
    node::ip,
    sysfs::{Card, FakeSysfs},
};

/// The node's address, which is on its uplink.
pub(crate) const ADDRESS: &str = "192.168.7.2";

/// The interface that macvlans are made on.
pub(crate) const UPLINK: &str = "uplink";

/// The bridge between the virtual functions.
const SWITCH: &str = "vf-switch";

/// Makes all of it. Gives back where the agent finds its sysfs.
pub(super) fn make(folder: &Path) -> std::path::PathBuf {
    ip(&[
        "link",
        "add",
        UPLINK,
        "type",
        "veth",
        "peer",
        "name",
        "uplink-peer",
    ]);
    ip(&["link", "set", "uplink-peer", "up"]);
    ip(&["link", "set", UPLINK, "up"]);
    let with_length = format!("{ADDRESS}/24");
    ip(&["address", "add", &with_length, "dev", UPLINK]);
    ip(&["route", "add", "default", "via", "192.168.7.1"]);
    ip(&["link", "add", SWITCH, "type", "bridge"]);
    ip(&["link", "set", SWITCH, "up"]);
    make_functions();

    let devices = folder.join("pci-devices");
    let driver = folder.join("pci-drivers/mlx5_core");
    fs::create_dir_all(&driver).expect("the folder is ours");
    for (index, vf) in VFS.iter().enumerate() {
        let net = devices.join(vf.id).join("net").join(name(index));
        fs::create_dir_all(net).expect("the folder is ours");
        // By its driver host-device knows whether a device has an interface.
        symlink(&driver, devices.join(vf.id).join("driver")).expect("the folder is ours");
        let zone = vf.numa.to_string();
        fs::write(devices.join(vf.id).join("numa_node"), zone).expect("the folder is ours");
    }
    mounts::bind(&devices, Path::new(PCI_DEVICES));
    sysfs(folder)
}

/// Makes the virtual functions that are not there: those whose namespace went without a DEL are gone with it.
pub(crate) fn make_functions() {
    for index in 0..VFS.len() {
        let (name, port) = (name(index), format!("{}-port", name(index)));
        if Path::new("/proc/sys/net/ipv4/conf").join(&name).exists() {
            continue;
        }
        let mac = mac(index);
        ip(&[
            "link", "add", &name, "address", &mac, "type", "veth", "peer", "name", &port,
        ]);
        ip(&["link", "set", &port, "master", SWITCH, "up"]);
    }
}

/// The network device of the n-th virtual function, on the node.
pub(crate) fn name(index: usize) -> String {
    format!("vf{index}")
}

/// Its address, by which it is known in a pod.
pub(crate) fn mac(index: usize) -> String {
    format!("02:00:00:00:0f:{index:02x}")
}

/// The PCI address of the virtual function with a MAC address.
pub(crate) fn function_of(mac_address: &str) -> Option<&'static str> {
    let index = (0..VFS.len()).find(|index| mac(*index) == mac_address)?;
    Some(VFS[index].id)
}

/// What the kernel would say of two cards with these virtual functions.
fn sysfs(folder: &Path) -> std::path::PathBuf {
    let root = folder.join("sysfs");
    let sysfs = FakeSysfs::new(&root);
    sysfs.zones(&[(0, "0-1", 1 << 20, 0), (1, "2-3", 1 << 20, 0)]);
    let of = |zone: i64| -> Vec<&str> {
        let of_zone = VFS.iter().filter(|vf| vf.numa == zone);
        of_zone.map(|vf| vf.id).collect()
    };
    for (zone, at, interface) in [
        (0, "pci0000:3a/0000:3a:00.0/0000:3b:00.0", "pf0"),
        (1, "pci0000:ae/0000:ae:00.0/0000:af:00.0", "pf1"),
    ] {
        sysfs.card(Card {
            at,
            zone,
            total: 8,
            functions: &of(i64::from(zone)),
            interface,
            driver: "mlx5_core",
        });
    }
    root
}
