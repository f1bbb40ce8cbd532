//! Act: the API server asks the webhook about the pod, changes it, and asks again.

use std::process::Command;

use anyhow::{Context, Result};
use api::pod::Pod;
use json_patch::Patch;
use serde_json::Value;
use spec::network::NETWORKS;

use super::{Node, Scene};
use crate::demo::{
    api_server::{self, ApiServer},
    daemon::Daemon,
    expectation,
    review::{self, Verdict},
    transcript::Transcript,
    virtual_functions::RESOURCE,
};

/// The webhook, and the pod as it was admitted, if it was.
pub(super) fn play(
    scene: &Scene<'_>,
    node: &Node,
    out: &mut Transcript,
) -> Result<(Daemon, Option<Value>)> {
    out.heading(
        "Admission",
        "Somebody creates the pod. Before the API server stores it, it asks polypod-webhook over HTTPS: may the pod be, \
         and what does it lack? The webhook reads the pod's annotation, looks up the networks, and adds the devices they \
         need to the pod's resources, so that the scheduler and the kubelet know of them.",
    );
    let (webhook, server) = start(scene, out)?;
    let admitted = ask(scene, node, &server, out)?;
    Ok((webhook, admitted))
}

fn start(scene: &Scene<'_>, out: &mut Transcript) -> Result<(Daemon, ApiServer)> {
    let ca = scene.folder.at("ca.crt");
    let mut command = Command::new(&scene.binaries.webhook);
    command
        .arg("--objects")
        .arg(scene.folder.at("networks.yaml"))
        .args([
            "--listen",
            "127.0.0.1:0",
            "--health-listen",
            "127.0.0.1:0",
            "--shutdown-delay",
            "0s",
            "--cert-out",
        ])
        .arg(&ca);
    let mut webhook = Daemon::start(
        "polypod-webhook",
        &mut command,
        &scene.folder.at("logs/webhook.log"),
    )?;
    let serving = webhook.announcement("serving")?;
    let health = webhook.announcement("health")?;
    out.check(
        "polypod-webhook is ready (GET /readyz)",
        200,
        api_server::probe(&format!("{health}/readyz"))?,
    );
    let server = ApiServer::new(&serving, &ca)?;
    Ok((webhook, server))
}

fn ask(
    scene: &Scene<'_>,
    node: &Node,
    server: &ApiServer,
    out: &mut Transcript,
) -> Result<Option<Value>> {
    let before: Pod = serde_json::from_value(scene.pod.clone()).context("this is no pod")?;
    let pod = format!("{}/{}", before.metadata.namespace, before.metadata.name);
    match before.network_annotations().networks {
        None => out.say(&format!("The pod {pod} has no annotation {NETWORKS}.")),
        Some(annotation) => {
            out.say(&format!(
                "The pod {pod} asks for its networks by the annotation {NETWORKS}:"
            ));
            out.block(annotation.trim().lines());
        }
    }

    let patch = match server.review("/mutate", "demo-mutate", scene.pod)? {
        Verdict::Denied { reason } => return Ok(denied(scene, "/mutate", &reason, out)),
        Verdict::Allowed { patch, warnings } => {
            show_patch(&patch, &warnings, out);
            patch
        }
    };
    let mut pod = scene.pod.clone();
    json_patch::patch(&mut pod, &patch).context("the patch does not fit the pod")?;
    let after: Pod = serde_json::from_value(pod.clone()).context("the patched pod is no pod")?;

    let verdict = match server.review("/validate", "demo-validate", &pod)? {
        Verdict::Denied { reason } => return Ok(denied(scene, "/validate", &reason, out)),
        Verdict::Allowed { patch, .. } if patch.0.is_empty() => "allowed",
        Verdict::Allowed { .. } => "allowed with a patch, which no API server takes",
    };
    // After the verdict: the annotation of a refused pod may be no annotation.
    let needed = expectation::expected(&after, &node.networks, "", RESOURCE)?;
    let needed = needed.iter().filter(|one| one.needs_device).count() as u64;
    let (had_requests, had_limits) = expectation::asked(&before, RESOURCE);
    let (requests, limits) = expectation::asked(&after, RESOURCE);
    out.check(
        &format!("requests of {RESOURCE} in the patched pod"),
        needed.max(had_requests),
        requests,
    );
    out.check(
        &format!("limits of {RESOURCE} in the patched pod"),
        needed.max(had_limits),
        limits,
    );
    out.check(
        "the validating webhook's verdict on the patched pod",
        "allowed",
        verdict,
    );
    if needed > had_limits {
        let unpatched = match server.review("/validate", "demo-validate-unpatched", scene.pod)? {
            Verdict::Denied { reason } if reason.contains(RESOURCE) => {
                format!("denied for want of {RESOURCE}")
            }
            Verdict::Denied { reason } => format!("denied ({reason})"),
            Verdict::Allowed { .. } => "allowed".to_owned(),
        };
        out.check(
            "its verdict on the pod as it was",
            format!("denied for want of {RESOURCE}"),
            unpatched,
        );
    }

    let again = match server.review("/mutate", "demo-mutate-again", &pod)? {
        Verdict::Denied { reason } => format!("a denial ({reason})"),
        Verdict::Allowed { patch, .. } => format!("{} changes", patch.0.len()),
    };
    out.check(
        "the mutating webhook, asked again about the patched pod",
        "0 changes",
        again,
    );
    Ok(Some(pod))
}

fn show_patch(patch: &Patch, warnings: &[String], out: &mut Transcript) {
    if patch.0.is_empty() {
        out.say("The webhook has nothing to add.");
    } else {
        out.say("The webhook allows it and answers with this JSONPatch:");
        out.block(review::describe(patch));
    }
    for warning in warnings {
        out.say(&format!("Warning: {warning}"));
    }
}

/// Of the demo's own pod a denial is a fault; of a pod that was brought it is the answer.
fn denied(scene: &Scene<'_>, endpoint: &str, reason: &str, out: &mut Transcript) -> Option<Value> {
    if scene.brought {
        out.refusal(&format!(
            "the pod is refused ({endpoint}), and this is what its author reads:"
        ));
    } else {
        out.check(&format!("the verdict of {endpoint}"), "allowed", "denied");
    }
    out.block(reason.lines());
    None
}
