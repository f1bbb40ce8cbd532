//! Act: the runtime executes polypod ADD in a fresh network namespace.

use std::time::Instant;

use anyhow::{Context, Result};
use api::pod::Pod;

use super::{Node, Scene};
use crate::demo::{
    folder::files_below,
    interfaces::{Interface, interfaces},
    kubelet::Kubelet,
    netns::MountedNetns,
    node::loopback_up,
    runtime::Runtime,
    transcript::Transcript,
};

/// The pod's namespace after ADD, and the node as it was before.
pub(super) struct Attached {
    /// The pod's namespace.
    pub(super) netns: MountedNetns,
    /// The node's interfaces before ADD.
    pub(super) node_before: Vec<Interface>,
}

pub(super) fn play(
    scene: &Scene<'_>,
    node: &Node,
    pod: &Pod,
    kubelet: &Kubelet,
    needs_devices: bool,
    out: &mut Transcript,
) -> Result<Attached> {
    out.heading(
        "Attachment",
        "The container runtime makes a network namespace for the pod and executes polypod, as it executes any CNI plugin. \
         polypod asks the device-bridge what this pod gets, writes down what it is going to do, and executes one CNI \
         plugin after the other, each told the device that is its own.",
    );
    let node_before = interfaces()?;
    let netns = MountedNetns::create(&scene.folder.at("netns/pod"))?;
    netns.open()?.inside(loopback_up)?;
    let attached = Attached { netns, node_before };

    let began = Instant::now();
    let result = runtime(scene, node, pod, &attached)
        .add()
        .with_context(|| advice(node));
    let took = began.elapsed().as_millis();
    let result = result?;
    out.say(&format!(
        "polypod ADD answered within {took} ms, with the cluster network's result:"
    ));
    out.block(result.ips.iter().map(|ip| {
        let interface = ip.interface.and_then(|index| result.interfaces.get(index));
        let interface = interface.map_or("?", |interface| interface.name.as_str());
        format!("{interface} {}", ip.address)
    }));
    let names: Vec<&str> = result
        .sandbox_interfaces()
        .map(|(_, one)| one.name.as_str())
        .collect();
    out.check("the interface in ADD's result", "eth0", names.join(" "));
    if needs_devices {
        let asked = kubelet.questions();
        out.check_that(
            "questions the kubelet got",
            asked > 0,
            "at least one",
            &asked.to_string(),
        );
    }
    let records = files_below(&scene.folder.at("state"))?;
    out.check_that(
        "the sandbox record on disk",
        !records.is_empty(),
        "a file",
        &records.join(", "),
    );
    Ok(attached)
}

/// The runtime with the pod's sandbox.
pub(super) fn runtime<'a>(
    scene: &'a Scene<'_>,
    node: &'a Node,
    pod: &'a Pod,
    attached: &'a Attached,
) -> Runtime<'a> {
    Runtime {
        plugin: &scene.binaries.plugin,
        folder: scene.folder,
        path: &node.plugins.path,
        netns: attached.netns.path(),
        pod: (
            &pod.metadata.namespace,
            &pod.metadata.name,
            &pod.metadata.uid,
        ),
        cluster_network: &node.cluster_network,
    }
}

fn advice(node: &Node) -> &'static str {
    if node.plugins.reference.is_empty() {
        "the attachment failed"
    } else {
        "the attachment failed; if a reference plugin is the reason, try --stand-ins"
    }
}
