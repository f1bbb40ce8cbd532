//! A network as it is kept: the texts it was read from, parsed when a pod selects it for the first time.
//!
//! A cluster has thousands of networks and its pods select some of them. Parsed, with a map for each level of its
//! configuration, a network takes several times the memory of its texts.

use std::sync::OnceLock;

use api::network::Network;
use spec::network::NetworkRef;

/// A network without its name, which is the key it is kept by.
#[derive(Clone, Debug)]
pub(crate) struct PackedNetwork {
    annotations: Box<[(Box<str>, Box<str>)]>,
    config: Option<Box<str>>,
    resource_version: Box<str>,
    /// From the beginning for a network whose configuration is none: the fault does not tell the text it was found in.
    parsed: OnceLock<Box<Network>>,
}

impl PackedNetwork {
    /// The network; `reference` is its name.
    pub(crate) fn network(&self, reference: &NetworkRef) -> &Network {
        self.parsed.get_or_init(|| Box::new(self.parse(reference)))
    }

    /// The same, for good.
    pub(crate) fn unpack(mut self, reference: &NetworkRef) -> Network {
        let parsed = self.parsed.take();
        parsed.map_or_else(|| self.parse(reference), |network| *network)
    }

    fn parse(&self, reference: &NetworkRef) -> Network {
        let annotations = self.annotations.iter();
        let annotations = annotations.map(|(key, text)| (key.to_string(), text.to_string()));
        Network::from_parts(
            reference.clone(),
            annotations.collect(),
            self.config.as_deref(),
            self.resource_version.to_string(),
        )
    }
}

impl From<Network> for PackedNetwork {
    fn from(network: Network) -> Self {
        if network.conf.is_err() {
            return Self {
                annotations: Box::default(),
                config: None,
                resource_version: Box::default(),
                parsed: OnceLock::from(Box::new(network)),
            };
        }
        let annotations = network.annotations.into_iter();
        let config = network.conf.ok().flatten();
        Self {
            annotations: annotations
                .map(|(key, text)| (key.into_boxed_str(), text.into_boxed_str()))
                .collect(),
            config: config.map(|delegate| delegate.text.into_boxed_str()),
            resource_version: network.resource_version.into_boxed_str(),
            parsed: OnceLock::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unpacked_is_what_was_packed() {
        for (annotations, spec) in [
            ("{}", "{}"),
            (
                "{k8s.v1.cni.cncf.io/resourceName: a.com/b, polypod.dev/parallel: 'true', x: y}",
                r#"{config: '{"type": "sriov", "vlan": 5}'}"#,
            ),
            (
                "{k8s.v1.cni.cncf.io/resourceName: '', polypod.dev/parallel: 'yes'}",
                r#"{config: '{"name": "n", "plugins": [{"type": "a"}]}'}"#,
            ),
            ("{a: b}", "{config: '{'}"),
            ("{}", "{config: 5}"),
        ] {
            let text = format!(
                "{{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {{name: a, resourceVersion: '7', annotations: {annotations}}}, spec: {spec}}}"
            );
            let objects = api::objects::parse(&text, "f").unwrap();
            let Ok(networks) = api::objects::networks(&objects, "default") else {
                continue;
            };
            let network = networks.into_iter().next().unwrap();
            let wanted = format!("{network:?}");
            let reference = network.reference.clone();
            let packed = PackedNetwork::from(network);
            assert_eq!(format!("{:?}", packed.network(&reference)), wanted);
            assert_eq!(format!("{:?}", packed.clone().unpack(&reference)), wanted);
            let unseen = PackedNetwork::from(packed.unpack(&reference));
            assert_eq!(format!("{:?}", unseen.unpack(&reference)), wanted);
        }
    }
}
