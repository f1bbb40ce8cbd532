//! `bridge`. Source: the plugin's documentation (cni.dev/plugins/current/main/bridge) and its refusals.

use super::{
    field::{INT, Kind, VLAN, field},
    object::Object,
    plugin::{Plugin, Schema},
    report::Report,
};

pub(super) const BRIDGE: Schema = Schema {
    plugin: "bridge",
    fields: &[
        field("bridge", Kind::Text),
        field("isGateway", Kind::Flag),
        field("isDefaultGateway", Kind::Flag),
        field("forceAddress", Kind::Flag),
        field("ipMasq", Kind::Flag),
        field("ipMasqBackend", Kind::Text),
        field("mtu", Kind::Mtu),
        field("hairpinMode", Kind::Flag),
        field("promiscMode", Kind::Flag),
        field("vlan", VLAN),
        field(
            "vlanTrunk",
            Kind::List(&Kind::Object(&[
                field("id", INT),
                field("minID", INT),
                field("maxID", INT),
            ])),
        ),
        field("preserveDefaultVlan", Kind::Flag),
        field("macspoofchk", Kind::Flag),
        field("enabledad", Kind::Flag),
        field("disableContainerInterface", Kind::Flag),
        field("portIsolation", Kind::Flag),
    ],
    uses_ipam: true,
    rule,
};

fn rule(plugin: &Plugin<'_>, report: &mut Report) {
    let conf = &plugin.conf;
    if conf.flag("hairpinMode") && conf.flag("promiscMode") {
        report.refused_together(
            &conf.place("promiscMode"),
            "hairpinMode and promiscMode cannot both be true; remove one",
        );
    }
    let ipam = conf.object("ipam");
    let has_addresses = ipam.is_some_and(|ipam| ipam.text("type").is_some());
    if conf.flag("disableContainerInterface") && has_addresses {
        report.refused_together(
            &conf.place("ipam"),
            "an interface that disableContainerInterface leaves out gets no addresses; remove one of the two",
        );
    }
    let masquerades = conf.flag("ipMasq");
    if let (true, Some(json), Some(backend)) = (
        masquerades,
        conf.get("ipMasqBackend"),
        conf.text("ipMasqBackend"),
    ) && !matches!(backend, "iptables" | "nftables")
    {
        let at = conf.place("ipMasqBackend");
        report.refused(&at, json, "one of iptables, nftables");
    }
    for range in conf.objects("vlanTrunk") {
        trunk(&range, report);
    }
}

fn trunk(range: &Object<'_>, report: &mut Report) {
    for key in ["id", "minID", "maxID"] {
        if let (Some(json), Some(number)) = (range.get(key), range.number(key))
            && !(1..=4094).contains(&number)
        {
            report.refused(&range.place(key), json, "1..4094");
        }
    }
    match (range.number("minID"), range.number("maxID")) {
        (Some(from), Some(to)) if from > to => {
            report.refused_together(&range.at, format!("minID {from} is above maxID {to}"));
        }
        (Some(_), None) if range.get("maxID").is_none() => {
            report.refused_together(&range.at, "minID needs a maxID beside it");
        }
        (None, Some(_)) if range.get("minID").is_none() => {
            report.refused_together(&range.at, "maxID needs a minID beside it");
        }
        _ => {}
    }
}
