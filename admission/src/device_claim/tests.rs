//! Pods with claims; the vectors by their numbers.

use api::{network_attachment_definition::NetworkAttachmentDefinition, objects};
use serde_json::{Value, json};
use spec::network::DEVICES;

use super::*;
use crate::{
    Cluster, Denial, NetworkIndex, Plan, Policy, admit, admit_network,
    fixture::{namespace, network, pod, read},
    review_final,
};

const CEL: &str = r#"device.attributes["k8s.cni.cncf.io"].resourceName == "example.com/foo""#;

fn cluster() -> Cluster {
    let sriov = r#"{"type":"sriov"}"#;
    let mut claimed = network("default/claimed", None, sriov);
    claimed
        .annotations
        .insert(DEVICES.to_owned(), "claim".to_owned());
    let networks = [
        network("default/foo", Some("example.com/foo"), sriov),
        network("default/bar", Some("example.com/bar"), sriov),
        network("default/bare", Some("nic"), sriov),
        network(
            "default/implicit",
            Some("deviceclass.resource.kubernetes.io/nic"),
            sriov,
        ),
        network("default/plain", None, sriov),
        claimed,
    ];
    let exactly = |name: &str, exactly: Value| json!({"name": name, "exactly": exactly});
    let template = |name: &str, requests: Vec<Value>| {
        json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaimTemplate", "metadata": {"name": name},
            "spec": {"spec": {"devices": {"requests": requests}}}})
    };
    let class = |name: &str, spec: Value| json!({"apiVersion": "resource.k8s.io/v1", "kind": "DeviceClass", "metadata": {"name": name}, "spec": spec});
    let cel = |expression: &str| json!([{"cel": {"expression": expression}}]);
    let written = [
        class("nic", json!({})),
        class("vf", json!({"extendedResourceName": "example.com/foo"})),
        class("by-selector", json!({"selectors": cel(CEL)})),
        template(
            "of-nic",
            vec![exactly("a", json!({"deviceClassName": "nic"}))],
        ),
        template(
            "of-vf",
            vec![exactly("a", json!({"deviceClassName": "vf"}))],
        ),
        template(
            "two",
            vec![exactly(
                "a",
                json!({"deviceClassName": "by-selector", "count": 2}),
            )],
        ),
        template(
            "all",
            vec![exactly(
                "a",
                json!({"deviceClassName": "vf", "allocationMode": "All"}),
            )],
        ),
        template(
            "admin",
            vec![exactly(
                "a",
                json!({"deviceClassName": "vf", "adminAccess": true}),
            )],
        ),
        template(
            "unheard-of",
            vec![exactly(
                "a",
                json!({"deviceClassName": "vf", "allocationMode": "Most"}),
            )],
        ),
        template(
            "no-class",
            vec![exactly(
                "a",
                json!({"deviceClassName": "gone", "selectors": cel(CEL)}),
            )],
        ),
        template(
            "several",
            vec![
                exactly("a", json!({"deviceClassName": "vf"})),
                exactly(
                    "b",
                    json!({"deviceClassName": "nic", "selectors": cel(CEL)}),
                ),
            ],
        ),
        template(
            "first",
            vec![json!({"name": "a", "firstAvailable": [
            {"name": "big", "deviceClassName": "vf", "count": 2}, {"name": "small", "deviceClassName": "vf"}]})],
        ),
        template(
            "first-or-other",
            vec![json!({"name": "a", "firstAvailable": [
            {"name": "big", "deviceClassName": "vf"}, {"name": "other", "deviceClassName": "nic"}]})],
        ),
        json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", "metadata": {"name": "shared"},
            "spec": {"devices": {"requests": [exactly("a", json!({"deviceClassName": "vf"}))]}}}),
        json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", "metadata": {"name": "of-a-pod",
            "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u", "controller": true}]},
            "spec": {"devices": {"requests": [exactly("a", json!({"deviceClassName": "vf"}))]}}}),
    ];
    let text: Vec<String> = written.iter().map(ToString::to_string).collect();
    let objects = objects::parse(&text.join("\n---\n"), "test").unwrap();
    let mut devices = Devices::default();
    devices.extend(&objects, "default").unwrap();
    Cluster {
        devices,
        ..Cluster::from(NetworkIndex::from_iter(networks))
    }
}

