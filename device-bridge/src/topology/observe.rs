//! Looks at the node once: asks the kubelet, reads the kernel's tree and device-info files, and makes the inventory of it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use api::node_inventory::{MemoryManager, TopologyManager};
use k8s_openapi::{apimachinery::pkg::apis::meta::v1::MicroTime, jiff::Timestamp};
use spec::{bridge::PodRef, device::PciAddress};
use tokio::{task::spawn_blocking, time::Instant};

use super::{
    args::Settings,
    device_info::DeviceInfo,
    devices::Devices,
    fingerprint::Fingerprint,
    held::Pods,
    kubelet_config::KubeletConfig,
    owner::{KnownPod, complete},
    snapshot::{self, Observed, Snapshot, snapshot},
};
use crate::{
    kubelet::{PodResourcesClient, PodResourcesError, checkpoint::Checkpoint},
    proto::AllocatableResourcesResponse,
    store::Store,
    sysfs::Hardware,
};

/// How long the kernel's tree is taken to be as it was read, unless the kubelet has other devices. Links and zones do not
/// matter to the moment, and a full node's tree has thousands of files.
const TREE_AGE: Duration = Duration::from_secs(10);

/// What was seen.
#[derive(Clone, Debug)]
pub struct Look {
    /// The node's inventory.
    pub snapshot: Snapshot,
    /// The fingerprint of its pods.
    pub fingerprint: Fingerprint,
    /// When the kubelet was asked, at the latest: what happened before it is seen.
    pub at: MicroTime,
    /// Whether the kubelet restarted a moment ago: pods may be missing that run.
    pub is_settling: bool,
}

