//! Single objects read from the API server, for what a watch has not brought yet and for the one-shot process.

use std::time::Duration;

use api::{network::Network, network_attachment_definition::NetworkAttachmentDefinition};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client,
    core::{DeserializeGuard, PartialObjectMeta},
};
use spec::{
    bridge::{Failure, PodRef},
    cni::code,
    network::NetworkRef,
};
use tokio::time::timeout;

use crate::{api_error, parsed, pod_facts::PodFacts};

/// How long one object is waited for: several fit into a request's deadline.
const READ: Duration = Duration::from_secs(8);

/// Reads single objects.
#[derive(Clone)]
pub struct Live {
    client: Client,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}

impl Live {
    /// Reads by `client`.
    #[must_use]
    pub const fn new(client: Client) -> Self {
        Self { client }
    }

    /// The pod of this namespace and name, whatever its UID; `None` where there is none.
    ///
    /// # Errors
    /// The API server cannot be asked or refuses.
    pub async fn pod(&self, pod: &PodRef) -> Result<Option<PodFacts>, Failure> {
        let api: Api<PartialObjectMeta<Pod>> =
            Api::namespaced(self.client.clone(), pod.namespace.as_str());
        let what = format!("read pod {pod} from the API server");
        let found = read(&what, api.get_opt(pod.name.as_str())).await?;
        Ok(found.and_then(|object| parsed::pod(&object)))
    }

    /// The network of this namespace and name; `None` where there is none.
    ///
    /// # Errors
    /// The API server cannot be asked or refuses.
    pub async fn network(&self, network: &NetworkRef) -> Result<Option<Network>, Failure> {
        let api: Api<DeserializeGuard<NetworkAttachmentDefinition>> =
            Api::namespaced(self.client.clone(), network.namespace.as_str());
        let what = format!("read NetworkAttachmentDefinition {network} from the API server");
        let found = read(&what, api.get_opt(network.name.as_str())).await?;
        Ok(found.and_then(|object| parsed::network(&object)))
    }
}

async fn read<T>(
    what: &str,
    reading: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, Failure> {
    match timeout(READ, reading).await {
        Ok(result) => result.map_err(|error| api_error::failure(what, &error)),
        Err(_) => Err(Failure {
            code: code::TRY_AGAIN_LATER,
            message: format!(
                "cannot {what}: it did not answer within {} seconds; check that it can be reached from this node",
                READ.as_secs()
            ),
        }),
    }
}
