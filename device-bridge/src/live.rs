//! Single objects read from the API server, for what a watch has not brought yet and for the one-shot process.

use std::time::Duration;

use api::{network::Network, network_attachment_definition::NetworkAttachmentDefinition};
use k8s_openapi::{api::core::v1::Pod, apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};
use kube::{
    Api, Client,
    core::{ApiResource, DeserializeGuard, DynamicObject, PartialObjectMeta, Status},
};
use spec::{
    bridge::{Failure, Legacy, PodRef},
    cni::code,
    network::{LegacyNetwork, NetworkRef},
};
use tokio::time::timeout;

use crate::{api_error, networks::LegacyObject, parsed, pod_facts::PodFacts};

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

    /// Whether this pod is ready, has a network namespace of its own with an address, and has been there for at least `span`.
    ///
    /// # Errors
    /// The API server cannot be asked or refuses.
    pub async fn runs_for(&self, pod: &PodRef, span: Duration) -> Result<bool, Failure> {
        let api: Api<Pod> = Api::namespaced(self.client.clone(), pod.namespace.as_str());
        let what = format!("read pod {pod} from the API server");
        let found = read(&what, api.get_opt(pod.name.as_str())).await?;
        Ok(found.is_some_and(|found| {
            let is_it = pod.uid.is_none() || found.metadata.uid == pod.uid;
            let is_ending = found.metadata.deletion_timestamp.is_some();
            let is_on_the_host = found.spec.and_then(|spec| spec.host_network) == Some(true);
            let status = found.status.unwrap_or_default();
            let is_old = status
                .start_time
                .is_some_and(|Time(start)| is_ago(start, span));
            let has_address = status.pod_ip.is_some_and(|address| !address.is_empty());
            let runs = status.phase.as_deref() == Some("Running");
            // After a reboot the API server goes on telling for a while what was true before.
            let is_ready = status
                .conditions
                .iter()
                .flatten()
                .any(|condition| condition.type_ == "Ready" && condition.status == "True");
            is_it && !is_on_the_host && !is_ending && runs && is_ready && has_address && is_old
        }))
    }

    /// The `Network` of an old release of Multus; `None` where there is none.
    ///
    /// # Errors
    /// The API server cannot be asked or refuses, or does not know the kind.
    pub async fn legacy_network(
        &self,
        legacy: Legacy,
        network: &NetworkRef,
    ) -> Result<Option<LegacyObject>, Failure> {
        let kind = ApiResource {
            group: legacy.group().to_owned(),
            version: "v1".to_owned(),
            api_version: format!("{}/v1", legacy.group()),
            kind: "Network".to_owned(),
            plural: "networks".to_owned(),
        };
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), network.namespace.as_str(), &kind);
        let what = format!(
            "read Network {network} of {} from the API server",
            kind.api_version
        );
        let name = network.name.as_str();
        let reading = async {
            match api.get(name).await {
                Ok(object) => Ok(Ok(Some(object))),
                Err(kube::Error::Api(status)) if is_of_unknown_kind(&status) => Ok(Err(Failure {
                    code: code::UNMET_REQUEST,
                    message: format!(
                        "cannot {what}: it does not know the kind; create the CustomResourceDefinition networks.{}",
                        kind.group
                    ),
                })),
                Err(kube::Error::Api(status)) if status.code == 404 => Ok(Ok(None)),
                Err(error) => Err(error),
            }
        };
        let found = read(&what, reading).await??;
        Ok(found.map(|object| LegacyNetwork::parse(legacy, &network.name, &object.data)))
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

fn is_ago(then: Timestamp, span: Duration) -> bool {
    let passed = Timestamp::now().duration_since(then).unsigned_abs();
    Timestamp::now() > then && passed >= span
}

/// A missing kind and a missing object are both "not found"; only for the latter the API server itself speaks.
fn is_of_unknown_kind(status: &Status) -> bool {
    status.code == 404 && status.reason != "NotFound"
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
