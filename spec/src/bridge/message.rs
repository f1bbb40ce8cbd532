//! The messages.

use std::{fmt, net::IpAddr};

use crate::{
    TraceContext,
    cni::{ContainerId, InterfaceName, NetworkName},
    device::{DeviceId, ResourceName},
    network::{Namespace, NetworkStatus, ObjectName},
};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Stage, Times};

/// What the plugin asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Request {
    /// What does this sandbox get? Answered with [`Reply::Answer`].
    Question(Question),
    /// This is what the sandbox got: publish it as network-status. Answered with [`Reply::Taken`].
    Report(Report),
}

/// What the device-bridge gives back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reply {
    /// To a [`Question`].
    Answer(Answer),
    /// A [`Report`] has been taken and will be published; with [`Report::wait_ms`] it is published.
    Taken,
    /// The request cannot be met.
    Failure(Failure),
}

/// The pod a sandbox belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodRef {
    /// Its namespace.
    pub namespace: Namespace,
    /// Its name.
    pub name: ObjectName,
    /// Its UID, where the runtime says it (`K8S_POD_UID`). It tells a recreated pod from its predecessor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
}

impl fmt::Display for PodRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The annotations of a pod that choose its networks, as texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodAnnotations {
    /// `k8s.v1.cni.cncf.io/networks`; in a [`Legacy`] configuration the annotation that its release of Multus read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub networks: Option<String>,
    /// `v1.multus-cni.io/default-network`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_network: Option<String>,
}

impl PodAnnotations {
    /// Whether the pod chooses no network at all.
    #[must_use]
    pub fn ask_for_nothing(&self) -> bool {
        self.default_network.is_none()
            && self
                .networks
                .as_ref()
                .is_none_or(|text| text.trim().is_empty())
    }
}

/// "What does this sandbox get?"
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// The pod.
    pub pod: PodRef,
    /// The sandbox.
    pub container_id: ContainerId,
    /// The pod's annotations where the runtime hands them over; else the device-bridge looks the pod up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<PodAnnotations>,
    /// The `clusterNetwork` of the plugin's configuration, if it may be a NetworkAttachmentDefinition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_network: Option<ObjectName>,
    /// Where the cluster network's NetworkAttachmentDefinition and the pod's default network are looked up
    /// (`multusNamespace`).
    pub system_namespace: Namespace,
    /// `defaultNetworks` of the plugin's configuration that may be NetworkAttachmentDefinitions (of `multusNamespace`) and
    /// that this pod is to get: none for a pod of one of the `systemNamespaces`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub default_networks: Vec<ObjectName>,
    /// `namespaceIsolation`: which namespaces the pod's annotations may refer to. Absent when they may refer to all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolation: Option<Isolation>,
    /// `legacy`: the old release of Multus whose objects and annotation are meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legacy: Option<Legacy>,
    /// Whether the configuration has `masterplugin` beside `kubeconfig`, and does not say by `legacy` what that means. Then a
    /// pod with the annotation of [`Legacy::V1`] alone is refused, instead of being started without its networks.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub perhaps_v1: bool,
    /// How long the plugin waits for the answer, in milliseconds: after that nobody reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_ms: Option<u32>,
    /// The W3C trace context of the call (`TRACEPARENT`), for logs and traces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<TraceContext>,
    /// The pod's annotation `polypod.dev/traceparent` where the runtime hands the annotations over and it is a trace context; else
    /// the device-bridge looks it up, as far as it knows the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_traceparent: Option<TraceContext>,
}

/// `namespaceIsolation: true`: a pod's annotations may refer to NetworkAttachmentDefinitions of the pod's own namespace and
/// of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Isolation {
    /// `globalNamespaces`; `default` unless the configuration lists others.
    pub global_namespaces: Vec<Namespace>,
}

/// A release of Multus from before NetworkAttachmentDefinitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Legacy {
    /// Multus v1 (2017): `Network` objects of `kubernetes.com/v1` in the namespace `default`, with `plugin` and `args` beside
    /// `metadata`, chosen by the annotation `networks`, of which the first is the cluster network.
    V1,
    /// Multus v2 (2018): `Network` objects of `kubernetes.cni.cncf.io/v1`, chosen by `kubernetes.v1.cni.cncf.io/networks`.
    V2,
}

impl Question {
    /// The question about a sandbox with nothing configured.
    #[must_use]
    pub const fn about(
        pod: PodRef,
        container_id: ContainerId,
        system_namespace: Namespace,
    ) -> Self {
        Self {
            pod,
            container_id,
            annotations: None,
            cluster_network: None,
            system_namespace,
            default_networks: Vec::new(),
            isolation: None,
            legacy: None,
            perhaps_v1: false,
            within_ms: None,
            traceparent: None,
            pod_traceparent: None,
        }
    }
}

