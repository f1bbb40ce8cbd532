//! Act: the kubelet gives the pod its devices, and the device-bridge is there to tell of it.

use std::{fs, process::Command};

use anyhow::{Context, Result};
use api::pod::Pod;
use serde_json::Value;
use spec::device::DeviceId;

use super::{Node, Scene};
use crate::demo::{
    allocation::{allocate, in_order},
    daemon::Daemon,
    kubelet::Kubelet,
    transcript::Transcript,
    virtual_functions::RESOURCE,
};

/// The device-bridge, the kubelet, and the devices in the order in which the pod's networks must get them.
pub(super) fn play(
    scene: &Scene<'_>,
    node: &Node,
    admitted: &Value,
    pod: &Pod,
    out: &mut Transcript,
) -> Result<(Daemon, Kubelet, Vec<DeviceId>)> {
    out.heading(
        "Allocation",
        "The pod is bound to this node. The kubelet picks devices for its limits, before any container exists, and tells \
         of them on its pod-resources socket, in no order. polypod-device-bridge reads them there. (The kubelet is a \
         stand-in that speaks the kubelet's protocol; the device-bridge is the real one.)",
    );
    let inventory: Vec<DeviceId> = node
        .functions
        .iter()
        .map(|function| function.device.clone())
        .collect();
    let allocations = allocate(pod, RESOURCE, &inventory)?;
    let socket = scene.folder.at("kubelet.sock");
    let (namespace, name) = (&pod.metadata.namespace, &pod.metadata.name);
    let kubelet = Kubelet::serve(&socket, namespace, name, RESOURCE, &allocations)?;
    out.say("What the kubelet answers:");
    out.block(allocations.iter().map(|allocation| {
        let devices: Vec<&str> = allocation.devices.iter().map(DeviceId::as_str).collect();
        let devices = if devices.is_empty() {
            "nothing".to_owned()
        } else {
            devices.join(", ")
        };
        format!("container {}: {RESOURCE} = {devices}", allocation.container)
    }));

    // JSON is YAML, so the pod can be a document beside the networks.
    let objects = scene.folder.at("cluster.yaml");
    fs::write(&objects, format!("{}---\n{admitted}\n", node.networks_yaml))
        .with_context(|| format!("cannot write {}", objects.display()))?;
    let bridge_socket = scene.folder.at("run/bridge.sock");
    let mut command = Command::new(&scene.binaries.device_bridge);
    command
        .args(["serve", "--objects"])
        .arg(&objects)
        .arg("--bridge-socket")
        .arg(&bridge_socket)
        .arg("--pod-resources-socket")
        .arg(&socket)
        .arg("--publish-to")
        .arg(scene.folder.at("status"));
    let log = scene.folder.at("logs/device-bridge.log");
    let mut device_bridge = Daemon::start("polypod-device-bridge", &mut command, &log)?;
    let serving = device_bridge.announcement("serving")?;
    let wanted = format!("unix://{}", bridge_socket.display());
    out.check("polypod-device-bridge serves", wanted, serving);
    Ok((device_bridge, kubelet, in_order(&allocations)))
}
