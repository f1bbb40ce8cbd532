//! Act: looks at the pod from inside and compares what is there with what must be.

use anyhow::Result;
use api::pod::Pod;
use spec::device::DeviceId;

use super::{Node, Scene, attachment::Attached, network_status};
use crate::demo::{
    delegate::Record,
    expectation::{Expected, expected},
    interfaces::{Interface, brief, interfaces},
    leases::leases,
    transcript::Transcript,
    virtual_functions::RESOURCE,
};

pub(super) fn play(
    scene: &Scene<'_>,
    node: &Node,
    pod: &Pod,
    devices: &[DeviceId],
    attached: &Attached,
    out: &mut Transcript,
) -> Result<()> {
    out.heading(
        "What the pod got",
        "Seen from inside the pod's network namespace, as 'ip -brief address' would show it; then, which device went to \
         which interface; then, what the pod's author can read in the annotation network-status.",
    );
    let cluster_network = node.cluster_network["name"].as_str().unwrap_or_default();
    let expected = expected(pod, &node.networks, cluster_network, RESOURCE)?;
    let mut found = attached.netns.open()?.inside(interfaces)?;
    found.sort_by_key(|interface| (interface.name != "lo", interface.name.clone()));
    out.block(brief(&found));
    out.check(
        "interfaces in the pod",
        names(
            ["lo"]
                .into_iter()
                .chain(expected.iter().map(|one| one.interface.as_str())),
        ),
        names(found.iter().map(|one| one.name.as_str())),
    );
    out.check(
        "address leases",
        expected.len(),
        leases(&scene.folder.at("leases"))?.len(),
    );
    show_devices(scene, node, &expected, devices, &found, out)?;
    network_status::play(scene, pod, &expected, devices, &found, out)
}

fn names<'a>(all: impl Iterator<Item = &'a str>) -> String {
    let mut all: Vec<&str> = all.collect();
    all.sort_unstable();
    all.join(" ")
}

fn show_devices(
    scene: &Scene<'_>,
    node: &Node,
    expected: &[Expected],
    devices: &[DeviceId],
    found: &[Interface],
    out: &mut Transcript,
) -> Result<()> {
    let told = Record::read_all(&scene.folder.at("records"))?;
    let wanted: Vec<&Expected> = expected.iter().filter(|one| one.needs_device).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    out.say("The delegate sriov was told these devices:");
    out.block(told.iter().map(|record| {
        format!(
            "{:<8} deviceID {}  (was {} on the node)",
            record.interface.to_string(),
            record.device,
            record.node_name
        )
    }));
    let node_now = interfaces()?;
    for (at, one) in wanted.iter().enumerate() {
        let own = told
            .iter()
            .find(|record| record.interface.as_str() == one.interface);
        let device = own.map_or("none", |record| record.device.as_str());
        let right = devices.get(at).map_or("none", DeviceId::as_str);
        out.check(
            &format!("device of {} ({})", one.interface, one.network),
            right,
            device,
        );

        let function = node
            .functions
            .iter()
            .find(|function| function.device.as_str() == device);
        let mac = function.map_or("none", |function| function.mac.as_str());
        let interface = found
            .iter()
            .find(|interface| interface.name == one.interface);
        let in_pod = interface.map_or("no interface", |interface| interface.mac.as_str());
        out.check(
            &format!(
                "hardware address of {}, which is the device's",
                one.interface
            ),
            mac,
            in_pod,
        );
        let left = node_now.iter().any(|interface| interface.mac == mac);
        out.check(
            &format!("{device} is in the pod and not on the node"),
            true,
            !left,
        );
    }
    let mut different: Vec<&str> = told.iter().map(|record| record.device.as_str()).collect();
    different.sort_unstable();
    different.dedup();
    out.check("different devices", wanted.len(), different.len());
    Ok(())
}
