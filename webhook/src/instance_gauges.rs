//! The gauges of net-attach-def-admission-controller, under its names, so that its dashboards and alerts go on.

use std::{fmt, sync::atomic::AtomicI64};

use admission::Instances;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode_registry},
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Networks {
    networks: String,
}

type Gauges = Family<Networks, Gauge<i64, AtomicI64>>;

/// Writes the two gauges. They are made for each scrape, as a type of which there is no pod any more has no gauge.
///
/// # Errors
/// Writing into memory failed.
pub fn encode(text: &mut String, instances: &Instances) -> fmt::Result {
    let set = |gauges: &Gauges, networks: &str, value: i64| {
        let networks = networks.to_owned();
        gauges.get_or_create(&Networks { networks }).set(value);
    };
    let (counts, are_there) = (Gauges::default(), Gauges::default());
    for (networks, count) in instances.counts() {
        set(&counts, networks, i64::try_from(count).unwrap_or(i64::MAX));
    }
    for (networks, is_there) in instances.are_there() {
        set(&are_there, networks, is_there.into());
    }
    let mut registry = Registry::default();
    registry.register(
        "network_attachment_definition_instances",
        "Pods that use networks, by the types of their plugins",
        counts,
    );
    registry.register(
        "network_attachment_definition_enabled_instance_up",
        "Whether any pod uses networks, by the types of their plugins",
        are_there,
    );
    encode_registry(text, &registry)
}

#[cfg(test)]
mod tests {
    use admission::{Cluster, Instances};
    use api::{network::Network, network_attachment_definition::NetworkAttachmentDefinition};
    use serde_json::json;
    use spec::{bridge::PodAnnotations, network::Namespace};

    use super::*;

    #[test]
    fn as_their_readers_know_them() {
        let namespace: Namespace = "default".parse().unwrap();
        let mut cluster = Cluster::default();
        let object: NetworkAttachmentDefinition = serde_json::from_value(json!({
            "metadata": {"name": "a", "namespace": "default"},
            "spec": {"config": r#"{"plugins":[{"type":"sriov"},{"type":"tuning"}]}"#},
        }))
        .unwrap();
        cluster
            .networks
            .insert(Network::parse(&object, "").unwrap());
        let annotations = PodAnnotations {
            networks: Some("a".to_owned()),
            default_network: None,
        };
        let text = |cluster: &Cluster| {
            let mut text = String::new();
            encode(&mut text, &Instances::count(cluster, &namespace)).unwrap();
            let mut lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
            lines.sort_unstable();
            lines.join("\n")
        };
        insta::assert_snapshot!(text(&cluster), @r#"
        network_attachment_definition_enabled_instance_up{networks="any"} 0
        network_attachment_definition_enabled_instance_up{networks="ib-sriov"} 0
        network_attachment_definition_enabled_instance_up{networks="sriov"} 0
        network_attachment_definition_instances{networks="any"} 0
        network_attachment_definition_instances{networks="ib-sriov"} 0
        network_attachment_definition_instances{networks="sriov"} 0
        "#);
        cluster.usage.insert(&namespace, "p", &annotations);
        insta::assert_snapshot!(text(&cluster), @r#"
        network_attachment_definition_enabled_instance_up{networks="any"} 1
        network_attachment_definition_enabled_instance_up{networks="ib-sriov"} 0
        network_attachment_definition_enabled_instance_up{networks="sriov"} 1
        network_attachment_definition_instances{networks="any"} 1
        network_attachment_definition_instances{networks="ib-sriov"} 0
        network_attachment_definition_instances{networks="sriov"} 1
        network_attachment_definition_instances{networks="sriov,tuning"} 1
        network_attachment_definition_instances{networks="tuning"} 1
        "#);
    }
}
