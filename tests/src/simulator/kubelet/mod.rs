//! The judge: a kubelet that hands out device by device and CPU by CPU, written from what the kubelet's source does
//! (Kubernetes 1.36, `pkg/kubelet/cm`) and from nothing of the engine's.

pub(crate) mod cpus;
pub(crate) mod devices;
pub(crate) mod hint;
pub(crate) mod memory;

use std::collections::BTreeMap;

use api::topology_manager::{Policy, Scope};

use self::{
    cpus::Cpus,
    hint::{Hint, Hints},
    memory::{Block, ZoneMemory},
};
use super::{
    machine::Machine,
    pod::{Amounts, Part, SimContainer, SimPod},
    random::Random,
};

/// Why a pod is not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rejection {
    /// `TopologyAffinityError`.
    TopologyAffinity,
    /// `UnexpectedAdmissionError`.
    UnexpectedAdmission,
    /// `OutOf<resource>`.
    OutOf(&'static str),
}

#[derive(Clone, Debug)]
pub(crate) struct Kubelet {
    pub(crate) machine: Machine,
    pub(crate) held_devices: Vec<bool>,
    pub(crate) free_cpus: Cpus,
    memory: Vec<ZoneMemory>,
    pub(crate) pods: BTreeMap<String, Held>,
}

/// What a pod was given.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) pod: SimPod,
    pub(crate) containers: Vec<HeldByContainer>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct HeldByContainer {
    pub(crate) devices: Vec<usize>,
    pub(crate) cpus: Cpus,
    pub(crate) memory: Vec<Block>,
}

/// What finished init containers of the pod that is being admitted leave to those after them.
#[derive(Debug, Default)]
struct Reusable {
    devices: devices::Reusable,
    cpus: Cpus,
    memory: memory::Reusable,
}

impl Kubelet {
    pub(crate) fn new(machine: Machine) -> Self {
        let zones = machine.zones.iter();
        Self {
            held_devices: vec![false; machine.devices.len()],
            free_cpus: zones
                .flat_map(|zone| zone.cpus.iter().filter(|cpu| !zone.reserved.contains(cpu)))
                .copied()
                .collect(),
            memory: memory::empty(&machine),
            pods: BTreeMap::new(),
            machine,
        }
    }

    /// Runs a pod.
    ///
    /// # Errors
    /// It is refused, and holds nothing.
    pub(crate) fn admit(&mut self, pod: &SimPod, random: &mut Random) -> Result<(), Rejection> {
        self.general(pod)?;
        let held = Held {
            pod: pod.clone(),
            containers: Vec::new(),
        };
        self.pods.insert(pod.uid.clone(), held);
        let admitted = self.align(pod, random);
        if admitted.is_err() {
            self.end(&pod.uid);
        }
        admitted
    }

    /// Takes back what a pod holds; whether it held anything.
    pub(crate) fn end(&mut self, uid: &str) -> bool {
        let Some(held) = self.pods.remove(uid) else {
            return false;
        };
        for container in held.containers {
            for device in container.devices {
                self.held_devices[device] = false;
            }
            self.free_cpus.extend(container.cpus);
            for block in &container.memory {
                self.release_memory(block);
            }
        }
        true
    }

    /// What is not about zones (`lifecycle/predicate.go`): requests and what the node has.
    fn general(&self, pod: &SimPod) -> Result<(), Rejection> {
        let allocatable = self.machine.allocatable();
        let mut requests = pod.requests();
        for held in self.pods.values() {
            for (resource, amount) in held.pod.requests() {
                requests.entry(resource).and_modify(|sum| *sum += amount);
            }
        }
        let short = requests
            .into_iter()
            .find(|(resource, amount)| *amount > allocatable.get(resource).copied().unwrap_or(0));
        short.map_or(Ok(()), |(resource, _)| Err(Rejection::OutOf(resource)))
    }

    fn align(&mut self, pod: &SimPod, random: &mut Random) -> Result<(), Rejection> {
        const NOWHERE: Hint = Hint {
            zones: None,
            is_preferred: false,
        };
        let mut reusable = Reusable::default();
        let is_by_pod = self.machine.scope == Scope::Pod;
        let of_pod = if self.machine.policy != Policy::None && is_by_pod {
            Some(self.decide(self.pod_hints(pod))?)
        } else {
            None
        };
        for container in &pod.containers {
            let hint = match (self.machine.policy, of_pod) {
                (Policy::None, _) => NOWHERE,
                (_, Some(hint)) => hint,
                (_, None) => self.decide(self.container_hints(pod, container, &reusable))?,
            };
            self.allocate(pod, container, hint, &mut reusable, random)?;
        }
        Ok(())
    }

