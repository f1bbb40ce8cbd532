//! Pods as people write them: a worker with its CPUs and devices, a sidecar here, an init container there.

use super::{
    machine::{GIB, HUGE_PAGES, RESOURCES},
    pod::{Amounts, Part, SimContainer, SimPod},
    random::Random,
};

/// What pods of a run are like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demand {
    /// Of a hundred, how many are Guaranteed.
    pub(crate) guaranteed: u64,
    /// Init containers and sidecars, too.
    pub(crate) has_many_containers: bool,
    /// Ordinary init containers among them.
    pub(crate) has_init: bool,
    /// Devices that are in no zone.
    pub(crate) has_loose: bool,
    pub(crate) most_cpus: u64,
    pub(crate) most_devices: u64,
}

impl Demand {
    pub(crate) const ANY: Self = Self {
        guaranteed: 60,
        has_many_containers: true,
        has_init: true,
        has_loose: true,
        most_cpus: 6,
        most_devices: 3,
    };

    /// Any pod.
    pub(crate) fn pod(self, number: usize, random: &mut Random) -> SimPod {
        let is_guaranteed = random.percent(self.guaranteed);
        let mut parts = Vec::new();
        if self.has_many_containers {
            let count = *random.one(&[0, 0, 0, 1, 1, 2]);
            for _ in 0..count {
                parts.push(if self.has_init && random.percent(66) {
                    Part::Init
                } else {
                    Part::Sidecar
                });
            }
        }
        let apps = if self.has_many_containers {
            *random.one(&[1, 1, 1, 2, 3])
        } else {
            1
        };
        parts.resize(parts.len() + apps, Part::App);
        let kinds = if self.has_loose { RESOURCES.len() } else { 3 };
        let mut wanted: Vec<&'static str> = RESOURCES[..kinds].to_vec();
        random.shuffle(&mut wanted);
        wanted.truncate(*random.one(&[0, 1, 1, 1, 2, 2]));
        let has_pages = is_guaranteed && random.percent(15);
        let containers = parts
            .into_iter()
            .enumerate()
            .map(|(at, part)| {
                let small = part == Part::Sidecar || parts_are_small(at, random);
                let mut requests = Amounts::new();
                let whole = if small { 1 } else { self.most_cpus };
                let cpu = match random.of(0..=9) {
                    0..=7 => random.of(1..=whole) * 1000,
                    _ => random.of(1..=8) * 250,
                };
                requests.insert("cpu", cpu);
                requests.insert(
                    "memory",
                    random.of(1..=if small { 2 } else { 8 }) * (GIB / 2),
                );
                if has_pages && random.percent(60) {
                    requests.insert(HUGE_PAGES, random.of(1..=4) * (GIB / 8));
                }
                for resource in &wanted {
                    if part == Part::App || random.percent(40) {
                        requests.insert(resource, random.of(1..=self.most_devices));
                    }
                }
                let mut limits = requests.clone();
                if !is_guaranteed {
                    match random.of(0..=2) {
                        0 => {
                            requests.remove("cpu");
                            requests.remove("memory");
                            limits.remove("cpu");
                            limits.remove("memory");
                        }
                        1 => {
                            limits.remove("cpu");
                        }
                        _ => {
                            limits.entry("cpu").and_modify(|limit| *limit += 500);
                        }
                    }
                }
                SimContainer {
                    name: format!("c{at}"),
                    part,
                    requests,
                    limits,
                }
            })
            .collect();
        let owner = format!("owner-{}", random.of(0..=9_999_999));
        SimPod {
            uid: format!("uid-{number}"),
            name: format!("pod-{number}"),
            owner,
            containers,
        }
    }
}

fn parts_are_small(_: usize, random: &mut Random) -> bool {
    random.percent(30)
}
