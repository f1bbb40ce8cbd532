//! What a pod needs of a node, with resources numbered: what is compared with nodes.

use crate::{
    demand::{ContainerDemand, PodDemand, Qos},
    resource::{Kind, ResourceId, Resources},
};

/// What a pod needs. Made once per question from a [`crate::demand::PodDemand`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// Its containers in the kubelet's order: init containers and sidecars as they are written, then app containers.
    pub containers: Vec<ContainerNeed>,
    /// The whole pod as the kubelet sums it for the pod scope, aligned resources alone. Sorted by resource.
    pub aligned: Vec<(ResourceId, i64)>,
    /// The whole pod, every resource that is counted by node (devices without zones among them). Sorted by resource.
    pub total: Vec<(ResourceId, i64)>,
    /// The devices among [`Need::total`]. No policy of the kubelet starts a pod without them.
    pub devices: Vec<(ResourceId, i64)>,
    /// Memory and huge pages among the aligned resources. Their hints depend on each other. Sorted.
    pub memory: Vec<ResourceId>,
    /// It wants huge pages to be aligned of a size that no node has ever reported.
    pub has_unknown_pages: bool,
    /// Extended resources of which no node has ever reported any.
    pub unknown: Vec<Box<str>>,
}

/// What a container needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerNeed {
    /// Its part in the pod.
    pub role: Role,
    /// What the kubelet aligns for it; quantities above zero. Sorted by resource.
    pub aligned: Vec<(ResourceId, i64)>,
}

/// The part a container plays, which decides for how long it holds what it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Ends before the next one starts; what it held is used again by those after it.
    Init,
    /// An init container that keeps running.
    Sidecar,
    /// An app container.
    App,
}

impl Need {
    /// What a pod needs, in numbered resources.
    #[must_use]
    pub fn of(demand: &PodDemand, resources: &Resources) -> Self {
        let pins = demand.qos == Qos::Guaranteed && !demand.has_pod_level_resources;
        let containers: Vec<ContainerNeed> = demand
            .containers
            .iter()
            .map(|container| ContainerNeed::of(container, pins, resources))
            .collect();
        let total = demand.total.iter().filter_map(|(name, amount)| {
            let id = resources.get(name)?;
            Some((id, *amount))
        });
        let total = sorted(total);
        let has_kind =
            |(id, _): &(ResourceId, i64), kinds: &[Kind]| kinds.contains(&resources.kind(*id));
        let aligned = pod_scope(&containers, |id| {
            matches!(resources.kind(id), Kind::Memory | Kind::HugePages)
        });
        let mut memory: Vec<ResourceId> = containers
            .iter()
            .flat_map(|container| &container.aligned)
            .filter(|entry| has_kind(entry, &[Kind::Memory, Kind::HugePages]))
            .map(|(id, _)| *id)
            .collect();
        memory.sort_unstable();
        memory.dedup();
        let unknown_of = |kind: Kind| {
            let names = demand.containers.iter().flat_map(|own| own.amounts.keys());
            names.filter(move |name| Kind::of(name) == kind && resources.get(name).is_none())
        };
        let mut unknown: Vec<Box<str>> = unknown_of(Kind::Device).cloned().collect();
        unknown.sort_unstable();
        unknown.dedup();
        Self {
            devices: total
                .iter()
                .filter(|entry| has_kind(entry, &[Kind::Device]))
                .copied()
                .collect(),
            has_unknown_pages: pins && unknown_of(Kind::HugePages).next().is_some(),
            containers,
            aligned,
            total,
            memory,
            unknown,
        }
    }
}

impl Need {
    /// Gives back the memory that it does not fill: of a pod that is bound it is kept while the pod is there.
    pub(crate) fn shrink(&mut self) {
        for container in &mut self.containers {
            container.aligned.shrink_to_fit();
        }
        self.containers.shrink_to_fit();
        self.aligned.shrink_to_fit();
        self.total.shrink_to_fit();
        self.devices.shrink_to_fit();
        self.memory.shrink_to_fit();
        self.unknown.shrink_to_fit();
    }
}

impl ContainerNeed {
    fn of(demand: &ContainerDemand, pins: bool, resources: &Resources) -> Self {
        let aligned = demand.amounts.iter().filter_map(|(name, amount)| {
            let id = resources.get(name)?;
            let is_aligned = match resources.kind(id) {
                Kind::Device => true,
                Kind::Cpu => pins && amount % WHOLE_CPU == 0,
                Kind::Memory | Kind::HugePages => pins,
                Kind::HostLevel => false,
            };
            is_aligned.then_some((id, *amount))
        });
        Self {
            role: demand.role,
            aligned: sorted(aligned),
        }
    }
}

/// A CPU in the units of [`Kind::Cpu`]. The kubelet pins nothing less.
const WHOLE_CPU: i64 = 1_000;

fn sorted(amounts: impl Iterator<Item = (ResourceId, i64)>) -> Vec<(ResourceId, i64)> {
    let mut amounts: Vec<_> = amounts.collect();
    amounts.sort_unstable();
    amounts
}

/// What the kubelet asks for when it aligns the pod as a whole (`GetPodTopologyHints` of its three managers): app
/// containers and sidecars together, or an init container and the sidecars before it if that is more. Of memory it only
/// takes the kinds into account that an app container requests.
fn pod_scope(
    containers: &[ContainerNeed],
    is_memory: impl Fn(ResourceId) -> bool,
) -> Vec<(ResourceId, i64)> {
    let mut sums: Vec<Sum> = Vec::new();
    for container in containers {
        for (id, amount) in &container.aligned {
            let at = sums.iter().position(|sum| sum.id == *id);
            let at = at.unwrap_or_else(|| {
                sums.push(Sum::of(*id));
                sums.len() - 1
            });
            sums[at].add(container.role, *amount);
        }
    }
    sorted(
        sums.iter()
            .filter(|sum| sum.is_requested_by_app || !is_memory(sum.id))
            .map(|sum| (sum.id, sum.running.max(sum.highest))),
    )
}

/// A resource of a pod while its containers are summed up.
struct Sum {
    id: ResourceId,
    running: i64,
    highest: i64,
    is_requested_by_app: bool,
}

impl Sum {
    const fn of(id: ResourceId) -> Self {
        Self {
            id,
            running: 0,
            highest: 0,
            is_requested_by_app: false,
        }
    }

    fn add(&mut self, role: Role, amount: i64) {
        let sum = self.running.saturating_add(amount);
        match role {
            Role::Init => self.highest = self.highest.max(sum),
            Role::Sidecar => self.running = sum,
            Role::App => {
                self.running = sum;
                self.is_requested_by_app = true;
            }
        }
    }
}
