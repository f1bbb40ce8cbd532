//! Keeps true what a pod's annotation says of how long its attachments took, when one is plugged in or unplugged.
//!
//! Network-status is the client's to write; this annotation is nobody else's.

use std::time::Duration;

use api::attachment_times::{AttachmentTime, AttachmentTimes};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
    core::PartialObjectMeta,
};
use serde::Deserialize;
use serde_json::json;
use spec::{
    bridge::{TIMES_OF_RESULT, Times},
    cni::Args,
    network::ATTACHMENTS,
};
use tokio::time::timeout;

use super::{
    execute::Finished,
    request::{Endpoint, Request},
};
use crate::{annotate::FIELD_MANAGER, api_error, parsed};

/// How long it may take: the pod's next request waits for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often it is begun anew because something else of the pod was changed in between, as the kubelet does.
const TRIES: usize = 5;

/// What has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// This was attached.
    Plugged(AttachmentTime),
    /// What is known of this interface is not true any more.
    Gone(String),
}

impl Change {
    /// What a request that was carried out has changed.
    pub(super) fn of(request: &Request, finished: &Finished) -> Option<Self> {
        if request.endpoint != Endpoint::Delegate || !finished.success {
            return None;
        }
        let gone = || Self::Gone(request.variable("CNI_IFNAME").to_owned());
        match request.command.as_str() {
            // A plugin of an older release measures nothing.
            "ADD" => Some(plugged(&finished.stdout).map_or_else(gone, Self::Plugged)),
            "DEL" => Some(gone()),
            _ => None,
        }
    }

    /// The annotation after it; `None` where it stays as it is.
    fn after(&self, before: Option<&str>) -> Option<String> {
        let known = match before.map(AttachmentTimes::parse) {
            None => AttachmentTimes::unknown(),
            Some(Ok(known)) => known,
            Some(Err(error)) => {
                tracing::warn!(%error, "The annotation stays as it is");
                return None;
            }
        };
        let after = match self {
            Self::Plugged(attached) => known.clone().with(attached.clone()),
            Self::Gone(interface) => known.clone().without(interface),
        };
        if after == known {
            return None;
        }
        after.print()
    }
}

fn plugged(printed: &[u8]) -> Option<AttachmentTime> {
    let mut result: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(printed).ok()?;
    let times = Times::deserialize(result.remove(TIMES_OF_RESULT)?).ok()?;
    let one = times.attachments.first()?;
    Some(AttachmentTime::of(&times, one))
}

/// Writes a change into the annotation of the pod of a request. What cannot be written is in the log, and nothing else: the
/// attachment is made, or gone.
pub(super) async fn tell(client: &Client, request: &Request, change: &Change) {
    match timeout(PATIENCE, write(client, request, change)).await {
        Ok(Ok(())) => {}
        Ok(Err(problem)) => tracing::warn!(problem, "Annotation {ATTACHMENTS} is not written"),
        Err(_) => {
            tracing::warn!(limit = ?PATIENCE, "Annotation {ATTACHMENTS} is not written in time");
        }
    }
}

async fn write(client: &Client, request: &Request, change: &Change) -> Result<(), String> {
    let Some((namespace, name)) = &request.pod else {
        return Ok(());
    };
    let args = Args::parse(request.variable("CNI_ARGS")).ok();
    let uid = args.as_ref().and_then(|args| args.get("K8S_POD_UID"));
    let api: Api<PartialObjectMeta<Pod>> = Api::namespaced(client.clone(), namespace);
    let parameters = PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    for _ in 0..TRIES {
        let found = api.get_opt(name).await;
        let Some(found) = found.map_err(|error| api_error::describe(&error))? else {
            return Ok(());
        };
        // The runtime knows a static pod by another UID than the API server.
        let is_it = |pod: &crate::pod_facts::PodFacts| pod.is_static || pod.may_have(uid);
        if !parsed::pod(&found).is_some_and(|pod| is_it(&pod)) {
            return Ok(());
        }
        let annotations = found.metadata.annotations.as_ref();
        let before = annotations.and_then(|all| all.get(ATTACHMENTS));
        let Some(after) = change.after(before.map(String::as_str)) else {
            return Ok(());
        };
        // With the version in it, the API server refuses to change what is not as it was read.
        let body = json!({"metadata": {"resourceVersion": found.metadata.resource_version,
            "annotations": {ATTACHMENTS: after}}});
        match api
            .patch_status(name, &parameters, &Patch::Merge(body))
            .await
        {
            Ok(_) => return Ok(()),
            Err(error) if api_error::status_code(&error) == Some(409) => {}
            Err(error) => return Err(api_error::describe(&error)),
        }
    }
    Err(format!("the pod was changed {TRIES} times meanwhile"))
}

#[cfg(test)]
#[path = "times_tests.rs"]
mod tests;
