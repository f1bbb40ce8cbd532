//! Vectors about the files that an application reads about its pod.

use serde_json::json;

use super::*;
use crate::fixture::{patched_by, pod_with, policy};

fn patches(cases: Vec<(&str, Value, Value)>) -> String {
    cases
        .into_iter()
        .map(|(name, injection, pod)| {
            let policy = policy(json!({"injection": injection}));
            let (_, operations) = patched_by(&pod, &policy);
            let warnings = warnings_by(&pod, &policy);
            let lines = operations.into_iter().chain(warnings);
            format!(
                "{name}\n{}",
                lines.map(|line| format!("  {line}\n")).collect::<String>()
            )
        })
        .collect()
}

fn with(networks: &str, containers: Value) -> Value {
    let mut pod = pod_with(networks, &[], json!({"containers": containers}));
    pod["metadata"]["labels"] = json!({"app": "x"});
    pod
}

/// Has its device, so that only the files are to be added.
fn sated(name: &str) -> Value {
    json!({"name": name, "resources": {"limits": {"example.com/foo": 1}, "requests": {"example.com/foo": 1}}})
}

#[test]
fn pods_with_devices_see_their_labels_and_annotations() {
    let on = json!({"podNetInfo": true});
    let bare = json!({"name": "c1"});
    let mounting = |name: &str, path: &str| json!({"name": "c1", "volumeMounts": [{"name": name, "mountPath": path}]});
    let with_volumes = |volumes: Value| {
        let mut pod = with("foo", json!([sated("c0"), bare]));
        pod["spec"]["volumes"] = volumes;
        pod
    };
    let mut unlabelled = with("foo", json!([sated("c0")]));
    unlabelled["metadata"]["labels"] = json!(null);
    let text = patches(vec![
        ("off", json!({}), with("foo", json!([sated("c0"), bare]))),
        ("on", on.clone(), with("foo", json!([sated("c0"), bare]))),
        (
            "hugepages alone",
            json!({"hugepages": true}),
            with("foo", json!([sated("c0"), bare])),
        ),
        ("without labels", on.clone(), unlabelled),
        (
            "no device is needed",
            on.clone(),
            with("noannot", json!([sated("c0")])),
        ),
        (
            "beside other volumes",
            on.clone(),
            with_volumes(json!([{"name": "data", "emptyDir": {}}])),
        ),
        (
            "55: the volume is another",
            on.clone(),
            with_volumes(json!([{"name": "podnetinfo", "emptyDir": {}}])),
        ),
        (
            "the volume is there",
            on.clone(),
            with_volumes(json!([{"name": "podnetinfo", "downwardAPI": {"items": []}}])),
        ),
        (
            "a mount is there",
            on.clone(),
            with(
                "foo",
                json!([sated("c0"), mounting("podnetinfo", "/etc/podnetinfo")]),
            ),
        ),
        (
            "the path is taken",
            on.clone(),
            with(
                "foo",
                json!([sated("c0"), mounting("mine", "/etc/podnetinfo/")]),
            ),
        ),
        (
            "another mount",
            on,
            with("foo", json!([sated("c0"), mounting("mine", "/data")])),
        ),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn vector_56_hugepages() {
    let on = json!({"hugepages": true});
    let container = |name: &str, requests: Value, limits: Value| {
        let mut container = sated(name);
        for (list, quantities) in [("requests", requests), ("limits", limits)] {
            let all = container["resources"][list].as_object_mut().unwrap();
            all.extend(quantities.as_object().unwrap().clone());
        }
        container
    };
    let c0 = container(
        "c0",
        json!({"hugepages-1Gi": "2Gi"}),
        json!({"hugepages-1Gi": "2Gi"}),
    );
    let mut named = c0.clone();
    named["env"] = json!([{"name": "CONTAINER_NAME", "value": "c0"}]);
    let mut misnamed = c0.clone();
    misnamed["env"] = json!([{"name": "CONTAINER_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]);
    let mut variables = c0.clone();
    variables["env"] = json!([{"name": "A", "value": "b"}]);
    let sizes = json!({"hugepages-2Mi": "4Mi", "hugepages-512Ki": 524_288, "hugepages-1Gi": "0", "hugepages-": "1", "hugepages-4Gi": "x", "memory": "1Gi"});
    let text = patches(vec![
        ("56", on.clone(), with("foo", json!([c0, {"name": "c1"}]))),
        ("off", json!({"podNetInfo": true}), with("foo", json!([c0]))),
        ("named", on.clone(), with("foo", json!([named]))),
        (
            "named otherwise",
            on.clone(),
            with("foo", json!([misnamed])),
        ),
        (
            "other variables",
            on.clone(),
            with("foo", json!([variables])),
        ),
        (
            "other sizes",
            on,
            with(
                "foo",
                json!([{"name": "c0"}, container("c1", sizes, json!({"hugepages-2Mi": "6Mi"}))]),
            ),
        ),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn raw_manifests_without_any_list() {
    let text = patches(vec![(
        "everything",
        json!({"hugepages": true}),
        with("foo,bar,eno3", json!([{"name": "c0"}])),
    )]);
    insta::assert_snapshot!(text);
}
