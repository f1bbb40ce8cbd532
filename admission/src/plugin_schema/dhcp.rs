//! `dhcp`. Source: the plugin's documentation (cni.dev/plugins/current/ipam/dhcp) and its refusals.

use super::{
    field::{INT, Kind, field},
    ipam::Ipam,
    object::Object,
    plugin::Plugin,
    report::Report,
};

/// The options that have a name; all others are numbers.
const OPTIONS: [&str; 6] = [
    "dhcp-client-identifier",
    "subnet-mask",
    "routers",
    "host-name",
    "user-class",
    "vendor-class-identifier",
];

pub(super) const DHCP: Ipam = Ipam {
    plugin: "dhcp",
    fields: &[
        field("type", Kind::Text),
        field("daemonSocketPath", Kind::Text),
        field("priority", INT),
        field(
            "provide",
            Kind::List(&Kind::Object(&[
                field("option", Kind::Text),
                field("value", Kind::Text),
                field("fromArg", Kind::Text),
            ])),
        ),
        field(
            "request",
            Kind::List(&Kind::Object(&[
                field("option", Kind::Text),
                field("skipDefault", Kind::Flag),
            ])),
        ),
    ],
    rule,
};

fn rule(ipam: &Object<'_>, _: &Plugin<'_>, report: &mut Report) {
    let elements = ipam.objects("provide").into_iter();
    for element in elements.chain(ipam.objects("request")) {
        if let (Some(json), Some(option)) = (element.get("option"), element.text("option"))
            && !OPTIONS.contains(&option)
            && !is_number(option)
        {
            let wanted = format!(
                "a number from 0 to 255 in quotes, or one of {}",
                OPTIONS.join(", ")
            );
            report.refused(&element.place("option"), json, wanted);
        }
    }
}

fn is_number(option: &str) -> bool {
    option.bytes().all(|byte| byte.is_ascii_digit()) && option.parse::<u8>().is_ok()
}
