//! Whether a pod selects networks at all, read from its annotations alone.
//!
//! Where it does not, that is the whole decision: it takes a third of the time of reading the pod, and holds while the
//! networks are not known yet.

use serde::{Deserialize, de::IgnoredAny};

#[derive(Deserialize)]
struct Annotated {
    #[serde(default)]
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    annotations: Option<Annotations>,
}

#[derive(Deserialize)]
struct Annotations {
    #[serde(default, rename = "k8s.v1.cni.cncf.io/networks")]
    networks: Option<IgnoredAny>,
    #[serde(default, rename = "v1.multus-cni.io/default-network")]
    default_network: Option<IgnoredAny>,
}

/// Whether the pod has one of the two annotations. An object that cannot be read may have them.
pub(crate) fn networks(pod: &str) -> bool {
    let Ok(pod) = serde_json::from_str::<Annotated>(pod) else {
        return true;
    };
    let annotations = pod.metadata.and_then(|metadata| metadata.annotations);
    annotations.is_some_and(|all| all.networks.is_some() || all.default_network.is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use spec::network::{DEFAULT_NETWORK, NETWORKS};

    use super::*;

    #[test]
    fn the_keys_are_the_specifications() {
        for (pod, wanted) in [
            (json!({}), false),
            (json!({"metadata": null}), false),
            (json!({"metadata": {"annotations": null}}), false),
            (json!({"metadata": {"annotations": {"a": "b"}}}), false),
            (json!({"metadata": {"annotations": {NETWORKS: ""}}}), true),
            (
                json!({"metadata": {"annotations": {DEFAULT_NETWORK: "a"}}}),
                true,
            ),
            (json!({"metadata": 5}), true),
        ] {
            assert_eq!(networks(&pod.to_string()), wanted, "{pod}");
        }
    }
}
