use std::fs;

use api::cpu_list;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::fake_sysfs::{Card, FakeSysfs};

fn tree() -> (TempDir, FakeSysfs) {
    let folder = tempfile::tempdir().unwrap();
    let tree = FakeSysfs::new(folder.path());
    (folder, tree)
}

fn address(text: &str) -> PciAddress {
    text.parse().unwrap()
}

const PF: &str = "pci0000:00/0000:00:02.0/0000:03:00.0";

const CARD: Card<'_> = Card {
    at: PF,
    zone: 0,
    total: 8,
    functions: &["0000:03:00.2", "0000:03:00.3"],
    interface: "ens1f0",
    driver: "mlx5_core",
};

#[test]
fn a_card_with_virtual_functions() {
    let (_folder, tree) = tree();
    tree.card(CARD);
    tree.driver("pci0000:00/0000:00:02.0/0000:03:00.3", "pci", "vfio-pci");
    tree.link(
        "devices/pci0000:00/0000:00:02.0/0000:03:00.3/iommu_group",
        "kernel/iommu_groups/42",
    );
    tree.file(&format!("devices/{PF}/infiniband/mlx5_0/node_type"), "1");
    let hardware = Hardware::read(tree.root());
    let pf = &hardware.functions[&address("0000:03:00.0")];
    assert_eq!(pf.physical.as_ref().unwrap().total, 8);
    assert_eq!(pf.physical.as_ref().unwrap().configured, 2);
    assert_eq!(
        pf.physical.as_ref().unwrap().functions,
        [(0, address("0000:03:00.2")), (1, address("0000:03:00.3"))].into()
    );
    assert_eq!(
        (pf.zone, pf.driver.as_deref()),
        (Some(0), Some("mlx5_core"))
    );
    assert_eq!(pf.pcie_root.as_deref(), Some("pci0000:00"));
    assert_eq!(pf.model().as_deref(), Some("15b3:1017"));
    assert_eq!(pf.rdma, ["mlx5_0"]);
    let uplink = pf.uplink().unwrap();
    assert_eq!(
        (uplink.name.as_str(), uplink.carrier, uplink.speed),
        ("ens1f0", Some(true), Some(100_000))
    );
    assert_eq!(uplink.operational_state.as_deref(), Some("up"));
    assert!(!pf.is_switchdev());
    let vf = &hardware.functions[&address("0000:03:00.3")];
    assert_eq!(
        vf.virtual_of,
        Some(Virtual {
            physical: address("0000:03:00.0"),
            index: Some(1)
        })
    );
    assert_eq!(vf.driver.as_deref(), Some("vfio-pci"));
    assert_eq!(vf.iommu_group, Some(42));
    assert!(vf.uplink().is_none());
    for (id, wanted) in [
        ("0000:03:00.3", Some("0000:03:00.0")),
        ("0000:03:00.0", Some("0000:03:00.0")),
        ("0000:09:00.0", None),
    ] {
        assert_eq!(
            hardware.physical_function(&address(id)),
            wanted.map(address).as_ref()
        );
    }
}

/// In switchdev the uplink stands among the representors, and here behind them in any order of names.
#[test]
fn switchdev() {
    let (_folder, tree) = tree();
    tree.card(CARD);
    let port = |name: &str, at: &str, port: &str| {
        let files = [("phys_port_name", port), ("phys_switch_id", "b8cef6")];
        tree.interface(at, name, &files);
    };
    tree.file(&format!("devices/{PF}/net/ens1f0/phys_port_name"), "p1");
    tree.file(&format!("devices/{PF}/net/ens1f0/phys_switch_id"), "b8cef6");
    port("a_rep0", PF, "pf1vf0");
    port("a_rep1", PF, "pf1vf1");
    port("other_pf", PF, "pf0vf1");
    port("other_host", PF, "c1pf1vf1");
    // Some drivers hang representors from no device.
    port("sf88", "virtual", "pf1sf88");
    tree.subfunction(PF, "mlx5_core.sf.2", 88);
    tree.interface(&format!("{PF}/mlx5_core.sf.2"), "p1s88", &[]);
    tree.subfunction(PF, "mlx5_core.sf.3", 89);
    tree.file(
        &format!("devices/{PF}/mlx5_core.eth.0/power/control"),
        "auto",
    );
    tree.link(
        "bus/auxiliary/devices/mlx5_core.eth.0",
        &format!("devices/{PF}/mlx5_core.eth.0"),
    );

    let hardware = Hardware::read(tree.root());
    let pf = &hardware.functions[&address("0000:03:00.0")];
    assert_eq!(pf.uplink().unwrap().name, "ens1f0");
    assert!(pf.is_switchdev());
    let of = |id: &str| {
        let found = hardware.representor(&address(id));
        found.map(|interface| interface.name.as_str())
    };
    assert_eq!(of("0000:03:00.2"), Some("a_rep0"));
    assert_eq!(of("0000:03:00.3"), Some("a_rep1"));
    assert_eq!(of("0000:03:00.0"), None);
    let names: Vec<&String> = hardware.auxiliary.keys().collect();
    assert_eq!(names, ["mlx5_core.sf.2", "mlx5_core.sf.3"]);
    let subfunction = &hardware.auxiliary["mlx5_core.sf.2"];
    assert_eq!(subfunction.parent, Some(address("0000:03:00.0")));
    assert_eq!(subfunction.interfaces[0].name, "p1s88");
    let representor = hardware.subfunction_representor("mlx5_core.sf.2").unwrap();
    assert_eq!(representor.name, "sf88");
    assert!(hardware.subfunction_representor("mlx5_core.sf.3").is_none());
}

