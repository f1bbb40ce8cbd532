//! The vectors about NetworkAttachmentDefinitions, named by their numbers.

use serde_json::{Value, json};

use super::*;

fn object(name: &str, resource: Option<&str>, config: Value) -> NetworkAttachmentDefinition {
    let mut object = json!({
        "apiVersion": "k8s.cni.cncf.io/v1",
        "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": name, "namespace": "ns1"},
        "spec": {"config": config},
    });
    if let Some(resource) = resource {
        object["metadata"]["annotations"] = json!({RESOURCE_NAME: resource});
    }
    serde_json::from_value(object).unwrap()
}

fn decide(object: &NetworkAttachmentDefinition) -> Result<Plan, Denial> {
    admit_network(object, &Cluster::default(), &Policy::default())
}

fn decide_update(
    old: &NetworkAttachmentDefinition,
    new: &NetworkAttachmentDefinition,
) -> Result<Plan, Denial> {
    admit_network_update(old, new, &Cluster::default(), &Policy::default())
}

#[test]
fn vectors_n1_to_n6_39_and_40_what_is_denied() {
    let denials: Vec<String> = [
        (None, "{bad"),
        (None, "{}"),
        (None, r#"{"plugins":{}}"#),
        (None, r#"{"plugins":"x"}"#),
        (None, r#"{"plugins":null}"#),
        (None, r#"{"plugins":["bridge"]}"#),
        (None, r#"{"plugins":[null]}"#),
        (None, r#"{"plugins":[]}"#),
        (None, r#"{"type":""}"#),
        (None, r#"{"type":"bridge","cniVersion":"9.9.9"}"#),
        (Some(""), r#"{"type":"sriov"}"#),
        (Some(" example.com/foo "), r#"{"type":"sriov"}"#),
        (Some("example.com/a~b"), "null"),
    ]
    .into_iter()
    .map(|(resource, config)| {
        let denial = decide(&object("n", resource, json!(config))).unwrap_err();
        let fields: Vec<String> = denial.causes().map(|cause| cause.field).collect();
        format!(
            "{config}\n  {} {}: {denial}",
            denial.code(),
            fields.join(", ")
        )
    })
    .collect();
    insta::assert_snapshot!(denials.join("\n"));
}

#[test]
fn vectors_n2_n3_and_n11_to_n15_what_is_allowed_and_warned_of() {
    for (number, name, resource, config, wanted) in [
        ("N2", "n", None, json!(r#"{"type":"bridge"}"#), None),
        (
            "N3",
            "n",
            None,
            json!(r#"{"plugins":[{"type":"bridge"}]}"#),
            None,
        ),
        (
            "N11",
            "a.b",
            None,
            json!(r#"{"type":"bridge"}"#),
            Some("JSON form"),
        ),
        ("N11", "0net", None, json!(r#"{"type":"bridge"}"#), None),
        ("N13", "n", None, json!(""), Some("named n in its confDir")),
        (
            "N13",
            "n",
            None,
            json!(null),
            Some("named n in its confDir"),
        ),
        (
            "N14",
            "n",
            None,
            json!(r#"{"type":"sriov"}"#),
            Some("plugin sriov needs a device"),
        ),
        (
            "N15",
            "n",
            Some("intel.com/x"),
            json!(r#"{"type":"macvlan"}"#),
            None,
        ),
        (
            "N18",
            "n",
            None,
            json!(r#"{"name":"other","type":"bridge"}"#),
            None,
        ),
        (
            "41",
            "n",
            Some("sriov_nic_1"),
            json!(r#"{"type":"sriov"}"#),
            Some("no domain"),
        ),
    ] {
        let plan = decide(&object(name, resource, config)).unwrap();
        let texts: Vec<&str> = plan.warnings.iter().map(Warning::as_str).collect();
        match wanted {
            None => assert!(texts.is_empty(), "{number}: {texts:?}"),
            Some(wanted) => assert!(texts.concat().contains(wanted), "{number}: {texts:?}"),
        }
    }
}

#[test]
fn vector_n12_an_object_that_is_still_to_be_named() {
    let mut unnamed = object("", None, json!(r#"{"type":"bridge"}"#));
    unnamed.metadata.generate_name = Some("net-".to_owned());
    assert_eq!(decide(&unnamed).unwrap(), Plan::default());
    unnamed.spec = serde_json::json!({"config": "{}"});
    let denial = decide(&unnamed).unwrap_err().to_string();
    assert!(
        denial.contains("NetworkAttachmentDefinition ns1/net-* cannot"),
        "{denial}"
    );
    let denial = decide(&object("", None, json!(null))).unwrap_err();
    assert_eq!(denial.causes().next().unwrap().field, "metadata.name");
}

#[test]
fn vector_n16_a_stored_object_is_judged_only_when_its_network_changes() {
    let bad = object("n", Some(""), json!("{}"));
    let mut labelled = bad.clone();
    labelled.metadata.labels = Some([("a".to_owned(), "b".to_owned())].into());
    assert!(decide_update(&bad, &labelled).is_ok());
    let other = object("n", Some(""), json!(r#"{"type":"bridge"}"#));
    assert!(decide_update(&bad, &other).is_err());
    let other = object("n", None, json!("{}"));
    assert!(decide_update(&bad, &other).is_err());
}
