//! A pod's attachments as the cluster tells of them: joined from the pod's annotations, the NetworkAttachmentDefinitions, the
//! inventory of its node and the Events about it. Functions of values.

mod hardware;
mod surroundings;
pub(crate) mod times;
mod told;

use api::{
    attachment_times::{AttachmentTimes, DelegateTime, Milliseconds, SandboxTime},
    network::Network,
    node_inventory::Inventory,
    pod::Pod,
};
use serde::Serialize;
use serde_json::Value;
use spec::{
    cni::InterfaceName,
    network::{DeviceInfo, NETWORK_STATUS, NETWORKS, NetworkStatus, parse_networks},
};

use self::{hardware::hardware, told::of_pod};
pub(crate) use self::{surroundings::Surroundings, told::Told};

/// An attachment, or one that a pod asks for and does not have. The fields are the documented form of `-o json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Attachment {
    /// The pod's namespace.
    pub(crate) namespace: String,
    /// The pod.
    pub(crate) pod: String,
    /// Its node; empty until it is bound.
    pub(crate) node: String,
    /// `namespace/name` of the NetworkAttachmentDefinition, or the CNI name of the cluster network.
    pub(crate) network: String,
    /// The interface in the pod; empty where there is none yet and the pod does not say.
    pub(crate) interface: String,
    /// Whether this is the cluster network.
    pub(crate) is_default: bool,
    /// Its addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) addresses: Vec<String>,
    /// Its hardware address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) mac: String,
    /// Its MTU in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mtu: Option<u32>,
    /// The device behind it: a PCI address, or the path of a socket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) device: Option<String>,
    /// The resource that the network takes a device of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resource: Option<String>,
    /// The NUMA nodes that the device is aligned with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) numa_nodes: Vec<u32>,
    /// The PCI address of the physical function behind the device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) physical_function: Option<String>,
    /// That one's network interface on the node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) physical_interface: Option<String>,
    /// The plugin types that make it, in the order in which they are executed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) delegates: Vec<String>,
    /// When it was attached (RFC 3339), by its Event; missing when that is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attached_at: Option<String>,
    /// When its first delegate was executed (RFC 3339), by the agent's annotation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) began_at: Option<String>,
    /// How long its delegates took together, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) took_ms: Option<Milliseconds>,
    /// How long each of them took, in the order in which they were executed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) delegate_times: Vec<DelegateTime>,
    /// The ADD of the sandbox that it was made with, with its stages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sandbox: Option<SandboxTime>,
    /// How it is.
    pub(crate) state: State,
    /// Since when it is not as it ought to be (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) since: Option<String>,
    /// Why it is not as it ought to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
}

/// How an attachment is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) enum State {
    /// network-status has it.
    #[default]
    Attached,
    /// The pod has not started, and nothing is said against it.
    Awaited,
    /// The pod has not started, and Events say what is in the way.
    Failing,
    /// The pod has started without it.
    Missing,
    /// The pod has started, and what it has cannot be read.
    Unknown,
}

impl State {
    /// Whether somebody has to do something.
    pub(crate) fn is_degraded(self) -> bool {
        matches!(self, Self::Failing | Self::Missing | Self::Unknown)
    }
}

/// What attachments are joined from, apart from the pod.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    /// The network of this namespace and name, where it could be seen.
    pub(crate) network: &'a dyn Fn(&str) -> Option<&'a Network>,
    /// What the pod's node reports, where it could be seen.
    pub(crate) inventory: Option<&'a Inventory>,
    /// The Events about pods of this name.
    pub(crate) told: &'a [Told],
}

/// The attachments of a pod: those that network-status has, in its order, then those that the pod asks for besides.
pub(crate) fn attachments(pod: &Pod, known: &Known<'_>) -> Vec<Attachment> {
    if pod.spec.host_network {
        return Vec::new();
    }
    let told = of_pod(known.told, pod);
    let annotation = |key: &str| pod.metadata.annotations.get(key);
    let of_this = Attachment {
        namespace: pod.metadata.namespace.clone(),
        pod: pod.metadata.name.clone(),
        node: pod.spec.node_name.clone(),
        ..Attachment::default()
    };
    // Who lists pods is told that it cannot be read; the attachments are there all the same.
    let times = times::times(pod).ok().flatten();
    let mut unreadable = Vec::new();
    let statuses = annotation(NETWORK_STATUS).map(|text| serde_json::from_str(text));
    let elements: Vec<Value> = match statuses {
        None => Vec::new(),
        Some(Ok(elements)) => elements,
        Some(Err(error)) => {
            unreadable.push(format!(
                "annotation {NETWORK_STATUS} cannot be read: {error}"
            ));
            Vec::new()
        }
    };
    let mut statuses = Vec::new();
    for element in elements {
        match serde_json::from_value::<NetworkStatus>(element) {
            Ok(status) => statuses.push(status),
            Err(error) => unreadable.push(format!(
                "an element of the annotation {NETWORK_STATUS} cannot be read: {error}"
            )),
        }
    }
    // What cannot be read may be about any of those that seem to be missing.
    let is_told_of = unreadable.is_empty();
    let wanted = match (annotation(NETWORKS), pod.metadata.namespace.parse()) {
        (Some(text), Ok(namespace)) => parse_networks(text, &namespace).unwrap_or_else(|error| {
            unreadable.push(error.to_string());
            Vec::new()
        }),
        _ => Vec::new(),
    };
    let mut open: Vec<_> = statuses.iter().collect();
    let mut found: Vec<Attachment> = statuses
        .iter()
        .map(|status| attached(status, of_this.clone(), pod, known, (&told, times.as_ref())))
        .collect();
    for selection in wanted {
        let name = selection.network.to_string();
        let interface = selection.interface.as_ref().map(InterfaceName::as_str);
        let is_it = |status: &&NetworkStatus| {
            status.name == name && interface.is_none_or(|wanted| wanted == status.interface)
        };
        if let Some(at) = open.iter().position(is_it) {
            open.remove(at);
            continue;
        }
        let attachment = Attachment {
            interface: interface.unwrap_or_default().to_owned(),
            network: name,
            ..of_this.clone()
        };
        let mut attachment = absent(by_network(attachment, known), pod, &told, None);
        if attachment.state == State::Missing && !is_told_of {
            attachment.state = State::Unknown;
            attachment.message = Some(
                "not all of network-status can be read, so nobody can say whether the pod has it"
                    .to_owned(),
            );
        }
        found.push(attachment);
    }
    for why in unreadable {
        let mut attachment = absent(of_this.clone(), pod, &told, Some(why));
        if attachment.state == State::Missing {
            attachment.state = State::Unknown;
        }
        // It says why the others are unknown, and is told first.
        found.insert(0, attachment);
    }
    found
}

