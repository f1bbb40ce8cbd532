//! NUMA zones: `devices/system/node`.

use std::{collections::BTreeMap, path::Path};

use api::cpu_list::{self, Cpus};

use super::file::{names, number, text};

/// The zones by the kernel's number. They need not be numbered without gaps.
pub type Zones = BTreeMap<u32, Zone>;

/// A zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zone {
    /// Its CPUs that are online; a zone of memory alone has none.
    pub cpus: Cpus,
    /// Distances by zone.
    pub distances: BTreeMap<u32, u32>,
    /// Its memory in bytes, with its huge pages.
    pub memory: Option<u64>,
    /// How many huge pages it has, by their size in bytes.
    pub huge_pages: BTreeMap<u64, u64>,
}

/// Reads the zones. A kernel that knows none has one, with all CPUs, as the kubelet sees it.
pub(super) fn read(root: &Path) -> Zones {
    let folder = root.join("devices/system/node");
    let numbers: Vec<u32> = {
        let mut numbers: Vec<u32> = names(&folder)
            .iter()
            .filter_map(|name| name.strip_prefix("node")?.parse().ok())
            .collect();
        numbers.sort_unstable();
        numbers
    };
    if numbers.is_empty() {
        let online = text(&root.join("devices/system/cpu/online"));
        let cpus = online.and_then(|online| cpu_list::parse(&online));
        return cpus
            .map(|cpus| {
                let zone = Zone {
                    cpus,
                    ..Zone::default()
                };
                (0, zone)
            })
            .into_iter()
            .collect();
    }
    numbers
        .iter()
        .map(|number| {
            (
                *number,
                zone(&folder.join(format!("node{number}")), &numbers),
            )
        })
        .collect()
}

fn zone(folder: &Path, numbers: &[u32]) -> Zone {
    let list = text(&folder.join("cpulist"));
    let distances = text(&folder.join("distance")).unwrap_or_default();
    // The kernel writes one for each zone that is online, in their order.
    let distances: Vec<u32> = distances
        .split_whitespace()
        .filter_map(|distance| distance.parse().ok())
        .collect();
    let distances = if distances.len() == numbers.len() {
        numbers.iter().copied().zip(distances).collect()
    } else {
        BTreeMap::new()
    };
    Zone {
        cpus: list
            .and_then(|list| cpu_list::parse(&list))
            .unwrap_or_default(),
        distances,
        memory: memory(folder),
        huge_pages: huge_pages(&folder.join("hugepages")),
    }
}

/// `Node 0 MemTotal:       32768 kB`
fn memory(folder: &Path) -> Option<u64> {
    let text = text(&folder.join("meminfo"))?;
    let line = text.lines().find(|line| line.contains(" MemTotal:"))?;
    let kib: u64 = line.split_whitespace().nth(3)?.parse().ok()?;
    kib.checked_mul(1024)
}

fn huge_pages(folder: &Path) -> BTreeMap<u64, u64> {
    names(folder)
        .into_iter()
        .filter_map(|name| {
            let kib: u64 = name
                .strip_prefix("hugepages-")?
                .strip_suffix("kB")?
                .parse()
                .ok()?;
            let count = number(&folder.join(&name).join("nr_hugepages"))?;
            Some((kib.checked_mul(1024)?, count))
        })
        .collect()
}
