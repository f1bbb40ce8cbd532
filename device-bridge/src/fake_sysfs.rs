//! A sysfs tree for tests, in a folder, with the links that the kernel makes.
#![allow(
    dead_code,
    reason = "two crates build trees with it, and neither needs all of it"
)]

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

/// The tree; what is in the folder already stays.
#[derive(Clone, Debug)]
pub(crate) struct FakeSysfs {
    root: PathBuf,
}

/// A physical function and its virtual ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Card<'a> {
    /// Where it is below `devices`, such as `pci0000:00/0000:00:02.0/0000:03:00.0`.
    pub(crate) at: &'a str,
    /// What the kernel writes into `numa_node`.
    pub(crate) zone: i32,
    /// How many virtual functions it can have.
    pub(crate) total: u32,
    /// The addresses of those it has, by index.
    pub(crate) functions: &'a [&'a str],
    /// Its interface.
    pub(crate) interface: &'a str,
    /// Its driver.
    pub(crate) driver: &'a str,
}

impl FakeSysfs {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Writes a file below the root.
    pub(crate) fn file(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{text}\n")).unwrap();
    }

    /// Makes a link from one place below the root to another, relative as the kernel does it.
    pub(crate) fn link(&self, from: &str, to: &str) {
        let path = self.root.join(from);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let up = "../".repeat(from.matches('/').count());
        symlink(format!("{up}{to}"), path).unwrap();
    }

    /// Removes a file, a link or a folder below the root.
    pub(crate) fn remove(&self, path: &str) {
        let path = self.root.join(path);
        if path.is_dir() && !path.is_symlink() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }

    /// A NUMA zone with CPUs and memory, and two-megabyte pages. Distances are 10 and 21; zones are made in order.
    pub(crate) fn zones(&self, zones: &[(u32, &str, u64, u64)]) {
        for (at, (id, cpus, kib, pages)) in zones.iter().enumerate() {
            let folder = format!("devices/system/node/node{id}");
            self.file(&format!("{folder}/cpulist"), cpus);
            let distances: Vec<&str> = (0..zones.len())
                .map(|other| if other == at { "10" } else { "21" })
                .collect();
            self.file(&format!("{folder}/distance"), &distances.join(" "));
            self.file(
                &format!("{folder}/meminfo"),
                &format!(
                    "Node {id} MemTotal:       {kib} kB\nNode {id} MemFree:        1 kB\nNode {id} HugePages_Total:     {pages}"
                ),
            );
            self.file(
                &format!("{folder}/hugepages/hugepages-2048kB/nr_hugepages"),
                &pages.to_string(),
            );
        }
        self.file("devices/system/node/online", "0-1");
    }

    /// A PCI function below `devices`, with these files.
    pub(crate) fn function(&self, at: &str, files: &[(&str, &str)]) {
        let address = at.rsplit('/').next().unwrap();
        for (name, text) in files {
            self.file(&format!("devices/{at}/{name}"), text);
        }
        self.link(
            &format!("bus/pci/devices/{address}"),
            &format!("devices/{at}"),
        );
    }

    /// Binds a driver of a bus to the device below `devices`.
    pub(crate) fn driver(&self, at: &str, bus: &str, driver: &str) {
        fs::create_dir_all(self.root.join(format!("bus/{bus}/drivers/{driver}"))).unwrap();
        self.link(
            &format!("devices/{at}/driver"),
            &format!("bus/{bus}/drivers/{driver}"),
        );
    }

    /// An interface of a device below `devices`.
    pub(crate) fn interface(&self, at: &str, name: &str, files: &[(&str, &str)]) {
        let folder = format!("devices/{at}/net/{name}");
        self.file(&format!("{folder}/ifindex"), "7");
        for (file, text) in files {
            self.file(&format!("{folder}/{file}"), text);
        }
        self.link(&format!("{folder}/device"), &format!("devices/{at}"));
        self.link(&format!("class/net/{name}"), &folder);
    }

    /// A physical function with an interface whose link is up, and its virtual functions beside it, without drivers.
    pub(crate) fn card(&self, card: Card<'_>) {
        let (folder, address) = card.at.rsplit_once('/').unwrap();
        let common = |device| {
            let zone = card.zone.to_string();
            [
                ("class", "0x020000".to_owned()),
                ("vendor", "0x15b3".to_owned()),
                ("device", device),
                ("numa_node", zone),
            ]
        };
        let of_pf = common("0x1017".to_owned());
        self.function(
            card.at,
            &of_pf.each_ref().map(|(name, text)| (*name, text.as_str())),
        );
        let counts = [
            ("sriov_totalvfs", card.total.to_string()),
            ("sriov_numvfs", card.functions.len().to_string()),
        ];
        for (name, text) in counts {
            self.file(&format!("devices/{}/{name}", card.at), &text);
        }
        self.driver(card.at, "pci", card.driver);
        self.interface(
            card.at,
            card.interface,
            &[
                ("carrier", "1"),
                ("operstate", "up"),
                ("speed", "100000"),
                ("dev_port", "0"),
            ],
        );
        for (index, function) in card.functions.iter().enumerate() {
            let at = format!("{folder}/{function}");
            let of_vf = common("0x1018".to_owned());
            self.function(
                &at,
                &of_vf.each_ref().map(|(name, text)| (*name, text.as_str())),
            );
            self.link(
                &format!("devices/{at}/physfn"),
                &format!("devices/{folder}/{address}"),
            );
            self.link(
                &format!("devices/{}/virtfn{index}", card.at),
                &format!("devices/{at}"),
            );
        }
    }

    /// A subfunction of the PCI function below `devices`.
    pub(crate) fn subfunction(&self, parent: &str, name: &str, number: u32) {
        self.file(
            &format!("devices/{parent}/{name}/sfnum"),
            &number.to_string(),
        );
        self.link(
            &format!("bus/auxiliary/devices/{name}"),
            &format!("devices/{parent}/{name}"),
        );
    }

    /// A vDPA device of a device below `devices`.
    pub(crate) fn vdpa(&self, parent: &str, name: &str, driver: &str) {
        let at = format!("{parent}/{name}");
        fs::create_dir_all(self.root.join(format!("devices/{at}"))).unwrap();
        self.driver(&at, "vdpa", driver);
        self.link(
            &format!("bus/vdpa/devices/{name}"),
            &format!("devices/{at}"),
        );
    }
}
