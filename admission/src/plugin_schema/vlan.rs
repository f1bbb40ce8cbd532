//! `vlan`. Source: the plugin's documentation (cni.dev/plugins/current/main/vlan) and its refusals.

use super::{
    field::{CHECKED_MTU, Kind, VLAN, field},
    plugin::{Plugin, Schema, needs_addresses},
    report::Report,
};

pub(super) const VLAN_PLUGIN: Schema = Schema {
    plugin: "vlan",
    fields: &[
        field("master", Kind::Text),
        field("vlanId", VLAN),
        field("mtu", CHECKED_MTU),
        field("linkInContainer", Kind::Flag),
    ],
    uses_ipam: true,
    rule,
};

fn rule(plugin: &Plugin<'_>, report: &mut Report) {
    needs_addresses(plugin, report);
    let conf = &plugin.conf;
    let is_empty = conf.get("master").is_none_or(|json| json.text == "\"\"");
    if is_empty {
        report.refused_together(
            &conf.place("master"),
            "it is missing; name the host's interface that the VLAN is made on",
        );
    }
    if conf.number("vlanId").unwrap_or_default() == 0 {
        report.warn(&conf.place("vlanId"), "without an id the VLAN is 0");
    }
}
