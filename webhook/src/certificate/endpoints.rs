//! Asks every endpoint for its certificate, as a client that trusts one CA alone.
//!
//! Where API servers call is in the webhook configurations: a URL, or a Service, whose ready endpoints its EndpointSlices
//! name. An endpoint that cannot be reached has not shown that it serves the new certificate.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use certs::ca_bundle::CaBundle;
use futures::future::try_join_all;
use k8s_openapi::api::{core::v1::Service, discovery::v1::EndpointSlice};
use kube::{Api, Client, api::ListParams};
use rustls::{ClientConfig, pki_types::ServerName};
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;
use tracing::warn;

use super::configurations::{ConfigurationError, Configurations};

/// How long one endpoint may take to prove itself.
const PATIENCE: Duration = Duration::from_secs(3);

/// An endpoint that has not proved itself, or that could not be found.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// No configurations.
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    /// The client cannot be made.
    #[error(transparent)]
    Certificate(#[from] certs::error::Error),
    /// A Service whose endpoints are not known, though they may be looked at.
    #[error("reading the endpoints of Service {service}: {source}")]
    Unknown {
        /// Namespace and name.
        service: String,
        /// What the API server said.
        source: kube::Error,
    },
    /// Nobody would answer.
    #[error("{0} has no ready endpoint")]
    Nobody(String),
    /// It does not answer, or with another certificate.
    #[error("asking {address} as {name}: {problem}")]
    Refused {
        /// Host and port.
        address: String,
        /// By which name.
        name: String,
        /// What happened.
        problem: String,
    },
}

/// A host and port with the name that its certificate must be for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Endpoint {
    address: String,
    name: String,
}

/// Whether each endpoint proves itself to clients that trust `issuing` alone.
///
/// Time alone decides about a Service that may not be looked at, or is not there; it is told of once, and noted in `unknown`.
///
/// # Errors
/// The first that does not, or that nobody knows which there are.
pub async fn all_serve(
    client: &Client,
    configurations: &Configurations,
    issuing: &CaBundle,
    unknown: &mut BTreeSet<String>,
) -> Result<(), EndpointError> {
    let tls = certs::tls::client_config(issuing)?;
    let mut endpoints: Vec<Endpoint> = Vec::new();
    for client_config in configurations.client_configs().await? {
        for endpoint in endpoints_of(client, &client_config, unknown).await? {
            if !endpoints.contains(&endpoint) {
                endpoints.push(endpoint);
            }
        }
    }
    let each = endpoints.iter().map(|endpoint| ask(endpoint, &tls));
    try_join_all(each).await?;
    Ok(())
}

async fn endpoints_of(
    client: &Client,
    client_config: &Value,
    unknown: &mut BTreeSet<String>,
) -> Result<Vec<Endpoint>, EndpointError> {
    if let Some(url) = client_config.get("url").and_then(Value::as_str) {
        let endpoint = of_url(url).ok_or_else(|| EndpointError::Nobody(url.to_owned()))?;
        return Ok(vec![endpoint]);
    }
    let Some(service) = client_config.get("service") else {
        return Ok(Vec::new());
    };
    let text = |key: &str| service.get(key).and_then(Value::as_str).unwrap_or_default();
    let (namespace, name) = (text("namespace"), text("name"));
    let port = service.get("port").and_then(Value::as_i64).unwrap_or(443);
    let service = format!("{namespace}/{name}");
    match of_service(client, namespace, name, port).await {
        Ok(endpoints) if endpoints.is_empty() => {
            let service = format!("port {port} of Service {service}");
            Err(EndpointError::Nobody(service))
        }
        Ok(endpoints) => {
            unknown.remove(&service);
            Ok(endpoints)
        }
        // Without the right to look, or the objects, time alone decides.
        Err(kube::Error::Api(status)) if matches!(status.code, 403 | 404) => {
            if unknown.insert(service.clone()) {
                warn!(
                    error = %status,
                    service,
                    "The Service's endpoints cannot be asked for their certificate; the old CA is dropped after the propagation delay"
                );
            }
            Ok(Vec::new())
        }
        Err(source) => Err(EndpointError::Unknown { service, source }),
    }
}

fn of_url(url: &str) -> Option<Endpoint> {
    let url: axum::http::Uri = url.parse().ok()?;
    let host = url.host()?.to_owned();
    Some(Endpoint {
        address: format!("{host}:{}", url.port_u16().unwrap_or(443)),
        name: host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned(),
    })
}

async fn of_service(
    client: &Client,
    namespace: &str,
    name: &str,
    port: i64,
) -> kube::Result<Vec<Endpoint>> {
    let services: Api<Service> = Api::namespaced(client.clone(), namespace);
    let slices: Api<EndpointSlice> = Api::namespaced(client.clone(), namespace);
    let service = services.get(name).await?;
    let params = ListParams::default().labels(&format!("kubernetes.io/service-name={name}"));
    let slices = slices.list(&params).await?.items;
    Ok(ready(&service, &slices, port)
        .into_iter()
        .map(|address| Endpoint {
            address,
            name: format!("{name}.{namespace}.svc"),
        })
        .collect())
}

/// Host and port of each ready endpoint behind a port of a Service.
fn ready(service: &Service, slices: &[EndpointSlice], port: i64) -> Vec<String> {
    let ports = service
        .spec
        .iter()
        .flat_map(|spec| spec.ports.iter().flatten());
    let mut ports = ports.filter(|found| i64::from(found.port) == port);
    let Some(port) = ports.next() else {
        return Vec::new();
    };
    // Slices give a Service's only port an empty name, or none.
    let port = port.name.as_deref().unwrap_or_default();
    let mut found = Vec::new();
    for slice in slices {
        let mut ports = slice.ports.iter().flatten();
        let number = ports
            .find(|found| found.name.as_deref().unwrap_or_default() == port)
            .and_then(|found| found.port);
        let Some(number) = number else { continue };
        for endpoint in slice.endpoints.iter().flatten() {
            let conditions = endpoint.conditions.as_ref();
            if conditions.and_then(|conditions| conditions.ready) == Some(false) {
                continue;
            }
            // Consumers are told to use the first address only.
            let Some(host) = endpoint.addresses.first() else {
                continue;
            };
            found.push(match host.contains(':') {
                true => format!("[{host}]:{number}"),
                false => format!("{host}:{number}"),
            });
        }
    }
    found
}

async fn ask(endpoint: &Endpoint, tls: &Arc<ClientConfig>) -> Result<(), EndpointError> {
    let refused = |problem: String| EndpointError::Refused {
        address: endpoint.address.clone(),
        name: endpoint.name.clone(),
        problem,
    };
    let name =
        ServerName::try_from(endpoint.name.clone()).map_err(|error| refused(error.to_string()))?;
    let shaken = async {
        let stream = TcpStream::connect(&endpoint.address).await?;
        TlsConnector::from(Arc::clone(tls))
            .connect(name, stream)
            .await
    };
    match timeout(PATIENCE, shaken).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(refused(error.to_string())),
        Err(_) => Err(refused(format!("no answer within {PATIENCE:?}"))),
    }
}

#[cfg(test)]
mod tests;
