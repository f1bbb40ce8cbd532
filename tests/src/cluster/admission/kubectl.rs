//! What a person sees who uses kubectl.

use std::{
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use super::{Cluster, network, pod};
use crate::fixture::needs;

pub(super) fn as_kubectl_shows() {
    let cluster = Cluster::start();
    let kubectl = Kubectl::new(&cluster);

    let created = kubectl.run(&["create", "-f", "-"], &pod("web", "foo,foo"));
    assert_eq!(
        created,
        (true, "pod/web created\n".to_owned(), String::new())
    );
    let quantity = "jsonpath={.spec.containers[0].resources.limits.example\\.com/foo}";
    let (_, shown, _) = kubectl.run(&["get", "pod", "web", "-o", quantity], &Value::Null);
    assert_eq!(shown, "2");

    // 403: the sentence of the webhook.
    let (is_created, _, told) = kubectl.run(&["create", "-f", "-"], &pod("typo", "fooo"));
    assert!(!is_created);
    let told = told.trim();
    assert!(
        told.starts_with("Error from server (Forbidden): error when creating \"STDIN\": admission webhook \"mutate.polypod.dev\" denied the request: pod default/typo "),
        "{told}"
    );
    assert!(told.contains("did you mean foo"), "{told}");

    // 422: kubectl shows the causes alone, each behind its field, and of what they are.
    let (is_created, _, told) = kubectl.run(&["create", "-f", "-"], &pod("trailing", "foo,"));
    assert!(!is_created);
    for words in [
        "Pod \"trailing\"",
        "is invalid",
        "metadata.annotations[k8s.v1.cni.cncf.io/networks]",
        "entry 2",
        "empty",
    ] {
        assert!(told.contains(words), "{words:?}: {told}");
    }

    let mut host = pod("host", "foo");
    host["spec"]["hostNetwork"] = json!(true);
    let (is_created, _, told) = kubectl.run(&["apply", "-f", "-"], &host);
    assert!(is_created, "{told}");
    assert!(told.starts_with("Warning: "), "{told}");
    assert!(told.contains("hostNetwork"), "{told}");

    let dry_run = ["apply", "--dry-run=server", "-f", "-"];
    let (is_created, told, _) = kubectl.run(&dry_run, &pod("dry", "foo"));
    assert!(is_created, "{told}");
    assert_eq!(told, "pod/dry created (server dry run)\n");

    let mut broken = network("broken", None);
    broken["spec"]["config"] = json!("{bad");
    let (is_created, _, told) = kubectl.run(&["apply", "-f", "-"], &broken);
    assert!(!is_created);
    for words in [
        "NetworkAttachmentDefinition \"broken\"",
        "spec.config",
        "line 1",
    ] {
        assert!(told.contains(words), "{words:?}: {told}");
    }
}

struct Kubectl {
    kubeconfig: PathBuf,
    home: tempfile::TempDir,
}

impl Kubectl {
    fn new(cluster: &Cluster) -> Self {
        Self {
            kubeconfig: cluster.plane.kubeconfig(),
            home: tempfile::tempdir().expect("a temporary folder can be made"),
        }
    }

    /// Whether it went well, and what it says and complains of.
    fn run(&self, arguments: &[&str], input: &Value) -> (bool, String, String) {
        let mut child = Command::new(needs::kubectl().expect("the scenario needs it"))
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(arguments)
            .env("HOME", self.home.path())
            .env_remove("KUBECONFIG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kubectl can be executed");
        let mut stdin = child.stdin.take().expect("standard input is piped");
        // A command that reads nothing may have closed it already.
        let _ = stdin.write_all(input.to_string().as_bytes());
        drop(stdin);
        let output = child.wait_with_output().expect("kubectl ends");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (
            output.status.success(),
            text(output.stdout),
            text(output.stderr),
        )
    }
}
