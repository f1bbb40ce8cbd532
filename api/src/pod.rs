//! A pod, as far as its networks and its place are concerned.
//!
//! Only what decisions need is read, so that fields of newer API servers and half-written manifests are no obstacle, and
//! so that a review with a large pod is cheap. Patches are made against the raw object, never from this view.

mod status;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use spec::{
    bridge::PodAnnotations,
    network::{DEFAULT_NETWORK, NETWORKS},
};

pub use self::status::{
    ContainerStatus, ExtendedResourceClaimStatus, PodCondition, PodResourceClaimStatus, PodStatus,
};

/// A pod.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Pod {
    /// `metadata`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub metadata: Metadata,
    /// `spec`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub spec: PodSpec,
    /// `status`; empty in manifests.
    #[serde(default, deserialize_with = "null_is_default")]
    pub status: PodStatus,
}

/// `metadata` of a pod.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// Empty for a pod that its controller names by `generateName`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub name: String,
    /// The beginning of a name that is still to be made.
    #[serde(default, deserialize_with = "null_is_default")]
    pub generate_name: String,
    /// May be empty in a review: the request has it then.
    #[serde(default, deserialize_with = "null_is_default")]
    pub namespace: String,
    /// The identity of this pod among all of its name.
    #[serde(default, deserialize_with = "null_is_default")]
    pub uid: String,
    /// Labels.
    #[serde(default, deserialize_with = "null_is_default")]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(default, deserialize_with = "null_is_default")]
    pub annotations: BTreeMap<String, String>,
    /// When the pod was asked to go.
    #[serde(default)]
    pub deletion_timestamp: Option<String>,
    /// What made it.
    #[serde(default, deserialize_with = "null_is_default")]
    pub owner_references: Vec<OwnerReference>,
}

/// An entry of `metadata.ownerReferences` (Kubernetes `OwnerReference`).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct OwnerReference {
    /// The owner's kind.
    #[serde(default, deserialize_with = "null_is_default")]
    pub kind: String,
    /// The owner's name.
    #[serde(default, deserialize_with = "null_is_default")]
    pub name: String,
    /// The owner's identity.
    #[serde(default, deserialize_with = "null_is_default")]
    pub uid: String,
    /// Whether it is the one that makes another when this one goes.
    #[serde(default, deserialize_with = "null_is_default")]
    pub controller: bool,
}

/// `spec` of a pod.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodSpec {
    /// The pod uses the node's own network: no CNI plugin is executed for it.
    #[serde(default, deserialize_with = "null_is_default")]
    pub host_network: bool,
    /// The account its processes have; empty where the author leaves it to the API server, which writes `default`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub service_account_name: String,
    /// The node it is bound to; empty until it is.
    #[serde(default, deserialize_with = "null_is_default")]
    pub node_name: String,
    /// The scheduler that binds it; empty where the author leaves it to the API server.
    #[serde(default, deserialize_with = "null_is_default")]
    pub scheduler_name: String,
    /// What keeps it from being scheduled.
    #[serde(default, deserialize_with = "null_is_default")]
    pub scheduling_gates: Vec<SchedulingGate>,
    /// What its runtime class needs beside its containers.
    #[serde(default)]
    pub overhead: Option<BTreeMap<String, Value>>,
    /// What all its containers have together.
    #[serde(default)]
    pub resources: Option<Resources>,
    /// Labels that its node must have; absent in raw manifests.
    #[serde(default)]
    pub node_selector: Option<BTreeMap<String, String>>,
    /// Volumes; absent in raw manifests.
    #[serde(default)]
    pub volumes: Option<Vec<Volume>>,
    /// Claims of devices (DRA).
    #[serde(default, deserialize_with = "null_is_default")]
    pub resource_claims: Vec<PodResourceClaim>,
    /// App containers.
    #[serde(default, deserialize_with = "null_is_default")]
    pub containers: Vec<Container>,
    /// Init containers, sidecars among them.
    #[serde(default, deserialize_with = "null_is_default")]
    pub init_containers: Vec<Container>,
}

/// An entry of `spec.schedulingGates` (Kubernetes `PodSchedulingGate`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct SchedulingGate {
    /// Its name.
    #[serde(default, deserialize_with = "null_is_default")]
    pub name: String,
}

