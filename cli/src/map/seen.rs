//! What was seen of a cluster: of each object what the map needs, and no more, so that many pods cost little.

use std::collections::BTreeMap;

use api::{
    network::Network,
    network_attachment_definition::NetworkAttachmentDefinition,
    node_inventory::NodeInventory,
    node_resource_topology::NodeResourceTopology,
    pod::{self, Pod},
    quantity,
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    attachments,
    claims::{self, SliceSeen},
    document::{self, Attachment},
};
use crate::cluster::{Kind as Source, kinds};

/// The kinds that the map is drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Node,
    NodeInventory,
    NodeResourceTopology,
    Pod,
    Network,
    ResourceClaim,
    ResourceSlice,
}

/// An object's namespace, empty where it has none, and its name.
type Name = (String, String);

/// Everything that was seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) nodes: BTreeMap<String, NodeSeen>,
    pub(super) inventories: BTreeMap<String, NodeInventory>,
    pub(super) topologies: BTreeMap<String, NodeResourceTopology>,
    pub(super) pods: BTreeMap<Name, PodSeen>,
    pub(super) networks: BTreeMap<Name, document::Network>,
    /// The devices that claims have been allocated.
    pub(super) claims: BTreeMap<Name, Vec<claims::Id>>,
    pub(super) slices: BTreeMap<String, SliceSeen>,
    /// Objects that cannot be read.
    pub(super) unread: BTreeMap<(Kind, Name), String>,
}

/// What matters of a Node.
#[derive(Clone, Debug, Default)]
pub(super) struct NodeSeen {
    /// The condition `Ready`, where there is one.
    pub(super) ready: Option<pod::PodCondition>,
    pub(super) cordoned: bool,
    /// Extended resources that it can give to pods.
    pub(super) extended: BTreeMap<String, u64>,
}

/// What matters of a pod.
#[derive(Clone, Debug, Default)]
pub(super) struct PodSeen {
    /// Empty until it is bound.
    pub(super) node: String,
    pub(super) phase: String,
    pub(super) attachments: Vec<Attachment>,
    pub(super) fault: Option<String>,
    /// The names of its ResourceClaims.
    pub(super) claims: Vec<String>,
    /// What its containers ask for of extended resources, where no report says what they hold.
    pub(super) asked: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct NodeObject {
    #[serde(default)]
    spec: Option<NodeSpec>,
    #[serde(default)]
    status: Option<NodeStatus>,
}

#[derive(Default, Deserialize)]
struct NodeSpec {
    #[serde(default)]
    unschedulable: Option<bool>,
}

#[derive(Default, Deserialize)]
struct NodeStatus {
    #[serde(default)]
    conditions: Option<Vec<pod::PodCondition>>,
    #[serde(default)]
    allocatable: Option<BTreeMap<String, Value>>,
}

impl Kind {
    /// All of them.
    pub(super) const ALL: [Self; 7] = [
        Self::Node,
        Self::NodeInventory,
        Self::NodeResourceTopology,
        Self::Pod,
        Self::Network,
        Self::ResourceClaim,
        Self::ResourceSlice,
    ];

    /// The kind of an object, if the map is drawn from it.
    pub(super) fn of(api_version: &str, kind: &str) -> Option<Self> {
        let (group, _) = api_version.split_once('/').unwrap_or(("", api_version));
        let mut known = Self::ALL.into_iter();
        known.find(|known| known.source().group == group && known.source().kind == kind)
    }

    /// How it is read of an API server.
    pub(super) const fn source(self) -> &'static Source {
        match self {
            Self::Node => &kinds::NODES,
            Self::Pod => &kinds::PODS,
            Self::NodeInventory => &kinds::NODE_INVENTORIES,
            Self::NodeResourceTopology => &kinds::NODE_RESOURCE_TOPOLOGIES,
            Self::Network => &kinds::NETWORKS,
            Self::ResourceClaim => &kinds::RESOURCE_CLAIMS,
            Self::ResourceSlice => &kinds::RESOURCE_SLICES,
        }
    }

