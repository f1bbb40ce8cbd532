//! What nobody counts but everybody can ask for: how things stand when metrics are read.

use admission::Instances;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};

use crate::{configured::Standing, store::Kept};

/// How things stand.
#[derive(Clone, Debug)]
pub struct Known {
    /// What is known of the cluster.
    pub parts: Vec<Kept>,
    /// Time until the certificate that is served expires, in seconds.
    pub leaf_expiry: i64,
    /// How the configuration stands.
    pub configuration: Standing,
    /// How many pods use networks of which kind.
    pub instances: Instances,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Source {
    source: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Hash {
    hash: String,
}

#[derive(Debug)]
pub(super) struct Gauges {
    networks: Gauge,
    leaf_expiry: Gauge,
    objects: Family<Kind, Gauge>,
    synced: Family<Kind, Gauge>,
    last_event: Family<Kind, Gauge>,
    valid: Family<Source, Gauge>,
    changed: Gauge,
    hash: Family<Hash, Gauge>,
}

impl Gauges {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let gauges = Self {
            networks: Gauge::default(),
            leaf_expiry: Gauge::default(),
            objects: Family::default(),
            synced: Family::default(),
            last_event: Family::default(),
            valid: Family::default(),
            changed: Gauge::default(),
            hash: Family::default(),
        };
        registry.register(
            "networks",
            "NetworkAttachmentDefinitions that are known",
            gauges.networks.clone(),
        );
        registry.register(
            "tls_leaf_expiry_seconds",
            "Time until the certificate that is served expires",
            gauges.leaf_expiry.clone(),
        );
        registry.register(
            "store_objects",
            "Objects that are known, by kind",
            gauges.objects.clone(),
        );
        registry.register(
            "store_synced",
            "1 where the kind has been listed once",
            gauges.synced.clone(),
        );
        registry.register(
            "store_last_event_age_seconds",
            "Time since the watch of the kind brought something last",
            gauges.last_event.clone(),
        );
        registry.register(
            "configuration_valid",
            "1 where what was read last is in force, 0 where the last good one stays",
            gauges.valid.clone(),
        );
        registry.register(
            "configuration_last_change_timestamp_seconds",
            "When the policy in force changed last, since 1970",
            gauges.changed.clone(),
        );
        registry.register(
            "configuration",
            "1, for the hash of the policy in force",
            gauges.hash.clone(),
        );
        gauges
    }

    pub(super) fn set(&self, known: &Known) {
        self.leaf_expiry.set(known.leaf_expiry);
        for part in &known.parts {
            let kind = || Kind {
                kind: part.part.as_str(),
            };
            let objects = i64::try_from(part.objects).unwrap_or(i64::MAX);
            if part.part == crate::store::Part::Networks {
                self.networks.set(objects);
            }
            self.objects.get_or_create(&kind()).set(objects);
            self.synced.get_or_create(&kind()).set(part.is_known.into());
            if let Some(age) = part.last_event_age {
                let age = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
                self.last_event.get_or_create(&kind()).set(age);
            }
        }
        let configuration = &known.configuration;
        for (origin, fault) in &configuration.faults {
            let source = origin.as_str();
            self.valid
                .get_or_create(&Source { source })
                .set(fault.is_none().into());
        }
        self.changed.set(configuration.changed.unix_timestamp());
        self.hash.clear();
        let hash = configuration.hash.clone();
        self.hash.get_or_create(&Hash { hash }).set(1);
    }
}
