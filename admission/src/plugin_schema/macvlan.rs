//! `macvlan` and `ipvlan`. Source: their documentation (cni.dev/plugins/current/main) and their refusals.

use super::{
    field::{CHECKED_MTU, Kind, UINT32, field},
    plugin::{Schema, no_rule},
};

pub(super) const MACVLAN: Schema = Schema {
    plugin: "macvlan",
    fields: &[
        field("master", Kind::Text),
        field(
            "mode",
            Kind::OneOf(&["bridge", "private", "vepa", "passthru"]),
        ),
        field("mtu", CHECKED_MTU),
        field("mac", Kind::Mac),
        field("linkInContainer", Kind::Flag),
        field("bcqueuelen", UINT32),
    ],
    uses_ipam: true,
    rule: no_rule,
};

pub(super) const IPVLAN: Schema = Schema {
    plugin: "ipvlan",
    fields: &[
        field("master", Kind::Text),
        field("mode", Kind::OneOf(&["l2", "l3", "l3s"])),
        field("mtu", Kind::Mtu),
        field("linkInContainer", Kind::Flag),
    ],
    uses_ipam: true,
    rule: no_rule,
};
