//! The stand-in for an SR-IOV plugin: moves the network device of its `deviceID` into the pod, and back.
//!
//! It finds the device as the real ones do, by the folder `bus/pci/devices/<id>/net` of sysfs; only that the sysfs is one
//! of the demo's making, as there is no card.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use spec::{cni::AddResult, device::DeviceId};

use super::{Call, Record, error::DelegateError, ipam, pod_side};
use crate::demo::{interfaces::interfaces, netlink::session, netns::Netns};

/// Moves the device, gets addresses and assigns them; undoes what it did when something fails.
pub(super) fn add(call: &Call, sysfs: &Path, records: &Path) -> Result<AddResult, DelegateError> {
    let device = call
        .conf
        .device
        .clone()
        .ok_or_else(|| DelegateError::Conf {
            place: "/deviceID",
            problem: "it is missing: no device was handed down to the plugin".to_owned(),
        })?;
    let pod = Netns::open(Path::new(
        call.invocation.netns.as_deref().unwrap_or_default(),
    ))?;
    let node_name = network_device(sysfs, &device)?;
    let mac = free_device_mac(&node_name, &device)?;
    let record = Record {
        interface: call.invocation.interface.clone(),
        device,
        node_name,
        mac,
    };
    // Before the device moves, so that DEL can bring it back whatever happens.
    record.write(records, &call.invocation.container_id)?;
    let added = move_in(&record, &pod)
        .map_err(DelegateError::from)
        .and_then(|()| ipam::add(call))
        .and_then(|addresses| {
            let mac = pod.inside(|| pod_side::configure(record.interface.as_str(), &addresses))?;
            Ok(pod_side::result(call, None, mac, addresses))
        });
    added.inspect_err(|_| {
        // The error that is returned is the reason; that undoing failed too would hide it.
        let _undone = del(call, records);
    })
}

/// Gives the addresses back and brings the device back under its name.
pub(super) fn del(call: &Call, records: &Path) -> Result<(), DelegateError> {
    let (container, interface) = (&call.invocation.container_id, &call.invocation.interface);
    ipam::del(call)?;
    if let Some(record) = Record::read(records, container, interface)? {
        let netns = call.invocation.netns.as_deref().map(Path::new);
        if let Some(path) = netns.filter(|path| path.exists()) {
            move_back(&record, &Netns::open(path)?)?;
        }
        Record::remove(records, container, interface)?;
    }
    Ok(())
}

/// The name of a device's network device.
fn network_device(sysfs: &Path, device: &DeviceId) -> Result<String, DelegateError> {
    let place = sysfs
        .join("bus/pci/devices")
        .join(device.as_str())
        .join("net");
    let first = fs::read_dir(&place).ok().and_then(|mut all| all.next());
    match first
        .and_then(Result::ok)
        .and_then(|entry| entry.file_name().into_string().ok())
    {
        Some(name) => Ok(name),
        None => Err(DelegateError::NoDevice {
            device: device.to_string(),
            place,
        }),
    }
}

/// A device that another pod has is not on the node.
fn free_device_mac(node_name: &str, device: &DeviceId) -> Result<String> {
    let all = interfaces()?;
    let own = all
        .into_iter()
        .find(|interface| interface.name == node_name);
    let own = own
        .with_context(|| format!("device {device} is not free: {node_name} is not on the node"))?;
    Ok(own.mac)
}

fn move_in(record: &Record, pod: &Netns) -> Result<()> {
    session(async |netlink| {
        let index = netlink.index(&record.node_name).await?;
        netlink.move_to(index, pod).await
    })?;
    pod.inside(|| {
        session(async |netlink| {
            let index = netlink.index(&record.node_name).await?;
            netlink.rename(index, record.interface.as_str()).await
        })
    })
}

fn move_back(record: &Record, pod: &Netns) -> Result<()> {
    let node = Netns::current()?;
    pod.inside(|| {
        // By its hardware address: when ADD failed half way, a device of that name may be another's.
        let all = interfaces()?;
        let Some(own) = all.iter().find(|interface| interface.mac == record.mac) else {
            return Ok(());
        };
        session(async |netlink| {
            netlink.down(own.index).await?;
            netlink.rename(own.index, &record.node_name).await?;
            netlink.move_to(own.index, &node).await
        })
    })?;
    session(async |netlink| netlink.up(netlink.index(&record.node_name).await?).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_device_of_a_device() {
        let sysfs = tempfile::tempdir().unwrap();
        let device: DeviceId = "0000:03:02.2".parse().unwrap();
        let error = network_device(sysfs.path(), &device).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("0000:03:02.2 has no network device in")
        );
        fs::create_dir_all(
            sysfs
                .path()
                .join("bus/pci/devices/0000:03:02.2/net/enp3s0f0v0"),
        )
        .unwrap();
        assert_eq!(network_device(sysfs.path(), &device).unwrap(), "enp3s0f0v0");
    }
}
