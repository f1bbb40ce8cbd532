//! The webhook, as a process that the API server calls by its address.

use std::{path::Path, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{component::Component, evidence, pods};
use crate::{
    fixture::{binaries, control_plane::ControlPlane},
    manifests::objects::{manifests, read},
};

const CONFIGURATIONS: &str = "/apis/admissionregistration.k8s.io/v1";

/// Starts it, and registers it as the manifest does, but for the address.
pub(super) fn start(plane: &ControlPlane, folder: &Path) -> Component {
    let (kubeconfig, ca) = (plane.kubeconfig(), folder.join("webhook-ca.crt"));
    let program = binaries::path("polypod-webhook");
    let arguments = [
        "--kubeconfig".as_ref(),
        kubeconfig.as_os_str(),
        "--listen".as_ref(),
        "127.0.0.1:9443".as_ref(),
        "--health-listen".as_ref(),
        "127.0.0.1:9080".as_ref(),
        "--cert-out".as_ref(),
        ca.as_os_str(),
    ];
    let logs = folder.join("logs");
    let mut webhook = Component::new("polypod-webhook", &program, arguments, &logs);
    webhook.start();
    let (url, health) = (webhook.ready("serving "), webhook.ready("health "));
    evidence::until("the webhook is ready", Duration::from_secs(60), || {
        let answer = ureq::get(format!("{health}/readyz")).call();
        answer.map(drop).map_err(|error| error.to_string())
    });
    let bundle = STANDARD.encode(std::fs::read(&ca).expect("the webhook wrote its CA"));
    register(plane, &url, &bundle);
    webhook
}

fn register(plane: &ControlPlane, url: &str, bundle: &str) {
    for mut object in read(&manifests("admission/webhook-configurations.yaml")) {
        let hooks = object["webhooks"].as_array_mut();
        for hook in hooks.expect("a configuration has webhooks") {
            let path = hook["clientConfig"]["service"]["path"].take();
            let path = path.as_str().expect("a service has a path");
            hook["clientConfig"] = json!({"url": format!("{url}{path}"), "caBundle": bundle});
        }
        let kind = object["kind"].as_str().unwrap_or_default();
        let path = format!("{CONFIGURATIONS}/{}s", kind.to_lowercase());
        plane.ask("POST", &path, &object).is_created();
    }
    // The API server reads configurations by watching; until it has, nobody is asked.
    let probe = pods::pod("probe", "vf");
    evidence::until("the webhook is called", Duration::from_secs(60), || {
        let path = format!("{}?dryRun=All", pods::PODS);
        let created = plane.ask("POST", &path, &probe);
        let limits = &created.body["spec"]["containers"][0]["resources"]["limits"];
        if created.status == 201 && limits["intel.com/sriov"] == "1" {
            Ok(())
        } else {
            Err(created.body.to_string())
        }
    });
}