/// Why the node cannot be seen.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The kubelet does not say what there is.
    #[error("cannot learn the node's devices: {0}")]
    Kubelet(#[from] PodResourcesError),
    /// Reading files broke off.
    #[error("cannot read the node's devices: {0}")]
    Tree(#[from] tokio::task::JoinError),
}

type Key = (String, String);

/// Looks at the node.
#[derive(Debug)]
pub struct Observer {
    kubelet: PodResourcesClient,
    store: Arc<Store>,
    checkpoint: PathBuf,
    checkpoint_problem: Option<String>,
    settings: Settings,
    tree: Option<Tree>,
    config: KubeletConfig,
    config_problem: Option<String>,
}

/// What files said.
#[derive(Debug)]
struct Tree {
    read: Instant,
    /// Of which devices.
    devices: u64,
    hardware: Hardware,
    told: BTreeMap<Key, PciAddress>,
}

impl Observer {
    /// Asks this kubelet and reads its checkpoint; pods are those of `store`.
    #[must_use]
    pub fn new(
        kubelet: PodResourcesClient,
        checkpoint: PathBuf,
        store: Arc<Store>,
        settings: Settings,
    ) -> Self {
        Self {
            kubelet,
            store,
            checkpoint,
            checkpoint_problem: None,
            settings,
            tree: None,
            config: KubeletConfig::default(),
            config_problem: None,
        }
    }

    /// Looks.
    ///
    /// # Errors
    /// The kubelet cannot be asked. Without it nothing is known that a scheduler could use.
    pub async fn look(&mut self) -> Result<Look, LookError> {
        let at = MicroTime(Timestamp::now());
        let mut pods = Pods::new(self.settings.fingerprint);
        // On a full node each of these answers has megabytes: what is known of one is small before the next one comes.
        let add = |entry| pods.add_healthy(&[entry]);
        let allocatable = self.kubelet.allocatable(add).await?;
        let is_settling = self.kubelet.for_each(|pod| pods.add(&pod)).await?;
        complete(&mut pods, &self.checkpoint().await?, |namespace, name| {
            self.pod(namespace, name)
        });
        self.read_config();
        let (tree, pods) = self.tree(pods).await?;
        let observed = Observed {
            allocatable: &allocatable,
            hardware: &tree.hardware,
            told: &tree.told,
            topology_manager: TopologyManager {
                policy: self
                    .settings
                    .policy
                    .unwrap_or(self.config.topology_manager.policy),
                scope: self
                    .settings
                    .scope
                    .unwrap_or(self.config.topology_manager.scope),
                memory_manager: Some(memory_manager(&allocatable, &self.config)),
                ..self.config.topology_manager
            },
            reserved: &self.config.reserved,
        };
        let fingerprint = pods.fingerprint();
        let snapshot = snapshot(observed, pods);
        self.tree = Some(tree);
        Ok(Look {
            snapshot,
            fingerprint,
            at,
            is_settling,
        })
    }

    /// The pod of this name, as the API server has it.
    #[must_use]
    pub fn pod(&self, namespace: &str, name: &str) -> Option<KnownPod> {
        let pod = PodRef {
            namespace: namespace.try_into().ok()?,
            name: name.try_into().ok()?,
            uid: None,
        };
        let pod = self.store.pod(&pod)?;
        Some(KnownPod {
            uid: pod.uid.clone()?,
            is_static: pod.is_static,
        })
    }

    /// The kubelet's checkpoint, as far as it can be read. Without it pods are known by their names alone, and what init
    /// containers hold is not known.
    async fn checkpoint(&mut self) -> Result<Checkpoint, LookError> {
        let path = self.checkpoint.clone();
        let read = spawn_blocking(move || Checkpoint::read(&path)).await?;
        Ok(match read {
            Ok(found) => {
                self.checkpoint_problem = None;
                found.unwrap_or_default()
            }
            Err(error) => {
                let problem = error.to_string();
                if self.checkpoint_problem.as_ref() != Some(&problem) {
                    tracing::warn!(%error, "Pods are told by their names alone");
                    self.checkpoint_problem = Some(problem);
                }
                Checkpoint::default()
            }
        })
    }

    /// The kubelet takes its configuration when it starts, which this agent is not told of.
    fn read_config(&mut self) {
        let Some(path) = &self.settings.kubelet_config else {
            return;
        };
        match KubeletConfig::read(path) {
            Ok(config) => {
                self.config = config;
                self.config_problem = None;
            }
            Err(error) => {
                let problem = error.to_string();
                // One that was there and is gone is about to be written anew.
                if self.config_problem.as_ref() != Some(&problem) {
                    let is_absent = error.is_absent();
                    tracing::warn!(%error, is_absent, "The kubelet's configuration is taken to be what it was before");
                    self.config_problem = Some(problem);
                }
            }
        }
    }

    async fn tree(&mut self, pods: Pods) -> Result<(Tree, Pods), LookError> {
        let now = Instant::now();
        let devices = pods.devices().digest();
        if let Some(tree) = self.tree.take()
            && tree.devices == devices
            && now.duration_since(tree.read) < TREE_AGE
        {
            return Ok((tree, pods));
        }
        let (root, base) = (
            self.settings.sysfs_root.clone(),
            self.settings.device_info_dir.clone(),
        );
        let reading = spawn_blocking(move || {
            let hardware = Hardware::read(&root);
            let told = told(&base, &hardware, pods.devices());
            let tree = Tree {
                read: now,
                devices,
                hardware,
                told,
            };
            (tree, pods)
        });
        Ok(reading.await?)
    }
}

/// What the kubelet's memory manager does. One that hands memory out is static, whatever a file says that the kubelet may
/// not have been started with.
fn memory_manager(
    allocatable: &AllocatableResourcesResponse,
    config: &KubeletConfig,
) -> MemoryManager {
    if !allocatable.memory.is_empty() {
        return MemoryManager::Static;
    }
    let configured = config.topology_manager.memory_manager;
    configured.unwrap_or(MemoryManager::None)
}

/// The physical functions of devices of which the kernel knows nothing by their ids.
fn told(base: &Path, hardware: &Hardware, devices: &Devices) -> BTreeMap<Key, PciAddress> {
    let all = devices.all().map(|(_, device)| device);
    all.filter(|device| snapshot::physical_function(hardware, device.id).is_none())
        .filter_map(|device| {
            let info = DeviceInfo::read(base, device.resource, device.id)
                .inspect_err(|error| tracing::warn!(%error, "A device-info file is passed over"))
                .ok()??;
            let key = (device.resource.to_owned(), device.id.to_owned());
            Some((key, behind(&info, hardware)?))
        })
        .collect()
}

/// The physical function behind a device: by its function, by the vDPA device it is, or as the device plugin says.
fn behind(info: &DeviceInfo, hardware: &Hardware) -> Option<PciAddress> {
    let functions = info.functions()?;
    let of_address = functions
        .address
        .as_ref()
        .and_then(|address| hardware.physical_function(address));
    if let Some(found) = of_address {
        return Some(found.clone());
    }
    let of_vdpa = match info {
        DeviceInfo::Vdpa {
            parent_device: Some(name),
            ..
        } => snapshot::physical_function(hardware, name),
        DeviceInfo::Pci(_)
        | DeviceInfo::Vdpa { .. }
        | DeviceInfo::VhostUser { .. }
        | DeviceInfo::Memif { .. } => None,
    };
    of_vdpa.or_else(|| functions.physical.clone())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::fake_sysfs::{Card, FakeSysfs};

    #[test]
    fn a_kubelet_that_hands_out_memory_pins_it_whatever_a_file_says() {
        let mut config = KubeletConfig::default();
        let mut allocatable = AllocatableResourcesResponse::default();
        assert_eq!(memory_manager(&allocatable, &config), MemoryManager::None);
        config.topology_manager.memory_manager = Some(MemoryManager::Static);
        assert_eq!(memory_manager(&allocatable, &config), MemoryManager::Static);
        config.topology_manager.memory_manager = Some(MemoryManager::None);
        allocatable
            .memory
            .push(crate::proto::ContainerMemory::default());
        assert_eq!(memory_manager(&allocatable, &config), MemoryManager::Static);
    }

    #[test]
    fn what_sysfs_does_not_say_device_plugins_do() {
        let folder = tempfile::tempdir().unwrap();
        let tree = FakeSysfs::new(folder.path());
        tree.card(Card {
            at: "pci0000:00/0000:03:00.0",
            zone: 0,
            total: 8,
            functions: &["0000:03:00.2"],
            interface: "ens1f0",
            driver: "mlx5_core",
        });
        tree.vdpa("pci0000:00/0000:03:00.2", "vdpa0", "vhost_vdpa");
        let base = folder.path().join("devinfo");
        fs::create_dir_all(base.join("dp")).unwrap();
        let say = |id: &str, text: &str| {
            fs::write(base.join(format!("dp/a.com-r-{id}-device.json")), text).unwrap();
        };
        say(
            "by-function",
            r#"{"type":"pci","pci":{"pci-address":"0000:03:00.2"}}"#,
        );
        say(
            "by-vdpa",
            r#"{"type":"vdpa","vdpa":{"parent-device":"vdpa0"}}"#,
        );
        say(
            "by-word",
            r#"{"type":"pci","pci":{"pci-address":"0000:09:00.2","pf-pci-address":"0000:09:00.0"}}"#,
        );
        say("memif-1", r#"{"type":"memif","memif":{"role":"master"}}"#);
        say("broken", "{");
        // The kernel's word is taken before anybody's.
        say(
            "0000:03:00.2",
            r#"{"type":"pci","pci":{"pf-pci-address":"0000:09:00.0"}}"#,
        );
        let key = |id: &str| ("a.com/r".to_owned(), id.to_owned());
        let ids = [
            "by-function",
            "by-vdpa",
            "by-word",
            "memif-1",
            "broken",
            "unknown",
            "0000:03:00.2",
        ];
        let mut devices = Devices::default();
        for id in ids {
            let place = devices.place("a.com/r", id);
            devices.held(place, []);
        }
        let found = told(&base, &Hardware::read(tree.root()), &devices);
        let address = |text: &str| -> PciAddress { text.parse().unwrap() };
        assert_eq!(
            found,
            [
                (key("by-function"), address("0000:03:00.0")),
                (key("by-vdpa"), address("0000:03:00.0")),
                (key("by-word"), address("0000:09:00.0")),
            ]
            .into()
        );
    }
}
