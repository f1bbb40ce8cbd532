//! Vectors about what is added to which container, and how the patch says it.

use serde_json::json;

use super::*;
use crate::{
    Policy,
    fixture::{cluster, namespace, pod},
    patched,
};

#[test]
fn vectors_1_to_7_19_to_22_and_26_what_is_injected() {
    for (number, annotation, wanted) in [
        ("1", "foo", vec!["c0 example.com/foo=1"]),
        ("2", "foo, foo", vec!["c0 example.com/foo=2"]),
        ("3", "foo,foo2", vec!["c0 example.com/foo=2"]),
        (
            "4",
            "foo,bar",
            vec!["c0 example.com/bar=1", "c0 example.com/foo=1"],
        ),
        (
            "5",
            r#"[{"name":"foo"},{"name":"foo","namespace":"ns1"}]"#,
            vec!["c0 example.com/foo=1", "c0 example.com/nsfoo=1"],
        ),
        (
            "7",
            "foo , bar",
            vec!["c0 example.com/bar=1", "c0 example.com/foo=1"],
        ),
        ("13", "", vec![]),
        ("19", "foo@Net_1", vec!["c0 example.com/foo=1"]),
        ("19", "foo@net1.100", vec!["c0 example.com/foo=1"]),
        ("21", r#"[{"name":"foo.bar"}]"#, vec![]),
        ("22", "ns1 /foo", vec!["c0 example.com/nsfoo=1"]),
        ("26", "noannot", vec![]),
        ("a file of the node", "ofnode", vec![]),
        (
            "addresses",
            r#"[{"name":"static","ips":["10.0.0.1/24"]}]"#,
            vec![],
        ),
    ] {
        assert_eq!(gets(&pod(Some(annotation), None)), wanted, "{number}");
    }
    assert_eq!(gets(&pod(None, None)), Vec::<String>::new(), "14");
}

#[test]
fn vectors_27_to_31_36_and_37_only_the_deficit_is_added() {
    let foo = |quantity: &str| json!({"requests": {"example.com/foo": quantity}, "limits": {"example.com/foo": quantity}});
    let with = |annotation: &str, spec: Value| {
        let mut pod = pod(Some(annotation), None);
        pod["spec"] = spec;
        pod
    };
    let c0 = json!({"name": "c0", "resources": {}});
    for (number, annotation, spec, wanted) in [
        (
            "27",
            "foo,foo",
            json!({"containers": [c0, {"name": "c1", "resources": foo("1")}]}),
            vec!["c0 example.com/foo=1"],
        ),
        (
            "27 in the target",
            "foo,foo",
            json!({"containers": [{"name": "c0", "resources": foo("1")}]}),
            vec!["c0 example.com/foo=2"],
        ),
        (
            "28",
            "foo",
            json!({"containers": [c0, {"name": "c1", "resources": foo("9")}]}),
            vec![],
        ),
        (
            "30",
            "foo",
            json!({"containers": [c0], "initContainers": [{"name": "i0", "resources": foo("1")}]}),
            vec!["c0 example.com/foo=1"],
        ),
        (
            "31",
            "foo",
            json!({"containers": [c0], "initContainers": [{"name": "s0", "restartPolicy": "Always", "resources": foo("1")}]}),
            vec![],
        ),
        (
            "36",
            "foo",
            json!({"containers": [{"name": "c0", "resources": {"requests": {"example.com/foo": "1"}}}]}),
            vec!["c0 example.com/foo=1"],
        ),
        (
            "36 in a sidecar, and not enough",
            "foo,foo",
            json!({"containers": [c0], "initContainers": [{"name": "s0", "restartPolicy": "Always", "resources": {"requests": {"example.com/foo": 1}}}]}),
            vec!["c0 example.com/foo=1", "s0 example.com/foo=1"],
        ),
        (
            "37",
            "foo",
            json!({"containers": [{"name": "c0", "resources": {"limits": {"example.com/foo": 2}}}]}),
            vec![],
        ),
        ("38", "foo", json!({"containers": []}), vec![]),
        ("38 without the list", "foo", json!({}), vec![]),
    ] {
        assert_eq!(gets(&with(annotation, spec)), wanted, "{number}");
    }
    let wrong = |resources: Value| {
        denial(&with(
            "foo",
            json!({"containers": [{"name": "c0", "resources": resources}]}),
        ))
        .to_string()
    };
    insta::assert_snapshot!(wrong(json!({"requests": {"example.com/foo": "1"}, "limits": {"example.com/foo": "2"}})), @r#"pod default/web cannot get its networks: container "c0" requests 1 of example.com/foo but its limit is 2; devices cannot be overcommitted, write the same number twice"#);
    insta::assert_snapshot!(wrong(json!({"limits": {"example.com/foo": "1500m"}})), @r#"pod default/web cannot get its networks: container "c0": limits of example.com/foo: "1500m" is not a whole quantity; write a number such as 1"#);
}

#[test]
fn vectors_29_34_and_35_the_patch() {
    let patches: Vec<String> = [
        ("1", pod(Some("foo"), None)),
        ("4", pod(Some("foo,bar"), None)),
        ("34", {
            let mut pod = pod(Some("foo"), None);
            pod["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "1"}});
            pod
        }),
        ("35", {
            let mut pod = pod(Some("foo,bar"), None);
            pod["spec"]["containers"][0] = json!({"name": "c0"});
            pod
        }),
        ("36", {
            let mut pod = pod(Some("foo"), None);
            pod["spec"]["containers"][0]["resources"] =
                json!({"requests": {"example.com/foo": "1"}});
            pod
        }),
        ("13", pod(Some(""), None)),
    ]
    .into_iter()
    .map(|(number, pod)| {
        let patched = patched(pod, &namespace("default"), &cluster(), &Policy::default()).unwrap();
        let again = decide(&patched.object).unwrap();
        assert_eq!(again.additions, [], "29: {number}");
        let operations: Vec<String> = patched
            .patch
            .iter()
            .map(|operation| format!("  {}\n", serde_json::to_string(operation).unwrap()))
            .collect();
        format!("{number}\n{}", operations.concat())
    })
    .collect();
    insta::assert_snapshot!(patches.concat());
}

#[test]
fn vector_41_a_name_without_a_domain_is_not_injected() {
    let bare = pod(Some("bare"), None);
    assert!(gets(&bare).is_empty());
    assert_eq!(
        warnings(&bare),
        [
            "default/bare: resourceName sriov_nic_1 has no domain, as extended resources have; nothing is injected for it"
        ]
    );
}

#[test]
fn the_devices_go_to_the_application_not_to_a_proxy() {
    let with = |names: &[&str]| {
        let mut pod = pod(Some("foo"), None);
        pod["spec"]["containers"] = names.iter().map(|name| json!({"name": name})).collect();
        pod
    };
    let app = with(&["istio-proxy", "app", "other"]);
    assert_eq!(gets(&app), ["app example.com/foo=1"]);
    assert!(warnings(&app).is_empty());
    let proxies = with(&["istio-proxy", "linkerd-proxy"]);
    assert_eq!(gets(&proxies), ["istio-proxy example.com/foo=1"]);
    assert_eq!(warnings(&proxies).len(), 1);
}
