//! Rows 44 to 48: the annotation that replaces the cluster's default network.

use super::{
    judge::judge,
    row::{Code, DEFAULT_NETWORK, NETWORKS, Row},
    webhook::Webhook,
};

const C0: &str = "containers/0";

pub(super) fn default_network() {
    judge(&Webhook::start(None), &rows());
}

pub(super) fn rows() -> Vec<Row> {
    let default = |number, text| Row::default_network(number, text);
    vec![
        default("44", "def").gets(C0, "example.com/system", 1),
        default("44", r#"[{"name":"def"}]"#).gets(C0, "example.com/system", 1),
        default("44", "default/def").gets(C0, "example.com/podns", 1),
        default("45", "def,def").denied(Code::Invalid, &[DEFAULT_NETWORK, "2 networks"]),
        default("46", "def")
            .annotated(NETWORKS, "foo")
            .gets(C0, "example.com/system", 1)
            .gets(C0, "example.com/foo", 1),
        default("47", "shared")
            .annotated(NETWORKS, "foo")
            .gets(C0, "example.com/foo", 2)
            .warns(&["example.com/foo", "same device"]),
        // The condition itself is the API server's to evaluate, and stands in the scenarios against a real one.
        default("48", "shared").gets(C0, "example.com/foo", 1),
    ]
}
