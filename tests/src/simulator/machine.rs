//! A machine: its zones, CPUs, memory and devices, and how its kubelet is configured.

use api::topology_manager::{Policy, Scope};

use super::random::Random;

/// Resources that device plugins hand out.
pub(crate) const RESOURCES: [&str; 4] = [
    "example.com/nic-a",
    "example.com/nic-b",
    "example.com/accelerator",
    "example.com/loose",
];
pub(crate) const HUGE_PAGES: &str = "hugepages-2Mi";
pub(crate) const GIB: u64 = 1 << 30;

#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) name: String,
    pub(crate) policy: Policy,
    pub(crate) scope: Scope,
    /// The CPU manager's policy is static.
    pub(crate) has_exclusive_cpus: bool,
    /// The memory manager's policy is Static.
    pub(crate) has_pinned_memory: bool,
    /// By id, ascending; not always one after another.
    pub(crate) zones: Vec<Zone>,
    pub(crate) devices: Vec<Device>,
}

#[derive(Clone, Debug)]
pub(crate) struct Zone {
    pub(crate) id: u32,
    pub(crate) cpus: Vec<u32>,
    /// CPUs that pods do not get.
    pub(crate) reserved: Vec<u32>,
    /// Bytes that pods may get, without huge pages.
    pub(crate) memory: u64,
    /// Bytes in huge pages.
    pub(crate) huge_pages: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) id: String,
    pub(crate) resource: &'static str,
    /// Places in [`Machine::zones`], as bits.
    pub(crate) zones: u64,
    pub(crate) function: Option<String>,
}

/// What machines of a cluster are like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fleet {
    /// Every policy, or the strictest alone.
    pub(crate) is_single_numa_only: bool,
    /// Some devices are near to several zones.
    pub(crate) has_wide_devices: bool,
    pub(crate) largest: usize,
}

impl Machine {
    /// Any machine of the fleet.
    pub(crate) fn any(number: usize, fleet: Fleet, random: &mut Random) -> Self {
        let counts: &[usize] = match fleet.largest {
            0..=2 => &[2],
            3..=4 => &[2, 2, 2, 4],
            _ => &[2, 2, 2, 2, 3, 4, 4, 8],
        };
        let count = *random.one(counts);
        let policies = [
            Policy::SingleNumaNode,
            Policy::SingleNumaNode,
            Policy::SingleNumaNode,
            Policy::Restricted,
            Policy::BestEffort,
            Policy::None,
        ];
        let policy = if fleet.is_single_numa_only {
            Policy::SingleNumaNode
        } else {
            *random.one(&policies)
        };
        let cpus = *random.one(&[4, 8, 12, 16]);
        let gap = if random.percent(10) { 3 } else { 1 };
        let pages = if random.percent(50) { GIB } else { 0 };
        let zone = |at: usize, random: &mut Random| {
            let first = u32::try_from(at).unwrap() * cpus;
            let reserved = u32::from(at == 0 || random.percent(20));
            Zone {
                id: u32::try_from(at * gap).unwrap(),
                cpus: (first..first + cpus).collect(),
                reserved: (first..first + reserved).collect(),
                memory: (16 + random.of(0..=4) * 4) * GIB,
                huge_pages: pages,
            }
        };
        let zones: Vec<Zone> = (0..count).map(|at| zone(at, random)).collect();
        Self {
            name: format!("node-{number}"),
            policy,
            scope: *random.one(&[Scope::Container, Scope::Pod]),
            has_exclusive_cpus: random.percent(80),
            has_pinned_memory: random.percent(50),
            devices: devices(count, fleet, random),
            zones,
        }
    }

    /// All zones.
    pub(crate) fn everywhere(&self) -> u64 {
        (1 << self.zones.len()) - 1
    }

    pub(crate) fn zone_of_cpu(&self, cpu: u32) -> usize {
        let found = self.zones.iter().position(|zone| zone.cpus.contains(&cpu));
        found.expect("a CPU of this machine")
    }

    /// `status.allocatable` of its Node.
    pub(crate) fn allocatable(&self) -> super::pod::Amounts {
        let cpus: usize = self
            .zones
            .iter()
            .map(|zone| zone.cpus.len() - zone.reserved.len())
            .sum();
        let memory = self.zones.iter().map(|zone| zone.memory).sum();
        let pages = self.zones.iter().map(|zone| zone.huge_pages).sum();
        let mut all: super::pod::Amounts = [
            ("cpu", cpus as u64 * 1000),
            ("memory", memory),
            (HUGE_PAGES, pages),
        ]
        .into();
        for device in &self.devices {
            *all.entry(device.resource).or_default() += 1;
        }
        all
    }

    /// Whether it is left to chance which zones its devices are taken from.
    pub(crate) fn has_wide_devices(&self) -> bool {
        self.devices
            .iter()
            .any(|device| device.zones.count_ones() > 1)
    }
}

fn devices(zones: usize, fleet: Fleet, random: &mut Random) -> Vec<Device> {
    let mut devices = Vec::new();
    for (kind, resource) in RESOURCES.iter().enumerate() {
        if *resource == "example.com/loose" {
            if random.percent(30) {
                for at in 0..random.of(1..=6) {
                    devices.push(Device {
                        id: format!("loose-{at}"),
                        resource,
                        zones: 0,
                        function: None,
                    });
                }
            }
            continue;
        }
        if random.percent(25) {
            continue;
        }
        let wide = fleet.has_wide_devices && random.percent(15);
        for zone in 0..zones {
            if random.percent(20) {
                continue;
            }
            for function in 0..random.of(1..=2) {
                let bus = kind * 64 + zone * 8 + usize::try_from(function).unwrap();
                let address = format!("0000:{bus:02x}:00.0");
                for virtual_function in 0..random.of(1..=4) {
                    let near = if wide && random.percent(50) {
                        (1 << zone) | (1 << ((zone + 1) % zones))
                    } else {
                        1 << zone
                    };
                    devices.push(Device {
                        id: format!("0000:{bus:02x}:01.{virtual_function}"),
                        resource,
                        zones: near,
                        function: Some(address.clone()),
                    });
                }
            }
        }
    }
    devices
}
