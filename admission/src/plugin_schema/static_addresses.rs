//! `static`. Source: the plugin's documentation (cni.dev/plugins/current/ipam/static) and its refusals.

use super::{
    address,
    every_plugin::DNS,
    field::{Kind, field},
    ipam::{Ipam, ROUTES},
    object::Object,
    plugin::Plugin,
    report::Report,
};

pub(super) const STATIC: Ipam = Ipam {
    plugin: "static",
    fields: &[
        field("type", Kind::Text),
        field("name", Kind::Text),
        field("routes", ROUTES),
        field(
            "addresses",
            Kind::List(&Kind::Object(&[
                field("address", Kind::Cidr),
                field("gateway", Kind::Ip),
                field("version", Kind::Text),
            ])),
        ),
        field("dns", Kind::Object(DNS)),
    ],
    rule,
};

fn rule(ipam: &Object<'_>, _: &Plugin<'_>, report: &mut Report) {
    for element in ipam.objects("addresses") {
        if element.get("address").is_none() {
            report.refused_together(
                &element.place("address"),
                format!("it is missing; write {}", address::CIDR),
            );
        }
        let network = element.text("address").and_then(address::cidr);
        let gateway = element.text("gateway").and_then(address::ip);
        if let (Some(network), Some(gateway)) = (network, gateway)
            && !network.contains(&gateway)
        {
            report.warn(
                &element.place("gateway"),
                &format!("it is not in the network {}", network.trunc()),
            );
        }
    }
}
