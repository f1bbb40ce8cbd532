//! The acts of the demo, one per file, in the order a pod goes through them.

mod admission;
mod allocation;
mod attachment;
mod detachment;
mod inspection;
mod network_status;
mod node;

use anyhow::Result;
use api::{network::Network, pod::Pod};
use serde_json::Value;

use super::{
    binaries::Binaries, daemon::Daemon, folder::Folder, interrupt, plugins::Plugins,
    transcript::Transcript, virtual_functions::VirtualFunction,
};

/// What all acts look at.
pub(super) struct Scene<'a> {
    /// The programs.
    pub(super) binaries: &'a Binaries,
    /// Where everything lies.
    pub(super) folder: &'a Folder,
    /// The pod as it was brought.
    pub(super) pod: &'a Value,
    /// Whether the user brought it: then a refusal is an answer and no fault.
    pub(super) brought: bool,
    /// Whether the reference plugins are to be left alone.
    pub(super) only_stand_ins: bool,
}

/// How it went, as far as it was no error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// All acts were played.
    Complete,
    /// Admission refused the pod.
    Denied,
}

/// The node when the pod comes.
struct Node {
    functions: Vec<VirtualFunction>,
    plugins: Plugins,
    networks: Vec<Network>,
    networks_yaml: String,
    cluster_network: Value,
}

/// Plays all acts. Whatever was started is stopped when this returns, on every way out.
pub(super) fn play(scene: &Scene<'_>, out: &mut Transcript) -> Result<Ending> {
    let node = node::play(scene, out)?;
    let (mut webhook, admitted) = admission::play(scene, &node, out)?;
    let Some(admitted) = admitted else {
        return Ok(Ending::Denied);
    };
    let pod: Pod = serde_json::from_value(admitted.clone())?;
    if pod.spec.host_network {
        out.say("The pod uses the node's own network (hostNetwork), so no CNI plugin is executed for it.");
        stop("polypod-webhook", &mut webhook, out)?;
        return Ok(Ending::Complete);
    }
    let (mut device_bridge, mut kubelet, devices) =
        allocation::play(scene, &node, &admitted, &pod, out)?;
    interrupt::check()?;
    let attached = attachment::play(scene, &node, &pod, &kubelet, !devices.is_empty(), out)?;
    inspection::play(scene, &node, &pod, &devices, &attached, out)?;
    interrupt::check()?;
    detachment::introduce(out);
    kubelet.stop()?;
    stop("polypod-device-bridge", &mut device_bridge, out)?;
    stop("polypod-webhook", &mut webhook, out)?;
    detachment::play(scene, &node, &pod, &attached, out)?;
    Ok(Ending::Complete)
}

fn stop(name: &str, daemon: &mut Daemon, out: &mut Transcript) -> Result<()> {
    let status = daemon.stop()?;
    out.check(
        &format!("{name} ended on SIGTERM"),
        "exit status: 0",
        status,
    );
    Ok(())
}
