//! Vectors about what annotations may say, and what is answered when they say something else.

use serde_json::json;

use super::*;
use crate::{
    Policy, admit,
    fixture::{cluster, namespace, pod, read},
};

#[test]
fn vector_6_names_are_of_the_pods_namespace() {
    let plan = admit(
        &read(&pod(Some("foo"), None)),
        &namespace("ns1"),
        &cluster(),
        &Policy::default(),
    )
    .unwrap();
    assert_eq!(plan.needs[0].resource.as_str(), "example.com/nsfoo");
}

#[test]
fn vectors_8_to_24_39_40_and_42_what_is_denied_and_how_it_is_said() {
    let denials: Vec<String> = [
        "foo,",
        "[{}]",
        r#"[{"namespace":"ns1"}]"#,
        "[null]",
        "null",
        r#"{"name":"foo"}"#,
        r#"[{"name":"foo","ips":"10.0.0.1"}]"#,
        r#"[{"name":"default/foo"}]"#,
        "a/b/c",
        "foo@a@b",
        "foo@1234567890123456",
        "foo@a b",
        "foo.bar",
        "fooo",
        "onlyns1",
        "elsewhere/nothing",
        "zzz",
        "empty",
        "blanks",
        "tilde",
        "broken",
        "fooo,foo,broken",
        r#"[{"name":"foo","ips":["10.0.0.1"]}]"#,
        r#"[{"name":"args","cni-args":{"a":"b"}}]"#,
        "foo@eth0",
        "foo@net2,bar",
    ]
    .into_iter()
    .map(|text| {
        let denial = denial(&pod(Some(text), None));
        let fields: Vec<String> = denial
            .causes()
            .map(|cause| format!("{} {}", cause.reason, cause.field))
            .collect();
        format!(
            "{text}\n  {} {}: {denial}\n  {}",
            denial.code(),
            denial.reason(),
            fields.join(", ")
        )
    })
    .collect();
    insta::assert_snapshot!(denials.join("\n"));
}

#[test]
fn a_hostile_annotation_is_not_looked_up_to_its_end() {
    let of = |count| denial(&pod(Some(&vec!["zzz"; count].join(",")), None));
    assert_eq!(of(200).faults().len(), Denial::MOST_FAULTS);
    assert!(of(200).to_string().len() < 4096);
    let too_many = of(10_000);
    assert_eq!(too_many.faults().len(), 1);
    assert!(
        too_many.to_string().contains("names 10000 networks"),
        "{too_many}"
    );
}

#[test]
fn vector_12_an_empty_list_is_allowed_with_a_warning() {
    assert!(gets(&pod(Some("[]"), None)).is_empty());
    insta::assert_snapshot!(warnings(&pod(Some("[]"), None)).join("\n"), @"annotation k8s.v1.cni.cncf.io/networks is an empty list: the pod gets the cluster network only");
}

#[test]
fn vectors_44_to_47_the_default_network() {
    assert_eq!(
        gets(&pod(None, Some("def"))),
        ["c0 example.com/system=1"],
        "44"
    );
    let two = denial(&pod(None, Some("def,def"))).to_string();
    assert!(two.contains("names 2 networks"), "45: {two}");
    assert_eq!(
        gets(&pod(Some("foo"), Some("def"))),
        ["c0 example.com/foo=1", "c0 example.com/system=1"],
        "46"
    );
    let shared = pod(Some("foo"), Some("shared"));
    assert_eq!(gets(&shared), ["c0 example.com/foo=2"], "47");
    assert_eq!(
        warnings(&shared),
        [
            "the default network shares example.com/foo with others; under Multus they would get the same device"
        ]
    );
    let denials: Vec<String> = [
        (None, "foo"),
        (None, "kube-sys/def"),
        (
            Some(r#"[{"name":"foo","default-route":["10.0.0.1","2001:db8::1"]}]"#),
            r#"[{"name":"def","default-route":["10.0.0.2"]}]"#,
        ),
        (Some("foo@data0"), r#"[{"name":"def","interface":"data0"}]"#),
        (Some("foo"), r#"[{"name":"def","interface":"net1"}]"#),
    ]
    .into_iter()
    .map(|(networks, default)| denial(&pod(networks, Some(default))).to_string())
    .collect();
    insta::assert_snapshot!(denials.join("\n"));
    let routed = pod(
        Some(r#"[{"name":"foo","default-route":["10.0.0.1"]}]"#),
        Some(r#"[{"name":"def","default-route":["2001:db8::1"]}]"#),
    );
    assert_eq!(gets(&routed).len(), 2, "one gateway of each family");
    let renamed = pod(
        Some("foo@eth0"),
        Some(r#"[{"name":"def","interface":"net0"}]"#),
    );
    assert_eq!(
        gets(&renamed).len(),
        2,
        "eth0 is free when the default network has another name"
    );
}

#[test]
fn vectors_57_58_and_62_pods_that_are_left_alone() {
    for (number, key, value) in [
        ("57", "/spec/hostNetwork", json!(true)),
        (
            "58",
            "/metadata/annotations/kubernetes.io~1config.mirror",
            json!("x"),
        ),
        (
            "62",
            "/metadata/deletionTimestamp",
            json!("2026-01-01T00:00:00Z"),
        ),
    ] {
        for annotation in ["foo", "fooo", "[null]"] {
            let mut pod = pod(Some(annotation), None);
            let (parent, key) = key.rsplit_once('/').unwrap();
            pod.pointer_mut(parent).unwrap()[key.replace("~1", "/")] = value.clone();
            assert!(gets(&pod).is_empty(), "{number}");
            assert_eq!(
                warnings(&pod).len(),
                usize::from(number == "57"),
                "{number}"
            );
        }
    }
}
