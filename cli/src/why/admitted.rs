//! What admission says of the pod as it is, by the one function that the webhook calls.

use std::collections::HashMap;

use admission::{Cluster, Policy, Refusal, patched};
use api::{network::Network, pod::Pod};
use serde::Serialize;
use serde_json::Value;
use spec::network::{parse_default_network, parse_networks};

/// What admission says of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Admitted {
    /// The networks that its annotation selects, in their order.
    pub(super) networks: Vec<Selected>,
    /// Why it would be refused today.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refused: Option<String>,
    /// What the webhook would have added and the pod lacks, as operations of a JSON patch.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) missing: Vec<String>,
    /// What it would be warned of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) warnings: Vec<String>,
    /// The scheduling gates at which it waits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) gates: Vec<String>,
    /// Why it was not judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unjudged: Option<String>,
}

/// A network that a pod selects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Selected {
    /// `namespace/name` of the NetworkAttachmentDefinition.
    pub(super) network: String,
    /// The interface that is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) interface: Option<String>,
    /// The resource that the network takes a device of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resource: Option<String>,
    /// Whether the network was seen.
    pub(super) is_there: bool,
}

impl Admitted {
    /// Of a pod that asks for networks. `unseen` is why networks could not be seen; then only the pod itself is told of.
    /// The policy is the one that is in force unless an administrator says otherwise.
    pub(super) fn of(
        object: &Value,
        networks: &HashMap<String, Network>,
        unseen: Option<&str>,
    ) -> Self {
        let mut admitted = Self::default();
        let pod: Pod = match serde_json::from_value(object.clone()) {
            Ok(pod) => pod,
            Err(error) => {
                admitted.unjudged = Some(format!("the pod cannot be read: {error}"));
                return admitted;
            }
        };
        let gates = pod.spec.scheduling_gates.iter();
        admitted.gates = gates.map(|gate| gate.name.clone()).collect();
        let namespace = match pod.metadata.namespace.parse() {
            Ok(namespace) => namespace,
            Err(error) => {
                admitted.unjudged = Some(format!("its namespace is none: {error}"));
                return admitted;
            }
        };
        let policy = Policy::default();
        let annotations = pod.network_annotations();
        let default = annotations.default_network.map(|text| {
            let selection = parse_default_network(&text, &policy.system_namespace);
            selection.map(|selection| vec![selection])
        });
        let others = annotations.networks.filter(|text| !text.trim().is_empty());
        let others = others.map(|text| parse_networks(&text, &namespace));
        for selections in default.into_iter().chain(others) {
            match selections {
                Ok(selections) => admitted.networks.extend(selections.iter().map(|selection| {
                    let network = selection.network.to_string();
                    let found = networks.get(&network);
                    Selected {
                        interface: selection.interface.as_ref().map(ToString::to_string),
                        resource: found
                            .and_then(|found| found.resource.as_ref().ok()?.as_ref())
                            .map(ToString::to_string),
                        is_there: found.is_some(),
                        network,
                    }
                })),
                // Admission says it, too, where it is asked.
                Err(error) => admitted.refused = Some(error.to_string()),
            }
        }
        if let Some(why) = unseen {
            admitted.unjudged = Some(why.to_owned());
            return admitted;
        }
        let mut cluster = Cluster::default();
        for network in networks.values() {
            cluster.networks.insert(network.clone());
        }
        match patched(object.clone(), &namespace, &cluster, &policy) {
            Ok(patched) => {
                admitted.missing = patched.patch.0.iter().map(ToString::to_string).collect();
                admitted.warnings = patched
                    .plan
                    .warnings
                    .iter()
                    .map(ToString::to_string)
                    .collect();
            }
            Err(Refusal::Denied(denial)) => admitted.refused = Some(denial.to_string()),
            Err(refusal) => admitted.unjudged = Some(refusal.to_string()),
        }
        admitted
    }

