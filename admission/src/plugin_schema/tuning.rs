//! `tuning`. Source: the plugin's documentation (cni.dev/plugins/current/meta/tuning) and its refusals.

use super::{
    field::{INT, Kind, field},
    plugin::{Schema, no_rule},
};

pub(super) const TUNING: Schema = Schema {
    plugin: "tuning",
    fields: &[
        field("sysctl", Kind::Map(&Kind::Text)),
        field("mac", Kind::Mac),
        field("mtu", Kind::Number(0, i32::MAX as i128)),
        field("promisc", Kind::Flag),
        field("allmulti", Kind::Flag),
        field("txQLen", INT),
        field("dataDir", Kind::Text),
    ],
    uses_ipam: false,
    rule: no_rule,
};
