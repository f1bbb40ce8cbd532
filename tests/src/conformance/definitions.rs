//! Rows N1 to N18: NetworkAttachmentDefinitions. N17 needs running pods, and stands in the scenarios against a real API
//! server.

use serde_json::{Value, json};

use super::{
    judge::judge,
    row::{RESOURCE_NAME, Row},
    webhook::Webhook,
};

pub(super) fn definitions() {
    judge(&Webhook::start(None), &rows());
}

pub(super) fn rows() -> Vec<Row> {
    [unreadable(), values(), names(), of_devices(), changes()].concat()
}

/// A configuration of the plugin `bridge` with one more field.
fn bridge(number: &'static str, key: &str, value: Value) -> Row {
    let mut config = json!({"cniVersion": "1.0.0", "type": "bridge", "bridge": "br0"});
    config[key] = value;
    Row::definition(number, &config.to_string())
}

fn unreadable() -> Vec<Row> {
    let plugins = |value: &str| {
        let config = format!(r#"{{"cniVersion":"1.0.0","name":"n","plugins":{value}}}"#);
        Row::definition("N4", &config)
    };
    let twice = r#"{"cniVersion":"1.0.0","type":"bridge","type":"macvlan"}"#;
    let twice_inside =
        r#"{"cniVersion":"1.0.0","type":"bridge","ipam":{"type":"dhcp","type":"static"}}"#;
    vec![
        Row::definition("N1", "{bad").invalid(&["spec.config", "line 1", "column 2"]),
        Row::definition("N1", "{\n\"type\": \"bridge\",\n}").invalid(&["line 3", "column 1"]),
        Row::definition("N2", r#"{"type":"bridge"}"#),
        Row::definition(
            "N3",
            r#"{"cniVersion":"1.0.0","plugins":[{"type":"bridge"}]}"#,
        ),
        plugins("{}").invalid(&["/plugins"]),
        plugins(r#""x""#).invalid(&["/plugins"]),
        plugins("null").invalid(&["/plugins"]),
        plugins(r#"["bridge"]"#).invalid(&["/plugins/0"]),
        plugins("[null]").invalid(&["/plugins/0"]),
        plugins(r#"[{"type":"bridge"},null]"#).invalid(&["/plugins/1"]),
        Row::definition("N5", r#"{"cniVersion":"1.0.0","name":"n","type":""}"#).invalid(&["type"]),
        Row::definition("N7", twice).invalid(&["type"]),
        Row::definition("N7", twice_inside).invalid(&["type"]),
        Row::definition("N13", "").warns(&["empty"]),
        Row::definition("N13", "")
            .without("/spec/config")
            .warns(&["empty"]),
    ]
}

fn values() -> Vec<Row> {
    let macvlan = r#"{"cniVersion":"1.0.0","type":"macvlan","mastr":"eth0"}"#;
    vec![
        Row::definition("N6", r#"{"cniVersion":"9.9.9","type":"bridge"}"#)
            .denied_or_warned(&["9.9.9", "1.0.0", "0.4.0"]),
        Row::definition("N8", macvlan).warns(&["mastr", "did you mean", "master"]),
        bridge("N9", "vlan", json!(99999)).invalid(&["/vlan", "99999", "0", "4094"]),
        bridge("N9", "vlan", json!(-1)).invalid(&["/vlan", "4094"]),
        bridge("N9", "vlan", json!(4094)),
        bridge(
            "N10",
            "ipam",
            json!({"type": "host-local", "subnet": "not-a-cidr"}),
        )
        .invalid(&["/ipam/subnet", "not-a-cidr"]),
        bridge(
            "N10",
            "ipam",
            json!({"type": "host-local", "subnet": "10.1.0.0/16"}),
        ),
    ]
}

fn names() -> Vec<Row> {
    let config = r#"{"cniVersion":"1.0.0","type":"bridge"}"#;
    let named = |number, name| Row::definition(number, config).set("/metadata/name", json!(name));
    vec![
        named("N11", "a.b").warns(&["JSON form"]),
        named("N11", "0net"),
        Row::definition("N12", config)
            .without("/metadata/name")
            .set("/metadata/generateName", json!("net-")),
        Row::definition("N12", "{bad")
            .without("/metadata/name")
            .set("/metadata/generateName", json!("net-"))
            .invalid(&["net-", "line 1"]),
        Row::definition(
            "N18",
            r#"{"cniVersion":"1.0.0","name":"other","type":"bridge"}"#,
        ),
    ]
}

fn of_devices() -> Vec<Row> {
    let sriov = r#"{"cniVersion":"1.0.0","type":"sriov"}"#;
    let macvlan = r#"{"cniVersion":"1.0.0","type":"macvlan","master":"eth0"}"#;
    let chain = r#"{"cniVersion":"1.0.0","plugins":[{"type":"sriov"},{"type":"tuning"}]}"#;
    vec![
        Row::definition("N14", sriov).warns(&["sriov", RESOURCE_NAME]),
        Row::definition("N14", chain).warns(&["sriov", RESOURCE_NAME]),
        Row::definition("N14", sriov).annotated(RESOURCE_NAME, "example.com/foo"),
        Row::definition("N15", macvlan).annotated(RESOURCE_NAME, "example.com/foo"),
    ]
}

fn changes() -> Vec<Row> {
    let labelled = |row: Row| {
        row.set("/metadata/labels", json!({"a": "b"}))
            .updates(|old| old.without("/metadata/labels"))
    };
    let bad_vlan = || bridge("N16", "vlan", json!(99999));
    vec![
        labelled(Row::definition("N16", "{bad")),
        labelled(Row::definition("N16", r#"{"plugins":[null]}"#)),
        labelled(bad_vlan()),
        labelled(bridge("N16", "brdge", json!("br1"))),
        labelled(Row::definition("N16", r#"{"type":"bridge"}"#).annotated(RESOURCE_NAME, "a b")),
        // The fault itself is judged when it comes, and when what holds it is written anew.
        bad_vlan()
            .updates(|old| old.set("/spec/config", json!(r#"{"type":"bridge"}"#)))
            .invalid(&["/vlan"]),
        // What was there before and stays is not the fault of this edit.
        bad_vlan()
            .annotated(RESOURCE_NAME, "example.com/foo")
            .updates(|old| old.without("/metadata/annotations"))
            .warns(&["still wrong", "/vlan"]),
    ]
}
