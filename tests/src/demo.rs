//! The first thing a newcomer runs.

use std::process::{Command, Output};

use crate::{
    fixture::{binaries, needs::Need},
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    const NODE: &[Need] = &[Need::Namespaces];
    vec![
        Scenario {
            name: "demo::every_step_is_true",
            needs: NODE,
            body: every_step_is_true,
        },
        Scenario {
            name: "demo::every_step_is_true_without_reference_plugins",
            needs: NODE,
            body: every_step_is_true_without_reference_plugins,
        },
        Scenario {
            name: "demo::a_wrong_pod_is_refused",
            needs: NODE,
            body: a_wrong_pod_is_refused,
        },
    ]
}

fn demo(arguments: &[&str]) -> Output {
    // Not run by cargo here: the binaries beside it are the ones under test.
    Command::new(binaries::path("kubectl-polypod"))
        .arg("demo")
        .args(arguments)
        .env_remove("CARGO")
        .env_remove("CARGO_MANIFEST_DIR")
        .output()
        .expect("kubectl-polypod can be executed")
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn every_step_is_true() {
    let output = demo(&[]);
    let text = text(&output);
    assert!(output.status.success(), "{text}");
    for part in [
        "net2",
        "net3",
        "0000:03:02.2",
        "0000:03:02.3",
        "intel.com~1sriov",
        "network-status",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains('✗'), "{text}");
    let widest = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| line.chars().count())
        .max();
    assert!(widest <= Some(100), "readable in a terminal of 100 columns");
    assert!(
        !text.contains('\u{1b}'),
        "no colour where there is no terminal"
    );
}

fn every_step_is_true_without_reference_plugins() {
    let output = demo(&["--stand-ins"]);
    let text = text(&output);
    assert!(output.status.success(), "{text}");
    assert!(!text.contains("reference plugin,"), "{text}");
}

fn a_wrong_pod_is_refused() {
    let file = tempfile::NamedTempFile::with_suffix(".yaml").expect("a temporary file can be made");
    let pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: wrong\n  annotations:\n    k8s.v1.cni.cncf.io/networks: sriov-net-b\nspec:\n  containers:\n  - name: c\n    image: busybox\n";
    std::fs::write(file.path(), pod).expect("the file is ours");
    let output = demo(&["--pod", &file.path().display().to_string()]);
    let text = text(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("did you mean sriov-net-a"), "{text}");
}
