//! Act, second half: what the pod's author can read about it, compared with what is there.

use std::{fs, time::Duration};

use anyhow::{Context, Result};
use api::pod::Pod;
use serde_json::{Value, json};
use spec::{
    device::DeviceId,
    network::{NETWORK_STATUS, NetworkStatus},
};

use super::Scene;
use crate::demo::{
    deadline::wait_for, expectation::Expected, interfaces::Interface, transcript::Transcript,
};

/// The report goes out when ADD is through, so it is there within moments.
const PUBLISHED: Duration = Duration::from_secs(10);

pub(super) fn play(
    scene: &Scene<'_>,
    pod: &Pod,
    expected: &[Expected],
    devices: &[DeviceId],
    found: &[Interface],
    out: &mut Transcript,
) -> Result<()> {
    let file = format!(
        "status/{}_{}.json",
        pod.metadata.namespace, pod.metadata.name
    );
    let path = scene.folder.at(&file);
    let text = wait_for("the published network-status", PUBLISHED, || {
        Ok(fs::read_to_string(&path).ok())
    })?;
    let statuses: Vec<NetworkStatus> = serde_json::from_str(&text)
        .with_context(|| format!("the published network-status is none: {text}"))?;
    out.say(&format!(
        "The annotation {NETWORK_STATUS} that polypod-device-bridge published:"
    ));
    let compact: Result<Vec<String>, _> = statuses.iter().map(serde_json::to_string).collect();
    out.block(compact?);
    out.check("elements of network-status", expected.len(), statuses.len());
    let mut devices = devices.iter();
    for (one, status) in expected.iter().zip(&statuses) {
        let device = if one.needs_device {
            devices.next()
        } else {
            None
        };
        let interface = found
            .iter()
            .find(|interface| interface.name == one.interface);
        out.check(
            &format!("network-status of {}", one.interface),
            describe(&wanted(one, device, interface)),
            describe(status),
        );
    }
    Ok(())
}

/// What the element must say: a function of the pod's annotation, the allocation and the interface.
fn wanted(
    one: &Expected,
    device: Option<&DeviceId>,
    interface: Option<&Interface>,
) -> NetworkStatus {
    NetworkStatus {
        name: one.network.clone(),
        interface: one.interface.clone(),
        ips: interface.map(addresses).unwrap_or_default(),
        mac: interface
            .map(|interface| interface.mac.clone())
            .unwrap_or_default(),
        default: one.interface == "eth0",
        device_info: device.map(
            |device| json!({"type": "pci", "version": "1.1.0", "pci": {"pci-address": device}}),
        ),
        ..NetworkStatus::default()
    }
}

/// Without prefix lengths, and without the link-local ones that the kernel makes by itself.
fn addresses(interface: &Interface) -> Vec<String> {
    let all = interface.addresses.iter();
    all.filter(|address| !address.starts_with("fe80:"))
        .filter_map(|address| address.split('/').next())
        .map(str::to_owned)
        .collect()
}

fn describe(status: &NetworkStatus) -> String {
    let word = |value: &Value| value.as_str().unwrap_or("nothing").to_owned();
    let device = status.device_info.as_ref().map_or(String::new(), |info| {
        let [kind, version] = ["type", "version"].map(|key| word(&info[key]));
        let address = word(&info["pci"]["pci-address"]);
        format!(", device {address} ({kind} {version})")
    });
    let default = if status.default { ", default" } else { "" };
    format!(
        "{} on {} has {} ({}){device}{default}",
        status.name,
        status.interface,
        status.ips.join(" "),
        status.mac
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_author_can_read() {
        let status: NetworkStatus = serde_json::from_value(json!({
            "name": "default/sriov-net-a", "interface": "net2", "ips": ["10.56.217.171"], "mac": "02:00:00:00:00:01",
            "device-info": {"type": "pci", "version": "1.1.0", "pci": {"pci-address": "0000:03:02.2"}},
        }))
        .unwrap();
        assert_eq!(
            describe(&status),
            "default/sriov-net-a on net2 has 10.56.217.171 (02:00:00:00:00:01), device 0000:03:02.2 (pci 1.1.0)"
        );
    }
}
