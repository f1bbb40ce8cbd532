//! The decision about deleting a NetworkAttachmentDefinition: a pod whose network is gone runs on until its sandbox is made
//! anew, and then it does not start.

use api::{network::Network, network_attachment_definition::NetworkAttachmentDefinition};
use spec::network::ALLOW_DELETE;

use crate::{Cluster, DefinitionFault, Denial, Plan, Policy, findings::Findings};

/// Decides whether `object`, which is stored, may be deleted. One that no selection can name may; so may all in a namespace
/// that is going, and one whose annotation says so.
///
/// # Errors
/// Pods use it.
pub fn admit_network_deletion(
    object: &NetworkAttachmentDefinition,
    cluster: &Cluster,
    policy: &Policy,
) -> Result<Plan, Denial> {
    let mut plan = Plan::default();
    let Ok(Network { reference, .. }) = Network::parse(object, "") else {
        return Ok(plan);
    };
    let annotations = object.metadata.annotations.as_ref();
    let is_let_go = annotations
        .and_then(|all| all.get(ALLOW_DELETE))
        .is_some_and(|text| text == "true");
    if is_let_go || cluster.namespaces.is_terminating(&reference.namespace) {
        return Ok(plan);
    }
    let mut findings = Findings::new(&reference.namespace, cluster, policy);
    let users = cluster.usage.users(&reference, &policy.system_namespace);
    findings.extend(users.map(|users| DefinitionFault::InUse(users).into()));
    let subject = format!("NetworkAttachmentDefinition {reference} cannot be deleted");
    findings.conclude(&mut plan, subject)?;
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use spec::bridge::PodAnnotations;

    use super::*;
    use crate::fixture::{namespace, network};

    fn stored(annotations: serde_json::Value) -> NetworkAttachmentDefinition {
        let metadata = json!({"name": "foo", "namespace": "default", "annotations": annotations});
        serde_json::from_value(json!({"metadata": metadata, "spec": {"config": "{}"}})).unwrap()
    }

    fn used() -> Cluster {
        let mut cluster = Cluster::default();
        cluster.networks.insert(network("default/foo", None, "{}"));
        for pod in ["web-0", "web-1"] {
            let annotations = PodAnnotations {
                networks: Some("foo".to_owned()),
                default_network: None,
            };
            cluster
                .usage
                .insert(&namespace("default"), pod, &annotations);
        }
        cluster
    }

    #[test]
    fn vector_n17_what_pods_use_stays() {
        let cluster = used();
        let decide = |cluster: &Cluster, annotations| {
            admit_network_deletion(&stored(annotations), cluster, &Policy::default())
        };
        let denial = decide(&cluster, json!({})).unwrap_err();
        assert_eq!((denial.code(), denial.reason()), (403, "Forbidden"));
        insta::assert_snapshot!(denial, @r#"NetworkAttachmentDefinition default/foo cannot be deleted: 2 pods use it, default/web-0, default/web-1; delete them first, or set its annotation polypod.dev/allow-delete: "true" if their next sandbox may fail"#);
        assert!(decide(&cluster, json!({ALLOW_DELETE: "true"})).is_ok());
        assert!(decide(&cluster, json!({ALLOW_DELETE: "yes"})).is_err());
        assert!(decide(&Cluster::default(), json!({})).is_ok());

        let mut going = used();
        going
            .namespaces
            .set_terminating(&namespace("default"), true);
        assert!(decide(&going, json!({})).is_ok());
        going
            .namespaces
            .set_terminating(&namespace("default"), false);
        assert!(decide(&going, json!({})).is_err());
    }

    #[test]
    fn an_administrator_may_relax_it() {
        let policy: Policy = serde_json::from_value(
            json!({"modes": [{"rules": ["definition-in-use"], "mode": "warn"}]}),
        )
        .unwrap();
        let plan = admit_network_deletion(&stored(json!({})), &used(), &policy).unwrap();
        assert!(plan.warnings[0].as_str().contains("2 pods use it"));
        assert_eq!(plan.findings[0].rule, crate::Rule::DefinitionInUse);
    }
}
