//! Act: the runtime executes polypod DEL, and nothing may be left.

use anyhow::Result;
use api::pod::Pod;

use super::{
    Node, Scene,
    attachment::{Attached, runtime},
};
use crate::demo::{
    delegate::Record,
    folder::files_below,
    interfaces::{Interface, brief, interfaces},
    leases::leases,
    transcript::Transcript,
};

/// The heading: the daemons are stopped under it.
pub(super) fn introduce(out: &mut Transcript) {
    out.heading(
        "Detachment",
        "The pod is deleted and the runtime executes polypod DEL. polypod goes by its own record and undoes every \
         attachment in reverse. It needs nobody else for it: kubelet, device-bridge and webhook are stopped before.",
    );
}

pub(super) fn play(
    scene: &Scene<'_>,
    node: &Node,
    pod: &Pod,
    attached: &Attached,
    out: &mut Transcript,
) -> Result<()> {
    runtime(scene, node, pod, attached).del()?;
    let in_pod = attached.netns.open()?.inside(interfaces)?;
    out.say("The pod's network namespace:");
    out.block(brief(&in_pod));
    out.check("interfaces in the pod", "lo", names(in_pod.iter()));

    let on_node = interfaces()?;
    out.say("The node:");
    out.block(brief(&on_node));
    for function in &node.functions {
        let own = on_node
            .iter()
            .find(|interface| interface.mac == function.mac);
        let name = own.map_or("missing", |interface| interface.name.as_str());
        out.check(
            &format!("{} is back on the node as", function.device),
            &function.name,
            name,
        );
    }
    // The reference plugin `bridge` leaves its bridge for the next pod, on purpose.
    let bridge = node.cluster_network["bridge"].as_str().unwrap_or_default();
    let known = |one: &&Interface| {
        one.name == bridge
            || attached
                .node_before
                .iter()
                .any(|before| before.name == one.name)
    };
    let new: Vec<&Interface> = on_node.iter().filter(|one| !known(one)).collect();
    out.check(
        "interfaces that were not on the node before",
        "none",
        none_or(names(new.into_iter())),
    );

    let leases = leases(&scene.folder.at("leases"))?;
    out.check("address leases", "none", none_or(leases.join(" ")));
    let records = Record::read_all(&scene.folder.at("records"))?;
    out.check("devices that sriov still holds", 0, records.len());
    let state = files_below(&scene.folder.at("state"))?;
    out.check(
        "files in polypod's state folder",
        "none",
        none_or(state.join(" ")),
    );
    Ok(())
}

fn names<'a>(all: impl Iterator<Item = &'a Interface>) -> String {
    let all: Vec<&str> = all.map(|interface| interface.name.as_str()).collect();
    all.join(" ")
}

fn none_or(text: String) -> String {
    if text.is_empty() {
        "none".to_owned()
    } else {
        text
    }
}
