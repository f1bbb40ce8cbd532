//! The plugins that give addresses, by `ipam.type`.

use super::{
    dhcp::DHCP,
    every_plugin::ROUTE,
    field::{self, Field, Kind},
    host_local::HOST_LOCAL,
    object::Object,
    plugin::Plugin,
    report::Report,
    static_addresses::STATIC,
    whereabouts::WHEREABOUTS,
};

/// What is known of the `ipam` of one type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ipam {
    pub(super) plugin: &'static str,
    pub(super) fields: &'static [Field],
    /// What no key says alone. The plugin that calls for addresses stands beside them.
    pub(super) rule: fn(&Object<'_>, &Plugin<'_>, &mut Report),
}

pub(super) const KNOWN: [Ipam; 4] = [DHCP, HOST_LOCAL, STATIC, WHEREABOUTS];

/// `routes`, of those that take them.
pub(super) const ROUTES: Kind = Kind::List(&Kind::Object(ROUTE));

/// Checks the `ipam` of a plugin that uses it; one of another type is left alone.
pub(super) fn check(plugin: &Plugin<'_>, report: &mut Report) {
    let Some(ipam) = plugin.conf.object("ipam") else {
        return;
    };
    let name = ipam.text("type");
    let Some(known) = KNOWN.iter().find(|known| Some(known.plugin) == name) else {
        return;
    };
    let owner = format!("IPAM plugin {}", known.plugin);
    field::check(&ipam, &owner, &[known.fields], report);
    let takes_routes = known.fields.iter().any(|field| field.key == "routes");
    let routes = takes_routes.then(|| ipam.objects("routes"));
    for route in routes.into_iter().flatten() {
        if route.get("dst").is_none() {
            report.refused_together(
                &route.place("dst"),
                "it is missing; write the network that the route leads to",
            );
        }
    }
    (known.rule)(&ipam, plugin, report);
}
