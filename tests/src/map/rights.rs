//! The map of somebody who may see little, and of somebody who may see nothing.

use std::{
    ffi::OsStr,
    process::Output,
    time::{Duration, Instant},
};

use serde_json::json;
use tempfile::TempDir;

use super::{browser::Browser, objects, served::Served};
use crate::fixture::{binaries, control_plane::ControlPlane, kubectl_polypod};

const RIGHTS: &str = "/apis/rbac.authorization.k8s.io/v1";
const TIMEOUT: &str = "2s";

/// Whether something is told of in the list of what is unseen.
fn told(words: &str) -> String {
    format!(
        "[...document.querySelectorAll('#unseen li')].some((one) => one.textContent.startsWith('cannot see {words}'))"
    )
}

pub(super) fn shows_what_may_be_seen() {
    // It may have to be built first.
    let _ = binaries::path("kubectl-polypod");
    let plane = ControlPlane::start();
    let mut pod = objects::pod("default", "upf", "n1", &["left"], &[("left", "")]);
    pod["spec"]["containers"] = json!([{"name": "app", "image": "busybox"}]);
    pod["spec"]["automountServiceAccountToken"] = json!(false);
    if let Some(metadata) = pod["metadata"].as_object_mut() {
        metadata.remove("uid");
    }
    plane
        .ask("POST", "/api/v1/namespaces/default/pods", &pod)
        .is_created();
    nobody(&plane);
    somebody(&plane);
}

fn map(kubeconfig: &str, out: &str) -> Output {
    let arguments = [
        "--kubeconfig",
        kubeconfig,
        "--request-timeout",
        TIMEOUT,
        "--out",
        out,
    ];
    kubectl_polypod::run("map", &arguments, "")
}

/// There is nothing to draw, and all of it is told.
fn nobody(plane: &ControlPlane) {
    let account = "system:serviceaccount:default:nobody";
    let kubeconfig = plane.kubeconfig_as(account).display().to_string();
    let folder = TempDir::new().expect("a temporary folder can be made");
    let out = folder.path().join("map.svg");
    let output = map(&kubeconfig, &out.display().to_string());
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(
        told.contains("nothing of the cluster can be seen"),
        "{told}"
    );
    for kind in ["nodes", "pods", "nodeinventories.polypod.dev"] {
        let words = format!("cannot see {kind} of");
        assert!(told.contains(&words), "{words}: {told}");
    }
    assert!(!out.exists(), "there is no picture of nothing");
    // It does not serve a page that has nothing to show either.
    let arguments = ["--kubeconfig", &kubeconfig, "--request-timeout", TIMEOUT];
    let served = kubectl_polypod::run("map", &arguments, "");
    assert_eq!(served.status.code(), Some(2));
    assert!(served.stdout.is_empty(), "no address is told");
}

/// Pods alone make a map, which says what is missing, and shows it when it may be seen.
fn somebody(plane: &ControlPlane) {
    let account = "system:serviceaccount:default:reader";
    let role = |resources: &[&str], verbs: &[&str]| {
        json!({"metadata": {"name": "reader"}, "rules": [
            {"apiGroups": [""], "resources": resources, "verbs": verbs}]})
    };
    let roles = format!("{RIGHTS}/clusterroles");
    plane
        .ask("POST", &roles, &role(&["pods"], &["list", "watch"]))
        .is_created();
    let may = |resources: &[&str], verbs: &[&str]| {
        let reply = plane.ask("PATCH", &format!("{roles}/reader"), &role(resources, verbs));
        assert_eq!(reply.status, 200, "{}", reply.body);
    };
    let binding = json!({"metadata": {"name": "reader"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "namespace": "default", "name": "reader"}]});
    plane
        .ask("POST", &format!("{RIGHTS}/clusterrolebindings"), &binding)
        .is_created();
    let kubeconfig = plane.kubeconfig_as(account);
    let folder = TempDir::new().expect("a temporary folder can be made");
    let out = folder.path().join("map.html");
    // Rights take a moment to be in force.
    let until = Instant::now() + Duration::from_secs(30);
    let output = loop {
        let output = map(
            &kubeconfig.display().to_string(),
            &out.display().to_string(),
        );
        if output.status.success() {
            break output;
        }
        assert!(Instant::now() < until, "the account may not read pods");
        std::thread::sleep(Duration::from_millis(100));
    };
    let warned = String::from_utf8_lossy(&output.stderr);
    assert!(
        warned.contains("warning: cannot see nodes of") && warned.contains("(403)"),
        "{warned}"
    );
    let page = std::fs::read_to_string(&out).expect("the page was written");
    assert!(page.contains(r#""name":"upf""#), "the pod is drawn");

    let served = Served::start(&[
        OsStr::new("--kubeconfig"),
        kubeconfig.as_os_str(),
        OsStr::new("--request-timeout"),
        OsStr::new(TIMEOUT),
    ]);
    let mut browser = Browser::start();
    browser.size(1280, 800);
    browser.open(&served.address);
    browser.wait("document.querySelector('.tile.unreported[data-node=n1]') !== null");
    browser.value("document.querySelector('.tile').click()");
    let pods = "[...document.querySelectorAll('#detail .pod')].map((one) => one.dataset.pod)";
    assert_eq!(browser.value(pods), json!(["default/upf"]));
    assert_eq!(browser.value(&told("nodes")), true);
    assert_eq!(browser.value(&told("pods")), false);

    // Who may list pods and not watch them is told so, and that is taken back when the watch works, though nothing changes.
    may(&["pods"], &["list"]);
    browser.wait(&told("pods"));
    assert_eq!(browser.value(pods), json!(["default/upf"]));
    may(&["pods", "nodes"], &["list", "watch"]);
    let gone = |what: &str| format!("!({})", told(what));
    browser.wait(&gone("pods"));
    browser.wait(&gone("nodes"));
    for kind in ["nodeinventories", "resourceclaims", "resourceslices"] {
        assert_eq!(browser.value(&told(kind)), true, "{kind}");
    }
    assert_eq!(browser.troubles, Vec::<String>::new());
    assert!(served.daemon.stop());
}
