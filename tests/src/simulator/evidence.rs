//! Pods and kubelets in a few lines, for whoever looks for what went wrong.

use std::fmt::Write as _;

use scheduler::{engine::Engine, node::Node};

use super::{
    counts,
    kubelet::{HeldByContainer, Kubelet},
    machine::Machine,
    pod::SimPod,
};

/// A pod: what each of its containers asks for.
pub(crate) fn pod(pod: &SimPod) -> String {
    let mut text = format!(
        "{} ({}, {})",
        pod.name,
        pod.uid,
        if pod.is_guaranteed() {
            "Guaranteed"
        } else {
            "not Guaranteed"
        }
    );
    for container in &pod.containers {
        let _ = write!(text, "\n    {} {:?}", container.name, container.part);
        for (resource, amount) in &container.requests {
            let _ = write!(text, " {resource}={amount}");
        }
    }
    text
}

/// A kubelet: what is where, what is free, and who holds what.
pub(crate) fn kubelet(kubelet: &Kubelet) -> String {
    let machine = &kubelet.machine;
    let mut text = format!(
        "{}: {}, {}, exclusive CPUs {}, pinned memory {}",
        machine.name,
        machine.policy,
        machine.scope,
        machine.has_exclusive_cpus,
        machine.has_pinned_memory
    );
    for (at, zone) in machine.zones.iter().enumerate() {
        let _ = write!(
            text,
            "\n  zone {at} (id {}): {} CPUs, {} of them reserved, memory {}, huge pages {}",
            zone.id,
            zone.cpus.len(),
            zone.reserved.len(),
            zone.memory,
            zone.huge_pages
        );
    }
    for ((resource, zones), free) in counts::free(kubelet) {
        let count = machine.devices.iter();
        let count = count.filter(|device| (device.resource, device.zones) == (resource, zones));
        let _ = write!(
            text,
            "\n  {resource} in {zones:#b}: {free} free, {} devices",
            count.count()
        );
    }
    for held in kubelet.pods.values() {
        let _ = write!(text, "\n  runs {}", pod(&held.pod));
        for container in &held.containers {
            let _ = write!(text, "\n      has {}", has(machine, container));
        }
    }
    text
}

fn has(machine: &Machine, held: &HeldByContainer) -> String {
    let cpus = held.cpus.iter().map(|cpu| machine.zone_of_cpu(*cpu));
    let devices = held.devices.iter().map(|at| {
        let device = &machine.devices[*at];
        format!("{} in {:#b}", device.resource, device.zones)
    });
    let memory = held
        .memory
        .iter()
        .map(|block| format!("{} {} in {:#b}", block.kind, block.size, block.zones));
    format!(
        "CPUs of zones {:?}; {:?}; {:?}",
        cpus.collect::<Vec<_>>(),
        devices.collect::<Vec<_>>(),
        memory.collect::<Vec<_>>()
    )
}

/// A node as the engine has it.
pub(crate) fn view(node: &Node, engine: &Engine) -> String {
    let mut text = format!("fuzzy {}", node.is_fuzzy);
    for stock in &node.stocks {
        let name = engine.resources().name(stock.resource);
        let cells = node.cells(stock).iter();
        let cells = cells.map(|cell| format!("{} free in {:#b}", cell.free, cell.zones.0));
        let _ = write!(
            text,
            "\n  {name} {:?}: {} free of {}; {:?}",
            stock.resource,
            stock.free,
            stock.allocatable,
            cells.collect::<Vec<_>>()
        );
    }
    text
}
