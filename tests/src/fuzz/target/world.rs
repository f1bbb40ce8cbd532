//! The clusters that inputs meet, and what their administrators decided.

mod kind;
mod strict;

use std::sync::LazyLock;

use admission::{Cluster, NetworkIndex, Policy};
use api::{objects, pod::Metadata};
use serde::Deserialize as _;
use spec::network::Namespace;

/// A cluster and its policy.
pub(super) struct World {
    pub(super) cluster: Cluster,
    pub(super) policy: Policy,
}

/// The first byte of an input that is meant for the strict world. No valid input begins with it.
const STRICT: u8 = b'!';

/// The world that an input chooses by its first byte, and the rest of the input.
pub(super) fn of(input: &[u8]) -> (&'static World, &[u8]) {
    match input {
        [STRICT, rest @ ..] => (&strict::WORLD, rest),
        _ => (&kind::WORLD, input),
    }
}

/// The namespace of what names none.
pub(super) static NAMESPACE: LazyLock<Namespace> =
    LazyLock::new(|| "default".parse().expect("it is a DNS label"));

/// The cluster that consists of these objects.
fn cluster(manifests: &str) -> Cluster {
    let objects = objects::parse(manifests, "the fuzz targets' objects").expect("it is YAML");
    let networks = objects::networks(&objects, "default").expect("their names are names");
    let mut cluster = Cluster::from(networks.into_iter().collect::<NetworkIndex>());
    cluster
        .devices
        .extend(&objects, "default")
        .expect("they fit their kinds");
    for object in objects.iter().filter(|object| object.kind == "Namespace") {
        let metadata = Metadata::deserialize(&object.value["metadata"]).expect("it has metadata");
        let name = metadata.name.parse().expect("it is a DNS label");
        cluster.namespaces.insert(name, metadata.labels);
    }
    cluster
}
