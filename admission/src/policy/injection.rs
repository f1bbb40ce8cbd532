//! What is added to pods beside the devices, and where devices are added.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use spec::label::LabelKey;

use super::ResourceNameKeys;

/// What is injected, and where.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Injection {
    /// The annotations of a NetworkAttachmentDefinition that name a resource. Each that is there asks for a device of its
    /// own (the network resources injector's `-network-resource-name-keys`).
    pub resource_name_keys: ResourceNameKeys,
    /// Containers that other injectors put in front of the application: devices are added to them last.
    pub sidecars: BTreeSet<String>,
    /// Whether a pod with devices sees its labels and annotations as files below `/etc/podnetinfo`.
    pub pod_net_info: bool,
    /// Whether it sees the hugepages of its containers there too (the network resources injector's
    /// `-injectHugepageDownApi`). Implies the labels and annotations, as there.
    pub hugepages: bool,
    /// Whether devices that containers request already are kept for something else than the pod's networks (the network
    /// resources injector's `-honor-resources`). The pod is annotated with what is kept, so that nothing is added twice.
    pub honor_existing_resources: bool,
    /// Annotations for pods that carry a label.
    pub user_defined: Vec<UserDefined>,
}

/// Annotations for pods with a label (the network resources injector's `user-defined-injections`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserDefined {
    /// The label's key; its value must be `true`, in letters of any case.
    pub label: LabelKey,
    /// What is annotated. An annotation that the pod has already stays.
    pub annotations: BTreeMap<LabelKey, String>,
}

impl UserDefined {
    /// Whether a pod gets these annotations; `label` is its label of a key.
    pub fn selects<'a>(&self, label: impl FnOnce(&str) -> Option<&'a str>) -> bool {
        label(self.label.as_str()).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}

/// Istio's `holdApplicationUntilProxyStarts` makes its proxy the first container, where injectors that always take the
/// first one give it the devices.
const SIDECARS: [&str; 6] = [
    "istio-proxy",
    "linkerd-proxy",
    "envoy-sidecar",
    "consul-dataplane",
    "kuma-sidecar",
    "cilium-envoy",
];

impl Default for Injection {
    fn default() -> Self {
        Self {
            resource_name_keys: ResourceNameKeys::default(),
            sidecars: SIDECARS.map(str::to_owned).into(),
            pod_net_info: false,
            hugepages: false,
            honor_existing_resources: false,
            user_defined: Vec::new(),
        }
    }
}
