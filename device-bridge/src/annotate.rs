//! Writes network-status into the annotation of its pod.
//!
//! The annotation is one value of one key, so it is patched: whatever else changes the pod meanwhile stays.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
    core::PartialObjectMeta,
};
use serde_json::{Value, json};
use spec::{bridge::PodRef, network::NETWORK_STATUS};
use tokio::time::timeout;

use crate::{api_error, parsed};

/// The name by which the API server records who wrote the annotation.
const FIELD_MANAGER: &str = "polypod-device-bridge";

/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(8);

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The pod has it.
    Published,
    /// There is no such pod any more.
    Gone,
    /// The pod of this name is another one, which has networks of its own.
    Replaced,
}

/// Why the annotation is not written.
#[derive(Debug)]
pub(crate) struct AnnotateError {
    pub(crate) problem: String,
    /// Whether trying again may help.
    pub(crate) is_passing: bool,
}

type PodApi = Api<PartialObjectMeta<Pod>>;

/// Writes `text` into the annotation of `pod`.
pub(crate) async fn annotate(
    client: &Client,
    pod: &PodRef,
    text: &str,
) -> Result<Outcome, AnnotateError> {
    let api: PodApi = Api::namespaced(client.clone(), pod.namespace.as_str());
    let name = pod.name.as_str();
    let refused = match patch(&api, name, pod.uid.as_deref(), text).await {
        Err(error) if matches!(api_error::status_code(&error), Some(409 | 422)) => error,
        result => return outcome(result),
    };
    let found = within(REQUEST, api.get_opt(name)).await;
    match found.map_err(failed)?.and_then(|found| parsed::pod(&found)) {
        None => Ok(Outcome::Gone),
        // The runtime knows a static pod by another UID than the API server.
        Some(found) if found.is_static => outcome(patch(&api, name, None, text).await),
        Some(found) if found.may_have(pod.uid.as_deref()) => Err(failed(refused)),
        Some(_) => Ok(Outcome::Replaced),
    }
}

async fn patch(
    api: &PodApi,
    name: &str,
    uid: Option<&str>,
    text: &str,
) -> Result<PartialObjectMeta<Pod>, kube::Error> {
    let patch = Patch::Merge(body(uid, text));
    let parameters = PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    within(REQUEST, api.patch_status(name, &parameters, &patch)).await
}

/// The merge patch. With a UID in it, the API server refuses to change another pod of the name.
fn body(uid: Option<&str>, text: &str) -> Value {
    let mut metadata = json!({"annotations": {NETWORK_STATUS: text}});
    if let Some(uid) = uid {
        metadata["uid"] = json!(uid);
    }
    json!({"metadata": metadata})
}

fn outcome(patched: Result<PartialObjectMeta<Pod>, kube::Error>) -> Result<Outcome, AnnotateError> {
    match patched {
        Ok(_) => Ok(Outcome::Published),
        Err(error) if api_error::status_code(&error) == Some(404) => Ok(Outcome::Gone),
        Err(error) => Err(failed(error)),
    }
}

fn failed(error: kube::Error) -> AnnotateError {
    AnnotateError {
        problem: api_error::describe(&error),
        // An API server that has just started refuses what its roles allow (403), so only what is wrong with the patch
        // itself is final.
        is_passing: !matches!(
            api_error::status_code(&error),
            Some(400 | 405 | 413 | 415 | 422)
        ),
    }
}

async fn within<T>(
    limit: Duration,
    request: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, kube::Error> {
    timeout(limit, request)
        .await
        .unwrap_or_else(|elapsed| Err(kube::Error::Service(Box::new(elapsed))))
}

#[cfg(test)]
#[path = "annotate_tests.rs"]
mod tests;