impl Legacy {
    /// Why a pod is refused whose annotation and configuration may both be of [`Self::V1`], and what to do.
    pub const PERHAPS_V1: &'static str = r#"has the annotation "networks" of Multus v1, and the plugin's configuration has "masterplugin" beside "kubeconfig", which may be one of that release; set "legacy": "v1" in it, or remove "masterplugin""#;

    /// The annotation that chooses a pod's networks.
    #[must_use]
    pub const fn annotation(self) -> &'static str {
        match self {
            Self::V1 => "networks",
            Self::V2 => "kubernetes.v1.cni.cncf.io/networks",
        }
    }
}

/// The attachments of a sandbox.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The cluster network, where a NetworkAttachmentDefinition gives it: by the pod's default-network annotation or by
    /// `clusterNetwork`. Else the plugin's configuration does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_network: Option<Box<Attachment>>,
    /// Whether the cluster network takes the place of all `delegates` of the plugin's configuration, as an annotation of
    /// [`Legacy::V1`] does, and not of the first one alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub instead_of_delegates: bool,
    /// [`Question::default_networks`] in their order; `None` where no NetworkAttachmentDefinition has that name, so that a
    /// file of the node is meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub default_networks: Vec<Option<Attachment>>,
    /// The secondary networks in the pod's order.
    #[serde(default)]
    pub networks: Vec<Attachment>,
    /// What the device-bridge spent its time on, since it had read the question.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<Stage>,
    /// The span `ADD` of this sandbox, which the device-bridge will send when it is told what came of it ([`Report::add`]); absent
    /// where it sends none. What the plugin executes is in this trace, each delegate with a span of its own below it
    /// ([`TraceContext::of_delegate`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<TraceContext>,
    /// The span above [`Self::traceparent`] where that is not the runtime's but the pod's own; the report brings it back, so
    /// that the device-bridge need not remember it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<TraceContext>,
}

/// One attachment, decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// `namespace/name` of the NetworkAttachmentDefinition, for people.
    pub name: String,
    /// The CNI network name where the configuration has none: the NetworkAttachmentDefinition's name.
    pub network: NetworkName,
    /// The delegate's configuration.
    pub conf: ConfSource,
    /// The interface's name in the pod, if the pod asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<InterfaceName>,
    /// The device the kubelet allocated for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
    /// Capability arguments the pod asks for.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub runtime_config: Map<String, Value>,
    /// `cni-args` of the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cni_args: Option<Map<String, Value>>,
    /// Gateways of the pod's default routes; an empty list takes them from this attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_route: Option<Vec<IpAddr>>,
    /// Whether it may be made together with others (`polypod.dev/parallel: "true"` of the NetworkAttachmentDefinition).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub parallel: bool,
}

/// Where a delegate's configuration is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ConfSource {
    /// Here: the text of `spec.config`.
    Inline(String),
    /// In a file of the plugin's `confDir` whose CNI name is this.
    ConfDir(NetworkName),
}

/// A device of the kubelet's allocation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// The resource it was allocated for.
    pub resource: ResourceName,
    /// The device.
    pub id: DeviceId,
}

/// What a sandbox got.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The pod.
    pub pod: PodRef,
    /// The sandbox.
    pub container_id: ContainerId,
    /// The elements of network-status.
    pub statuses: Vec<NetworkStatus>,
    /// What is told as Events of the pod.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<AddedInterface>,
    /// How long it took; absent where nobody measured it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<Times>,
    /// How long the plugin waits for network-status to be published, in milliseconds; absent where it does not wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u32>,
    /// The W3C trace context of the call (`TRACEPARENT`), for logs and traces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<TraceContext>,
    /// [`Answer::traceparent`], as the plugin was told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub add: Option<TraceContext>,
    /// [`Answer::parent`], as the plugin was told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<TraceContext>,
}

/// An attachment as its Event `AddedInterface` tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AddedInterface {
    /// The network's name for people; may be empty.
    pub network: String,
    /// The interface in the pod.
    pub interface: String,
    /// Its addresses with prefix length.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpNet>,
}

/// Why a request cannot be met, ready to be printed as a CNI error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
#[error("{message}")]
pub struct Failure {
    /// A code of [`crate::cni::code`].
    pub code: u32,
    /// One sentence: what was attempted, on which object, what was found, what to do.
    pub message: String,
}
