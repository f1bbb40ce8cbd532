//! How many pods use networks of which kind: what net-attach-def-admission-controller counts.

use std::collections::{BTreeMap, BTreeSet};

use api::network::Network;
use spec::network::{Namespace, NetworkRef};

use crate::Cluster;

/// The kinds that are counted from the start, and of which it is told whether there are any.
const TOLD: [&str; 3] = ["any", "sriov", "ib-sriov"];

/// The number of pods by the plugins of their networks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instances(BTreeMap<String, u64>);

impl Instances {
    /// Counts the pods that use networks of `cluster`. One is counted once for each type of plugin that its networks have,
    /// once for all its types together if they are several, and once under `any`. Networks that are not there, or whose
    /// configuration is in a file of the node, have no types.
    #[must_use]
    pub fn count(cluster: &Cluster, system_namespace: &Namespace) -> Self {
        let mut counts: BTreeMap<String, u64> =
            TOLD.map(|kind| (kind.to_owned(), 0)).into_iter().collect();
        let mut count = |kind: &str| match counts.get_mut(kind) {
            Some(count) => *count += 1,
            None => drop(counts.insert(kind.to_owned(), 1)),
        };
        for networks in cluster.usage.by_pod(system_namespace) {
            let types = types(networks, cluster);
            types.iter().copied().for_each(&mut count);
            if types.len() > 1 {
                let all: Vec<&str> = types.iter().copied().collect();
                count(&all.join(","));
            }
            if !types.is_empty() {
                count("any");
            }
        }
        Self(counts)
    }

    /// The pods by what their networks are: a type, several types sorted with commas, or `any`.
    pub fn counts(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(kind, count)| (kind.as_str(), *count))
    }

    /// Whether there are pods with networks of any kind, and of those that need hardware.
    pub fn are_there(&self) -> impl Iterator<Item = (&'static str, bool)> {
        TOLD.into_iter()
            .map(|kind| (kind, self.0.get(kind).is_some_and(|count| *count > 0)))
    }
}

/// The types of the plugins of these networks.
fn types(networks: impl Iterator<Item = NetworkRef>, cluster: &Cluster) -> BTreeSet<&str> {
    networks
        .filter_map(|network| cluster.networks.get(&network))
        .filter_map(|network: &Network| network.conf.as_ref().ok()?.as_ref())
        .flat_map(|delegate| delegate.conf.plugins())
        .map(|plugin| plugin.plugin_type().as_str())
        .collect()
}

#[cfg(test)]
mod tests {
    use spec::bridge::PodAnnotations;

    use super::*;
    use crate::fixture::{namespace, network};

    #[test]
    fn pods_by_type() {
        let mut cluster = Cluster::default();
        let system = namespace("kube-system");
        let counted = |cluster: &Cluster| Instances::count(cluster, &system);
        let none: Vec<(&'static str, bool)> = counted(&cluster).are_there().collect();
        assert_eq!(
            none,
            [("any", false), ("sriov", false), ("ib-sriov", false)]
        );
        for (name, config) in [
            ("default/s", r#"{"type":"sriov"}"#),
            (
                "default/b",
                r#"{"plugins":[{"type":"bridge"},{"type":"tuning"}]}"#,
            ),
            ("default/broken", "{}"),
            ("kube-system/d", r#"{"type":"sriov"}"#),
        ] {
            cluster.networks.insert(network(name, None, config));
        }
        for (pod, networks, default_network) in [
            ("p1", Some("s"), None),
            ("p2", Some("s,s,b"), None),
            ("p3", Some("broken,missing"), None),
            ("p4", None, Some("d")),
        ] {
            let annotations = PodAnnotations {
                networks: networks.map(str::to_owned),
                default_network: default_network.map(str::to_owned),
            };
            cluster
                .usage
                .insert(&namespace("default"), pod, &annotations);
        }
        let instances = counted(&cluster);
        let counts: Vec<(&str, u64)> = instances.counts().collect();
        assert_eq!(
            counts,
            [
                ("any", 3),
                ("bridge", 1),
                ("bridge,sriov,tuning", 1),
                ("ib-sriov", 0),
                ("sriov", 3),
                ("tuning", 1),
            ]
        );
        let there: Vec<(&'static str, bool)> = instances.are_there().collect();
        assert_eq!(there, [("any", true), ("sriov", true), ("ib-sriov", false)]);
    }
}
