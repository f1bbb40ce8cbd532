//! The vectors about NetworkAttachmentDefinitions, named by their numbers.

use serde_json::{Value, json};

use spec::{bridge::PodAnnotations, network::Namespace};

use super::*;
use crate::{
    Permissions, Rule,
    fixture::{BRIDGE_NAME, namespace, policy},
};

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
fn vectors_n7_to_n10_what_the_plugin_would_refuse_or_pass_over() {
    for (number, config, wanted) in [
        (
            "N7",
            r#"{"type":"bridge","mtu":1,"mtu":2}"#,
            "/mtu is there twice",
        ),
        (
            "N9",
            r#"{"type":"bridge","vlan":99999}"#,
            "/vlan: 99999 is not 0..4094",
        ),
        (
            "N9",
            r#"{"plugins":[{"type":"tuning"},{"type":"sriov","vlan":99999}]}"#,
            "/plugins/1/vlan: 99999 is not 0..4094",
        ),
        (
            "N10",
            r#"{"type":"bridge","ipam":{"type":"host-local","subnet":"not-a-cidr"}}"#,
            "/ipam/subnet: \"not-a-cidr\"",
        ),
    ] {
        let denial = decide(&object("n", None, json!(config))).unwrap_err();
        assert!(denial.to_string().contains(wanted), "{number}: {denial}");
        assert_eq!((denial.code(), denial.reason()), (422, "Invalid"));
        let cause = denial.causes().next().unwrap();
        assert_eq!(cause.field, "spec.config", "{number}");
    }
    let typo = json!(r#"{"type":"macvlan","mastr":"eth0"}"#);
    let plan = decide(&object("n", None, typo)).unwrap();
    let warnings: Vec<&str> = plan.warnings.iter().map(Warning::as_str).collect();
    assert_eq!(
        warnings,
        ["/mastr: plugin macvlan has no key \"mastr\"; did you mean master?"],
        "N8"
    );
}

#[test]
fn vector_n17_a_change_tells_how_many_pods_use_the_network() {
    let mut cluster = Cluster::default();
    for pod in ["a", "b"] {
        let annotations = spec::bridge::PodAnnotations {
            networks: Some("ns1/n".to_owned()),
            default_network: None,
        };
        let namespace = "default".parse().unwrap();
        cluster.usage.insert(&namespace, pod, &annotations);
    }
    let old = object("n", Some("a.b/c"), json!(r#"{"type":"sriov"}"#));
    let warnings = |new: &NetworkAttachmentDefinition| {
        let plan = admit_network_update(&old, new, &cluster, &Policy::default()).unwrap();
        let texts = plan.warnings.iter().map(ToString::to_string);
        texts.collect::<Vec<_>>().join("\n")
    };
    for new in [
        object("n", Some("a.b/d"), json!(r#"{"type":"sriov"}"#)),
        object("n", Some("a.b/c"), json!(r#"{"type":"sriov","vlan":5}"#)),
    ] {
        assert!(warnings(&new).starts_with("2 pods use this network"));
    }
    let mut labelled = old.clone();
    labelled
        .metadata
        .annotations
        .as_mut()
        .unwrap()
        .insert("x".to_owned(), "y".to_owned());
    assert_eq!(warnings(&labelled), "");
}

#[test]
fn vector_n16_what_was_wrong_before_does_not_stop_another_change() {
    let bad = object("n", Some(""), json!("{}"));
    let mut labelled = bad.clone();
    labelled.metadata.labels = Some([("a".to_owned(), "b".to_owned())].into());
    assert!(decide_update(&bad, &labelled).is_ok());
    let mut annotated = bad.clone();
    let annotations = annotated.metadata.annotations.as_mut().unwrap();
    annotations.insert("a".to_owned(), "b".to_owned());
    let plan = decide_update(&bad, &annotated).unwrap();
    let warnings: Vec<&str> = plan.warnings.iter().map(Warning::as_str).collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(
        warnings
            .iter()
            .all(|text| text.starts_with("still wrong: in "))
    );

    // Half mended is better than before, and another fault is not.
    let half = object("n", Some(""), json!(r#"{"type":"bridge"}"#));
    assert!(decide_update(&bad, &half).is_ok());
    let other = object("n", Some("a b"), json!("{}"));
    let denial = decide_update(&bad, &other).unwrap_err();
    assert_eq!(denial.faults().len(), 1, "{denial}");

    let stored = |vlan: &str, twice: &str| {
        json!(format!(
            "{{\"type\":\"bridge\",\"vlan\":{vlan},{twice}\"a\":1,\"a\":2}}"
        ))
    };
    let old = object("n", None, stored("99999", ""));
    let decide = |config| decide_update(&old, &object("n", None, config)).map(drop);
    assert_eq!(decide(stored("99999", "\n\"mtu\":9000,\n")), Ok(()));
    assert_eq!(decide(stored("5", "")), Ok(()));
    let denial = decide(stored("99998", "")).unwrap_err();
    assert_eq!(denial.faults().len(), 1, "{denial}");

    let mut going = object("n", Some("a b"), json!("{bad"));
    going.metadata.deletion_timestamp = serde_json::from_str("\"2026-01-01T00:00:00Z\"").unwrap();
    assert!(decide_update(&old, &going).is_ok());
}

/// A network with these annotations.
fn annotated(annotations: Value) -> NetworkAttachmentDefinition {
    let mut object = object("n", None, json!(r#"{"type":"bridge"}"#));
    object.metadata.annotations = serde_json::from_value(annotations).unwrap();
    object
}

#[test]
fn annotations_that_no_pod_could_be_let_in_with() {
    let policy =
        policy(json!({"injection": {"resourceNameKeys": [RESOURCE_NAME, BRIDGE_NAME, "a/b"]}}));
    let bad = annotated(json!({NODE_SELECTOR: "a==b,,", BRIDGE_NAME: "ovs/br 1", "a/b": "bare"}));
    let denial = admit_network(&bad, &Cluster::default(), &policy).unwrap_err();
    let causes: Vec<String> = denial
        .causes()
        .map(|cause| format!("{} {}: {}", cause.reason, cause.field, cause.message))
        .collect();
    assert!(
        denial
            .faults()
            .iter()
            .all(|fault| fault.rule() == Rule::DefinitionAnnotations)
    );
    assert_eq!(denial.code(), 422);
    insta::assert_snapshot!(causes.join("\n"), @r#"
    FieldValueInvalid metadata.annotations[k8s.v1.cni.cncf.io/bridgeName]: in annotation k8s.v1.cni.cncf.io/bridgeName, resource name "ovs/br 1" is not valid: it must be domain/name such as intel.com/sriov: the domain in lower case, the name of letters, digits, '-', '_' and '.', at most 63 characters, beginning and ending with a letter or digit, and no blanks
    FieldValueInvalid metadata.annotations[k8s.v1.cni.cncf.io/nodeSelector]: in annotation k8s.v1.cni.cncf.io/nodeSelector: entry 1: value of a label "=b" is not valid: it must be empty, or 1 to 63 letters, digits, '-', '_' and '.', beginning and ending with a letter or digit; write key=value or key, several separated by commas
    "#);
    let mut edited = bad.clone();
    edited
        .metadata
        .annotations
        .get_or_insert_default()
        .insert("more".to_owned(), String::new());
    let plan = admit_network_update(&bad, &edited, &Cluster::default(), &policy).unwrap();
    let warnings: Vec<&str> = plan.warnings.iter().map(Warning::as_str).collect();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    let good = annotated(json!({NODE_SELECTOR: "a=b, c", BRIDGE_NAME: "ovs/br1"}));
    assert!(admit_network_update(&good, &bad, &Cluster::default(), &policy).is_err());
    let plan = admit_network(&good, &Cluster::default(), &policy).unwrap();
    assert_eq!(plan.warnings, []);
}

/// A cluster where pods of the namespaces use `ns1/n`.
fn used_by(namespaces: &[&str]) -> Cluster {
    let mut cluster = Cluster::default();
    for of in namespaces {
        let networks = PodAnnotations {
            networks: Some("ns1/n".to_owned()),
            default_network: None,
        };
        cluster.usage.insert(&namespace(of), "p", &networks);
    }
    cluster
}

#[test]
fn a_change_brings_no_plugin_that_the_users_may_not_have() {
    let with = |types: &[&str]| {
        let plugins: Vec<Value> = types.iter().map(|name| json!({"type": name})).collect();
        object(
            "n",
            None,
            json!(json!({"cniVersion": "1.0.0", "plugins": plugins}).to_string()),
        )
    };
    let of_node = object("n", None, json!(""));
    let policy = policy(json!({
        "access": {"delegateTypes": [
            {"namespaces": {"names": ["tenant"]}, "types": ["bridge"]},
            {"namespaces": {"selector": {"matchLabels": {"tier": "lab"}}}, "types": ["bridge"]},
        ]},
        "modes": [{"rules": ["delegate-type"], "namespaces": {"names": ["lab"]}, "mode": "warn"}],
    }));
    let decide = |old, new, users: &[&str]| {
        let mut cluster = used_by(users);
        let labels = [("tier".to_owned(), "lab".to_owned())];
        cluster.namespaces.insert(namespace("lab"), labels.into());
        admit_network_update(old, new, &cluster, &policy)
    };
    let (bridge, device) = (with(&["bridge"]), with(&["bridge", "firewall"]));
    for users in [[].as_slice(), &["free"]] {
        assert!(decide(&bridge, &device, users).is_ok(), "{users:?}");
    }
    let denial = decide(&bridge, &device, &["free", "tenant", "lab"]).unwrap_err();
    let causes: Vec<String> = denial
        .causes()
        .map(|cause| format!("{} {}", cause.field, cause.message))
        .collect();
    insta::assert_snapshot!(causes.join("\n"), @"spec.config pods of namespace tenant use this network, which is to have a plugin of type firewall; the administrator allows them the types bridge. Delete those pods first, or define another network");
    assert!(decide(&bridge, &of_node, &["tenant"]).is_err());
    let plan = decide(&bridge, &device, &["lab"]).unwrap();
    assert!(
        plan.findings
            .iter()
            .any(|finding| finding.rule == Rule::DelegateType)
    );
    let more = with(&["firewall", "bridge", "bridge"]);
    assert!(
        decide(&device, &more, &["tenant"]).is_ok(),
        "it is there already"
    );
    assert!(decide(&device, &bridge, &["tenant"]).is_ok());

    let anew = |users: &[&str]| admit_network(&device, &used_by(users), &policy);
    assert!(anew(&["free"]).is_ok());
    assert!(anew(&["tenant"]).is_err(), "deleted and created anew");

    let mut unread = used_by(&["new"]);
    unread.permissions = Permissions::to_be_asked();
    let denial = admit_network_update(&bridge, &device, &unread, &policy).unwrap_err();
    let namespaces: Vec<&str> = denial.unread_namespaces().map(Namespace::as_str).collect();
    assert_eq!(namespaces, ["ns1", "new"]);
}

#[test]
fn a_change_warns_of_types_as_a_creation_does() {
    let policy = policy(json!({"access": {"delegateTypes": [{"types": ["bridge"]}]}}));
    let [old, new] = ["bridge", "macvlan"]
        .map(|name| object("n", None, json!(format!("{{\"type\":\"{name}\"}}"))));
    let created = admit_network(&new, &Cluster::default(), &policy).unwrap();
    let changed = admit_network_update(&old, &new, &Cluster::default(), &policy).unwrap();
    assert_eq!(created.warnings.len(), 1);
    assert_eq!(changed.warnings, created.warnings);
}

#[test]
fn what_is_still_wrong_is_told_before_what_is_only_noteworthy() {
    let stored = |more: &str| {
        let unknown: String = (0..20).map(|key| format!(",\"x{key}\":1")).collect();
        json!(format!(
            "{{\"type\":\"bridge\",\"vlan\":99999{unknown}{more}}}"
        ))
    };
    let old = object("n", None, stored(""));
    let new = object("n", None, stored(",\"mtu\":9000"));
    let plan = decide_update(&old, &new).unwrap();
    assert!(plan.warnings.len() > 10, "{:?}", plan.warnings);
    assert!(
        plan.warnings[0]
            .as_str()
            .starts_with("still wrong: in spec.config, /vlan")
    );
}
