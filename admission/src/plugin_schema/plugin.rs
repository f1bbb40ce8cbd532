//! A plugin's configuration with what a rule may have to know beside it.

use super::{field::Field, object::Object, report::Report};

/// What is known of one plugin's configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schema {
    /// The plugin's `type`.
    pub(super) plugin: &'static str,
    /// Its own keys.
    pub(super) fields: &'static [Field],
    /// Whether it calls the plugin of `ipam.type` for addresses.
    pub(super) uses_ipam: bool,
    /// What no key says alone.
    pub(super) rule: fn(&Plugin<'_>, &mut Report),
}

/// One plugin of a configuration.
#[derive(Clone, Debug)]
pub(crate) struct Plugin<'a> {
    /// Its configuration.
    pub(super) conf: Object<'a>,
    /// Whether the pod's device may be handed to it: the network has a resource, so that the meta-plugin writes the device
    /// into the configuration.
    pub(super) gets_device: bool,
}

impl Plugin<'_> {
    /// Whether it declares a capability, so that the runtime may hand it values of the pod.
    pub(super) fn declares(&self, capability: &str) -> bool {
        self.conf
            .object("capabilities")
            .is_some_and(|capabilities| capabilities.flag(capability))
    }
}

/// Nothing more.
pub(super) fn no_rule(_: &Plugin<'_>, _: &mut Report) {}

/// It calls the plugin of `ipam.type` whatever it is, so there has to be one.
pub(super) fn needs_addresses(plugin: &Plugin<'_>, report: &mut Report) {
    let ipam = plugin.conf.object("ipam");
    if ipam.is_none_or(|ipam| ipam.get("type").is_none()) {
        report.refused_together(
            &plugin.conf.place("ipam"),
            "a type is missing; the plugin makes no interface without addresses",
        );
    }
}
