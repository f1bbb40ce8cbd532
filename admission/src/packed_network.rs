//! A network as it is kept: the texts it was read from, parsed when a pod selects it.
//!
//! A cluster has thousands of networks and its pods select some of them. Parsed, with a map for each level of its
//! configuration, a network takes several times the memory of its texts.

use std::sync::OnceLock;

use api::network::Network;
use spec::network::NetworkRef;

use crate::plugin_types::PluginTypes;

/// A network without its name, which is the key it is kept by.
#[derive(Clone, Debug)]
pub(crate) struct PackedNetwork {
    annotations: Box<[(Box<str>, Box<str>)]>,
    config: Option<Box<str>>,
    resource_version: Box<str>,
    types: PluginTypes,
    /// From the beginning for a network whose configuration is none: the fault does not tell the text it was found in.
    parsed: OnceLock<Box<Network>>,
}

impl PackedNetwork {
    /// The network; `reference` is its name, and `parsed` is called if it was not parsed yet.
    pub(crate) fn network(&self, reference: &NetworkRef, parsed: impl FnOnce()) -> &Network {
        self.parsed.get_or_init(|| {
            parsed();
            Box::new(self.parse(reference))
        })
    }

    /// Forgets what was parsed and can be parsed again.
    pub(crate) fn pack(&mut self) {
        if self
            .parsed
            .get()
            .is_some_and(|network| network.conf.is_ok())
        {
            self.parsed.take();
        }
    }

    /// The types of its plugins, known without parsing it.
    pub(crate) const fn types(&self) -> PluginTypes {
        self.types
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
        let types = PluginTypes::of(&network);
        if network.conf.is_err() {
            return Self {
                annotations: Box::default(),
                config: None,
                resource_version: Box::default(),
                types,
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
            types,
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
            let mut packed = PackedNetwork::from(network);
            for _ in 0..2 {
                let network = packed.network(&reference, || ());
                assert_eq!(format!("{network:?}"), wanted);
                packed.pack();
            }
            assert_eq!(format!("{:?}", packed.clone().unpack(&reference)), wanted);
            let unseen = PackedNetwork::from(packed.unpack(&reference));
            assert_eq!(format!("{:?}", unseen.unpack(&reference)), wanted);
        }
    }
}
