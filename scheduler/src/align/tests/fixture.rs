//! Nodes and pods in a few words.

use api::topology_manager::{Policy, Scope};
use serde_json::{Map, Value, json};

use crate::{
    align::{Scratch, align},
    demand::PodDemand,
    need::Need,
    node::{Cell, Node, Stock},
    placement::Refusal,
    resource::{Kind, ResourceId, Resources},
    zones::ZoneMask,
};

pub(super) const CPU: &str = "cpu";
pub(super) const MEMORY: &str = "memory";
pub(super) const PAGES: &str = "hugepages-2Mi";
pub(super) const NIC: &str = "vendor/nic1";

/// A node's description: what there is in which zones, and beside them.
pub(super) struct Described {
    pub(super) policy: Policy,
    pub(super) scope: Scope,
    pub(super) zones: Vec<u32>,
    pub(super) cells: Vec<(&'static str, u64, i64)>,
    pub(super) beside: Vec<(&'static str, i64)>,
    /// Whether it is told of by sums of zones alone.
    pub(super) is_summed: bool,
}

/// What there is in the zones from the first on: CPUs, memory in GiB, huge pages in MiB, devices.
pub(super) fn zoned(scope: Scope, zones: &[(i64, i64, i64, i64)]) -> Described {
    let mut cells = Vec::new();
    for (at, (cpus, memory, pages, nics)) in zones.iter().enumerate() {
        let zone = 1 << at;
        cells.push((CPU, zone, cpus * 1_000));
        cells.push((MEMORY, zone, memory << 30));
        if *pages > 0 {
            cells.push((PAGES, zone, pages << 20));
        }
        if *nics > 0 {
            cells.push((NIC, zone, *nics));
        }
    }
    Described {
        policy: Policy::SingleNumaNode,
        scope,
        zones: (0..).take(zones.len()).collect(),
        cells,
        beside: Vec::new(),
        is_summed: true,
    }
}

impl Described {
    pub(super) fn beside(mut self, resource: &'static str, amount: i64) -> Self {
        self.beside.push((resource, amount));
        self
    }

    pub(super) fn under(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// The same, of a report that tells what the kubelet hands out by zone.
    pub(super) fn in_full(mut self) -> Self {
        self.is_summed = false;
        self
    }

    pub(super) fn build(&self, resources: &mut Resources) -> Node {
        let mut named: Vec<(ResourceId, u64, i64)> = self
            .cells
            .iter()
            .map(|(name, zones, amount)| (resources.intern(name).unwrap(), *zones, *amount))
            .collect();
        let beside = self.beside.iter();
        named.extend(beside.map(|(name, amount)| (resources.intern(name).unwrap(), 0, *amount)));
        named.sort_by_key(|(id, _, _)| *id);
        let mut stocks: Vec<Stock> = Vec::new();
        let mut cells = Vec::new();
        for (resource, zones, amount) in named {
            let end = u16::try_from(cells.len()).unwrap();
            if stocks.last().is_none_or(|stock| stock.resource != resource) {
                stocks.push(Stock {
                    resource,
                    cells: end..end,
                    allocatable: 0,
                    free: 0,
                });
            }
            let stock = stocks.last_mut().unwrap();
            stock.allocatable = stock.allocatable.saturating_add(amount);
            stock.free = stock.free.saturating_add(amount);
            if zones != 0 {
                stock.cells.end += 1;
                cells.push(Cell {
                    zones: ZoneMask(zones),
                    allocatable: amount,
                    free: amount,
                });
            }
        }
        Node {
            policy: self.policy,
            scope: self.scope,
            zones: self.zones.clone().into(),
            stocks: stocks.into(),
            cells: cells.into(),
            has_only_zoned_natives: self.is_summed,
            ..Node::default()
        }
    }
}

/// A container that is limited to so much of everything.
pub(super) fn limited(amounts: &[(&str, &str)]) -> Value {
    let list: Map<String, Value> = amounts
        .iter()
        .map(|(name, quantity)| ((*name).to_owned(), json!(quantity)))
        .collect();
    json!({"name": "c", "resources": {"limits": list}})
}

/// A container with these CPUs and this memory of its own, and more.
pub(super) fn guaranteed(cpu: &str, memory: &str, more: &[(&str, &str)]) -> Value {
    let mut amounts = vec![(CPU, cpu), (MEMORY, memory)];
    amounts.extend(more);
    limited(&amounts)
}

/// The same container as a sidecar.
pub(super) fn sidecar(mut container: Value) -> Value {
    container["restartPolicy"] = json!("Always");
    container
}

/// The demand of a pod of these containers.
pub(super) fn pod(init: Vec<Value>, containers: Vec<Value>) -> PodDemand {
    let pod = json!({
        "metadata": {"uid": "u", "name": "pod", "namespace": "default"},
        "spec": {"initContainers": init, "containers": containers},
    });
    PodDemand::of(&serde_json::from_value(pod).unwrap()).unwrap()
}

/// Where a pod goes, or why it does not.
pub(super) fn place(node: &Described, demand: &PodDemand) -> Result<Vec<u64>, Refusal> {
    let mut resources = Resources::default();
    let node = node.build(&mut resources);
    for name in demand.total.keys() {
        assert!(resources.get(name).is_some() || Kind::of(name) != Kind::Device);
    }
    let need = Need::of(demand, &resources);
    let mut scratch = Scratch::default();
    align(&node, &need, &mut scratch)?;
    Ok(scratch
        .placement
        .zones
        .iter()
        .map(|zones| zones.0)
        .collect())
}
