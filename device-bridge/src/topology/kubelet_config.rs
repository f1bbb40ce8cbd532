//! What the kubelet's configuration says of alignment (`KubeletConfiguration` of kubelet.config.k8s.io).

use std::{
    io,
    path::{Path, PathBuf},
};

use api::{
    cpu_list::{self, Cpus},
    node_inventory::{MemoryManager, TopologyManager},
    objects::{self, ObjectsError},
    topology_manager::UnknownWord,
};
use serde_json::Value;

/// What matters of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct KubeletConfig {
    pub(super) topology_manager: TopologyManager,
    /// CPUs that are kept for the system.
    pub(super) reserved: Cpus,
}

/// Why it cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum KubeletConfigError {
    /// The file cannot be read or is no YAML.
    #[error("cannot use --kubelet-config: {0}")]
    File(#[from] ObjectsError),
    /// It is another file.
    #[error(
        "cannot use --kubelet-config {}: it holds no KubeletConfiguration; give the file that the kubelet was started with",
        path.display()
    )]
    NoConfiguration {
        /// The file.
        path: PathBuf,
    },
    /// A key's value is none that the kubelet takes.
    #[error("cannot use --kubelet-config {}: {key}: {problem}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// What is wrong.
        problem: String,
    },
}

impl KubeletConfig {
    /// Reads the file. What it does not say is as the kubelet's defaults are.
    ///
    /// # Errors
    /// It cannot be read, or is another file, or says what no kubelet takes.
    pub(super) fn read(path: &Path) -> Result<Self, KubeletConfigError> {
        let objects = objects::read(&[path.to_owned()])?;
        let found = objects
            .iter()
            .find(|object| object.kind == "KubeletConfiguration")
            .ok_or_else(|| KubeletConfigError::NoConfiguration {
                path: path.to_owned(),
            })?;
        let value = |key: &'static str, problem: String| KubeletConfigError::Value {
            path: path.to_owned(),
            key,
            problem,
        };
        let text = |key: &str| {
            let text = found.value.get(key).and_then(Value::as_str);
            text.filter(|text| !text.is_empty())
        };
        let unknown = |key| move |error: UnknownWord| value(key, error.to_string());
        let policy = text("topologyManagerPolicy").map(str::parse).transpose();
        let scope = text("topologyManagerScope").map(str::parse).transpose();
        let reserved = text("reservedSystemCPUs").map(|list| {
            cpu_list::parse(list).ok_or_else(|| {
                let problem = format!("{list:?} is no list of CPUs such as 0-1,8");
                value("reservedSystemCPUs", problem)
            })
        });
        let memory_manager = match text("memoryManagerPolicy") {
            Some("None") | None => Ok(MemoryManager::None),
            Some("Static") => Ok(MemoryManager::Static),
            Some(other) => {
                let problem = format!("{other:?} is not one of None, Static");
                Err(value("memoryManagerPolicy", problem))
            }
        };
        let zones = found
            .value
            .pointer("/topologyManagerPolicyOptions/max-allowable-numa-nodes")
            .and_then(Value::as_str);
        let zones = zones.map(|zones| {
            zones.parse().map_err(|_| {
                let problem = format!("max-allowable-numa-nodes {zones:?} is no number");
                value("topologyManagerPolicyOptions", problem)
            })
        });
        Ok(Self {
            topology_manager: TopologyManager {
                policy: policy
                    .map_err(unknown("topologyManagerPolicy"))?
                    .unwrap_or_default(),
                scope: scope
                    .map_err(unknown("topologyManagerScope"))?
                    .unwrap_or_default(),
                max_numa_nodes: zones.transpose()?,
                memory_manager: Some(memory_manager?),
            },
            reserved: reserved.transpose()?.unwrap_or_default(),
        })
    }
}

impl KubeletConfigError {
    /// Whether the file is not there yet: what writes it may come after this agent.
    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::File(ObjectsError::Read { problem, .. }) if problem.kind() == io::ErrorKind::NotFound)
    }
}

#[cfg(test)]
mod tests {
    use api::topology_manager::{Policy, Scope};

    use super::*;

    fn read(text: &str) -> Result<KubeletConfig, KubeletConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.yaml");
        std::fs::write(&path, text).unwrap();
        KubeletConfig::read(&path)
    }

    const HEAD: &str = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";

    #[test]
    fn what_the_kubelet_is_told() {
        let config = read(&format!(
            "{HEAD}topologyManagerPolicy: single-numa-node\ntopologyManagerScope: pod\ntopologyManagerPolicyOptions:\n  max-allowable-numa-nodes: \"16\"\nreservedSystemCPUs: 0-1,8\nmemoryManagerPolicy: Static\nclusterDNS: [10.0.0.10]\n"
        ));
        assert_eq!(
            config.unwrap(),
            KubeletConfig {
                topology_manager: TopologyManager {
                    policy: Policy::SingleNumaNode,
                    scope: Scope::Pod,
                    max_numa_nodes: Some(16),
                    memory_manager: Some(MemoryManager::Static),
                },
                reserved: [0, 1, 8].into(),
            }
        );
        // Without a file nothing is known; of what a file does not say the kubelet's defaults are.
        let mut silent = KubeletConfig::default();
        silent.topology_manager.memory_manager = Some(MemoryManager::None);
        assert_eq!(read(HEAD).unwrap(), silent);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, words) in [
            (
                "kind: Pod\napiVersion: v1\n".to_owned(),
                "no KubeletConfiguration",
            ),
            (
                format!("{HEAD}topologyManagerPolicy: strict\n"),
                "topologyManagerPolicy: \"strict\" is not one of none, best-effort",
            ),
            (
                format!("{HEAD}topologyManagerScope: node\n"),
                "container, pod",
            ),
            (
                format!("{HEAD}memoryManagerPolicy: static\n"),
                "memoryManagerPolicy: \"static\" is not one of None, Static",
            ),
            (
                format!("{HEAD}reservedSystemCPUs: all\n"),
                "\"all\" is no list",
            ),
            (
                format!(
                    "{HEAD}topologyManagerPolicyOptions: {{max-allowable-numa-nodes: \"many\"}}\n"
                ),
                "is no number",
            ),
            ("a: [".to_owned(), "not valid YAML"),
        ] {
            let error = read(&text).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
            assert!(!error.is_absent());
        }
        let missing = KubeletConfig::read(Path::new("/nonexistent/config.yaml"));
        assert!(missing.unwrap_err().is_absent());
    }
}