    /// Whether its objects are in namespaces.
    pub(super) const fn is_namespaced(self) -> bool {
        matches!(self, Self::Pod | Self::Network | Self::ResourceClaim)
    }
}

impl Seen {
    /// Whether there is nothing, not of what cannot be read either.
    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
            && self.inventories.is_empty()
            && self.topologies.is_empty()
            && self.pods.is_empty()
            && self.networks.is_empty()
            && self.claims.is_empty()
            && self.slices.is_empty()
            && self.unread.is_empty()
    }

    /// Whether a pod has devices by a claim, or is to have some.
    pub(super) fn has_claims(&self) -> bool {
        let reports = self.inventories.values();
        let allocations = reports.flat_map(|report| &report.inventory.allocations);
        let mut containers = allocations.flat_map(|allocation| &allocation.containers);
        self.pods.values().any(|pod| !pod.claims.is_empty())
            || containers.any(|container| !container.claimed.is_empty())
    }

    /// Forgets all objects of a kind: they are about to be told anew.
    pub(super) fn forget(&mut self, kind: Kind) {
        match kind {
            Kind::Node => self.nodes.clear(),
            Kind::NodeInventory => self.inventories.clear(),
            Kind::NodeResourceTopology => self.topologies.clear(),
            Kind::Pod => self.pods.clear(),
            Kind::Network => self.networks.clear(),
            Kind::ResourceClaim => self.claims.clear(),
            Kind::ResourceSlice => self.slices.clear(),
        }
        self.unread.retain(|(unread, _), _| *unread != kind);
    }

    /// Takes the objects of a kind from elsewhere, in the place of what was there.
    pub(super) fn replace(&mut self, kind: Kind, with: &mut Self) {
        self.forget(kind);
        match kind {
            Kind::Node => self.nodes.append(&mut with.nodes),
            Kind::NodeInventory => self.inventories.append(&mut with.inventories),
            Kind::NodeResourceTopology => self.topologies.append(&mut with.topologies),
            Kind::Pod => self.pods.append(&mut with.pods),
            Kind::Network => self.networks.append(&mut with.networks),
            Kind::ResourceClaim => self.claims.append(&mut with.claims),
            Kind::ResourceSlice => self.slices.append(&mut with.slices),
        }
        self.unread.append(&mut with.unread);
    }

    /// Sees an object of a kind. One that cannot be read is told of, and hides nothing else.
    pub(super) fn see(&mut self, kind: Kind, object: &Value) {
        let name = name_of(kind, object);
        self.remove(kind, &name);
        if name.1.is_empty() {
            return;
        }
        if let Err(problem) = self.read(kind, &name, object) {
            self.unread.insert((kind, name), problem);
        }
    }

    /// Sees that an object is gone.
    pub(super) fn gone(&mut self, kind: Kind, object: &Value) {
        self.remove(kind, &name_of(kind, object));
    }

    fn remove(&mut self, kind: Kind, name: &Name) {
        match kind {
            Kind::Node => drop(self.nodes.remove(&name.1)),
            Kind::NodeInventory => drop(self.inventories.remove(&name.1)),
            Kind::NodeResourceTopology => drop(self.topologies.remove(&name.1)),
            Kind::Pod => drop(self.pods.remove(name)),
            Kind::Network => drop(self.networks.remove(name)),
            Kind::ResourceClaim => drop(self.claims.remove(name)),
            Kind::ResourceSlice => drop(self.slices.remove(&name.1)),
        }
        self.unread.remove(&(kind, name.clone()));
    }

    fn read(&mut self, kind: Kind, name: &Name, object: &Value) -> Result<(), String> {
        match kind {
            Kind::Node => {
                self.nodes.insert(name.1.clone(), node(&parsed(object)?));
            }
            Kind::NodeInventory => {
                self.inventories.insert(name.1.clone(), parsed(object)?);
            }
            Kind::NodeResourceTopology => {
                self.topologies.insert(name.1.clone(), parsed(object)?);
            }
            Kind::Network => {
                self.networks.insert(name.clone(), network(object)?);
            }
            Kind::ResourceClaim => {
                self.claims.insert(name.clone(), claims::allocated(object)?);
            }
            Kind::ResourceSlice => {
                self.slices.insert(name.1.clone(), claims::slice(object)?);
            }
            Kind::Pod => {
                let pod: Pod = parsed(object)?;
                if !matches!(pod.status.phase.as_str(), "Succeeded" | "Failed") {
                    self.pods.insert(name.clone(), self::pod(&name.0, pod));
                }
            }
        }
        Ok(())
    }
}

