//! What a pod names and the decision about it did not find.
//!
//! What is kept of the cluster may be a moment behind the API server, and objects of one `kubectl apply` arrive together.
//! Whoever can ask the API server reads these and decides again, whatever the rules make of them: a rule that is not
//! enforced lets a pod in without the network, and with a network that is there it must have its devices.

use std::collections::BTreeSet;

use api::pod::Pod;
use spec::network::{Namespace, NetworkRef, ObjectName};

use crate::{
    Policy, View, access::Asker, device_claim::Supply, findings::Findings, needs_networks,
    selections, user_defined,
};

/// Objects that may be there all the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unknown {
    /// Networks that the pod selects and may select.
    pub networks: BTreeSet<NetworkRef>,
    /// ResourceClaims that the pod's containers use.
    pub claims: BTreeSet<(Namespace, ObjectName)>,
    /// The same for ResourceClaimTemplates.
    pub templates: BTreeSet<(Namespace, ObjectName)>,
}

impl Unknown {
    /// How many networks are named. A hostile annotation of a hundred thousand entries is not looked up to its end.
    pub const MOST_NETWORKS: usize = 64;

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty() && self.claims.is_empty() && self.templates.is_empty()
    }
}

/// What `pod`, which is of `namespace`, names and `cluster` does not have.
#[must_use]
pub fn unknown<'a>(
    pod: &Pod,
    namespace: &Namespace,
    cluster: impl Into<View<'a>>,
    policy: &Policy,
) -> Unknown {
    let view = cluster.into();
    let mut unknown = Unknown::default();
    if !needs_networks(pod) {
        return unknown;
    }
    let mut unsaid = Vec::new();
    let injected = user_defined::annotations(pod, &policy.injection.user_defined, &mut unsaid);
    let pod = user_defined::with(pod, &injected);
    let annotations = pod.network_annotations();
    // An annotation that cannot be read is denied for that.
    let selections =
        selections::parse(&annotations, namespace, policy, &mut unsaid).unwrap_or_default();
    if selections.is_empty() {
        return unknown;
    }
    let asker = Asker::new(&pod, namespace, view, policy);
    let mut findings = Findings::new(namespace, view.cluster(), policy);
    for placed in &selections {
        let network = &placed.selection.network;
        if view.network(network).is_none() && asker.may_select(placed.place, network, &mut findings)
        {
            unknown.networks.insert(network.clone());
        }
        if findings.are_enough() || unknown.networks.len() >= Unknown::MOST_NETWORKS {
            break;
        }
    }
    let supply = Supply::of(&pod, namespace, view);
    // A name that is none is nobody's.
    let names = |names: &BTreeSet<&str>| {
        let names = names.iter().filter_map(|name| name.parse().ok());
        names.map(|name| (namespace.clone(), name)).collect()
    };
    unknown.claims = names(&supply.unknown_claims);
    unknown.templates = names(&supply.unknown_templates);
    unknown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        Cluster, Found,
        fixture::{cluster, namespace, network, pod, pod_with, policy, read, reference},
    };

    fn networks(pod: &serde_json::Value, policy: &Policy) -> Vec<String> {
        let unknown = unknown(&read(pod), &namespace("default"), &cluster(), policy);
        unknown.networks.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn networks_are_named_in_every_mode() {
        let selects = pod(Some("foo,fresh,ns1/fresh,fresh"), Some("new"));
        let wanted = ["default/fresh", "kube-system/new", "ns1/fresh"];
        for mode in ["enforce", "warn", "monitor"] {
            let policy = policy(json!({"modes": [{"mode": mode}]}));
            assert_eq!(networks(&selects, &policy), wanted, "{mode}");
        }
        let isolated = policy(json!({"access": {"namespaceIsolation": true}}));
        assert_eq!(
            networks(&pod(Some("fresh,ns1/fresh"), None), &isolated),
            ["default/fresh"]
        );
        let many: Vec<String> = (0..100).map(|n| format!("n{n}")).collect();
        let many = networks(&pod(Some(&many.join(",")), None), &Policy::default());
        assert_eq!(many.len(), Unknown::MOST_NETWORKS);
        for none in [
            pod(Some("foo"), None),
            pod(Some("fresh,"), None),
            pod(None, None),
        ] {
            assert!(networks(&none, &Policy::default()).is_empty(), "{none}");
        }
        let host = pod_with("fresh", &[], json!({"hostNetwork": true, "containers": []}));
        assert!(networks(&host, &Policy::default()).is_empty());
    }

    #[test]
    fn what_was_found_is_not_unknown() {
        let mut found = Found::default();
        found.networks.insert(network("default/fresh", None, "{}"));
        let kept = Cluster::default();
        let view = View::with(&kept, &found);
        let pod = read(&pod(Some("fresh,other"), None));
        let unknown = unknown(&pod, &namespace("default"), view, &Policy::default());
        assert_eq!(
            unknown.networks,
            BTreeSet::from([reference("default/other")])
        );
    }

    #[test]
    fn claims_that_containers_use() {
        let claims = json!([
            {"name": "a", "resourceClaimName": "mine"},
            {"name": "b", "resourceClaimTemplateName": "template"},
            {"name": "c", "resourceClaimName": "../x"},
            {"name": "d", "resourceClaimName": "of-nobody"},
        ]);
        let uses = json!({"claims": [{"name": "a"}, {"name": "b"}, {"name": "c"}]});
        let spec =
            json!({"resourceClaims": claims, "containers": [{"name": "c0", "resources": uses}]});
        let pod = read(&pod_with("foo", &[], spec));
        let unknown = unknown(&pod, &namespace("default"), &cluster(), &Policy::default());
        assert_eq!(
            unknown.claims,
            BTreeSet::from([(namespace("default"), "mine".parse().unwrap())])
        );
        assert_eq!(
            unknown.templates,
            BTreeSet::from([(namespace("default"), "template".parse().unwrap())])
        );
        assert!(unknown.networks.is_empty());
    }
}