/// A pod whose container uses these claims: `template` or `=claim`, and after a `/` the request.
fn claiming(networks: &str, claims: &[&str]) -> Value {
    let mut pod = pod(Some(networks), None);
    let (mut entries, mut uses) = (Vec::new(), Vec::new());
    for (at, claim) in claims.iter().enumerate() {
        let name = format!("claim-{at}");
        let (source, request) = match claim.split_once('/') {
            Some((source, request)) => (source, Some(request)),
            None => (*claim, None),
        };
        entries.push(match source.strip_prefix('=') {
            Some(claim) => json!({"name": name, "resourceClaimName": claim}),
            None => json!({"name": name, "resourceClaimTemplateName": source}),
        });
        uses.push(json!({"name": name, "request": request}));
    }
    pod["spec"]["resourceClaims"] = json!(entries);
    pod["spec"]["containers"][0]["resources"]["claims"] = json!(uses);
    pod
}

fn decide(pod: &Value) -> Result<Plan, Denial> {
    admit(
        &read(pod),
        &namespace("default"),
        &cluster(),
        &Policy::default(),
    )
}

fn added(pod: &Value) -> u64 {
    let plan = decide(pod).unwrap();
    plan.additions.iter().map(|addition| addition.add).sum()
}

#[test]
fn vector_59_what_a_claim_supplies_is_not_injected() {
    for (networks, claims, wanted) in [
        ("foo", &["of-vf"][..], 0),
        ("foo", &["two"], 0),
        ("foo,foo", &["two"], 0),
        ("foo,foo,foo", &["two"], 1),
        ("foo,foo", &["of-vf"], 1),
        ("foo,foo", &["of-vf", "of-vf"], 0),
        ("foo,foo", &["several"], 0),
        ("foo,foo", &["several/a"], 1),
        ("foo,foo", &["several/a", "several/b"], 0),
        ("foo", &["several/c"], 1),
        ("foo,foo,foo,foo", &["all"], 0),
        ("foo,foo", &["first"], 1),
        ("foo", &["first-or-other"], 1),
        ("foo", &["no-class"], 0),
        ("foo", &["admin"], 1),
        ("foo", &["unheard-of"], 1),
        ("foo", &["of-nic"], 1),
        ("foo", &[], 1),
        ("foo", &["=shared"], 0),
        ("foo,foo", &["=shared", "=shared"], 1),
        ("foo", &["=of-a-pod"], 1),
        ("foo", &["nothing"], 1),
        ("foo,bar", &["of-vf"], 1),
        ("implicit", &["of-nic"], 0),
        ("implicit", &["of-vf"], 1),
    ] {
        let pod = claiming(networks, claims);
        assert_eq!(added(&pod), wanted, "{networks} {claims:?}");
        let review = review_final(
            &read(&pod),
            &namespace("default"),
            &cluster(),
            &Policy::default(),
        );
        assert_eq!(review.is_ok(), wanted == 0, "{networks} {claims:?}");
    }
    let short = claiming("foo,foo", &["of-vf"]);
    let denial = review_final(
        &read(&short),
        &namespace("default"),
        &cluster(),
        &Policy::default(),
    );
    insta::assert_snapshot!(denial.unwrap_err(), @"pod default/web cannot get its networks: it needs 2 of example.com/foo for networks default/foo, default/foo, but its containers request 0 and its claims supply 1; add 1 to the requests and limits of one container");
}

#[test]
fn only_claims_that_a_container_uses_count() {
    let mut pod = claiming("foo", &["of-vf"]);
    let uses = pod["spec"]["containers"][0]["resources"].take();
    assert_eq!(added(&pod), 1);
    pod["spec"]["initContainers"] = json!([{"name": "i", "resources": uses}]);
    assert_eq!(added(&pod), 1, "its devices are gone before the others run");
    pod["spec"]["initContainers"][0]["restartPolicy"] = json!("Always");
    assert_eq!(added(&pod), 0);
    // What is requested and what is claimed add up.
    let mut both = claiming("foo,foo", &["of-vf"]);
    both["spec"]["containers"][0]["resources"]["limits"] = json!({"example.com/foo": "1"});
    assert_eq!(added(&both), 0);
    // In another namespace it is another template.
    let elsewhere = admit(
        &read(&claiming("default/foo", &["of-vf"])),
        &namespace("ns1"),
        &cluster(),
        &Policy::default(),
    );
    assert_eq!(elsewhere.unwrap().additions.len(), 1);
}

