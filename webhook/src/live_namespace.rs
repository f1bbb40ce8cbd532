//! The labels of a namespace read from the API server, for what the watch has not brought yet.
//!
//! A namespace and its first pods are often created by one command. Until its labels are known nobody can say which rules
//! are about it, so nothing is decided by them.

use std::time::Duration;

use admission::Denial;
use k8s_openapi::api::core::v1;
use kube::{Api, Client};
use spec::network::Namespace;
use tokio::time::timeout;

use crate::store::Store;

/// How long one read may take. API servers wait ten seconds for a webhook, or less.
const PATIENCE: Duration = Duration::from_secs(1);

/// A namespace could not be read.
#[derive(Debug, thiserror::Error)]
#[error("reading the labels of Namespace {namespace} from the API server: {problem}; try again")]
pub struct UnreadNamespace {
    namespace: Namespace,
    problem: String,
}

/// Reads the namespaces that `denial` leaves open, so that the next decision finds their labels in the store. Whether there
/// was any.
///
/// # Errors
/// One could not be read in time, or is not there.
pub async fn read(
    client: Option<&Client>,
    store: &Store,
    denial: &Denial,
) -> Result<bool, UnreadNamespace> {
    let mut any = false;
    for namespace in denial.unread_namespaces() {
        let labels = labels(client, namespace)
            .await
            .map_err(|problem| UnreadNamespace {
                namespace: namespace.clone(),
                problem,
            })?;
        store.namespace_read(namespace, labels);
        any = true;
    }
    Ok(any)
}

async fn labels(
    client: Option<&Client>,
    namespace: &Namespace,
) -> Result<admission::Labels, String> {
    let client = client.ok_or("there is no API server to ask")?;
    let api: Api<v1::Namespace> = Api::all(client.clone());
    let object = timeout(PATIENCE, api.get_metadata_opt(namespace.as_str()))
        .await
        .map_err(|_| format!("no answer within {PATIENCE:?}"))?
        .map_err(|error| error.to_string())?
        .ok_or("it is not there")?;
    Ok(object.metadata.labels.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use admission::{NetworkIndex, Policy};
    use api::objects;
    use axum::http::StatusCode;
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        configured::Configured,
        fake_api_server::FakeApiServer,
        fixture::{self, creation, post, response},
        server::Webhook,
        store::Part,
    };

    const NETWORKS: &str = "{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: a}, spec: {config: '{\"type\": \"macvlan\"}'}}";
    const GET: &str = "GET /api/v1/namespaces/default";

    /// A webhook whose watch has brought networks and no namespace.
    fn webhook(api: &FakeApiServer, policy: Value) -> Webhook {
        let objects = objects::parse(NETWORKS, "test").unwrap();
        let networks = objects::networks(&objects, "default").unwrap();
        let store = Store::awaiting([Part::Networks]);
        store.list(Part::Networks, |cluster| {
            cluster.networks = NetworkIndex::from_iter(networks);
        });
        let policy: Policy = serde_json::from_value(policy).unwrap();
        Webhook {
            configured: Arc::new(Configured::new(policy)),
            api_server: Some(api.client()),
            ..fixture::with(store)
        }
    }

    fn tenants() -> Value {
        json!({"selector": {"matchLabels": {"tier": "tenant"}}})
    }

    fn has_labels(api: &FakeApiServer, labels: &Value) {
        let object = json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": {"name": "default", "labels": labels}});
        api.answer(GET, 200, object);
    }

    #[tokio::test(start_paused = true)]
    async fn labels_that_decide_are_read_once() {
        let networks =
            json!({"access": {"allowedNetworks": [{"namespaces": tenants(), "networks": []}]}});
        let types = json!({"access": {"delegateTypes": [{"namespaces": tenants(), "types": []}]}});
        for policy in [networks, types] {
            for (labels, allowed) in [(json!({"tier": "tenant"}), false), (json!({}), true)] {
                let api = FakeApiServer::default();
                has_labels(&api, &labels);
                let webhook = webhook(&api, policy.clone());
                for hook in ["/mutate", "/validate"] {
                    let answer = response(&webhook, hook, &creation(Some("a"))).await;
                    assert_eq!(answer["allowed"], allowed, "{hook} {policy} {labels}");
                }
                assert_eq!(api.requests(), [GET]);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_relaxation_by_label_waits_for_the_labels_too() {
        let api = FakeApiServer::default();
        has_labels(&api, &json!({"tier": "tenant"}));
        let relaxed = json!({"modes": [{"namespaces": tenants(), "mode": "warn"}]});
        let webhook = webhook(&api, relaxed);
        let answer = response(&webhook, "/validate", &creation(Some("a"))).await;
        assert_eq!((answer["allowed"] == true, api.requests().len()), (true, 0));
        let answer = response(&webhook, "/validate", &creation(Some("missing"))).await;
        assert_eq!(answer["allowed"], true, "{answer}");
    }

    #[tokio::test(start_paused = true)]
    async fn without_labels_there_is_no_decision() {
        let policy =
            json!({"access": {"allowedNetworks": [{"namespaces": tenants(), "networks": []}]}});
        let hanging = FakeApiServer::default();
        hanging.hang();
        let gone = FakeApiServer::default();
        for (api, problem) in [(hanging, "no answer within"), (gone, "it is not there")] {
            let webhook = webhook(&api, policy.clone());
            for hook in ["/mutate", "/validate"] {
                let (status, text) = post(&webhook, hook, &creation(Some("a"))).await;
                assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
                assert!(text.contains(problem), "{text}");
            }
        }
    }
}
