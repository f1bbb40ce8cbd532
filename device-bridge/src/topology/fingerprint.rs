//! The fingerprint of a node's pods, by which a scheduler finds out whether a NodeResourceTopology knows the pods that it
//! knows itself.
//!
//! Source: k8stopologyawareschedwg/podfingerprint, version `v001`: each pod is the XXH64 of its name, seeded by that of its
//! namespace; the fingerprint is the XXH64 over the sorted numbers, least significant byte first.

use std::{hash::Hasher as _, str::FromStr};

use api::topology_manager::UnknownWord;
use twox_hash::XxHash64;

use crate::proto::{PodResources, TopologyInfo};

/// Which pods it is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// Those that hold something exclusively and aligned: CPUs, or memory or devices of NUMA zones.
    #[default]
    WithExclusiveResources,
    /// All.
    All,
}

impl Method {
    /// As it stands in the attribute.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WithExclusiveResources => "with-exclusive-resources",
            Self::All => "all",
        }
    }

    fn counts(self, pod: &PodResources) -> bool {
        match self {
            Self::WithExclusiveResources => is_exclusive(pod),
            Self::All => true,
        }
    }
}

impl FromStr for Method {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        [Self::WithExclusiveResources, Self::All]
            .into_iter()
            .find(|method| method.as_str() == text)
            .ok_or_else(|| UnknownWord {
                found: text.to_owned(),
                known: "with-exclusive-resources, all",
            })
    }
}

/// The fingerprint of a node's pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// It.
    pub text: String,
    /// Which pods it is of.
    pub method: Method,
}

/// A fingerprint in the making.
#[derive(Clone, Debug, Default)]
pub struct Fingerprinter {
    method: Method,
    hashes: Vec<u64>,
}

impl Fingerprinter {
    /// Of no pod yet.
    #[must_use]
    pub const fn new(method: Method) -> Self {
        Self {
            method,
            hashes: Vec::new(),
        }
    }

    /// Counts a pod of the kubelet's, if it is one that counts.
    pub fn add(&mut self, pod: &PodResources) {
        if self.method.counts(pod) {
            self.hashes.push(of_name(&pod.namespace, &pod.name));
        }
    }

    /// The fingerprint of the pods so far.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint {
            text: of_hashes(self.hashes.clone()),
            method: self.method,
        }
    }
}

fn of_name(namespace: &str, name: &str) -> u64 {
    xxh64(xxh64(0, namespace), name)
}

fn of_hashes(mut hashes: Vec<u64>) -> String {
    hashes.sort_unstable();
    let mut all = XxHash64::with_seed(0);
    for hash in hashes {
        all.write(&hash.to_le_bytes());
    }
    format!("pfp0v001{:016x}", all.finish())
}

fn xxh64(seed: u64, text: &str) -> u64 {
    XxHash64::oneshot(seed, text.as_bytes())
}

/// As resource-topology-exporter decides it: what has no zone is in no zone's count, and the scheduler does not miss it.
fn is_exclusive(pod: &PodResources) -> bool {
    pod.containers.iter().any(|container| {
        let in_zones = |topology: &Option<TopologyInfo>| {
            topology
                .as_ref()
                .is_some_and(|topology| !topology.nodes.is_empty())
        };
        !container.cpu_ids.is_empty()
            || container
                .memory
                .iter()
                .any(|memory| in_zones(&memory.topology))
            || container
                .devices
                .iter()
                .any(|device| !device.device_ids.is_empty() && in_zones(&device.topology))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixture::pod_resources,
        proto::{ContainerMemory, NumaNode},
    };

    #[test]
    fn vectors() {
        let names = [
            ("production", "jaeger-dpgjk"),
            ("production", "nginx-rt684"),
            ("production", "envoy-g9m22"),
        ];
        let pods = names.map(|(namespace, name)| PodResources {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            ..PodResources::default()
        });
        let of = |method: Method, pods: &[PodResources]| {
            let mut made = Fingerprinter::new(method);
            for pod in pods {
                made.add(pod);
            }
            made.fingerprint().text
        };
        let (wanted, empty) = ("pfp0v001607b76a0e9d3aeb4", "pfp0v001ef46db3751d8e999");
        assert_eq!(of(Method::All, &pods), wanted);
        let [a, b, c] = pods.clone();
        assert_eq!(of(Method::All, &[c, a, b]), wanted);
        assert_eq!(of(Method::All, &[]), empty);
        assert_eq!(of(Method::WithExclusiveResources, &pods), empty);
    }

    #[test]
    fn which_pods_count() {
        let zone = Some(TopologyInfo {
            nodes: vec![NumaNode { id: 0 }],
        });
        let bare = pod_resources(&[("app", &[("r", &["1"])])]);
        let mut of_zone = bare.clone();
        of_zone.containers[0].devices[0].topology.clone_from(&zone);
        let mut with_cpus = bare.clone();
        with_cpus.containers[0].cpu_ids = vec![3];
        let mut with_memory = bare.clone();
        with_memory.containers[0].memory = vec![ContainerMemory {
            memory_type: "memory".to_owned(),
            size: 1,
            topology: zone,
        }];
        for (pod, wanted) in [
            (bare, false),
            (of_zone, true),
            (with_cpus, true),
            (with_memory, true),
        ] {
            assert_eq!(Method::WithExclusiveResources.counts(&pod), wanted);
            assert!(Method::All.counts(&pod));
        }
        for method in [Method::All, Method::WithExclusiveResources] {
            assert_eq!(method.as_str().parse(), Ok(method));
        }
        assert!("some".parse::<Method>().is_err());
    }
}
