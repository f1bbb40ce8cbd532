//! How many pods use networks of which kind: what net-attach-def-admission-controller counts.

use std::{cmp::Reverse, collections::BTreeMap};

use spec::network::Namespace;

use crate::{Cluster, plugin_types::PluginTypes};

/// The kinds that are counted from the start, and of which it is told whether there are any.
const TOLD: [&str; 3] = ["any", "sriov", "ib-sriov"];

/// How many combinations of types are counted by name, the most frequent ones.
const MOST_COMBINATIONS: usize = 50;

/// What pods with all others are counted as.
const SEVERAL: &str = "several";

/// The number of pods by the plugins of their networks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instances(BTreeMap<String, u64>);

impl Instances {
    /// Counts the pods that use networks of `cluster`. One is counted once for each type of plugin that its networks have,
    /// once for all its types together if they are several, and once under `any`. Networks that are not there, or whose
    /// configuration is in a file of the node, have no types. No network is parsed for it.
    #[must_use]
    pub fn count(cluster: &Cluster, system_namespace: &Namespace) -> Self {
        let mut pods: BTreeMap<PluginTypes, u64> = BTreeMap::new();
        for networks in cluster.usage.by_pod(system_namespace) {
            let types = networks.map(|network| cluster.networks.types(&network));
            let types = types.fold(PluginTypes::default(), PluginTypes::and);
            *pods.entry(types).or_default() += 1;
        }
        Self::of(&pods)
    }

    /// Counts pods of which so many have networks of these types.
    fn of(pods: &BTreeMap<PluginTypes, u64>) -> Self {
        let mut counts: BTreeMap<String, u64> =
            TOLD.map(|kind| (kind.to_owned(), 0)).into_iter().collect();
        let mut count = |kind: &str, pods: u64| match counts.get_mut(kind) {
            Some(count) => *count += pods,
            None => drop(counts.insert(kind.to_owned(), pods)),
        };
        let mut combinations = Vec::new();
        for (types, pods) in pods {
            let names: Vec<&str> = types.names().collect();
            names.iter().for_each(|name| count(name, *pods));
            if names.len() > 1 {
                combinations.push((Reverse(*pods), names.join(",")));
            }
            if !names.is_empty() {
                count("any", *pods);
            }
        }
        combinations.sort();
        for (index, (Reverse(pods), names)) in combinations.iter().enumerate() {
            let is_named = index < MOST_COMBINATIONS;
            count(if is_named { names } else { SEVERAL }, *pods);
        }
        Self(counts)
    }

    /// The pods by what their networks are: a known type or `other`, several of them sorted with commas, `several` for
    /// combinations beyond the most frequent ones, or `any`.
    pub fn counts(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(kind, count)| (kind.as_str(), *count))
    }

    /// Whether there are pods with networks of any kind, and of those that need hardware.
    pub fn are_there(&self) -> impl Iterator<Item = (&'static str, bool)> {
        TOLD.into_iter()
            .map(|kind| (kind, self.0.get(kind).is_some_and(|count| *count > 0)))
    }
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

    #[test]
    fn what_tenants_write_makes_no_names_without_end() {
        let mut cluster = Cluster::default();
        let types = [
            "bond", "bridge", "macvlan", "sriov", "tuning", "vlan", "vrf",
        ];
        for pod in 0..128_u32 {
            let own = format!("tenant-{pod}");
            let chosen = types.iter().enumerate();
            let chosen = chosen.filter(|(bit, _)| pod >> bit & 1 == 1);
            let chosen = chosen.map(|(_, name)| *name).chain([own.as_str()]);
            let plugins: Vec<String> = chosen
                .map(|name| format!(r#"{{"type":"{name}"}}"#))
                .collect();
            let config = format!(r#"{{"plugins":[{}]}}"#, plugins.join(","));
            let name = format!("n{pod}");
            let reference = format!("default/{name}");
            cluster.networks.insert(network(&reference, None, &config));
            let annotations = PodAnnotations {
                networks: Some(name.clone()),
                default_network: None,
            };
            let namespace = namespace("default");
            cluster.usage.insert(&namespace, &name, &annotations);
        }
        let instances = Instances::count(&cluster, &namespace("kube-system"));
        let counts: BTreeMap<&str, u64> = instances.counts().collect();
        assert_eq!(
            (counts["any"], counts["other"], counts["sriov"]),
            (128, 128, 64)
        );
        // All with more than `other` alone, less those that are counted by name.
        assert_eq!(counts["several"], 127 - 50);
        // Seven types, `any`, `ib-sriov`, `other` and `several`.
        assert_eq!(counts.len(), 50 + 7 + 4);
        assert!(!counts.keys().any(|kind| kind.contains("tenant")));
    }

    #[test]
    fn counting_parses_nothing() {
        let mut cluster = Cluster::default();
        for n in 0..1000 {
            let (name, reference) = (format!("n{n}"), format!("default/n{n}"));
            cluster
                .networks
                .insert(network(&reference, None, r#"{"type":"sriov"}"#));
            let annotations = PodAnnotations {
                networks: Some(name.clone()),
                default_network: None,
            };
            let namespace = namespace("default");
            cluster.usage.insert(&namespace, &name, &annotations);
        }
        let instances = Instances::count(&cluster, &namespace("kube-system"));
        assert!(instances.counts().any(|counted| counted == ("sriov", 1000)));
        assert!(!cluster.networks.is_to_be_packed());
    }
}
