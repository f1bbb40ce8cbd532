//! Rows N19 and N20: pods that may select networks of their own namespace only.

use serde_json::json;

use super::{judge::judge, row::Row, webhook::Webhook};

pub(super) fn isolation() {
    let configuration = json!({
        "apiVersion": "polypod.dev/v1alpha1", "kind": "AdmissionConfiguration",
        "access": {"namespaceIsolation": true},
    });
    judge(&Webhook::start(Some(&configuration)), &rows());
}

pub(super) fn rows() -> Vec<Row> {
    let explicit = r#"[{"name":"net1","namespace":"default"}]"#;
    vec![
        Row::networks("N19", "default/net1"),
        Row::networks("N19", "net1@eth1"),
        Row::networks("N19", explicit),
        Row::networks("N20", r#"[{"name":"net1","namespace":"ns1"}]"#).forbidden(&[
            "ns1/net1",
            "default",
            "isolation",
        ]),
        // This name is none: whatever isolation says, it is not let in.
        Row::networks("N20", r#"[{"name":"ns1/net1"}]"#).invalid(&["ns1/net1"]),
        Row::networks("N20", "ns1/net1").forbidden(&["ns1/net1", "default", "isolation"]),
        Row::default_network("N20", "ns1/x").forbidden(&["ns1/x", "default", "isolation"]),
        Row::default_network("N20", r#"[{"name":"x","namespace":"ns1"}]"#).forbidden(&[
            "ns1/x",
            "default",
            "isolation",
        ]),
        Row::networks("N20", "ns1/net1")
            .requested_in("ns1")
            .set("/metadata/namespace", json!("ns1")),
    ]
}
