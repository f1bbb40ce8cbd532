//! Reviews of NetworkAttachmentDefinitions, as the API server sends them.

use admission::Warning;
use serde_json::{Value, json};
use spec::bridge::PodAnnotations;

use super::*;

fn network(config: &str) -> Value {
    json!({
        "apiVersion": "k8s.cni.cncf.io/v1",
        "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": "foo", "namespace": "ns1"},
        "spec": {"config": config},
    })
}

fn used() -> Cluster {
    let mut cluster = Cluster::default();
    let annotations = PodAnnotations {
        networks: Some("ns1/foo".to_owned()),
        default_network: None,
    };
    let namespace = "default".parse().unwrap();
    cluster.usage.insert(&namespace, "web", &annotations);
    cluster
}

fn ask(
    hook: Hook,
    operation: &str,
    object: &Value,
    old: &Value,
    cluster: Option<&Cluster>,
) -> Result<Decision, Undecided> {
    let request = json!({
        "uid": "u",
        "kind": {"group": "k8s.cni.cncf.io", "version": "v1", "kind": "NetworkAttachmentDefinition"},
        "namespace": "ns1",
        "operation": operation,
        "object": object,
        "oldObject": old,
    })
    .to_string();
    let request: Request<'_> = serde_json::from_str(&request).unwrap();
    decide(hook, &request, cluster, &Policy::default())
}

#[test]
fn vector_n17_a_network_that_pods_use_is_not_deleted() {
    let stored = network("{}");
    let delete = |hook, cluster| ask(hook, "DELETE", &Value::Null, &stored, cluster);
    let used = used();
    let Ok(Decision::Denied(denial)) = delete(Hook::Validate, Some(&used)) else {
        panic!("it is in use");
    };
    assert!(denial.to_string().contains("pod default/web uses it"));
    assert_eq!(denial.code(), 403);
    assert_eq!(
        delete(Hook::Mutate, Some(&used)).unwrap(),
        Decision::Allowed(Plan::default()),
        "the other hook has nothing to say"
    );
    let unused = Cluster::default();
    assert_eq!(
        delete(Hook::Validate, Some(&unused)).unwrap(),
        Decision::Allowed(Plan::default())
    );
    assert!(matches!(
        delete(Hook::Validate, None),
        Err(Undecided::NotSynced)
    ));
    let nothing = ask(
        Hook::Validate,
        "DELETE",
        &Value::Null,
        &Value::Null,
        Some(&used),
    );
    assert_eq!(nothing.unwrap(), Decision::Allowed(Plan::default()));
}

#[test]
fn vectors_n16_and_n17_a_change_is_judged_by_what_it_changes() {
    let used = used();
    let update = |old: &str, new: &str| {
        let (old, new) = (network(old), network(new));
        ask(Hook::Validate, "UPDATE", &new, &old, Some(&used)).unwrap()
    };
    let Decision::Allowed(plan) = update(
        r#"{"type":"bridge","vlan":99999}"#,
        r#"{"type":"bridge","vlan":99999,"mtu":9000}"#,
    ) else {
        panic!("what was wrong before does not deny");
    };
    let texts: Vec<&str> = plan.warnings.iter().map(Warning::as_str).collect();
    assert_eq!(
        texts,
        [
            "still wrong: in spec.config, /vlan: 99999 is not 0..4094",
            "1 pod uses this network; the change reaches a pod when its sandbox is made anew",
        ]
    );
    let worse = update(r#"{"type":"bridge"}"#, r#"{"type":"bridge","vlan":99999}"#);
    assert!(matches!(worse, Decision::Denied(_)));
}