    /// For people, in lines.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let outcome = match (&self.unjudged, &self.refused, self.missing.is_empty()) {
            (Some(why), ..) => format!("not judged, because {why}"),
            (_, Some(_), _) => "it would be refused".to_owned(),
            (_, _, true) => "admitted as it is".to_owned(),
            (_, _, false) => "it lacks what the webhook adds".to_owned(),
        };
        lines.push(format!(
            "admission: {} selected; {outcome}",
            counted(self.networks.len(), "network")
        ));
        for Selected {
            network,
            interface,
            resource,
            is_there,
        } in &self.networks
        {
            let wanted = interface
                .as_ref()
                .map(|name| format!(" as {name}"))
                .unwrap_or_default();
            let takes = match resource {
                _ if !is_there => "not seen".to_owned(),
                Some(resource) => format!("takes {resource}"),
                None => "takes no device".to_owned(),
            };
            lines.push(format!("  {network}{wanted}: {takes}"));
        }
        lines.extend(self.refused.iter().map(|why| format!("  refused: {why}")));
        lines.extend(
            self.missing
                .iter()
                .map(|operation| format!("  missing: {operation}")),
        );
        lines.extend(
            self.warnings
                .iter()
                .map(|warning| format!("  warning: {warning}")),
        );
        lines.extend(
            self.gates
                .iter()
                .map(|gate| format!("  waits at the scheduling gate {gate}")),
        );
        lines
    }
}

fn counted(count: usize, one: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        count => format!("{count} {one}s"),
    }
}

#[cfg(test)]
mod tests {
    use api::network_attachment_definition::NetworkAttachmentDefinition;
    use serde_json::json;
    use spec::network::NETWORKS;

    use super::*;

    fn networks() -> HashMap<String, Network> {
        let object = json!({"metadata": {"namespace": "team", "name": "left", "annotations": {
            "k8s.v1.cni.cncf.io/resourceName": "a.b/vf"}}, "spec": {"config": r#"{"cniVersion":"1.0.0","type":"sriov"}"#}});
        let object: NetworkAttachmentDefinition = serde_json::from_value(object).unwrap();
        [(
            "team/left".to_owned(),
            Network::parse(&object, "team").unwrap(),
        )]
        .into()
    }

    fn pod(networks: &str, devices: u64) -> Value {
        json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "p", "namespace": "team", "annotations": {NETWORKS: networks}},
            "spec": {"containers": [{"name": "app", "image": "i", "resources": {
                "requests": {"a.b/vf": devices.to_string()}, "limits": {"a.b/vf": devices.to_string()}}}]}})
    }

    #[test]
    fn it_says_what_the_webhook_would() {
        let of = |networks_of_pod: &str, devices| {
            Admitted::of(&pod(networks_of_pod, devices), &networks(), None)
        };
        let good = of("left@data", 1);
        assert_eq!(
            good.lines(),
            [
                "admission: 1 network selected; admitted as it is",
                "  team/left as data: takes a.b/vf"
            ]
        );
        let short = of("left,left", 1);
        assert!(!short.missing.is_empty(), "{short:?}");
        assert!(
            short.lines()[0].ends_with("2 networks selected; it lacks what the webhook adds"),
            "{short:?}"
        );
        let unknown = of("right", 0);
        assert!(
            unknown
                .refused
                .as_ref()
                .is_some_and(|why| why.contains("right")),
            "{unknown:?}"
        );
        assert!(
            unknown.lines()[1].ends_with("team/right: not seen"),
            "{unknown:?}"
        );
        let broken = of("a,,b", 0);
        assert!(
            broken.refused.is_some() && broken.networks.is_empty(),
            "{broken:?}"
        );
    }

    #[test]
    fn what_cannot_be_judged_says_why() {
        let unseen = Admitted::of(
            &pod("left", 1),
            &HashMap::new(),
            Some("networks may not be seen"),
        );
        assert_eq!(
            unseen.lines()[0],
            "admission: 1 network selected; not judged, because networks may not be seen"
        );
        let mut gated = pod("left", 1);
        gated["spec"]["schedulingGates"] = json!([{"name": "polypod.dev/devices"}]);
        let lines = Admitted::of(&gated, &networks(), None).lines();
        assert!(
            lines.contains(&"  waits at the scheduling gate polypod.dev/devices".to_owned()),
            "{lines:?}"
        );
        assert!(
            Admitted::of(&json!(5), &networks(), None)
                .unjudged
                .is_some()
        );
    }
}
