//! The page follows what it shows.

use std::ffi::OsStr;

use serde_json::json;
use tempfile::TempDir;

use super::{browser::Browser, objects, served::Served};
use crate::fixture::control_plane::ControlPlane;

const STANDING: &str = "document.getElementById('standing').textContent";

fn opened(served: &Served) -> Browser {
    let mut browser = Browser::start();
    browser.size(1280, 800);
    browser.open(&served.address);
    browser.wait(&format!("{STANDING} === '● live'"));
    browser
}

/// Files are written in another place and moved, as editors and `kubectl get > file` at its end leave them: whole.
pub(super) fn write(folder: &TempDir, text: &str) {
    let draft = folder.path().join("draft");
    std::fs::write(&draft, text).unwrap();
    std::fs::rename(draft, folder.path().join("cluster.json")).unwrap();
}

pub(super) fn follows_files() {
    let folder = TempDir::new().unwrap();
    let mut objects = objects::cluster(3);
    write(&folder, &objects::list(&objects));
    let served = Served::of_file(&folder.path().join("cluster.json"));
    let mut browser = opened(&served);
    browser.value("document.querySelector('[data-node=worker-1]').click()");
    browser.value("document.querySelector(\".pod[data-pod='team-a/dpdk-worker-1-2']\").focus()");
    let pods =
        |number: usize| format!("document.querySelectorAll('#detail .pod').length === {number}");
    browser.wait(&pods(objects::PODS));

    objects.push(objects::pod(
        "team-a",
        "added",
        "worker-1",
        &["fast"],
        &[("fast", "")],
    ));
    objects.push(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "worker-9"}}));
    write(&folder, &objects::list(&objects));
    browser.wait(&pods(objects::PODS + 1));
    browser.wait("document.querySelectorAll('.tile').length === 4");
    // Who was at a pod is there still.
    let at = "document.activeElement.dataset.pod";
    assert_eq!(browser.value(at), "team-a/dpdk-worker-1-2");

    write(&folder, "{");
    browser.wait(&format!(
        "{STANDING}.includes('stale') && {STANDING}.includes('cluster.json')"
    ));
    assert_eq!(
        browser.value("document.querySelectorAll('.tile').length"),
        4
    );
    objects.retain(|object| object["metadata"]["name"] != "worker-1");
    write(&folder, &objects::list(&objects));
    browser.wait(&format!("{STANDING} === '● live'"));
    // Its pods are known still, and are somewhere.
    browser.wait("document.querySelector('.tile[data-node=worker-1].degraded, .tile[data-node=worker-1].unreported') !== null");

    assert!(served.daemon.stop());
    browser.wait(&format!("{STANDING}.includes('does not answer any more')"));
}

pub(super) fn follows_a_cluster_and_says_when_it_is_lost() {
    let mut control_plane = ControlPlane::start();
    let node = |name: &str| json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}});
    let nodes = "/api/v1/nodes";
    let made = control_plane.ask("POST", nodes, &node("first"));
    made.is_created();
    let kubeconfig = control_plane.kubeconfig();
    let served = Served::start(&[
        OsStr::new("--kubeconfig"),
        kubeconfig.as_os_str(),
        OsStr::new("--request-timeout"),
        OsStr::new("20s"),
    ]);
    let mut browser = opened(&served);
    let shown = |name: &str| format!("document.querySelector('.tile[data-node={name}]') !== null");
    browser.wait(&shown("first"));
    let made = control_plane.ask("POST", nodes, &node("second"));
    made.is_created();
    browser.wait(&shown("second"));
    follows_claims(&control_plane, &mut browser);

    control_plane.kill_api_server();
    browser.wait(&format!(
        "{STANDING}.includes('stale: the API server does not answer since')"
    ));
    browser.wait(&shown("second"));
    control_plane.start_api_server();
    browser.wait(&format!("{STANDING} === '● live'"));
    let made = control_plane.ask("POST", nodes, &node("third"));
    made.is_created();
    browser.wait(&shown("third"));
    control_plane.ask("DELETE", &format!("{nodes}/first"), &json!({}));
    browser.wait("document.querySelector('.tile[data-node=first]') === null");
    assert_eq!(browser.troubles, Vec::<String>::new());
    assert!(served.daemon.stop());
}

/// What a driver offers is there, and held as soon as a claim has it and a pod the claim.
fn follows_claims(control_plane: &ControlPlane, browser: &mut Browser) {
    let slice = json!({"metadata": {"name": "second-gpu"}, "spec": {"driver": "gpu.example.com", "nodeName": "second",
        "pool": {"name": "second", "generation": 1, "resourceSliceCount": 1}, "devices": [{"name": "gpu-0"}, {"name": "gpu-1"}]}});
    let slices = "/apis/resource.k8s.io/v1/resourceslices";
    control_plane.ask("POST", slices, &slice).is_created();
    browser.value("document.querySelector('.tile[data-node=second]').click()");
    let cells = |kind: &str, number: usize| {
        format!("document.querySelectorAll('#detail .cell.{kind}').length === {number}")
    };
    browser.wait(&cells("free", 2));
    let claims = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims";
    let claim = json!({"metadata": {"name": "gpu"}, "spec": {"devices": {"requests": [
        {"name": "gpu", "exactly": {"deviceClassName": "gpu.example.com", "allocationMode": "ExactCount", "count": 1}}]}}});
    control_plane.ask("POST", claims, &claim).is_created();
    let allocated = json!({"status": {"allocation": {"devices": {"results": [
        {"request": "gpu", "driver": "gpu.example.com", "pool": "second", "device": "gpu-1"}]}}}});
    let status = format!("{claims}/gpu/status");
    let told = control_plane.ask("PATCH", &status, &allocated);
    assert_eq!(told.status, 200, "{}", told.body);
    let pod = json!({"metadata": {"name": "claiming"}, "spec": {"nodeName": "second", "automountServiceAccountToken": false,
        "resourceClaims": [{"name": "gpu", "resourceClaimName": "gpu"}],
        "containers": [{"name": "app", "image": "busybox", "resources": {"claims": [{"name": "gpu"}]}}]}});
    let pods = "/api/v1/namespaces/default/pods";
    control_plane.ask("POST", pods, &pod).is_created();
    browser.wait(&cells("held", 1));
    let held = "document.querySelector('#detail .cell.held').title";
    assert_eq!(browser.value(held), "gpu-1, held by default/claiming");
    browser.value("document.getElementById('close').click()");
}
