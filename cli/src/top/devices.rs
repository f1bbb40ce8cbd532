//! The devices of nodes by resource, zone and physical function; a function of what is reported and of the pods.

use std::collections::{BTreeMap, BTreeSet};

use api::{node_inventory::Inventory, pod::Pod};
use scheduler::{
    demand::PodDemand,
    report::{Report, Source},
    resource::Kind,
};
use serde::Serialize;

use super::share::Share;
use crate::cluster::Unseen;

/// What a node reports.
#[derive(Clone, Debug)]
pub(super) struct Reported {
    /// The node.
    pub(super) node: String,
    /// When (RFC 3339), where the report says so.
    pub(super) observed_at: Option<String>,
    /// The report.
    pub(super) report: Report,
    /// The network interfaces of physical functions, by address.
    pub(super) interfaces: Vec<(String, String)>,
}

/// All devices; the documented form of `-o json`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Devices {
    /// By resource, over all nodes.
    pub(super) resources: Vec<Total>,
    /// By node.
    pub(super) nodes: Vec<NodeDevices>,
    /// What could not be seen.
    pub(super) unseen: Vec<Unseen>,
}

/// A resource over all nodes.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Total {
    /// The resource.
    pub(super) resource: String,
    /// How many nodes have devices of it.
    pub(super) nodes: usize,
    #[serde(flatten)]
    pub(super) share: Share,
}

/// The devices of a node.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NodeDevices {
    /// The node.
    pub(super) node: String,
    /// When it reported them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) observed_at: Option<String>,
    /// The kind of the report.
    pub(super) source: &'static str,
    /// By resource.
    pub(super) resources: Vec<NodeResource>,
    /// What of the report is malformed, and therefore counted as in use.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) faults: Vec<String>,
}

/// A resource of a node.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NodeResource {
    /// The resource.
    pub(super) resource: String,
    #[serde(flatten)]
    pub(super) share: Share,
    /// By zone and physical function.
    pub(super) parts: Vec<Part>,
}

/// The devices of a resource that are aligned with the same zones and have the same physical function.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part {
    /// The NUMA zones, by the kernel's numbers; none where the kubelet aligns with none.
    pub(super) zones: Vec<u32>,
    /// The PCI address of the physical function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) physical_function: Option<String>,
    /// Its network interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) interface: Option<String>,
    /// Healthy devices.
    pub(super) devices: i64,
    /// Those that pods hold.
    pub(super) held: i64,
    /// Those that nobody holds.
    pub(super) free: i64,
}

/// The network interfaces of physical functions, by address.
pub(super) fn interfaces(inventory: &Inventory) -> Vec<(String, String)> {
    let functions = inventory.physical_functions.iter();
    let named = functions.filter_map(|one| Some((one.address.clone(), one.interface.clone()?)));
    named.collect()
}

/// Counts the devices of these nodes.
pub(super) fn devices(
    reports: &[Reported],
    pods: &[Pod],
    unseen: Vec<Unseen>,
    is_wanted: impl Fn(&str) -> bool,
) -> Devices {
    let mut on: BTreeMap<&str, Vec<&Pod>> = BTreeMap::new();
    for pod in pods {
        on.entry(&pod.spec.node_name).or_default().push(pod);
    }
    let mut totals: BTreeMap<String, (usize, Share)> = BTreeMap::new();
    let mut nodes = Vec::new();
    for reported in reports {
        let pods = on.get(reported.node.as_str());
        let assumed = assumed(&reported.report, pods.map_or(&[], Vec::as_slice));
        let resources = of_node(reported, &assumed, &is_wanted);
        for one in &resources {
            let (count, share) = totals.entry(one.resource.clone()).or_default();
            *count += 1;
            *share = share.and(one.share);
        }
        nodes.push(NodeDevices {
            node: reported.node.clone(),
            observed_at: reported.observed_at.clone(),
            source: match reported.report.source {
                Source::Inventory(_) => "NodeInventory",
                Source::Topology => "NodeResourceTopology",
            },
            resources,
            faults: reported.report.faults.clone(),
        });
    }
    let total = |(resource, (nodes, share))| Total {
        resource,
        nodes,
        share,
    };
    Devices {
        resources: totals.into_iter().map(total).collect(),
        nodes,
        unseen,
    }
}