/// A container.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// Its name.
    #[serde(default, deserialize_with = "null_is_default")]
    pub name: String,
    /// `Always` makes an init container a sidecar.
    #[serde(default)]
    pub restart_policy: Option<String>,
    /// What it asks for; absent in raw manifests.
    #[serde(default)]
    pub resources: Option<Resources>,
    /// Its environment; absent in raw manifests.
    #[serde(default)]
    pub env: Option<Vec<EnvVar>>,
    /// Its mounts; absent in raw manifests.
    #[serde(default)]
    pub volume_mounts: Option<Vec<VolumeMount>>,
}

/// A variable of a container's environment.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct EnvVar {
    /// Its name.
    #[serde(default, deserialize_with = "null_is_default")]
    pub name: String,
    /// Its value, where it is not taken from elsewhere; manifests write texts of all kinds without quotes.
    #[serde(default)]
    pub value: Option<Value>,
}

/// Where a container sees a volume.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeMount {
    /// The volume's name.
    #[serde(default, deserialize_with = "null_is_default")]
    pub name: String,
    /// The path in the container.
    #[serde(default, deserialize_with = "null_is_default")]
    pub mount_path: String,
}

/// A volume of a pod.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Volume {
    /// Its name.
    #[serde(default, deserialize_with = "null_is_default")]
    pub name: String,
    /// `downwardAPI`, where it shows the pod's own fields.
    #[serde(default, rename = "downwardAPI")]
    pub downward_api: Option<Value>,
}

/// An entry of `spec.resourceClaims` (Kubernetes `PodResourceClaim`).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodResourceClaim {
    /// Its name within the pod.
    #[serde(default, deserialize_with = "null_is_default")]
    pub name: String,
    /// The ResourceClaim, where it exists by itself.
    #[serde(default)]
    pub resource_claim_name: Option<String>,
    /// The ResourceClaimTemplate, where the claim is made for the pod.
    #[serde(default)]
    pub resource_claim_template_name: Option<String>,
}

/// `resources` of a container. Quantities are kept as they are written: texts from the API server, numbers in manifests.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Resources {
    /// What it is guaranteed.
    #[serde(default)]
    pub requests: Option<BTreeMap<String, Value>>,
    /// What it may not exceed.
    #[serde(default)]
    pub limits: Option<BTreeMap<String, Value>>,
    /// The pod's claims that it uses, by their names within the pod.
    #[serde(default, deserialize_with = "null_is_default")]
    pub claims: Vec<ContainerClaim>,
}

/// An entry of `resources.claims` (Kubernetes `ResourceClaim` of a container).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct ContainerClaim {
    /// The claim's name within the pod.
    #[serde(default, deserialize_with = "null_is_default")]
    pub name: String,
    /// One of the claim's requests; all of them where it is absent.
    #[serde(default)]
    pub request: Option<String>,
}

/// Set by the kubelet on the API server's image of a static pod, whose annotations and spec cannot be changed.
pub const MIRROR: &str = "kubernetes.io/config.mirror";

impl Pod {
    /// The annotations that choose networks.
    #[must_use]
    pub fn network_annotations(&self) -> PodAnnotations {
        let annotation = |key: &str| self.metadata.annotations.get(key).cloned();
        PodAnnotations {
            networks: annotation(NETWORKS),
            default_network: annotation(DEFAULT_NETWORK),
        }
    }

    /// The identity of the controller that makes another pod like it when it goes.
    #[must_use]
    pub fn controller(&self) -> Option<&str> {
        let mut owners = self.metadata.owner_references.iter();
        let owner = owners.find(|owner| owner.controller && !owner.uid.is_empty());
        owner.map(|owner| owner.uid.as_str())
    }

    /// Whether the kubelet has made a container of it: by then it was given all its devices.
    #[must_use]
    pub fn has_started(&self) -> bool {
        let statuses = &self.status;
        statuses.phase == "Running"
            || [
                &statuses.init_container_statuses,
                &statuses.container_statuses,
            ]
            .into_iter()
            .flatten()
            .any(|container| !container.container_id.is_empty())
    }