#[test]
fn other_domains_and_what_has_no_zone() {
    let (_folder, tree) = tree();
    tree.card(Card {
        at: "pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0/10000:e1:00.0",
        zone: -1,
        functions: &["10000:e1:00.1"],
        ..CARD
    });
    let hardware = Hardware::read(tree.root());
    let pf = &hardware.functions[&address("10000:e1:00.0")];
    assert_eq!(pf.zone, None);
    assert_eq!(pf.pcie_root.as_deref(), Some("pci0000:00"));
    assert_eq!(
        hardware.physical_function(&address("10000:e1:00.1")),
        Some(&address("10000:e1:00.0"))
    );
}

#[test]
fn the_first_of_several_ports() {
    let (_folder, tree) = tree();
    tree.card(CARD);
    tree.file(&format!("devices/{PF}/net/ens1f0/dev_port"), "1");
    tree.interface(PF, "ens1f9", &[("dev_port", "0")]);
    let hardware = Hardware::read(tree.root());
    let pf = &hardware.functions[&address("0000:03:00.0")];
    assert_eq!(pf.uplink().unwrap().name, "ens1f9");
}

#[test]
fn vdpa_devices() {
    let (_folder, tree) = tree();
    tree.card(CARD);
    tree.vdpa(
        "pci0000:00/0000:00:02.0/0000:03:00.2",
        "vdpa0",
        "vhost_vdpa",
    );
    tree.vdpa(&format!("{PF}/mlx5_core.sf.2"), "vdpa1", "virtio_vdpa");
    tree.vdpa("vdpasim_net", "vdpa2", "vhost_vdpa");
    let found = Hardware::read(tree.root()).vdpa;
    let device = |parent: Option<&str>, function: Option<&str>, driver: &str| Vdpa {
        parent: parent.map(str::to_owned),
        function: function.map(address),
        driver: Some(driver.to_owned()),
    };
    assert_eq!(
        found,
        [
            (
                "vdpa0".to_owned(),
                device(Some("0000:03:00.2"), Some("0000:03:00.2"), "vhost_vdpa")
            ),
            (
                "vdpa1".to_owned(),
                device(Some("mlx5_core.sf.2"), Some("0000:03:00.0"), "virtio_vdpa")
            ),
            ("vdpa2".to_owned(), device(None, None, "vhost_vdpa")),
        ]
        .into()
    );
}

#[test]
fn what_computes_and_what_is_of_no_interest() {
    let (_folder, tree) = tree();
    for (at, class, vendor) in [
        ("pci0000:40/0000:41:00.0", "0x030200", "0x10de"),
        ("pci0000:40/0000:42:00.0", "0x030000", "0x1a03"),
        ("pci0000:40/0000:43:00.0", "0x120000", "0x1002"),
        ("pci0000:40/0000:44:00.0", "0x010802", "0x144d"),
    ] {
        let files = [("class", class), ("vendor", vendor), ("device", "0x0001")];
        tree.function(at, &files);
    }
    let hardware = Hardware::read(tree.root());
    let found: Vec<&str> = hardware.functions.keys().map(PciAddress::as_str).collect();
    assert_eq!(found, ["0000:41:00.0", "0000:43:00.0"]);
    assert!(hardware.functions.values().all(Function::is_accelerator));
}

