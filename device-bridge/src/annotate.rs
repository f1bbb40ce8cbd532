//! Writes network-status, and how long its attachments took, into annotations of their pod.
//!
//! Each annotation is one value of one key, so they are patched: whatever else changes the pod meanwhile stays.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
    core::PartialObjectMeta,
};
use serde_json::{Value, json};
use spec::{
    bridge::PodRef,
    network::{ATTACHMENTS, NETWORK_STATUS},
};
use tokio::time::timeout;

use crate::{api_error, parsed};

/// The name by which the API server records who wrote the annotation.
pub(crate) const FIELD_MANAGER: &str = "polypod-device-bridge";

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
    /// Whether it may be the times alone that are refused.
    may_be_of_times: bool,
}

type PodApi = Api<PartialObjectMeta<Pod>>;

/// What is written.
#[derive(Clone, Copy, Debug)]
struct Text<'a> {
    /// Network-status.
    status: &'a str,
    /// What becomes of the annotation with the times of attachments.
    times: Times<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Times<'a> {
    /// It is this; nobody knows of these attachments how long they took, where it is `None`: what it says is of others.
    Are(Option<&'a str>),
    /// It stays.
    Stay,
}

/// Writes `status` and `times` into the annotations of `pod`. A policy of an older release refuses the times; then
/// network-status is written without them.
pub(crate) async fn annotate(
    client: &Client,
    pod: &PodRef,
    status: &str,
    times: Option<&str>,
) -> Result<Outcome, AnnotateError> {
    let with = |times| write(client, pod, Text { status, times });
    match with(Times::Are(times)).await {
        Err(error) if error.may_be_of_times => {
            let written = with(Times::Stay).await?;
            let problem = error.problem;
            tracing::warn!(%pod, problem, "Annotation {ATTACHMENTS} is not written, and network-status is; the policy polypod-node-pods of this release allows it");
            Ok(written)
        }
        done => done,
    }
}

async fn write(client: &Client, pod: &PodRef, text: Text<'_>) -> Result<Outcome, AnnotateError> {
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
    text: Text<'_>,
) -> Result<PartialObjectMeta<Pod>, kube::Error> {
    let patch = Patch::Merge(body(uid, text));
    let parameters = PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    within(REQUEST, api.patch_status(name, &parameters, &patch)).await
}

/// The merge patch. With a UID in it, the API server refuses to change another pod of the name.
fn body(uid: Option<&str>, text: Text<'_>) -> Value {
    let mut metadata = json!({"annotations": {NETWORK_STATUS: text.status}});
    if let Times::Are(times) = text.times {
        metadata["annotations"][ATTACHMENTS] = json!(times);
    }
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
        may_be_of_times: matches!(api_error::status_code(&error), Some(403 | 413 | 422)),
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
