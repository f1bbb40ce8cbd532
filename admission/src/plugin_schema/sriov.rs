//! `sriov` and `ib-sriov`. Source: docs/configuration-reference.md of sriov-cni, README.md of ib-sriov-cni, and their
//! refusals.

use super::{
    field::{INT, Kind, VLAN, field},
    plugin::{Plugin, Schema, no_rule},
    report::Report,
};

const LINK_STATE: Kind = Kind::OneOf(&["auto", "enable", "disable"]);

pub(super) const SRIOV: Schema = Schema {
    plugin: "sriov",
    fields: &[
        field("deviceID", Kind::Text),
        field("vlan", VLAN),
        field("vlanQoS", Kind::Number(0, 7)),
        field("vlanProto", Kind::Text),
        field("mac", Kind::Mac),
        field("spoofchk", Kind::Text),
        field("trust", Kind::Text),
        field("link_state", LINK_STATE),
        field("min_tx_rate", INT),
        field("max_tx_rate", INT),
        field("logLevel", Kind::Text),
        field("logFile", Kind::Text),
        field("master", Kind::Text),
        field("mtu", INT),
    ],
    uses_ipam: true,
    rule,
};

pub(super) const IB_SRIOV: Schema = Schema {
    plugin: "ib-sriov",
    fields: &[
        field("deviceID", Kind::Text),
        field("pkey", Kind::Text),
        field("link_state", LINK_STATE),
        field("rdmaIsolation", Kind::Flag),
        field("ibKubernetesEnabled", Kind::Flag),
        field("vfioPciMode", Kind::Flag),
        field("master", Kind::Text),
    ],
    uses_ipam: true,
    rule: no_rule,
};

fn rule(plugin: &Plugin<'_>, report: &mut Report) {
    let conf = &plugin.conf;
    let vlan = conf.number("vlan").unwrap_or_default();
    if vlan == 0 && conf.number("vlanQoS").is_some_and(|qos| qos != 0) {
        report.refused_together(
            &conf.place("vlanQoS"),
            "a priority needs a vlan other than 0",
        );
    } else if conf.get("vlan").is_none() && conf.get("vlanQoS").is_some() {
        report.refused_together(&conf.place("vlanQoS"), "it needs a vlan beside it");
    }
    if let Some(json) = conf.get("vlanProto") {
        let at = conf.place("vlanProto");
        let protocol = match &json.value {
            crate::json::Value::Text(text) => text.to_ascii_lowercase(),
            _ => String::new(),
        };
        match protocol.as_str() {
            _ if conf.get("vlan").is_none() => {
                report.refused_together(&at, "it needs a vlan beside it");
            }
            "802.1ad" if vlan == 0 => {
                report.refused_together(&at, "802.1ad needs a vlan other than 0");
            }
            "802.1q" | "802.1ad" => {}
            _ => report.refused(&at, json, "one of 802.1q, 802.1ad"),
        }
    }
    for key in ["spoofchk", "trust"] {
        if conf
            .text(key)
            .is_some_and(|text| !matches!(text, "on" | "off"))
        {
            report.warn(&conf.place(key), "what is not \"on\" counts as off");
        }
    }
    let rates = (conf.number("min_tx_rate"), conf.number("max_tx_rate"));
    if let (Some(least), Some(most)) = rates
        && most != 0
        && least > most
    {
        report.warn(
            &conf.place("min_tx_rate"),
            "it is above max_tx_rate, which drivers refuse",
        );
    }
    if conf.get("mtu").is_some() {
        report.warn(
            &conf.place("mtu"),
            "it is passed over; chain the plugin tuning to set an MTU",
        );
    }
}
