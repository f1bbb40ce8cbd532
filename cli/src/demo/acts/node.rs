//! Act: an empty network namespace gets what a node has: hardware, CNI plugins, networks to select.

use anyhow::Result;
use api::objects;

use super::{Node, Scene};
use crate::demo::{
    interfaces::{brief, interfaces},
    plugins::Plugins,
    transcript::Transcript,
    virtual_functions::{self, RESOURCE},
};

pub(super) fn play(scene: &Scene<'_>, out: &mut Transcript) -> Result<Node> {
    let before = interfaces()?;
    let names: Vec<&str> = before
        .iter()
        .map(|interface| interface.name.as_str())
        .collect();
    out.check("interfaces of the fresh namespace", "lo", names.join(" "));

    let functions = virtual_functions::install(&scene.folder.at("sys"))?;
    out.say("Its hardware, played by veth pairs: an uplink and two virtual functions of an SR-IOV card.");
    out.block(brief(&interfaces()?));
    for function in &functions {
        out.say(&format!(
            "{} is the network device of {} ({RESOURCE}).",
            function.name, function.device
        ));
    }

    let more_places = std::env::var_os("CNI_PATH").unwrap_or_default();
    let more_places: Vec<_> = std::env::split_paths(&more_places).collect();
    let plugins = Plugins::provide(
        &scene.binaries.own,
        &scene.folder.at("bin"),
        scene.only_stand_ins,
        &more_places,
    )?;
    out.say("Its CNI plugins:");
    let reference = plugins.reference.iter().map(|(delegate, place)| {
        format!(
            "{:<11} reference plugin, {}",
            delegate.name(),
            place.join(delegate.name()).display()
        )
    });
    let stand_ins = plugins.stand_ins.iter();
    let stand_ins =
        stand_ins.map(|delegate| format!("{:<11} the demo's stand-in", delegate.name()));
    out.block(reference.chain(stand_ins));

    let networks_yaml = scene.folder.fill(include_str!("../networks.yaml"));
    let networks = objects::networks(&objects::parse(&networks_yaml, "networks.yaml")?, "default")?;
    out.say("The NetworkAttachmentDefinitions in the cluster:");
    out.block(networks.iter().map(|network| {
        let resource = network.resource.as_ref().ok().and_then(Option::as_ref);
        let resource = resource.map_or("no device".to_owned(), |resource| {
            format!("a device of {resource}")
        });
        format!("{:<22} needs {resource}", network.reference.to_string())
    }));
    std::fs::write(scene.folder.at("networks.yaml"), &networks_yaml)?;
    let cluster_network = scene.folder.fill(include_str!("../cluster_network.json"));
    Ok(Node {
        functions,
        plugins,
        networks,
        networks_yaml,
        cluster_network: serde_json::from_str(&cluster_network)?,
    })
}
