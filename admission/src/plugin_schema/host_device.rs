//! `host-device`. Source: the plugin's documentation (cni.dev/plugins/current/main/host-device) and its refusals.

use super::{
    field::{Kind, field},
    plugin::{Plugin, Schema},
    report::Report,
};

/// The keys of which one names the device.
const NAMES: [&str; 4] = ["device", "hwaddr", "kernelpath", "pciBusID"];

pub(super) const HOST_DEVICE: Schema = Schema {
    plugin: "host-device",
    fields: &[
        field("device", Kind::Text),
        field("hwaddr", Kind::Text),
        field("kernelpath", Kind::Text),
        field("pciBusID", Kind::Text),
        field("DPDKMode", Kind::Flag),
    ],
    uses_ipam: true,
    rule,
};

fn rule(plugin: &Plugin<'_>, report: &mut Report) {
    let conf = &plugin.conf;
    let names_none = NAMES.iter().all(|key| conf.text(key).is_none());
    if names_none && !plugin.gets_device && !plugin.declares("deviceID") {
        // A selection may name it, and the meta-plugin hands that on.
        report.warn(
            &conf.at,
            "no device is named here; only pods whose selection has a deviceID can be attached",
        );
    }
    // The plugin looks at the address only where no name stands before it.
    if let (None, Some(json), Some(address)) =
        (conf.text("device"), conf.get("hwaddr"), conf.text("hwaddr"))
        && !super::address::is_hardware_address(address)
    {
        let at = conf.place("hwaddr");
        report.refused(&at, json, "a hardware address, such as 02:23:45:67:89:01");
    }
}
