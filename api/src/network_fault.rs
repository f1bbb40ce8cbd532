//! Why a network that exists cannot be attached to as a pod selects it.

use spec::{
    NameError,
    cni::ConfError,
    device::ResourceName,
    network::{Demands, NetworkRef, RESOURCE_NAME, Selection, Unmet},
};

use crate::network::{DelegateConf, Network};

/// A fault of a network, or of a selection that it does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkFault {
    /// Its configuration is none that a plugin could be given.
    #[error(
        "NetworkAttachmentDefinition {network} cannot be attached to, as {problem}; correct its spec.config"
    )]
    Conf {
        /// The network.
        network: NetworkRef,
        /// What is wrong with it.
        problem: Box<ConfError>,
    },
    /// It asks for a resource that cannot be.
    #[error(
        "NetworkAttachmentDefinition {network} asks for a device that no container can request: {problem}; correct its annotation {RESOURCE_NAME}"
    )]
    Resource {
        /// The network.
        network: NetworkRef,
        /// What is wrong with it.
        problem: NameError,
    },
    /// The selection asks for what it cannot give.
    #[error("NetworkAttachmentDefinition {network} cannot be attached to in this way: {problem}")]
    Unmet {
        /// The network.
        network: NetworkRef,
        /// What is not met.
        problem: Box<Unmet>,
    },
}

/// A network that fits a selection: its delegate, unless that is in a file of the node, and the resource whose device an
/// attachment needs.
#[derive(Clone, Copy, Debug)]
pub struct Attachable<'a> {
    /// The delegate's configuration.
    pub delegate: Option<&'a DelegateConf>,
    /// The resource.
    pub resource: Option<&'a ResourceName>,
}

impl Network {
    /// Checks that this network can be attached as `selection` asks.
    ///
    /// A configuration in a file of the node cannot be looked into from here: the plugin does so.
    ///
    /// # Errors
    /// A fault of the network, or a demand it does not meet.
    pub fn attachable(&self, selection: &Selection) -> Result<Attachable<'_>, NetworkFault> {
        let network = || self.reference.clone();
        let delegate = self.conf.as_ref().map_err(|problem| NetworkFault::Conf {
            network: network(),
            problem: Box::new(problem.clone()),
        })?;
        let resource = self
            .resource
            .as_ref()
            .map_err(|problem| NetworkFault::Resource {
                network: network(),
                problem: problem.clone(),
            })?;
        let demands = Demands {
            runtime_config: &selection.runtime_config(),
            cni_args: selection.cni_args.is_some(),
        };
        let met = match delegate {
            Some(delegate) => demands.check(&delegate.conf),
            None => Ok(()),
        };
        met.map_err(|problem| NetworkFault::Unmet {
            network: network(),
            problem: Box::new(problem),
        })?;
        Ok(Attachable {
            delegate: delegate.as_ref(),
            resource: resource.as_ref(),
        })
    }
}
