//! `ovs`. Source: docs/cni-plugin.md of ovs-cni, and its refusals.

use super::{
    field::{INT, Kind, field},
    plugin::{Plugin, Schema},
    report::Report,
};

/// Any number of Go's type `uint`.
const UINT: Kind = super::field::UINT64;

/// What ovs-cni takes for the id of a VLAN in `trunk`.
const TRUNKED: Kind = Kind::Number(0, 4095);

pub(super) const OVS: Schema = Schema {
    plugin: "ovs",
    fields: &[
        field("bridge", Kind::Text),
        // The schema of Open vSwitch's database, table Port, column tag.
        field("vlan", Kind::Number(0, 4095)),
        field("mtu", Kind::Mtu),
        field(
            "trunk",
            Kind::List(&Kind::Object(&[
                field("id", TRUNKED),
                field("minID", TRUNKED),
                field("maxID", TRUNKED),
            ])),
        ),
        field("deviceID", Kind::Text),
        field("ofport_request", UINT),
        field("interface_type", Kind::Text),
        field("configuration_path", Kind::Text),
        field("socket_file", Kind::Text),
        field("link_state_check_retries", INT),
        field("link_state_check_interval", INT),
    ],
    uses_ipam: true,
    rule,
};

fn rule(plugin: &Plugin<'_>, report: &mut Report) {
    let conf = &plugin.conf;
    for range in conf.objects("trunk") {
        let (from, to) = (range.number("minID"), range.number("maxID"));
        if let Some(to) = to
            && from.unwrap_or_default() > to
        {
            report.refused_together(
                &range.at,
                format!("minID {} is above maxID {to}", from.unwrap_or_default()),
            );
        }
    }
    if let Some(json) = conf.get("ofport_request")
        && conf
            .number("ofport_request")
            .is_some_and(|port| port > 65_279)
    {
        report.refused(&conf.place("ofport_request"), json, "1..65279");
    }
}
