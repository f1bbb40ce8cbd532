//! Objects read from the API server one by one, for what the watches have not brought yet.
//!
//! A network, a claim and the pod that names them are often created by one `kubectl apply`; a watch may be a moment behind,
//! or be broken for minutes. Something is taken for missing only when the API server itself says that it is missing.

use std::{fmt::Debug, future::Future, pin::Pin};

use admission::{Found, Unknown};
use api::{network::Network, network_attachment_definition::NetworkAttachmentDefinition};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::{
    NamespaceResourceScope,
    api::resource::v1::{ResourceClaim, ResourceClaimTemplate},
};
use kube::{Api, Client};
use serde::de::DeserializeOwned;
use spec::network::Namespace;
use tokio::time::{Instant, timeout_at};
use tracing::warn;

use crate::deliberate::PATIENCE;

/// How many objects of one review are read at a time.
const TOGETHER: usize = 8;

/// An object could not be read.
#[derive(Debug, thiserror::Error)]
#[error("reading {kind} {namespace}/{name} from the API server: {problem}; try again")]
pub struct Unread {
    kind: &'static str,
    namespace: Namespace,
    name: String,
    problem: String,
}

/// An object that was looked for.
enum Object {
    Network(Box<Network>),
    Claim(Box<ResourceClaim>),
    Template(Box<ResourceClaimTemplate>),
}

type Reading<'a> = Pin<Box<dyn Future<Output = Result<Option<Object>, Unread>> + Send + 'a>>;

/// Adds those of `unknown` that the API server has to `found`, and says whether there were any.
///
/// # Errors
/// One of them could not be read until then.
pub async fn read(
    client: &Client,
    unknown: &Unknown,
    until: Instant,
    found: &mut Found,
) -> Result<bool, Unread> {
    let networks = unknown.networks.iter().map(|network| -> Reading<'_> {
        let object = one(client, &network.namespace, network.name.as_str(), until);
        Box::pin(async move {
            let object: Option<NetworkAttachmentDefinition> = object.await?;
            // One whose name is none cannot have been selected by it.
            let network = object.and_then(|object| Network::parse(&object, "").ok());
            Ok(network.map(|network| Object::Network(Box::new(network))))
        })
    });
    let claims = unknown
        .claims
        .iter()
        .map(|(namespace, name)| -> Reading<'_> {
            let object = one(client, namespace, name.as_str(), until);
            Box::pin(async move { Ok(object.await?.map(|claim| Object::Claim(Box::new(claim)))) })
        });
    let templates = unknown
        .templates
        .iter()
        .map(|(namespace, name)| -> Reading<'_> {
            let object = one(client, namespace, name.as_str(), until);
            Box::pin(async move {
                let template = object.await?;
                Ok(template.map(|template| Object::Template(Box::new(template))))
            })
        });
    let readings: Vec<Reading<'_>> = networks.chain(claims).chain(templates).collect();
    let objects: Vec<Option<Object>> = stream::iter(readings)
        .buffer_unordered(TOGETHER)
        .try_collect()
        .await?;
    let mut is_any = false;
    for object in objects.into_iter().flatten() {
        is_any = true;
        match object {
            Object::Network(network) => drop(found.networks.insert(*network)),
            Object::Claim(claim) => found.claims.insert(&claim),
            Object::Template(template) => found.templates.insert(&template),
        }
    }
    Ok(is_any)
}

/// The object, if it is there; neither is one of a kind that the API server does not have.
async fn one<K>(
    client: &Client,
    namespace: &Namespace,
    name: &str,
    until: Instant,
) -> Result<Option<K>, Unread>
where
    K: k8s_openapi::Resource
        + kube::Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned,
{
    let api: Api<K> = Api::namespaced(client.clone(), namespace.as_str());
    let problem = match timeout_at(until, api.get(name)).await {
        Ok(Ok(object)) => return Ok(Some(object)),
        Ok(Err(kube::Error::Api(status))) if status.code == 404 => return Ok(None),
        // Who may not ask goes by what the watch has brought; trying again would help nobody.
        Ok(Err(kube::Error::Api(status))) if status.code == 403 => {
            warn!(
                kind = K::KIND,
                "The webhook may not read a single object, which the watch may not have brought yet; grant get"
            );
            return Ok(None);
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {PATIENCE:?}"),
    };
    Err(Unread {
        kind: K::KIND,
        namespace: namespace.clone(),
        name: name.to_owned(),
        problem,
    })
}
