//! The NetworkAttachmentDefinitions that the rows name.

use serde_json::{Value, json};

use super::row::RESOURCE_NAME;

const NODE_SELECTOR: &str = "k8s.v1.cni.cncf.io/nodeSelector";

const SRIOV: &str = r#"{"cniVersion":"1.0.0","type":"sriov"}"#;
const MACVLAN: &str = r#"{"cniVersion":"1.0.0","type":"macvlan","master":"eth0"}"#;

/// All of them, and the namespaces they are in.
pub(super) fn all() -> Vec<Value> {
    let mut objects = vec![
        with_devices("default/foo", "example.com/foo"),
        with_devices("default/foo2", "example.com/foo"),
        with_devices("default/bar", "example.com/bar"),
        with_devices("ns1/foo", "example.com/nsfoo"),
        // Row 26.
        definition("default/plain", &[("example.com/other", "x")], MACVLAN),
        definition("default/noannot", &[], MACVLAN),
        // Rows 21, 24, 39 to 43.
        definition("default/foo.bar", &[], MACVLAN),
        definition("ns1/onlyns1", &[], MACVLAN),
        with_devices("default/empty", ""),
        with_devices("default/blanks", " example.com/foo "),
        with_devices("default/bare", "sriov_nic_1"),
        with_devices("default/tilde", "example.com/a~b"),
        definition(
            "default/twokeys",
            &[
                (RESOURCE_NAME, "example.com/foo"),
                ("k8s.v1.cni.cncf.io/bridgeName", "ovs/br1"),
            ],
            SRIOV,
        ),
        // Rows 44 to 47.
        with_devices("default/def", "example.com/podns"),
        with_devices("kube-system/def", "example.com/system"),
        with_devices("kube-system/shared", "example.com/foo"),
        // Row 59.
        definition(
            "default/claimed",
            &[
                (RESOURCE_NAME, "example.com/foo"),
                ("polypod.dev/devices", "claim"),
            ],
            SRIOV,
        ),
        // Rows N19 and N20.
        definition("default/net1", &[], MACVLAN),
        definition("ns1/net1", &[], MACVLAN),
        definition("ns1/x", &[], MACVLAN),
    ];
    // Rows 49 to 52.
    for (name, selector) in [
        ("eno3", "master=eno3"),
        ("eno4", "master=eno4"),
        ("gpu", "gpu"),
        ("labels", "a=b,c=d"),
    ] {
        let reference = format!("default/{name}");
        let annotations = [
            (RESOURCE_NAME, "example.com/foo"),
            (NODE_SELECTOR, selector),
        ];
        objects.push(definition(&reference, &annotations, SRIOV));
    }
    objects
}

fn with_devices(reference: &str, resource: &str) -> Value {
    definition(reference, &[(RESOURCE_NAME, resource)], SRIOV)
}

fn definition(reference: &str, annotations: &[(&str, &str)], config: &str) -> Value {
    let (namespace, name) = reference
        .split_once('/')
        .expect("a reference is namespace/name");
    let mut object = json!({
        "apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": name, "namespace": namespace, "resourceVersion": "7"},
        "spec": {"config": config},
    });
    for (key, text) in annotations {
        object["metadata"]["annotations"][*key] = json!(text);
    }
    object
}

/// Claims of devices, for row 59: the paths of their kinds, and the objects.
pub(super) fn claims() -> [(&'static str, Vec<Value>); 2] {
    let template = |name: &str, expression: &str| {
        json!({
            "apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaimTemplate",
            "metadata": {"name": name, "namespace": "default", "resourceVersion": "8"},
            "spec": {"spec": {"devices": {"requests": [{"name": "vf", "exactly": {
                "deviceClassName": "sriov", "selectors": [{"cel": {"expression": expression}}]}}]}}},
        })
    };
    let resource =
        |name: &str| format!("device.attributes[\"k8s.cni.cncf.io\"].resourceName == \"{name}\"");
    let class = |name: &str, extended_resource: &str| {
        json!({
            "apiVersion": "resource.k8s.io/v1", "kind": "DeviceClass",
            "metadata": {"name": name, "resourceVersion": "9"},
            "spec": {"extendedResourceName": extended_resource},
        })
    };
    [
        (
            "/apis/resource.k8s.io/v1/resourceclaimtemplates",
            vec![
                template("foo", &resource("example.com/foo")),
                template("other", &resource("example.com/other")),
            ],
        ),
        (
            "/apis/resource.k8s.io/v1/deviceclasses",
            vec![class("bars", "example.com/bar")],
        ),
    ]
}
