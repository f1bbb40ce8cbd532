//! `portmap`, `bandwidth` and `firewall`. Source: their documentation (cni.dev/plugins/current/meta) and their refusals.

use super::{
    field::{INT, Kind, TEXTS, UINT64, field},
    plugin::{Plugin, Schema},
    report::Report,
};

pub(super) const PORTMAP: Schema = Schema {
    plugin: "portmap",
    fields: &[
        field("backend", Kind::OneOf(&["iptables", "nftables"])),
        field("snat", Kind::Flag),
        field("masqAll", Kind::Flag),
        field("markMasqBit", INT),
        field("externalSetMarkChain", Kind::Text),
        field("conditionsV4", TEXTS),
        field("conditionsV6", TEXTS),
    ],
    uses_ipam: false,
    rule: portmap,
};

pub(super) const BANDWIDTH: Schema = Schema {
    plugin: "bandwidth",
    fields: &[
        field("ingressRate", UINT64),
        field("ingressBurst", UINT64),
        field("egressRate", UINT64),
        field("egressBurst", UINT64),
    ],
    uses_ipam: false,
    rule: bandwidth,
};

pub(super) const FIREWALL: Schema = Schema {
    plugin: "firewall",
    fields: &[
        field("backend", Kind::Text),
        field("iptablesAdminChainName", Kind::Text),
        field("firewalldZone", Kind::Text),
        field(
            "ingressPolicy",
            Kind::OneOf(&["open", "same-bridge", "isolated"]),
        ),
    ],
    uses_ipam: false,
    rule: firewall,
};

fn portmap(plugin: &Plugin<'_>, report: &mut Report) {
    let conf = &plugin.conf;
    if let Some(json) = conf.get("markMasqBit") {
        let at = conf.place("markMasqBit");
        if conf.get("externalSetMarkChain").is_some() {
            report.refused_together(
                &at,
                "it cannot stand beside externalSetMarkChain; remove one",
            );
        } else if conf
            .number("markMasqBit")
            .is_some_and(|bit| !(0..=31).contains(&bit))
        {
            report.refused(&at, json, "0..31");
        }
    }
    if !plugin.declares("portMappings") {
        report.warn(
            &conf.at,
            "portmap maps no ports without \"capabilities\": {\"portMappings\": true}",
        );
    }
}

fn bandwidth(plugin: &Plugin<'_>, report: &mut Report) {
    let conf = &plugin.conf;
    let is_set = |key: &str| conf.number(key).unwrap_or_default() != 0;
    let mut is_any = false;
    for (rate, burst) in [
        ("ingressRate", "ingressBurst"),
        ("egressRate", "egressBurst"),
    ] {
        is_any |= is_set(rate) || is_set(burst);
        let lacks = |there: &str, lacking: &str| {
            format!("{there} needs {lacking} beside it; write both or neither")
        };
        match (is_set(rate), is_set(burst)) {
            (true, false) => report.refused_together(&conf.place(rate), lacks(rate, burst)),
            (false, true) => report.refused_together(&conf.place(burst), lacks(burst, rate)),
            _ => {}
        }
        if let Some(json) = conf.get(burst)
            && conf
                .number(burst)
                .is_some_and(|bits| bits / 8 >= i128::from(u32::MAX))
        {
            report.refused(&conf.place(burst), json, "less than 4 GB, in bits");
        }
    }
    if !is_any && !plugin.declares("bandwidth") {
        report.warn(
            &conf.at,
            "bandwidth limits nothing without rates or \"capabilities\": {\"bandwidth\": true}",
        );
    }
}

fn firewall(plugin: &Plugin<'_>, report: &mut Report) {
    let conf = &plugin.conf;
    if conf
        .text("backend")
        .is_some_and(|backend| !matches!(backend, "iptables" | "firewalld"))
    {
        report.warn(
            &conf.place("backend"),
            "what is neither iptables nor firewalld is passed over",
        );
    }
}
