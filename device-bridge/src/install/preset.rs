//! Where the distributions of Kubernetes keep what `install` touches.

use std::path::Path;

use clap::ValueEnum;

/// A distribution or runtime, by the paths it uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// containerd as kubeadm, kind and most installers set it up
    #[default]
    Containerd,
    /// CRI-O as its packages set it up
    Crio,
    /// k3s since October 2024
    K3s,
    /// RKE2
    Rke2,
    /// OpenShift 4
    Openshift,
    /// MicroK8s
    Microk8s,
    /// k0s
    K0s,
}

/// The paths of a [`Preset`], as the node has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paths {
    /// Where the runtime looks for plugins.
    pub cni_bin_dir: &'static str,
    /// Where the runtime looks for its configuration.
    pub cni_conf_dir: &'static str,
    /// Where the cluster network's own configuration is, which is another folder where Multus is part of the distribution.
    pub primary_conf_dir: &'static str,
    /// The kubelet's pod-resources socket.
    pub pod_resources_socket: &'static str,
}

const KUBELET: &str = "/var/lib/kubelet/pod-resources/kubelet.sock";

impl Preset {
    /// The paths, each with its source beside it.
    #[must_use]
    pub const fn paths(self) -> Paths {
        match self {
            // containerd, docs/cri/config.md: the defaults of bin_dir and conf_dir. RKE2 documentation, "Network options",
            // and the chart rke2-multus: RKE2 leaves these defaults alone.
            Self::Containerd | Self::Rke2 => Paths {
                cni_bin_dir: "/opt/cni/bin",
                cni_conf_dir: "/etc/cni/net.d",
                primary_conf_dir: "/etc/cni/net.d",
                pod_resources_socket: KUBELET,
            },
            // cri-o, docs/crio.conf.5.md: plugin_dirs and network_dir; Multus's manifest for CRI-O has the same folders.
            Self::Crio => Paths {
                cni_bin_dir: "/usr/libexec/cni",
                cni_conf_dir: "/etc/cni/net.d",
                primary_conf_dir: "/etc/cni/net.d",
                pod_resources_socket: KUBELET,
            },
            // docs.k3s.io, "Multus and IPAM plugins": before v1.28.15, v1.29.10, v1.30.6 and v1.31.2 the folder of plugins
            // was /var/lib/rancher/k3s/data/current/bin.
            Self::K3s => Paths {
                cni_bin_dir: "/var/lib/rancher/k3s/data/cni",
                cni_conf_dir: "/var/lib/rancher/k3s/agent/etc/cni/net.d",
                primary_conf_dir: "/var/lib/rancher/k3s/agent/etc/cni/net.d",
                pod_resources_socket: KUBELET,
            },
            // openshift/cluster-network-operator, bindata/network/multus/multus.yaml, and
            // openshift/machine-config-operator, cleanup-cni-conf.yaml: CRI-O reads /etc/kubernetes/cni/net.d, and the
            // cluster network writes to /run/multus/cni/net.d.
            Self::Openshift => Paths {
                cni_bin_dir: "/var/lib/cni/bin",
                cni_conf_dir: "/etc/kubernetes/cni/net.d",
                primary_conf_dir: "/run/multus/cni/net.d",
                pod_resources_socket: KUBELET,
            },
            // canonical/microk8s, the multus addon (SNAP_DATA is /var/snap/microk8s/current); the kubelet's folder is in
            // SNAP_COMMON.
            Self::Microk8s => Paths {
                cni_bin_dir: "/var/snap/microk8s/current/opt/cni/bin",
                cni_conf_dir: "/var/snap/microk8s/current/args/cni-network",
                primary_conf_dir: "/var/snap/microk8s/current/args/cni-network",
                pod_resources_socket: "/var/snap/microk8s/common/var/lib/kubelet/pod-resources/kubelet.sock",
            },
            // docs.k0sproject.io, "Networking (CNI)"; --kubelet-root-dir is /var/lib/k0s/kubelet.
            Self::K0s => Paths {
                cni_bin_dir: "/opt/cni/bin",
                cni_conf_dir: "/etc/cni/net.d",
                primary_conf_dir: "/etc/cni/net.d",
                pod_resources_socket: "/var/lib/k0s/kubelet/pod-resources/kubelet.sock",
            },
        }
    }

    /// Whether the runtime deletes a sandbox by the configuration that it was started with. CRI-O does, by libcni's cache
    /// (cri-o/ocicni `getNetwork` of a cached configuration).
    #[must_use]
    pub const fn deletes_by_cache(self) -> bool {
        matches!(self, Self::Crio | Self::Openshift)
    }

    /// The kubelet's socket.
    #[must_use]
    pub fn pod_resources_socket(self) -> &'static Path {
        Path::new(self.paths().pod_resources_socket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_absolute_and_plain() {
        for preset in Preset::value_variants() {
            let paths = preset.paths();
            for path in [
                paths.cni_bin_dir,
                paths.cni_conf_dir,
                paths.primary_conf_dir,
                paths.pod_resources_socket,
            ] {
                assert!(Path::new(path).is_absolute(), "{preset:?}: {path}");
                assert!(!path.ends_with('/'), "{preset:?}: {path}");
            }
        }
    }

    #[test]
    fn only_openshift_keeps_the_primary_elsewhere() {
        for preset in Preset::value_variants() {
            let paths = preset.paths();
            assert_eq!(
                paths.primary_conf_dir != paths.cni_conf_dir,
                *preset == Preset::Openshift,
                "{preset:?}"
            );
        }
    }
}