fn parsed<'a, T: Deserialize<'a>>(object: &'a Value) -> Result<T, String> {
    T::deserialize(object).map_err(|error| error.to_string())
}

/// Manifests may leave the namespace out; then it is `default`.
fn name_of(kind: Kind, object: &Value) -> Name {
    let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default();
    let namespace = match (kind.is_namespaced(), text("namespace")) {
        (true, "") => "default",
        (true, namespace) => namespace,
        (false, _) => "",
    };
    (namespace.to_owned(), text("name").to_owned())
}

fn node(object: &NodeObject) -> NodeSeen {
    let status = object.status.as_ref();
    let conditions = status.and_then(|status| status.conditions.as_deref());
    let allocatable = status.and_then(|status| status.allocatable.as_ref());
    let extended = allocatable.into_iter().flatten();
    NodeSeen {
        ready: conditions
            .into_iter()
            .flatten()
            .find(|condition| condition.kind == "Ready")
            .cloned(),
        cordoned: object.spec.as_ref().and_then(|spec| spec.unschedulable) == Some(true),
        extended: extended
            .filter(|(name, _)| is_extended(name))
            .filter_map(|(name, amount)| Some((name.clone(), whole(amount)?)))
            .collect(),
    }
}

/// Whether a resource is one of device plugins.
pub(super) fn is_extended(resource: &str) -> bool {
    resource
        .split_once('/')
        .is_some_and(|(domain, _)| domain != "kubernetes.io" && !domain.ends_with(".kubernetes.io"))
}

/// A quantity of devices.
pub(super) fn whole(amount: &Value) -> Option<u64> {
    quantity::whole(amount).ok()
}

fn network(object: &Value) -> Result<document::Network, String> {
    let definition: NetworkAttachmentDefinition = parsed(object)?;
    let network = Network::parse(&definition, "default").map_err(|error| error.to_string())?;
    let (resource, no_resource) = match network.resource {
        Ok(resource) => (resource, None),
        Err(error) => (None, Some(error.to_string())),
    };
    let (plugins, no_conf) = match network.conf {
        Ok(conf) => {
            let types = conf.iter().flat_map(|conf| conf.conf.plugins());
            let types = types.map(|plugin| plugin.plugin_type().to_string());
            (types.collect(), None)
        }
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    Ok(document::Network {
        name: network.reference.to_string(),
        plugins,
        resource: resource.map(|resource| resource.to_string()),
        fault: no_conf.or(no_resource),
    })
}

fn pod(namespace: &str, pod: Pod) -> PodSeen {
    let (attachments, fault) = attachments::of(namespace, &pod.metadata.annotations);
    let claims = pod.claims().into_iter().map(str::to_owned).collect();
    let mut asked = BTreeMap::new();
    for container in pod.spec.containers.iter().chain(&pod.spec.init_containers) {
        let resources = container.resources.as_ref();
        let limits = resources.and_then(|resources| resources.limits.as_ref());
        for (resource, amount) in limits.into_iter().flatten() {
            if is_extended(resource) {
                *asked.entry(resource.clone()).or_default() += whole(amount).unwrap_or_default();
            }
        }
    }
    PodSeen {
        node: pod.spec.node_name,
        phase: pod.status.phase,
        attachments,
        fault,
        claims,
        asked,
    }
}
