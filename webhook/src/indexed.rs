//! What becomes of the watched objects: which part of the store each kind fills, and how.

use admission::{Cluster, NamespaceIndex, NetworkIndex, UsageIndex};
use api::{network::Network, network_attachment_definition::NetworkAttachmentDefinition};
use k8s_openapi::api::core::v1;
use kube::core::{DeserializeGuard, PartialObjectMeta};
use spec::{
    bridge::PodAnnotations,
    network::{DEFAULT_NETWORK, NETWORKS, Namespace},
};
use tracing::warn;

use crate::store::Part;

/// A part of the store, filled from the objects of one kind.
pub trait Indexed: Default + Send + 'static {
    /// An object as the watch brings it.
    type Object: Send;

    /// Which part of the store it is.
    const PART: Part;

    /// Where it is.
    fn of(cluster: &mut Cluster) -> &mut Self;

    /// Adds or replaces an object. One that cannot be read is told of and passed over.
    fn apply(&mut self, object: &Self::Object);

    /// Removes an object.
    fn delete(&mut self, object: &Self::Object);
}

/// A NetworkAttachmentDefinition of the watch, readable or not.
pub type WatchedNetwork = DeserializeGuard<NetworkAttachmentDefinition>;

impl Indexed for NetworkIndex {
    type Object = WatchedNetwork;

    const PART: Part = Part::Networks;

    fn of(cluster: &mut Cluster) -> &mut Self {
        &mut cluster.networks
    }

    fn apply(&mut self, object: &WatchedNetwork) {
        if let Some(network) = network(object) {
            self.insert(network);
        }
    }

    fn delete(&mut self, object: &WatchedNetwork) {
        if let Some(network) = network(object) {
            self.remove(&network.reference);
        }
    }
}

/// The network. Only an object whose metadata is none cannot be read at all.
fn network(watched: &WatchedNetwork) -> Option<Network> {
    let network = match &watched.0 {
        Ok(object) => Network::parse(object, "").map_err(|error| error.to_string()),
        Err(invalid) => Err(invalid.error.clone()),
    };
    network
        .inspect_err(|error| warn!(%error, "A network is passed over"))
        .ok()
}

/// A namespace's metadata, which is all that is read of it.
pub type WatchedNamespace = PartialObjectMeta<v1::Namespace>;

impl Indexed for NamespaceIndex {
    type Object = WatchedNamespace;

    const PART: Part = Part::Namespaces;

    fn of(cluster: &mut Cluster) -> &mut Self {
        &mut cluster.namespaces
    }

    fn apply(&mut self, object: &Self::Object) {
        if let Some(namespace) = namespace(object) {
            let is_going = object.metadata.deletion_timestamp.is_some();
            self.set_terminating(&namespace, is_going);
            self.insert(
                namespace,
                object.metadata.labels.clone().unwrap_or_default(),
            );
        }
    }

    fn delete(&mut self, object: &Self::Object) {
        if let Some(namespace) = namespace(object) {
            self.remove(&namespace);
        }
    }
}

fn namespace(object: &WatchedNamespace) -> Option<Namespace> {
    object.metadata.name.as_deref()?.parse().ok()
}

/// A pod's metadata, which is all that is read of it. That it has not ended is what the watch asks for.
pub type WatchedPod = PartialObjectMeta<v1::Pod>;

impl Indexed for UsageIndex {
    type Object = WatchedPod;

    const PART: Part = Part::Pods;

    fn of(cluster: &mut Cluster) -> &mut Self {
        &mut cluster.usage
    }

    fn apply(&mut self, object: &Self::Object) {
        let metadata = &object.metadata;
        let Some((namespace, name)) = pod(object) else {
            return;
        };
        // A pod that is going needs its networks' records alone.
        if metadata.deletion_timestamp.is_some() {
            self.remove(&namespace, name);
            return;
        }
        let annotation = |key: &str| metadata.annotations.as_ref()?.get(key).cloned();
        let annotations = PodAnnotations {
            networks: annotation(NETWORKS),
            default_network: annotation(DEFAULT_NETWORK),
        };
        self.insert(&namespace, name, &annotations);
    }

    fn delete(&mut self, object: &Self::Object) {
        if let Some((namespace, name)) = pod(object) {
            self.remove(&namespace, name);
        }
    }
}

fn pod(object: &WatchedPod) -> Option<(Namespace, &str)> {
    let namespace = object.metadata.namespace.as_deref()?.parse().ok()?;
    Some((namespace, object.metadata.name.as_deref()?))
}
