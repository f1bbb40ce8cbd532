//! `bond`. Source: README.md of bond-cni, and its refusals.

use super::{
    field::{INT, Kind, field},
    plugin::{Plugin, Schema},
    report::Report,
};

const MODES: &[&str] = &[
    "balance-rr",
    "active-backup",
    "balance-xor",
    "broadcast",
    "802.3ad",
    "balance-tlb",
    "balance-alb",
];

pub(super) const BOND: Schema = Schema {
    plugin: "bond",
    fields: &[
        field("mode", Kind::OneOf(MODES)),
        field("linksInContainer", Kind::Flag),
        field("failOverMac", Kind::Number(0, 2)),
        field("miimon", Kind::Text),
        field("links", Kind::List(&Kind::Map(&Kind::Any))),
        field("mtu", INT),
        field("allSlavesActive", Kind::Number(0, 1)),
        field("tlbDynamicLb", Kind::Number(0, 1)),
        field(
            "xmitHashPolicy",
            Kind::OneOf(&[
                "layer2",
                "layer3+4",
                "layer2+3",
                "encap2+3",
                "encap3+4",
                "vlan+srcmac",
            ]),
        ),
    ],
    uses_ipam: true,
    rule,
};

fn rule(plugin: &Plugin<'_>, report: &mut Report) {
    let conf = &plugin.conf;
    if conf.get("mode").is_none_or(|json| json.text == "\"\"") {
        report.refused_together(
            &conf.place("mode"),
            format!("it is missing; write one of {}", MODES.join(", ")),
        );
    }
    match conf.get("miimon") {
        None => report.refused_together(
            &conf.place("miimon"),
            "it is missing; write the milliseconds between looks at the links as a text, such as \"100\"",
        ),
        Some(json) => {
            if let crate::json::Value::Text(text) = &json.value
                && text.parse::<i64>().is_err()
            {
                let at = conf.place("miimon");
                report.refused(&at, json, "a number of milliseconds in quotes, such as \"100\"");
            }
        }
    }
    let links = conf.objects("links");
    for link in &links {
        if !link
            .get("name")
            .is_some_and(|json| matches!(json.value, crate::json::Value::Text(_)))
        {
            report.refused_together(&link.at, "a link has a name; write \"name\": \"net1\"");
        }
    }
    let is_readable = conf
        .list("links")
        .is_none_or(|elements| elements.len() == links.len());
    if links.len() < 2 && is_readable {
        report.refused_together(
            &conf.place("links"),
            format!(
                "a bond has at least two links, and here are {}",
                links.len()
            ),
        );
    }
    if let Some(json) = conf.get("mtu")
        && conf.number("mtu").is_some_and(|mtu| mtu != 0 && mtu < 68)
    {
        report.refused(&conf.place("mtu"), json, "at least 68");
    }
    if conf.get("tlbDynamicLb").is_some()
        && conf
            .text("mode")
            .is_some_and(|mode| !matches!(mode, "balance-tlb" | "balance-alb"))
    {
        report.refused_together(
            &conf.place("tlbDynamicLb"),
            "only the modes balance-tlb and balance-alb have it; remove it",
        );
    }
    let ipam = conf.object("ipam");
    if ipam.is_some_and(|ipam| ipam.text("type") == Some("bond")) {
        report.refused_together(
            &conf.place("ipam").with_trailing_token("type"),
            "bond gives no addresses",
        );
    }
}
