//! Networks read from the API server one by one, for what the watch has not brought yet.
//!
//! A network and the pod that selects it are often created by one `kubectl apply`; the watch may be a moment behind, or be
//! broken for minutes. A pod is denied for a missing network only when the API server itself says that it is missing.

use std::time::Duration;

use admission::{Denial, Fault};
use api::{network::Network, network_attachment_definition::NetworkAttachmentDefinition};
use kube::{Api, Client};
use spec::network::NetworkRef;
use tokio::time::timeout;

/// How long the reads of one review may take together. API servers wait ten seconds for a webhook, or less.
const PATIENCE: Duration = Duration::from_secs(1);

/// A network could not be read.
#[derive(Debug, thiserror::Error)]
#[error("reading NetworkAttachmentDefinition {network} from the API server: {problem}; try again")]
pub struct Unread {
    network: NetworkRef,
    problem: String,
}

/// The networks that a denial misses.
#[must_use]
pub fn missing(denial: &Denial) -> Vec<NetworkRef> {
    let missing = denial.faults().iter().filter_map(|fault| match fault {
        Fault::NotFound { network, .. } => Some(network.clone()),
        _ => None,
    });
    missing.collect()
}

/// Those of `networks` that the API server has.
///
/// # Errors
/// One of them could not be read in time.
pub async fn read(client: &Client, networks: &[NetworkRef]) -> Result<Vec<Network>, Unread> {
    let mut found = Vec::new();
    let until = tokio::time::Instant::now() + PATIENCE;
    for network in networks {
        let unread = |problem: String| Unread {
            network: network.clone(),
            problem,
        };
        let api: Api<NetworkAttachmentDefinition> =
            Api::namespaced(client.clone(), network.namespace.as_str());
        let left = until.saturating_duration_since(tokio::time::Instant::now());
        let object = timeout(left, api.get_opt(network.name.as_str()))
            .await
            .map_err(|_| unread(format!("no answer within {PATIENCE:?}")))?
            .map_err(|error| unread(error.to_string()))?;
        // One whose name is none cannot have been selected by it.
        found.extend(object.and_then(|object| Network::parse(&object, "").ok()));
    }
    Ok(found)
}
