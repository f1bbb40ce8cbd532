//! What one decision looks at: what is kept of the cluster, and beside it what was read for this decision alone.

use api::network::Network;
use spec::network::NetworkRef;

use crate::{
    Cluster, NetworkIndex, Permissions,
    device_claim::{ClaimIndex, Claimed, TemplateIndex},
    permissions::{UseAnswer, UseQuestion},
};

/// What was read for one decision, because what is kept did not have it yet.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Networks.
    pub networks: NetworkIndex,
    /// ResourceClaims.
    pub claims: ClaimIndex,
    /// ResourceClaimTemplates.
    pub templates: TemplateIndex,
    /// Who may use which network; the decision holds to them however short they are kept elsewhere.
    pub permissions: Permissions,
}

/// The cluster as a decision sees it.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    cluster: &'a Cluster,
    found: Option<&'a Found>,
}

impl<'a> From<&'a Cluster> for View<'a> {
    fn from(cluster: &'a Cluster) -> Self {
        Self {
            cluster,
            found: None,
        }
    }
}

impl<'a> View<'a> {
    /// What is kept, with what was found laid over it.
    #[must_use]
    pub const fn with(cluster: &'a Cluster, found: &'a Found) -> Self {
        Self {
            cluster,
            found: Some(found),
        }
    }

    /// What is kept.
    #[must_use]
    pub const fn cluster(self) -> &'a Cluster {
        self.cluster
    }

    /// The network of this namespace and name.
    pub(crate) fn network(self, network: &NetworkRef) -> Option<&'a Network> {
        let found = self.found.and_then(|found| found.networks.get(network));
        found.or_else(|| self.cluster.networks.get(network))
    }

    /// What a ResourceClaim asks for.
    pub(crate) fn claim(self, namespace: &str, name: &str) -> Option<&'a Claimed> {
        let found = self
            .found
            .and_then(|found| found.claims.get(namespace, name));
        found.or_else(|| self.cluster.devices.claims.get(namespace, name))
    }

    /// What the claims ask for that are made from a ResourceClaimTemplate.
    pub(crate) fn template(self, namespace: &str, name: &str) -> Option<&'a Claimed> {
        let found = self
            .found
            .and_then(|found| found.templates.get(namespace, name));
        found.or_else(|| self.cluster.devices.templates.get(namespace, name))
    }

    /// Whether the API server can be asked who may use a network.
    pub(crate) const fn can_be_asked(self) -> bool {
        self.cluster.permissions.can_be_asked()
    }

    /// What is known of a permission.
    pub(crate) fn answer(self, question: &UseQuestion) -> Option<UseAnswer> {
        let found = self
            .found
            .and_then(|found| found.permissions.answer(question));
        found.or_else(|| self.cluster.permissions.answer(question))
    }
}
