//! `sbr`, `vrf` and `rdma`: they change where an interface belongs. Source: the documentation of the first two
//! (cni.dev/plugins/current/meta), README.md of rdma-cni, and their refusals.

use super::{
    address,
    field::{INT, Kind, TEXTS, UINT32, field},
    plugin::{Plugin, Schema, no_rule},
    report::Report,
};
use crate::json::Value;

pub(super) const SBR: Schema = Schema {
    plugin: "sbr",
    fields: &[
        field("table", INT),
        field("gateways", TEXTS),
        field("addSourceHints", Kind::Flag),
    ],
    uses_ipam: false,
    rule: sbr,
};

pub(super) const VRF: Schema = Schema {
    plugin: "vrf",
    fields: &[field("vrfname", Kind::Text), field("table", UINT32)],
    uses_ipam: false,
    rule: vrf,
};

pub(super) const RDMA: Schema = Schema {
    plugin: "rdma",
    fields: &[
        field("deviceID", Kind::Text),
        field(
            "args",
            Kind::Object(&[field("cni", Kind::Object(&[field("debug", Kind::Flag)]))]),
        ),
    ],
    uses_ipam: false,
    rule: no_rule,
};

fn sbr(plugin: &Plugin<'_>, report: &mut Report) {
    let gateways = plugin.conf.list("gateways").unwrap_or_default();
    // Plugins before 1.9 have no such key and pass it over, so what newer ones refuse is a warning.
    if gateways.len() > 2 {
        report.warn(
            &plugin.conf.place("gateways"),
            "sbr takes one gateway of each family",
        );
    }
    for (at, gateway) in gateways {
        if let Value::Text(text) = &gateway.value
            && address::ip(text).is_none()
        {
            report.warn(&at, "it is no IP address");
        }
    }
}

fn vrf(plugin: &Plugin<'_>, report: &mut Report) {
    let conf = &plugin.conf;
    if conf.get("vrfname").is_none_or(|json| json.text == "\"\"") {
        report.refused_together(
            &conf.place("vrfname"),
            "it is missing; name the VRF that the interface is put into",
        );
    }
}