    /// The ResourceClaims that it uses: those it names, those made for it from templates, and that of its extended
    /// resources. One that is still to be made is not among them.
    #[must_use]
    pub fn claims(&self) -> Vec<&str> {
        let made = |name: &str| {
            let mut statuses = self.status.resource_claim_statuses.iter();
            let status = statuses.find(|status| status.name == name)?;
            status.resource_claim_name.as_deref()
        };
        let of_spec = self.spec.resource_claims.iter();
        let of_spec =
            of_spec.filter_map(|claim| made(&claim.name).or(claim.resource_claim_name.as_deref()));
        let extended = self.status.extended_resource_claim_status.as_ref();
        let extended = extended.map(|status| status.resource_claim_name.as_str());
        let all = of_spec.chain(extended);
        all.filter(|claim| !claim.is_empty()).collect()
    }

    /// Whether this is the API server's image of a static pod.
    #[must_use]
    pub fn is_mirror(&self) -> bool {
        self.metadata.annotations.contains_key(MIRROR)
    }

    /// A name for people: that of a pod that has none yet is its `generateName` and a star.
    #[must_use]
    pub fn display_name(&self) -> String {
        match (
            self.metadata.name.as_str(),
            self.metadata.generate_name.as_str(),
        ) {
            ("", "") => "(unnamed)".to_owned(),
            ("", prefix) => format!("{prefix}*"),
            (name, _) => name.to_owned(),
        }
    }
}

impl Container {
    /// Whether it is an init container that keeps running, and its devices with it.
    #[must_use]
    pub fn is_sidecar(&self) -> bool {
        self.restart_policy.as_deref() == Some("Always")
    }
}

fn null_is_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    from: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn half_written_pods_are_read() {
        for pod in [
            json!({}),
            json!({"metadata": null, "spec": null, "status": null}),
            json!({"spec": {"containers": null, "nodeName": null, "schedulingGates": null, "overhead": null}}),
            json!({"metadata": {"ownerReferences": null}, "status": {"phase": null, "conditions": null}}),
        ] {
            assert_eq!(serde_json::from_value::<Pod>(pod).unwrap(), Pod::default());
        }
        let pod: Pod = serde_json::from_value(json!({
            "metadata": {"generateName": "web-", "annotations": {NETWORKS: "a", MIRROR: "x"}},
            "spec": {"initContainers": [{"restartPolicy": "Always", "resources": {"limits": {"intel.com/sriov": 1}}}], "newField": []},
        }))
        .unwrap();
        assert_eq!(pod.display_name(), "web-*");
        assert!(pod.is_mirror());
        assert!(pod.spec.init_containers[0].is_sidecar());
        assert_eq!(pod.network_annotations().networks.as_deref(), Some("a"));
    }

    #[test]
    fn claims_of_the_pod_of_templates_and_of_extended_resources() {
        let pod: Pod = serde_json::from_value(json!({
            "spec": {"resourceClaims": [
                {"name": "nic", "resourceClaimTemplateName": "t"}, {"name": "gpu", "resourceClaimName": "shared"},
                {"name": "not-made", "resourceClaimTemplateName": "t"}, {"name": "not-needed", "resourceClaimTemplateName": "t"}]},
            "status": {
                "resourceClaimStatuses": [{"name": "nic", "resourceClaimName": "p-nic-x"}, {"name": "not-needed"}],
                "extendedResourceClaimStatus": {"resourceClaimName": "p-extended", "requestMappings": []}},
        }))
        .unwrap();
        assert_eq!(pod.claims(), ["p-nic-x", "shared", "p-extended"]);
        assert!(Pod::default().claims().is_empty());
    }

    #[test]
    fn owners_and_starts() {
        let read = |value| serde_json::from_value::<Pod>(value).unwrap();
        let pod = read(json!({
            "metadata": {"ownerReferences": [{"uid": "a"}, {"uid": "b", "controller": true, "kind": "ReplicaSet", "name": "web"}]},
            "status": {
                "phase": "Pending", "startTime": "2026-01-01T00:00:00Z",
                "conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": null}],
                "initContainerStatuses": [{"name": "i", "containerID": null}],
            },
        }));
        assert_eq!(pod.controller(), Some("b"));
        assert_eq!(pod.status.conditions[0].kind, "PodScheduled");
        assert!(!pod.has_started());
        for status in [
            json!({"phase": "Running"}),
            json!({"phase": "Pending", "initContainerStatuses": [{"name": "i", "containerID": "containerd://1"}]}),
        ] {
            assert!(read(json!({"status": status})).has_started(), "{status}");
        }
        assert_eq!(read(json!({})).controller(), None);
    }
}