    fn decide(&self, hints: Vec<Option<Hints>>) -> Result<Hint, Rejection> {
        let (hint, is_admitted) =
            hint::merge(self.machine.policy, self.machine.everywhere(), &hints);
        if is_admitted {
            Ok(hint)
        } else {
            Err(Rejection::TopologyAffinity)
        }
    }

    fn pod_hints(&self, pod: &SimPod) -> Vec<Option<Hints>> {
        let limits: Amounts = super::machine::RESOURCES
            .iter()
            .map(|resource| {
                let limit =
                    |container: &SimContainer| container.limits.get(resource).copied().unwrap_or(0);
                (*resource, pod.effective(limit))
            })
            .collect();
        let mut hints = self.device_hints(&devices::asked(&limits), &devices::Reusable::new());
        hints.push(self.cpu_hints(cpus::exclusive_of_pod(pod), &Cpus::new()));
        if self.machine.has_pinned_memory && pod.is_guaranteed() {
            let asked = memory::asked_by_pod(pod);
            hints.extend(for_each(
                &asked,
                self.memory_hints(&asked, &memory::Reusable::new()),
            ));
        }
        hints
    }

    fn container_hints(
        &self,
        pod: &SimPod,
        container: &SimContainer,
        reusable: &Reusable,
    ) -> Vec<Option<Hints>> {
        let asked = devices::asked(&container.limits);
        let mut hints = self.device_hints(&asked, &reusable.devices);
        hints.push(self.cpu_hints(cpus::exclusive(pod, container), &reusable.cpus));
        if self.machine.has_pinned_memory && pod.is_guaranteed() {
            let asked = memory::asked(container);
            hints.extend(for_each(
                &asked,
                self.memory_hints(&asked, &reusable.memory),
            ));
        }
        hints
    }

    fn allocate(
        &mut self,
        pod: &SimPod,
        container: &SimContainer,
        hint: Hint,
        reusable: &mut Reusable,
        random: &mut Random,
    ) -> Result<(), Rejection> {
        let part = container.part;
        let (wanted, asked) = (
            cpus::exclusive(pod, container),
            devices::asked(&container.limits),
        );
        let mut given = Vec::new();
        let devices = self.allocate_devices(
            &asked,
            hint.zones,
            part,
            &mut reusable.devices,
            random,
            &mut given,
        );
        // What was given before something else failed is given back with the rest.
        let held = self.held_mut(&pod.uid);
        held.containers.push(HeldByContainer {
            devices: given,
            ..HeldByContainer::default()
        });
        devices?;
        let cpus = self.allocate_cpus(wanted, hint.zones, part, &mut reusable.cpus)?;
        self.held_mut(&pod.uid).last_mut().cpus = cpus;
        if self.machine.has_pinned_memory && pod.is_guaranteed() {
            let asked = memory::asked(container);
            let blocks = self.allocate_memory(&asked, hint, part, &mut reusable.memory)?;
            let held = self.held_mut(&pod.uid);
            held.take_over(&blocks);
            held.last_mut().memory = blocks;
        }
        Ok(())
    }

    fn held_mut(&mut self, uid: &str) -> &mut Held {
        self.pods.get_mut(uid).expect("it is being admitted")
    }
}

impl Held {
    fn last_mut(&mut self) -> &mut HeldByContainer {
        self.containers.last_mut().expect("a container has begun")
    }

    /// Takes from the blocks of init containers what the last container uses of them again, so that all blocks together
    /// are what the pod holds.
    fn take_over(&mut self, blocks: &[Block]) {
        let before = self.containers.len() - 1;
        for block in blocks {
            let mut left = block.size;
            let parts = self.pod.containers.iter().map(|container| container.part);
            for (held, part) in self.containers[..before].iter_mut().zip(parts) {
                if part != Part::Init {
                    continue;
                }
                for earlier in &mut held.memory {
                    if (earlier.kind, earlier.zones) == (block.kind, block.zones) {
                        let taken = earlier.size.min(left);
                        earlier.size -= taken;
                        left -= taken;
                    }
                }
            }
        }
    }
}

/// The same hints for each kind; no hints at all are no preference.
fn for_each(asked: &memory::Sizes, hints: Hints) -> Vec<Option<Hints>> {
    if hints.is_empty() {
        return vec![None];
    }
    asked.keys().map(|_| Some(hints.clone())).collect()
}