/// What pods demand that are bound to a node and that its report has not yet, by resource. A report that names no pods has
/// them all, as far as anybody can tell.
fn assumed(report: &Report, pods: &[&Pod]) -> BTreeMap<String, i64> {
    let mut assumed = BTreeMap::new();
    if report.source == Source::Topology {
        return assumed;
    }
    let uids: BTreeSet<&str> = report
        .holders
        .iter()
        .filter_map(|one| one.uid.as_deref())
        .collect();
    // The agent has not heard of these pods yet and knows their names alone.
    let unidentified = report.holders.iter().filter(|one| one.uid.is_none());
    let names: BTreeSet<(&str, &str)> = unidentified
        .map(|one| (&*one.namespace, &*one.name))
        .collect();
    for pod in pods {
        let metadata = &pod.metadata;
        let is_over = matches!(pod.status.phase.as_str(), "Succeeded" | "Failed");
        let is_reported = uids.contains(metadata.uid.as_str())
            || names.contains(&(metadata.namespace.as_str(), metadata.name.as_str()));
        if is_over || is_reported {
            continue;
        }
        let Ok(demand) = PodDemand::of_bound(pod) else {
            continue;
        };
        for (resource, amount) in demand.total {
            if Kind::of(&resource) == Kind::Device {
                let sum: &mut i64 = assumed.entry(resource.into_string()).or_default();
                *sum = sum.saturating_add(amount);
            }
        }
    }
    assumed
}

fn of_node(
    reported: &Reported,
    assumed: &BTreeMap<String, i64>,
    is_wanted: &impl Fn(&str) -> bool,
) -> Vec<NodeResource> {
    let report = &reported.report;
    let devices = report.amounts.iter();
    let devices = devices.filter(|amount| Kind::of(&amount.resource) == Kind::Device);
    let mut by_resource: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for amount in devices.filter(|amount| is_wanted(&amount.resource)) {
        by_resource
            .entry(&amount.resource)
            .or_default()
            .push(amount);
    }
    let resources = by_resource.into_iter().map(|(resource, amounts)| {
        let (mut allocatable, mut capacity, mut free, mut in_no_zone) =
            (0_i64, 0_i64, 0_i64, 0_i64);
        let mut by_zone = vec![0_i64; report.zones.len()];
        let mut parts = Vec::new();
        for amount in amounts {
            allocatable = allocatable.saturating_add(amount.allocatable);
            capacity = capacity.saturating_add(amount.capacity);
            free = free.saturating_add(amount.available);
            if amount.zones.is_empty() {
                in_no_zone = in_no_zone.saturating_add(amount.available);
            }
            for zone in amount.zones.indexes() {
                if let Some(sum) = by_zone.get_mut(zone) {
                    *sum = sum.saturating_add(amount.available);
                }
            }
            let function = amount.function.map(usize::from);
            let function = function.and_then(|index| report.functions.get(index));
            let address = function.map(|function| function.address.to_string());
            let mut interfaces = reported.interfaces.iter();
            let interface = interfaces.find(|(of, _)| address.as_ref() == Some(of));
            let zones = amount.zones.indexes();
            parts.push(Part {
                zones: zones
                    .filter_map(|zone| report.zones.get(zone).copied())
                    .collect(),
                interface: interface.map(|(_, interface)| interface.clone()),
                physical_function: address,
                devices: amount.allocatable,
                held: amount.allocatable.saturating_sub(amount.available),
                free: amount.available,
            });
        }
        let assumed = assumed.get(resource).copied().unwrap_or_default();
        NodeResource {
            resource: resource.to_owned(),
            share: Share::of_node(allocatable, capacity, free, &by_zone, in_no_zone, assumed),
            parts,
        }
    });
    resources.collect()
}
