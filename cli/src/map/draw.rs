//! From what was seen to the document: a pure function.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::SystemTime,
};

use api::node_inventory::{Inventory, PodAllocation};

use super::{
    claimed::{self, Claimed},
    claims::{self, Drivers, Held},
    document::{Amount, Document, Node, Pod},
    hardware,
    in_turn::Turns,
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
        let drivers = Drivers::of(self.slices.values());
        let nodes = names.into_iter().map(|name| {
            let pods = pods_of.remove(name).unwrap_or_default();
            self.node(name, &pods, &drivers, now)
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

    fn node(
        &self,
        name: &str,
        pods: &Pods<'_>,
        drivers: &Drivers<'_>,
        now: Option<SystemTime>,
    ) -> Node {
        let seen = self.nodes.get(name);
        let inventory = self.inventories.get(name);
        let topology = self.topologies.get(name).filter(|_| inventory.is_none());
        let report = inventory.map(|inventory| &inventory.inventory);
        let held = claims::held(pods, report, &self.claims);
        let mut shown = Shown::of(pods, report, &held);
        let claimed = shown.claimed(name, &held, drivers);
        let mut zones = match (report, topology) {
            (Some(report), _) => hardware::of_inventory(report, &shown.holders(report)),
            (None, Some(topology)) => hardware::of_topology(topology),
            (None, None) => Vec::new(),
        };
        claimed::draw(&mut zones, report, &claimed);
        let mut amounts = hardware::amounts(&zones);
        if inventory.is_none() && topology.is_none() {
            amounts.extend(of_node(seen, pods));
        }
        shown.link(&self.resources(), report, &claimed);
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
            policy: policy(report),
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

/// The pods of a node that are shown, by namespace and name.
#[derive(Debug, Default)]
struct Shown {
    pods: Vec<Pod>,
    /// How many of them are known as objects.
    seen: usize,
}

impl Shown {
    /// Those with networks of their own, and those that hold devices.
    fn of(pods: &Pods<'_>, inventory: Option<&Inventory>, held: &Held<'_>) -> Self {
        let interesting = pods.iter().filter(|(_, pod)| is_of_interest(pod));
        let allocations = inventory.into_iter().flat_map(|one| &one.allocations);
        let allocations = allocations.filter(|one| has_devices(one));
        let names: BTreeSet<_> = interesting
            .map(|(name, _)| *name)
            .chain(allocations.map(|one| (one.namespace.as_str(), one.name.as_str())))
            .chain(held.values().flatten().copied())
            .collect();
        Self {
            seen: names.iter().filter(|name| pods.contains_key(*name)).count(),
            pods: names
                .iter()
                .map(|name| shown(name, pods.get(name).copied()))
                .collect(),
        }
    }

    /// The places of the pods of all allocations.
    fn holders(&self, inventory: &Inventory) -> Vec<usize> {
        let allocations = inventory.allocations.iter();
        let place = |one: &PodAllocation| self.place((&one.namespace, &one.name));
        allocations
            .map(|one| place(one).unwrap_or(usize::MAX))
            .collect()
    }

    fn place(&self, name: (&str, &str)) -> Option<usize> {
        let name_of = |pod: &Pod| (pod.namespace.as_str(), pod.name.as_str()).cmp(&name);
        self.pods.binary_search_by(name_of).ok()
    }

    /// The devices that pods hold by claims, and those that claims could have.
    fn claimed<'a>(&self, node: &str, held: &Held<'_>, drivers: &Drivers<'a>) -> Vec<Claimed<'a>> {
        let all: BTreeSet<_> = held
            .keys()
            .cloned()
            .chain(drivers.whole_devices(node))
            .collect();
        let all = all.into_iter().map(|id| Claimed {
            advertised: drivers.find(&id),
            holders: held
                .get(&id)
                .into_iter()
                .flatten()
                .filter_map(|name| self.place(*name))
                .collect(),
            id,
        });
        all.collect()
    }

    /// Finds the device of each attachment whose network-status names none.
    fn link(
        &mut self,
        resources: &BTreeMap<&str, &str>,
        inventory: Option<&Inventory>,
        claimed: &[Claimed<'_>],
    ) {
        let allocations = inventory.into_iter().flat_map(|one| &one.allocations);
        let mut held: BTreeMap<usize, (Option<&PodAllocation>, Turns<'_>)> = BTreeMap::new();
        for allocation in allocations {
            if let Some(place) = self.place((&allocation.namespace, &allocation.name)) {
                let (told, turns) = held.entry(place).or_default();
                *told = Some(allocation);
                turns.allocated(allocation);
            }
        }
        for one in claimed {
            for place in &one.holders {
                let (told, turns) = held.entry(*place).or_default();
                turns.claimed(one, *told);
            }
        }
        for (place, (_, turns)) in held {
            if let Some(pod) = self.pods.get_mut(place) {
                turns.hand_out(pod, resources);
            }
        }
    }
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
