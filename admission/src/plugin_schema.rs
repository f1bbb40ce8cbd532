//! What the common plugins make of their configurations: which keys they know, what they refuse, what they pass over.
//!
//! A network is denied for what its plugin would certainly refuse on every node, so that it is said when the network is
//! written and not when its pods start. What the plugin passes over is a warning. Plugins that are not known here are left
//! alone. The facts are those of the plugins' documentation and of what they say when they are executed; a scenario holds
//! this folder against the plugins of the machine.

mod address;
mod bond;
mod bridge;
mod dhcp;
mod duplicate;
mod every_plugin;
mod field;
mod host_device;
mod host_local;
mod interfaces;
mod ipam;
mod macvlan;
mod object;
mod ovs;
mod plugin;
mod report;
mod routing;
mod sriov;
mod static_addresses;
mod suggestion;
mod traffic;
mod tuning;
mod vlan;
mod whereabouts;

use jsonptr::PointerBuf;

pub(crate) use self::report::Report;
use self::{
    object::Object,
    plugin::{Plugin, Schema},
};
use crate::{DefinitionFault, json::Json};

const KNOWN: [Schema; 20] = [
    bond::BOND,
    bridge::BRIDGE,
    host_device::HOST_DEVICE,
    interfaces::DUMMY,
    interfaces::LOOPBACK,
    interfaces::PTP,
    interfaces::TAP,
    macvlan::IPVLAN,
    macvlan::MACVLAN,
    ovs::OVS,
    routing::RDMA,
    routing::SBR,
    routing::VRF,
    sriov::IB_SRIOV,
    sriov::SRIOV,
    traffic::BANDWIDTH,
    traffic::FIREWALL,
    traffic::PORTMAP,
    tuning::TUNING,
    vlan::VLAN_PLUGIN,
];

/// How large a configuration may be, in bytes. Those that people write have a few hundred; an annotation may have as many.
pub(crate) const MOST_BYTES: usize = 256 * 1024;

/// How many plugins a list may have. Each of them is executed once more for every attachment.
const MOST_PLUGINS: usize = 64;

/// Checks the text of a configuration or configuration list, as far as it is JSON. `gets_device` says that the network has
/// a resource, whose device is handed to the plugins.
pub(crate) fn check(text: &str, gets_device: bool) -> Report {
    let mut report = Report::default();
    if text.len() > MOST_BYTES {
        report.add(DefinitionFault::TooLarge);
        return report;
    }
    let Some(json) = Json::parse(text) else {
        return report;
    };
    duplicate::check(&json, text, &mut report);
    let Some(whole) = Object::of(&json, PointerBuf::new()) else {
        return report;
    };
    if whole.get("type").is_some() {
        check_plugin(whole, gets_device, &mut report);
    } else {
        field::check(
            &whole,
            "a configuration list",
            &[every_plugin::LIST],
            &mut report,
        );
        let plugins = whole.objects("plugins");
        if plugins.len() > MOST_PLUGINS {
            let problem = format!("a list of more than {MOST_PLUGINS} plugins; shorten it");
            report.refused_together(&whole.place("plugins"), problem);
        }
        for conf in plugins.into_iter().take(MOST_PLUGINS) {
            check_plugin(conf, gets_device, &mut report);
        }
    }
    report
}

fn check_plugin(conf: Object<'_>, gets_device: bool, report: &mut Report) {
    let name = conf.text("type");
    let Some(schema) = KNOWN.iter().find(|schema| Some(schema.plugin) == name) else {
        return;
    };
    if report.is_full() {
        return;
    }
    let plugin = Plugin { conf, gets_device };
    let owner = format!("plugin {}", schema.plugin);
    let fields = [schema.fields, every_plugin::FIELDS];
    field::check(&plugin.conf, &owner, &fields, report);
    (schema.rule)(&plugin, report);
    if schema.uses_ipam {
        ipam::check(&plugin, report);
    }
}

#[cfg(test)]
mod tests;
