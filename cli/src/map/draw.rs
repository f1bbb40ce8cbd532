//! From what was seen to the document: a pure function.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::SystemTime,
};

use api::node_inventory::{Inventory, PodAllocation};

use super::{
    document::{Amount, Document, Node, Pod},
    hardware,
    seen::{NodeSeen, PodSeen, Seen},
    state::{self, Known},
};

/// The pods of a node, by namespace and name.
type Pods<'a> = BTreeMap<(&'a str, &'a str), &'a PodSeen>;

impl Seen {
    /// The document of what was seen, as of a moment; without one nothing is too old.
    pub(super) fn document(&self, now: Option<SystemTime>, unseen: Vec<String>) -> Document {
        let mut pods_of: BTreeMap<&str, Pods<'_>> = BTreeMap::new();
        for ((namespace, name), pod) in &self.pods {
            let there = pods_of.entry(pod.node.as_str()).or_default();
            there.insert((namespace, name), pod);
        }
        let waiting = pods_of.remove("").unwrap_or_default();
        let names: BTreeSet<&str> = self
            .nodes
            .keys()
            .chain(self.inventories.keys())
            .chain(self.topologies.keys())
            .map(String::as_str)
            .chain(pods_of.keys().copied())
            .collect();
        let nodes = names.into_iter().map(|name| {
            let pods = pods_of.remove(name).unwrap_or_default();
            self.node(name, &pods, now)
        });
        Document {
            nodes: nodes.collect(),
            unseen: unseen.into_iter().chain(self.faults()).collect(),
            networks: self.networks.values().cloned().collect(),
            waiting: waiting
                .iter()
                .filter(|(_, pod)| is_of_interest(pod))
                .map(|(name, pod)| shown(name, Some(pod)))
                .collect(),
        }
    }

    /// When the newest report was made: now, for objects from files.
    pub(super) fn newest(&self) -> Option<SystemTime> {
        let observed = self.inventories.values();
        let observed = observed.filter_map(|inventory| inventory.observed_at.as_ref());
        observed.map(|time| SystemTime::from(time.0)).max()
    }

    /// Objects that cannot be read.
    fn faults(&self) -> impl Iterator<Item = String> {
        self.unread
            .iter()
            .map(|((kind, (namespace, name)), problem)| {
                let kind = kind.source().kind;
                let slash = if namespace.is_empty() { "" } else { "/" };
                format!("{kind} {namespace}{slash}{name} cannot be read: {problem}")
            })
    }

    fn node(&self, name: &str, pods: &Pods<'_>, now: Option<SystemTime>) -> Node {
        let seen = self.nodes.get(name);
        let inventory = self.inventories.get(name);
        let topology = self.topologies.get(name).filter(|_| inventory.is_none());
        let mut shown = Shown::of(pods);
        let zones = match (inventory, topology) {
            (Some(report), _) => {
                let holders = shown.holders(&report.inventory, pods);
                hardware::of_inventory(&report.inventory, &holders)
            }
            (None, Some(topology)) => hardware::of_topology(topology),
            (None, None) => Vec::new(),
        };
        let mut amounts = hardware::amounts(&zones);
        if inventory.is_none() && topology.is_none() {
            amounts = of_node(seen, pods);
        }
        if let Some(report) = inventory {
            shown.link(&self.resources(), &report.inventory);
        }
        let (state, reasons) = state::of(&Known {
            node: (!self.nodes.is_empty()).then_some(seen),
            inventory,
            has_topology: topology.is_some(),
            zones: &zones,
            amounts: &amounts,
            now,
        });
        let status = inventory.and_then(|report| report.status.as_ref());
        let observed = inventory.and_then(|report| report.observed_at.as_ref());
        Node {
            name: name.to_owned(),
            state,
            reasons,
            cordoned: seen.is_some_and(|node| node.cordoned),
            policy: policy(inventory.map(|report| &report.inventory)),
            observed_at: observed.map(|time| {
                humantime::format_rfc3339_seconds(SystemTime::from(time.0)).to_string()
            }),
            agent_version: status.and_then(|status| status.agent_version.clone()),
            amounts,
            zones,
            other_pods: pods.len() - shown.seen,
            pods: shown.pods,
        }
    }

    /// The resources of networks.
    fn resources(&self) -> BTreeMap<&str, &str> {
        let networks = self.networks.values();
        networks
            .filter_map(|network| Some((network.name.as_str(), network.resource.as_deref()?)))
            .collect()
    }
}

/// The pods of a node that are shown.
#[derive(Debug, Default)]
struct Shown {
    pods: Vec<Pod>,
    /// How many of them are known as objects.
    seen: usize,
    /// The pod of each allocation.
    holders: Vec<usize>,
}

