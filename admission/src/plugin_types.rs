//! The types of plugins that a network is made with, small enough to be kept beside each of ten thousand networks.

use api::network::Network;

/// What is told apart, sorted. Everybody who may write a network may write any type into it, and what is counted by type
/// must not grow with that.
const KNOWN: [&str; 40] = [
    "accelerated-bridge",
    "antrea",
    "aws-cni",
    "azure-vnet",
    "bandwidth",
    "bond",
    "bridge",
    "calico",
    "cilium-cni",
    "cnv-bridge",
    "cnv-tuning",
    "dummy",
    "firewall",
    "flannel",
    "host-device",
    "ib-sriov",
    "ipoib",
    "ipvlan",
    "kube-ovn",
    "loopback",
    "macvlan",
    "multus",
    "netkit",
    "ovn-k8s-cni-overlay",
    "ovs",
    "polypod",
    "portmap",
    "ptp",
    "rdma",
    "route-override",
    "sbr",
    "sriov",
    "tap",
    "tc-redirect-tap",
    "tuning",
    "userspace",
    "vhostuser",
    "vlan",
    "vrf",
    "vxlan",
];

/// All that are not known.
const OTHER: &str = "other";

/// A set of types: a bit for each that is known, and one for all others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PluginTypes(u64);

impl PluginTypes {
    /// Those of a network; none where its configuration is in a file of the node, or cannot be read.
    pub(crate) fn of(network: &Network) -> Self {
        let delegate = network.conf.as_ref().ok().and_then(Option::as_ref);
        let plugins = delegate
            .into_iter()
            .flat_map(|delegate| delegate.conf.plugins());
        plugins.fold(Self::default(), |types, plugin| {
            types.and(Self::named(plugin.plugin_type().as_str()))
        })
    }

    fn named(name: &str) -> Self {
        let index = KNOWN.binary_search(&name).unwrap_or(KNOWN.len());
        Self(1 << index)
    }

    /// These and those.
    pub(crate) const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Their names, sorted; `other` is the last.
    pub(crate) fn names(self) -> impl Iterator<Item = &'static str> {
        KNOWN
            .into_iter()
            .chain([OTHER])
            .enumerate()
            .filter(move |(index, _)| self.0 & (1 << index) != 0)
            .map(|(_, name)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::network;

    #[test]
    fn known_ones_are_found() {
        assert!(KNOWN.is_sorted(), "they are searched for");
        for name in KNOWN {
            assert_eq!(PluginTypes::named(name).names().collect::<Vec<_>>(), [name]);
        }
    }

    #[test]
    fn of_networks() {
        let names = |config: &str| -> Vec<&str> {
            let types = PluginTypes::of(&network("default/n", None, config));
            types.names().collect()
        };
        let chain = r#"{"plugins":[{"type":"x1"},{"type":"vlan"},{"type":"x2"},{"type":"bond"}]}"#;
        assert_eq!(names(chain), ["bond", "vlan", "other"]);
        assert!(names("{").is_empty());
    }
}
