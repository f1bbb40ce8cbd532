//! `ptp`, `tap`, `dummy` and `loopback`. Source: their documentation (cni.dev/plugins/current/main) and their refusals.

use super::{
    field::{Kind, UINT32, field},
    plugin::{Schema, needs_addresses, no_rule},
};

pub(super) const PTP: Schema = Schema {
    plugin: "ptp",
    fields: &[
        field("ipMasq", Kind::Flag),
        field("ipMasqBackend", Kind::Text),
        field("mtu", Kind::Mtu),
    ],
    uses_ipam: true,
    rule: needs_addresses,
};

pub(super) const TAP: Schema = Schema {
    plugin: "tap",
    fields: &[
        field("mac", Kind::Mac),
        field("mtu", Kind::Mtu),
        field("selinuxContext", Kind::Text),
        field("multiQueue", Kind::Flag),
        field("owner", UINT32),
        field("group", UINT32),
        field("bridge", Kind::Text),
    ],
    uses_ipam: true,
    rule: no_rule,
};

pub(super) const DUMMY: Schema = Schema {
    plugin: "dummy",
    fields: &[],
    uses_ipam: true,
    rule: needs_addresses,
};

pub(super) const LOOPBACK: Schema = Schema {
    plugin: "loopback",
    fields: &[],
    uses_ipam: false,
    rule: no_rule,
};