#[test]
fn vector_41_a_name_without_a_domain_and_other_warnings() {
    let warnings = |networks, claims| {
        let plan = decide(&claiming(networks, claims)).unwrap();
        let warnings: Vec<String> = plan.warnings.iter().map(ToString::to_string).collect();
        warnings.join("\n")
    };
    assert_eq!(
        warnings("bare,bare", &[]),
        "default/bare: nic is a DeviceClass, which pods use by spec.resourceClaims; nothing is injected for it"
    );
    assert_eq!(
        warnings("foo", &["nothing"]),
        "ResourceClaimTemplate nothing of claim claim-0 is not known: its devices are not counted"
    );
    assert_eq!(
        warnings("plain", &["nothing"]),
        "",
        "it is not about networks"
    );
    assert_eq!(warnings("foo,implicit", &["of-vf", "of-nic"]), "");
}

#[test]
fn networks_whose_devices_are_claimed() {
    let denial = decide(&pod(Some("plain,claimed"), None)).unwrap_err();
    assert_eq!(denial.code(), 403);
    insta::assert_snapshot!(denial, @"pod default/web cannot get its networks: annotation k8s.v1.cni.cncf.io/networks: entry 2: the device of default/claimed comes from a ResourceClaim of the pod (annotation polypod.dev/devices: claim of the NetworkAttachmentDefinition), but no container uses one; add it to spec.resourceClaims, and its name to resources.claims of a container");
    assert_eq!(added(&claiming("claimed,claimed", &["nothing"])), 0);
    let mut unused = claiming("claimed", &["of-vf"]);
    unused["spec"]["containers"][0]["resources"].take();
    assert!(decide(&unused).is_err());
    assert!(decide(&pod(Some("plain"), None)).is_ok());

    let definition = |word: &str| -> NetworkAttachmentDefinition {
        serde_json::from_value(
            json!({"metadata": {"name": "n", "annotations": {DEVICES: word}},
            "spec": {"config": r#"{"type":"macvlan"}"#}}),
        )
        .unwrap()
    };
    let judge = |word| admit_network(&definition(word), &Cluster::default(), &Policy::default());
    assert!(judge("claim").is_ok() && judge("device-plugin").is_ok());
    insta::assert_snapshot!(judge("Claim").unwrap_err(), @r#"NetworkAttachmentDefinition default/n cannot be attached to: in annotation polypod.dev/devices, "Claim" is neither "device-plugin" nor "claim""#);
}

#[test]
fn objects_come_and_go() {
    let object = |kind: &str| {
        json!({"metadata": {"name": "x", "namespace": "a"}, "kind": kind,
            "spec": {"devices": {}, "spec": {"devices": {"requests": [{"name": "r"}]}}}})
    };
    let mut devices = Devices::default();
    let claim = serde_json::from_value(object("ResourceClaim")).unwrap();
    let template = serde_json::from_value(object("ResourceClaimTemplate")).unwrap();
    let class = serde_json::from_value(object("DeviceClass")).unwrap();
    devices.claims.insert(&claim);
    devices.templates.insert(&template);
    devices.classes.insert(&class);
    assert!(devices.claims.get("a", "x").is_some_and(Vec::is_empty));
    assert_eq!(devices.templates.get("a", "x").map(Vec::len), Some(1));
    assert!(devices.classes.get("x").is_some());
    let empty = &devices.templates.get("a", "x").unwrap()[0];
    let resource = "example.com/foo".parse().unwrap();
    assert_eq!(empty.devices(&resource, &devices.classes), Some(0));
    devices.claims.remove(&claim);
    devices.templates.remove(&template);
    devices.classes.remove(&class);
    assert!(devices.claims.get("a", "x").is_none() && devices.templates.get("a", "x").is_none());
    assert!(devices.classes.get("x").is_none());
}