impl Shown {
    /// Those with networks of their own.
    fn of(pods: &Pods<'_>) -> Self {
        let interesting = pods.iter().filter(|(_, pod)| is_of_interest(pod));
        let pods: Vec<Pod> = interesting
            .map(|(name, pod)| shown(name, Some(pod)))
            .collect();
        Self {
            seen: pods.len(),
            pods,
            holders: Vec::new(),
        }
    }

    /// Those that hold devices too, and the places of the pods of all allocations.
    fn holders(&mut self, inventory: &Inventory, pods: &Pods<'_>) -> Vec<usize> {
        for allocation in inventory.allocations.iter().filter(|one| has_devices(one)) {
            let name = (allocation.namespace.as_str(), allocation.name.as_str());
            if self.place(name).is_none() {
                let pod = pods.get(&name);
                self.seen += usize::from(pod.is_some());
                self.pods.push(shown(&name, pod.copied()));
            }
        }
        self.pods
            .sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        let allocations = inventory.allocations.iter();
        self.holders = allocations
            .map(|one| {
                self.place((&one.namespace, &one.name))
                    .unwrap_or(usize::MAX)
            })
            .collect();
        self.holders.clone()
    }

    fn place(&self, (namespace, name): (&str, &str)) -> Option<usize> {
        let mut pods = self.pods.iter();
        pods.position(|pod| pod.namespace == namespace && pod.name == name)
    }

    /// Finds the device of each attachment: the one that network-status names, else by the rule that the n-th network of a
    /// resource has the n-th device, containers in their order, devices sorted within a container.
    fn link(&mut self, resources: &BTreeMap<&str, &str>, inventory: &Inventory) {
        for (allocation, place) in inventory.allocations.iter().zip(&self.holders) {
            let Some(pod) = self.pods.get_mut(*place) else {
                continue;
            };
            let mut free = ids_by_resource(allocation);
            for attachment in &mut pod.attachments {
                let named = attachment.device.as_ref();
                for ids in free.values_mut() {
                    ids.retain(|id| Some(*id) != named.map(String::as_str));
                }
            }
            for attachment in pod
                .attachments
                .iter_mut()
                .filter(|one| one.device.is_none())
            {
                let resource = resources.get(attachment.network.as_str());
                let ids = resource.and_then(|resource| free.get_mut(resource));
                if let Some(ids) = ids.filter(|ids| !ids.is_empty()) {
                    attachment.device = Some(ids.remove(0).to_owned());
                }
            }
        }
    }
}

fn ids_by_resource(allocation: &PodAllocation) -> BTreeMap<&str, Vec<&str>> {
    let mut ids: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for container in &allocation.containers {
        let mut of_container: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for group in &container.devices {
            let there = of_container.entry(&group.resource).or_default();
            there.extend(group.ids.iter().map(String::as_str));
        }
        for (resource, mut own) in of_container {
            own.sort_unstable();
            let there = ids.entry(resource).or_default();
            own.retain(|id| !there.contains(id));
            there.extend(own);
        }
    }
    ids
}

fn has_devices(allocation: &PodAllocation) -> bool {
    let mut containers = allocation.containers.iter();
    containers.any(|container| !container.devices.is_empty())
}

/// Whether a pod has more than the cluster network.
fn is_of_interest(pod: &PodSeen) -> bool {
    pod.fault.is_some()
        || pod
            .attachments
            .iter()
            .any(|one| !one.default || one.device.is_some() || one.wanted)
}

fn shown((namespace, name): &(&str, &str), pod: Option<&PodSeen>) -> Pod {
    let pod = pod.cloned().unwrap_or_default();
    Pod {
        namespace: (*namespace).to_owned(),
        name: (*name).to_owned(),
        phase: pod.phase,
        attachments: pod.attachments,
        fault: pod.fault,
    }
}

/// What is known without any report: what the Node can give, and what its pods ask for.
fn of_node(node: Option<&NodeSeen>, pods: &Pods<'_>) -> Vec<Amount> {
    let extended = node.into_iter().flat_map(|node| &node.extended);
    extended
        .map(|(resource, total)| {
            let asked = pods.values().filter_map(|pod| pod.asked.get(resource));
            Amount {
                resource: resource.clone(),
                total: *total,
                held: asked.sum::<u64>().min(*total),
                unhealthy: 0,
            }
        })
        .collect()
}

fn policy(inventory: Option<&Inventory>) -> String {
    let told = inventory.map(|inventory| {
        let manager = inventory.topology_manager;
        format!(
            "{}, {} scope",
            manager.policy.as_str(),
            manager.scope.as_str()
        )
    });
    told.unwrap_or_default()
}
