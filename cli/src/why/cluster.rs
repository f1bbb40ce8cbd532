//! The cluster as its API server has it now.

use std::path::Path;

use anyhow::{Context as _, Result};
use kube::{
    Api, Client, Config,
    api::{ApiResource, DynamicObject, GroupVersionKind, ListParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::Value;

use super::{moment, observed::Observed};

/// So many objects at a time.
const PAGE: u32 = 500;

/// Pods that hold something. The one that is asked about is read for itself.
const NOT_ENDED: &str = "status.phase!=Succeeded,status.phase!=Failed";

/// Reads what the engine needs of a cluster, and the namespace that is meant.
pub(super) fn observed(
    kubeconfig: Option<&Path>,
    context: Option<&str>,
    namespace: Option<&str>,
    pod: &str,
) -> Result<(Observed, String)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot prepare calls of the API server")?;
    // Somebody else may have been first, and then it is the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    runtime.block_on(async {
        let config = config(kubeconfig, context).await?;
        let namespace = namespace.unwrap_or(&config.default_namespace).to_owned();
        let client = Client::try_from(config).context("cannot prepare calls of the API server")?;
        let observed = read(&client, &namespace, pod).await?;
        Ok((observed, namespace))
    })
}

async fn config(kubeconfig: Option<&Path>, context: Option<&str>) -> Result<Config> {
    let options = KubeConfigOptions {
        context: context.map(str::to_owned),
        ..KubeConfigOptions::default()
    };
    if let Some(path) = kubeconfig {
        let reading = || format!("cannot use the kubeconfig {}", path.display());
        let kubeconfig = Kubeconfig::read_from(path).with_context(reading)?;
        return Config::from_custom_kubeconfig(kubeconfig, &options)
            .await
            .with_context(reading);
    }
    if context.is_some() {
        return Config::from_kubeconfig(&options)
            .await
            .context("cannot use the kubeconfig");
    }
    Config::infer().await.context(
        "cannot find the API server; name a kubeconfig with --kubeconfig, or files with -f",
    )
}

async fn read(client: &Client, namespace: &str, pod: &str) -> Result<Observed> {
    let mut observed = Observed::default();
    let pods = resource("", "v1", "Pod", "pods");
    let one: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &pods);
    let found = one.get_opt(pod).await;
    let found = found.with_context(|| format!("cannot read the pod {namespace}/{pod}"))?;
    let uid = found.as_ref().and_then(|found| found.metadata.uid.clone());
    if let Some(found) = found {
        observed.see("v1", "Pod", value(found)?, namespace);
    }
    let nodes = resource("", "v1", "Node", "nodes");
    let listed = list(client, &nodes, &ListParams::default()).await;
    let listed = listed.context("cannot list Nodes")?;
    for object in listed {
        observed.see("v1", "Node", value(object)?, namespace);
    }
    let listed = list(client, &pods, &ListParams::default().fields(NOT_ENDED)).await;
    let listed = listed.context("cannot list the Pods of all namespaces")?;
    for object in listed
        .into_iter()
        .filter(|object| object.metadata.uid != uid)
    {
        observed.see("v1", "Pod", value(object)?, namespace);
    }
    for reports in [
        resource(
            "polypod.dev",
            "v1alpha1",
            "NodeInventory",
            "nodeinventories",
        ),
        resource(
            "topology.node.k8s.io",
            "v1alpha2",
            "NodeResourceTopology",
            "noderesourcetopologies",
        ),
    ] {
        match list(client, &reports, &ListParams::default()).await {
            Ok(listed) => {
                for object in listed {
                    observed.see(
                        &reports.api_version,
                        &reports.kind,
                        value(object)?,
                        namespace,
                    );
                }
            }
            // Nobody has to have both kinds.
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => observed.warn(format!("cannot list {}: {error}", reports.plural)),
        }
    }
    observed.at(moment::now());
    Ok(observed)
}

fn resource(group: &str, version: &str, kind: &str, plural: &str) -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
}

/// The objects of a kind in the whole cluster, page by page.
async fn list(
    client: &Client,
    resource: &ApiResource,
    parameters: &ListParams,
) -> kube::Result<Vec<DynamicObject>> {
    let all: Api<DynamicObject> = Api::all_with(client.clone(), resource);
    let mut parameters = parameters.clone().limit(PAGE);
    let mut objects = Vec::new();
    loop {
        let page = all.list(&parameters).await?;
        objects.extend(page.items);
        match page.metadata.continue_.filter(|more| !more.is_empty()) {
            Some(more) => parameters = parameters.continue_token(&more),
            None => return Ok(objects),
        }
    }
}

fn value(object: DynamicObject) -> Result<Value> {
    serde_json::to_value(object).context("an object of the API server cannot be written as JSON")
}
