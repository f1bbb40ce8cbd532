//! What every plugin reads.
//!
//! Source: CNI specification 1.1.0, section 1 "Plugin configuration objects"; CONVENTIONS.md for `args` and
//! `runtimeConfig`; Multus's documentation for `deviceID` and `pciBusID`, which a meta-plugin writes.

use super::field::{Field, Kind, TEXTS, field};

/// The keys that every plugin knows.
pub(super) const FIELDS: &[Field] = &[
    field("cniVersion", Kind::Text),
    field("name", Kind::Text),
    field("type", Kind::Text),
    field("capabilities", Kind::Map(&Kind::Flag)),
    field("runtimeConfig", Kind::Any),
    field("args", Kind::Any),
    field("ipMasq", Kind::Any),
    field("ipam", Kind::Map(&Kind::Any)),
    field("dns", Kind::Object(DNS)),
    field("prevResult", Kind::Map(&Kind::Any)),
    field("deviceID", Kind::Any),
    field("pciBusID", Kind::Any),
];

/// `dns`.
pub(super) const DNS: &[Field] = &[
    field("nameservers", TEXTS),
    field("domain", Kind::Text),
    field("search", TEXTS),
    field("options", TEXTS),
];

/// The keys of a configuration list. Source: CNI specification 1.1.0, section 1.
pub(super) const LIST: &[Field] = &[
    field("cniVersion", Kind::Any),
    field("cniVersions", Kind::Any),
    field("name", Kind::Any),
    field("type", Kind::Any),
    field("disableCheck", Kind::Any),
    field("disableGC", Kind::Any),
    field("loadOnlyInlinedPlugins", Kind::Any),
    field("plugins", Kind::Any),
];

/// A route. Source: CNI specification 1.1.0, "Success result".
pub(super) const ROUTE: &[Field] = &[
    field("dst", Kind::Cidr),
    field("gw", Kind::Ip),
    field("mtu", super::field::INT),
    field("advmss", super::field::INT),
    field("priority", super::field::INT),
    field("table", super::field::INT),
    field("scope", super::field::INT),
];
