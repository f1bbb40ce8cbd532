//! Rows 27 to 42: which container gets what, and resource names that no container can request.

use serde_json::{Value, json};

use super::{
    judge::judge,
    row::{Code, RESOURCE_NAME, Row},
    webhook::Webhook,
};

const FOO: &str = "example.com/foo";
const BAR: &str = "example.com/bar";
const CONTAINER: &str = "polypod.dev/container";

pub(super) fn injection() {
    judge(&Webhook::start(None), &rows());
}

pub(super) fn rows() -> Vec<Row> {
    [deficits(), targets(), raw(), resource_names()].concat()
}

/// A container that has these resources.
fn container(name: &str, resources: Value) -> Value {
    json!({"name": name, "image": "busybox", "resources": resources})
}

/// Requests and limits of this quantity.
fn foo(quantity: &str) -> Value {
    json!({"requests": {FOO: quantity}, "limits": {FOO: quantity}})
}

fn deficits() -> Vec<Row> {
    let beside = |number, text, other| {
        let containers = [container("c0", json!({})), container("c1", other)];
        Row::networks(number, text).containers(json!(containers))
    };
    let alone = |number, text, resources| {
        Row::networks(number, text).containers(json!([container("c0", resources)]))
    };
    let init = |number, policy: Option<&str>| {
        let mut init = container("i0", foo("1"));
        if let Some(policy) = policy {
            init["restartPolicy"] = json!(policy);
        }
        Row::networks(number, "foo").init_containers(json!([init]))
    };
    vec![
        beside("27", "foo,foo", foo("1")).gets("containers/0", FOO, 1),
        alone("27", "foo,foo", foo("1")).gets("containers/0", FOO, 2),
        beside("28", "foo", foo("9")),
        alone("28", "foo", foo("9")),
        // Row 29 is asked about every row: what the webhook gave back is posted again.
        alone("29", "foo,foo", foo("2")),
        beside(
            "29",
            "foo,foo,bar",
            json!({"requests": {FOO: "2", BAR: "1"}, "limits": {FOO: "2", BAR: "1"}}),
        ),
        init("30", None).gets("containers/0", FOO, 1),
        init("31", Some("Always")),
        alone("34", "foo", json!({"requests": {"cpu": "100m"}})).gets("containers/0", FOO, 1),
        alone("36", "foo", json!({"requests": {FOO: "1"}})).changes(
            "/spec/containers/0/resources/limits/example.com~1foo",
            json!("1"),
        ),
        alone("37", "foo", json!({"limits": {FOO: "2"}})),
        Row::networks("38", "foo").containers(json!([])),
    ]
}

fn targets() -> Vec<Row> {
    let two = |number, text| {
        let containers = [container("c0", json!({})), container("c1", json!({}))];
        Row::networks(number, text).containers(json!(containers))
    };
    let sidecar =
        json!([{"name": "s0", "image": "busybox", "restartPolicy": "Always", "resources": {}}]);
    let init = json!([{"name": "i0", "image": "busybox", "resources": {}}]);
    vec![
        two("32", "foo")
            .annotated(CONTAINER, "c1")
            .gets("containers/1", FOO, 1),
        two("32", "foo,bar")
            .annotated(CONTAINER, "bar=c1")
            .gets("containers/0", FOO, 1)
            .gets("containers/1", BAR, 1),
        two("32", "foo,bar")
            .annotated(CONTAINER, "c1, bar=c0")
            .gets("containers/1", FOO, 1)
            .gets("containers/0", BAR, 1),
        two("32", "foo")
            .init_containers(sidecar)
            .annotated(CONTAINER, "s0")
            .gets("initContainers/0", FOO, 1),
        two("33", "foo")
            .annotated(CONTAINER, "c2")
            .denied(Code::Either, &["c2", "c0", "c1"]),
        two("33", "foo")
            .annotated(CONTAINER, "foo=c2")
            .denied(Code::Either, &["c2", "c0", "c1"]),
        // The kubelet gives the devices of ordinary init containers to others.
        two("33", "foo")
            .init_containers(init)
            .annotated(CONTAINER, "i0")
            .denied(Code::Either, &["i0", "c0", "c1"]),
    ]
}

/// Manifests that no API server has filled in.
fn raw() -> Vec<Row> {
    let bare = |number, container| Row::networks(number, "foo,bar").containers(json!([container]));
    let both = |row: Row| {
        row.gets("containers/0", FOO, 1)
            .gets("containers/0", BAR, 1)
    };
    vec![
        both(bare("35", json!({"name": "c0", "image": "busybox"}))),
        both(bare("35", json!({"name": "c0", "resources": null}))),
        both(bare(
            "35",
            json!({"name": "c0", "resources": {"limits": null}}),
        )),
        both(bare(
            "35",
            json!({"name": "c0", "resources": {"claims": [{"name": "x"}]}}),
        )),
    ]
}

fn resource_names() -> Vec<Row> {
    let definition = |number, resource| {
        let config = r#"{"cniVersion":"1.0.0","type":"sriov"}"#;
        Row::definition(number, config).annotated(RESOURCE_NAME, resource)
    };
    vec![
        Row::networks("39", "empty").denied(Code::Either, &["default/empty", "resource"]),
        definition("39", "").invalid(&["default/net", RESOURCE_NAME]),
        Row::networks("40", "blanks").denied(Code::Either, &["default/blanks", "resource"]),
        definition("40", " example.com/foo ").invalid(&["default/net", RESOURCE_NAME, "blank"]),
        Row::networks("41", "bare").warns(&["default/bare", "sriov_nic_1"]),
        Row::networks("41", "bare,bare,foo")
            .gets("containers/0", FOO, 1)
            .warns(&["default/bare", "sriov_nic_1"]),
        definition("42", "example.com/a~b").invalid(&["example.com/a~b"]),
        Row::networks("42", "tilde").denied(Code::Either, &["default/tilde", "example.com/a~b"]),
    ]
}