/// One that network-status has.
fn attached(
    status: &NetworkStatus,
    of_this: Attachment,
    pod: &Pod,
    known: &Known<'_>,
    (told, times): (&[&Told], Option<&AttachmentTimes>),
) -> Attachment {
    let device = status.device_info.as_ref().and_then(device);
    let attachment = Attachment {
        network: status.name.clone(),
        interface: status.interface.clone(),
        is_default: status.default,
        addresses: status.ips.clone(),
        mac: status.mac.clone(),
        mtu: status.mtu,
        attached_at: told::attached_at(told, &status.interface),
        device,
        ..of_this
    };
    let mut attachment = times::with(by_network(attachment, known), times);
    let told = status.device_info.as_ref();
    let (Some(inventory), Some(device)) = (known.inventory, &attachment.device) else {
        attachment.physical_function = told.and_then(|info| of_type(info, "pf-pci-address"));
        return attachment;
    };
    let function = told.and_then(|info| of_type(info, "pf-pci-address"));
    let found = hardware(inventory, &pod.metadata.uid, device, function.as_deref());
    attachment.numa_nodes = found.zones;
    attachment.physical_function = found.function.or(function);
    attachment.physical_interface = found.interface;
    attachment.resource = found.resource.or(attachment.resource);
    attachment
}

/// With what its network says of it.
fn by_network(attachment: Attachment, known: &Known<'_>) -> Attachment {
    let Some(network) = (known.network)(&attachment.network) else {
        return attachment;
    };
    let resource = network.resource.as_ref().ok().and_then(Option::as_ref);
    let delegates = network.conf.as_ref().ok().and_then(Option::as_ref);
    let delegates = delegates.map_or(&[][..], |delegate| delegate.conf.plugins());
    Attachment {
        resource: resource.map(ToString::to_string),
        delegates: delegates
            .iter()
            .map(|plugin| plugin.plugin_type().to_string())
            .collect(),
        ..attachment
    }
}

/// One that the pod asks for and does not have.
fn absent(
    attachment: Attachment,
    pod: &Pod,
    told: &[&Told],
    unreadable: Option<String>,
) -> Attachment {
    let warning = told::warning(told);
    let has_started = pod.has_started();
    let state = match (has_started, warning.is_some() || unreadable.is_some()) {
        (true, _) => State::Missing,
        (false, true) => State::Failing,
        (false, false) => State::Awaited,
    };
    let is_scheduled = |condition: &&api::pod::PodCondition| condition.kind == "PodScheduled";
    let scheduled = pod.status.conditions.iter().find(is_scheduled);
    let since = scheduled.and_then(|condition| condition.last_transition_time.clone());
    let since = warning.map_or(since, |told| told.first_at.clone());
    let said = match state {
        State::Missing => Some(
            "the pod has started without it; delete the pod so that it is started again".to_owned(),
        ),
        _ if pod.spec.node_name.is_empty() => Some("the pod is on no node yet".to_owned()),
        _ => None,
    };
    Attachment {
        state,
        since: since.or_else(|| pod.status.start_time.clone()),
        message: unreadable
            .or_else(|| warning.map(|told| told.message.clone()))
            .or(said),
        ..attachment
    }
}

/// The device that device information is about.
fn device(info: &DeviceInfo) -> Option<String> {
    ["pci-address", "path"]
        .into_iter()
        .find_map(|key| of_type(info, key))
}

/// What device information says below its own type (NPWG device information specification 1.1.0).
fn of_type(info: &DeviceInfo, key: &str) -> Option<String> {
    let kind = info["type"].as_str()?;
    Some(info[kind][key].as_str()?.to_owned())
}

#[cfg(test)]
mod tests;
