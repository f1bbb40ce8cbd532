//! The kinds of objects that commands read.

/// A kind of objects, and what it means when the API server does not serve it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// The API group; empty for the core's.
    pub(crate) group: &'static str,
    /// The version that is read.
    pub(crate) version: &'static str,
    /// As it stands in `kind`.
    pub(crate) kind: &'static str,
    /// As it stands in paths and in rules of rights.
    pub(crate) plural: &'static str,
    /// What to do when the API server does not know it.
    pub(crate) if_missing: &'static str,
}

impl Kind {
    /// As it stands in `apiVersion`.
    pub(crate) fn api_version(&self) -> String {
        match self.group {
            "" => self.version.to_owned(),
            group => format!("{group}/{}", self.version),
        }
    }

    /// Who has the right to read it, for those who have not.
    pub(super) fn granted_by(&self) -> &'static str {
        if VIEWED.contains(self) {
            "the ClusterRole polypod-viewer has it: kubectl create clusterrolebinding NAME --clusterrole=polypod-viewer --user=YOU"
        } else {
            "docs/kubectl-doctor.md says which role has it"
        }
    }

    /// Whether its objects are in namespaces.
    pub(super) fn is_namespaced(&self) -> bool {
        let of_the_cluster = [
            NODES,
            NODE_INVENTORIES,
            NODE_RESOURCE_TOPOLOGIES,
            RESOURCE_SLICES,
        ];
        !of_the_cluster.contains(self)
    }

    /// As kubectl takes it on its command line: `pods`, `nodeinventories.polypod.dev`.
    pub(crate) fn resource(&self) -> String {
        match self.group {
            "" => self.plural.to_owned(),
            group => format!("{}.{group}", self.plural),
        }
    }

    /// The path of its objects.
    pub(super) fn path(&self, namespace: Option<&str>) -> String {
        let root = if self.group.is_empty() { "api" } else { "apis" };
        let namespace = namespace.map(|name| format!("/namespaces/{name}"));
        let namespace = namespace.unwrap_or_default();
        format!("/{root}/{}{namespace}/{}", self.api_version(), self.plural)
    }
}

/// What the ClusterRole `polypod-viewer` of `manifests/base/viewers` may get, list and watch.
const VIEWED: [Kind; 10] = [
    PODS,
    NODES,
    EVENTS,
    DEPLOYMENTS,
    DAEMON_SETS,
    NETWORKS,
    NODE_INVENTORIES,
    NODE_RESOURCE_TOPOLOGIES,
    RESOURCE_CLAIMS,
    RESOURCE_SLICES,
];

/// What every API server serves.
const ALWAYS_SERVED: &str = "name an API server of Kubernetes with --context or --kubeconfig";

const fn built_in(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
) -> Kind {
    Kind {
        group,
        version,
        kind,
        plural,
        if_missing: ALWAYS_SERVED,
    }
}

pub(crate) const PODS: Kind = built_in("", "v1", "Pod", "pods");
pub(crate) const NODES: Kind = built_in("", "v1", "Node", "nodes");
pub(crate) const EVENTS: Kind = built_in("", "v1", "Event", "events");
pub(crate) const DEPLOYMENTS: Kind = built_in("apps", "v1", "Deployment", "deployments");
pub(crate) const DAEMON_SETS: Kind = built_in("apps", "v1", "DaemonSet", "daemonsets");

/// `NetworkAttachmentDefinition`s.
pub(crate) const NETWORKS: Kind = Kind {
    group: "k8s.cni.cncf.io",
    version: "v1",
    kind: "NetworkAttachmentDefinition",
    plural: "network-attachment-definitions",
    if_missing: "install its CRD, which is in manifests/base: kubectl apply --server-side -f install.yaml",
};

/// `NodeInventory`s.
pub(crate) const NODE_INVENTORIES: Kind = Kind {
    group: "polypod.dev",
    version: "v1alpha1",
    kind: "NodeInventory",
    plural: "nodeinventories",
    if_missing: "install its CRD, which is in manifests/base: kubectl apply --server-side -f install.yaml",
};

/// `NodeResourceTopology`s, which nobody has to have.
pub(crate) const NODE_RESOURCE_TOPOLOGIES: Kind = Kind {
    group: "topology.node.k8s.io",
    version: "v1alpha2",
    kind: "NodeResourceTopology",
    plural: "noderesourcetopologies",
    if_missing: "nothing, where NodeInventories are published; else install the CRD of NodeResourceTopology",
};

/// `ResourceClaim`s: devices of DRA drivers for pods.
pub(crate) const RESOURCE_CLAIMS: Kind = Kind {
    group: "resource.k8s.io",
    version: "v1",
    kind: "ResourceClaim",
    plural: "resourceclaims",
    if_missing: SERVES_CLAIMS,
};

/// `ResourceSlice`s: what DRA drivers say of their devices.
pub(crate) const RESOURCE_SLICES: Kind = Kind {
    group: "resource.k8s.io",
    version: "v1",
    kind: "ResourceSlice",
    plural: "resourceslices",
    if_missing: SERVES_CLAIMS,
};

/// Who serves the kinds of dynamic resource allocation.
const SERVES_CLAIMS: &str = "upgrade to Kubernetes 1.34 or later, which serves them";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use api::objects;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_role_of_the_manifests_may_read_what_commands_read() {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../manifests/base/viewers/cluster-role.yaml"
        );
        let text = std::fs::read_to_string(file).unwrap();
        let roles = objects::parse(&text, file).unwrap();
        let viewer = roles
            .iter()
            .find(|role| role.value["metadata"]["name"] == "polypod-viewer");
        let mut granted = BTreeSet::new();
        for rule in viewer.unwrap().value["rules"].as_array().unwrap() {
            assert_eq!(rule["verbs"], json!(["get", "list", "watch"]), "{rule}");
            let words = |key: &str| rule[key].as_array().unwrap().iter().map(text_of);
            for group in words("apiGroups") {
                granted.extend(words("resources").map(|plural| (group.clone(), plural)));
            }
        }
        let wanted = VIEWED
            .iter()
            .map(|kind| (kind.group.to_owned(), kind.plural.to_owned()));
        assert_eq!(granted, wanted.collect());
        assert!(PODS.granted_by().contains("polypod-viewer"));
        let other = built_in("", "v1", "Secret", "secrets");
        assert!(other.granted_by().contains("kubectl-doctor.md"));
    }

    fn text_of(value: &Value) -> String {
        value.as_str().unwrap().to_owned()
    }
}