#[test]
fn zones() {
    let (_folder, tree) = tree();
    tree.zones(&[
        (0, "0-3,8-11", 1024, 2),
        (2, "4-7", 2048, 0),
        (10, "", 64, 0),
    ]);
    tree.file(
        "devices/system/node/node0/hugepages/hugepages-1048576kB/nr_hugepages",
        "1",
    );
    let zones = Hardware::read(tree.root()).zones;
    assert_eq!(zones.keys().copied().collect::<Vec<_>>(), [0, 2, 10]);
    assert_eq!(zones[&2].distances, [(0, 21), (2, 10), (10, 21)].into());
    assert_eq!(cpu_list::print(&zones[&0].cpus), "0-3,8-11");
    assert!(zones[&10].cpus.is_empty());
    assert_eq!(zones[&0].memory, Some(1 << 20));
    assert_eq!(zones[&0].huge_pages, [(2 << 20, 2), (1 << 30, 1)].into());

    // A distance for each zone or none: which is missing cannot be known.
    tree.file("devices/system/node/node2/distance", "10 21");
    assert!(Hardware::read(tree.root()).zones[&2].distances.is_empty());
}

#[test]
fn a_kernel_without_numa_has_one_zone() {
    let (_folder, tree) = tree();
    tree.file("devices/system/cpu/online", "0-7");
    let zones = Hardware::read(tree.root()).zones;
    assert_eq!(cpu_list::print(&zones[&0].cpus), "0-7");
    assert_eq!(zones.len(), 1);
}

#[test]
fn nothing_is_nothing() {
    let (folder, _tree) = tree();
    assert_eq!(Hardware::read(folder.path()), Hardware::default());
    assert_eq!(
        Hardware::read(&folder.path().join("missing")),
        Hardware::default()
    );
}

#[test]
fn what_is_broken_hides_nothing_else() {
    let (_folder, tree) = tree();
    tree.card(CARD);
    // A device that is going: its link is still there.
    tree.remove("devices/pci0000:00/0000:00:02.0/0000:03:00.2");
    tree.link("bus/pci/devices/0000:05:00.0", "devices/gone/0000:05:00.0");
    tree.link("bus/pci/devices/no address", "devices/pci0000:00");
    tree.link("bus/auxiliary/devices/mlx5_core.sf.9", "devices/gone");
    tree.link("bus/vdpa/devices/vdpa9", "devices/gone");
    for (path, text) in [
        ("sriov_numvfs", "many"),
        ("numa_node", ""),
        ("vendor", "0xzz"),
        ("net/ens1f0/speed", "-1"),
        ("net/ens1f0/carrier", ""),
        ("net/ens1f0/dev_port", "x"),
    ] {
        tree.file(&format!("devices/{PF}/{path}"), text);
    }
    tree.remove(&format!("devices/{PF}/class"));
    tree.link("class/net/gone", "devices/gone/net/gone");
    fs::write(tree.root().join("class/net/bonding_masters"), "bond0").unwrap();
    fs::create_dir_all(tree.root().join("devices/system/node/node0/cpulist")).unwrap();
    fs::create_dir_all(tree.root().join("devices/system/node/nodeX")).unwrap();

    let hardware = Hardware::read(tree.root());
    let pf = &hardware.functions[&address("0000:03:00.0")];
    assert_eq!((pf.zone, pf.vendor, pf.class), (None, None, 0));
    assert_eq!(pf.physical.as_ref().unwrap().configured, 0);
    let uplink = pf.uplink().unwrap();
    assert_eq!((uplink.speed, uplink.carrier), (None, None));
    assert_eq!(hardware.functions.len(), 2);
    assert!(hardware.functions.contains_key(&address("0000:03:00.3")));
    assert!(hardware.auxiliary.is_empty() && hardware.vdpa.is_empty());
    assert!(hardware.zones[&0].cpus.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever a file holds, the other card is read whole.
    #[test]
    fn bytes_of_any_kind(name in "[a-z_]{1,14}", bytes in prop::collection::vec(any::<u8>(), 0..64), which in 0_usize..8) {
        let (_folder, tree) = tree();
        tree.card(CARD);
        tree.card(Card { at: "pci0000:80/0000:81:00.0", functions: &["0000:81:00.1"], interface: "ens2f0", ..CARD });
        let wanted = Hardware::read(tree.root()).functions.remove(&address("0000:81:00.1"));
        let known = ["class", "vendor", "numa_node", "sriov_totalvfs", "sriov_numvfs", "net/ens1f0/speed", "net/ens1f0/phys_port_name"];
        let file = known.get(which).copied().unwrap_or(name.as_str());
        let path = tree.root().join("devices").join(PF).join(file);
        prop_assume!(!path.is_dir());
        fs::write(path, bytes).unwrap();
        let mut read = Hardware::read(tree.root());
        prop_assert_eq!(read.functions.remove(&address("0000:81:00.1")), wanted);
    }
}
