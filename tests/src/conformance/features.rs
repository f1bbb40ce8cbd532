//! Rows 43, 53, 55 and 56, and row 1 with its option: what the administrator has switched on.

use serde_json::{Value, json};

use super::{
    judge::judge,
    row::{NETWORKS, RESOURCE_NAME, Row},
    webhook::Webhook,
};

const FOO: &str = "example.com/foo";
const C0: &str = "containers/0";
const NETWORKS_POINTER: &str = "/metadata/annotations/k8s.v1.cni.cncf.io~1networks";

/// Several annotations that name a resource, and annotations for pods with a label.
pub(super) fn keys_and_labels() {
    let configuration = configuration(json!({
        "resourceNameKeys": [RESOURCE_NAME, "k8s.v1.cni.cncf.io/bridgeName"],
        "userDefined": [{"label": "inject-bar", "annotations": {NETWORKS: "bar"}}],
    }));
    judge(
        &Webhook::start(Some(&configuration)),
        &rows_of_keys_and_labels(),
    );
}

/// Labels, annotations and hugepages of the pod as files.
pub(super) fn downward_api() {
    let configuration = configuration(json!({"podNetInfo": true, "hugepages": true}));
    judge(
        &Webhook::start(Some(&configuration)),
        &rows_of_downward_api(),
    );
}

pub(super) fn configuration(injection: Value) -> Value {
    json!({
        "apiVersion": "polypod.dev/v1alpha1", "kind": "AdmissionConfiguration",
        "injection": injection,
    })
}

pub(super) fn rows() -> Vec<Row> {
    [rows_of_keys_and_labels(), rows_of_downward_api()].concat()
}

fn rows_of_keys_and_labels() -> Vec<Row> {
    let label = |row: Row, value: &str| row.set("/metadata/labels", json!({"inject-bar": value}));
    vec![
        Row::networks("43", "twokeys")
            .gets(C0, FOO, 1)
            .gets(C0, "ovs/br1", 1),
        Row::networks("43", "twokeys,foo")
            .gets(C0, FOO, 2)
            .gets(C0, "ovs/br1", 1),
        label(Row::networks("53", "foo"), "true").gets(C0, FOO, 1),
        label(Row::pod("53"), "true")
            .gets(C0, "example.com/bar", 1)
            .changes(NETWORKS_POINTER, json!("bar")),
        label(Row::pod("53"), "True")
            .gets(C0, "example.com/bar", 1)
            .changes(NETWORKS_POINTER, json!("bar")),
        label(Row::pod("53"), "false"),
        Row::pod("53"),
    ]
}

fn rows_of_downward_api() -> Vec<Row> {
    let mount = json!({"name": "podnetinfo", "readOnly": true, "mountPath": "/etc/podnetinfo"});
    let annotations =
        json!({"path": "annotations", "fieldRef": {"fieldPath": "metadata.annotations"}});
    let labels = json!({"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}});
    let hugepages = |list: &str, path: &str| {
        json!({"path": path, "resourceFieldRef": {
            "containerName": "c0", "resource": format!("{list}.hugepages-1Gi"), "divisor": "1Mi"}})
    };
    let volume =
        |items: &[&Value]| json!([{"name": "podnetinfo", "downwardAPI": {"items": items}}]);
    let huge = json!({
        "requests": {"hugepages-1Gi": "1Gi", "memory": "64Mi"},
        "limits": {"hugepages-1Gi": "1Gi", "memory": "64Mi"},
    });
    vec![
        Row::networks("1", "foo")
            .gets(C0, FOO, 1)
            .changes("/spec/containers/0/volumeMounts", json!([mount]))
            .changes("/spec/volumes", volume(&[&annotations])),
        Row::networks("1", "foo")
            .set("/metadata/labels", json!({"app": "web"}))
            .containers(json!([{"name": "c0", "resources": {}}, {"name": "c1", "resources": {}}]))
            .gets(C0, FOO, 1)
            .changes("/spec/containers/0/volumeMounts", json!([mount]))
            .changes("/spec/containers/1/volumeMounts", json!([mount]))
            .changes("/spec/volumes", volume(&[&labels, &annotations])),
        Row::networks("1", "plain"),
        Row::networks("55", "foo")
            .set(
                "/spec/volumes",
                json!([{"name": "podnetinfo", "emptyDir": {}}]),
            )
            .gets(C0, FOO, 1)
            .warns(&["podnetinfo"]),
        Row::networks("56", "foo")
            .set("/spec/containers/0/resources", huge)
            .gets(C0, FOO, 1)
            .changes(
                "/spec/containers/0/env",
                json!([{"name": "CONTAINER_NAME", "value": "c0"}]),
            )
            .changes("/spec/containers/0/volumeMounts", json!([mount]))
            .changes(
                "/spec/volumes",
                volume(&[
                    &annotations,
                    &hugepages("requests", "hugepages_1G_request_c0"),
                    &hugepages("limits", "hugepages_1G_limit_c0"),
                ]),
            ),
    ]
}
