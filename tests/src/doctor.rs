//! `kubectl-polypod doctor` of files: what is written is judged, and who answers is unknown.

use std::process::Output;

use serde_json::Value;

use crate::{
    fixture::{binaries::workspace, kubectl_polypod},
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "doctor::files_are_judged_by_what_is_written_in_them",
            needs: &[],
            body: files_are_judged_by_what_is_written_in_them,
        },
        Scenario {
            name: "doctor::files_that_are_none",
            needs: &[],
            body: files_that_are_none,
        },
    ]
}

fn doctor(arguments: &[&str], stdin: &str) -> Output {
    kubectl_polypod::run("doctor", arguments, stdin)
}

fn files_are_judged_by_what_is_written_in_them() {
    let file = workspace().join("manifests/install.yaml");
    let file = file.to_str().expect("it is UTF-8");
    let output = doctor(&["-f", file, "-o", "json"], "");
    let report: Value = serde_json::from_slice(&output.stdout).expect("it prints JSON");
    let check = |name: &str| {
        let checks = report["checks"].as_array().expect("it has checks");
        let found = checks.iter().find(|one| one["check"] == name);
        found.unwrap_or_else(|| panic!("{name}: {report}"))
    };
    for (name, verdict, words) in [
        (
            "crds",
            "ok",
            "nodeinventories.polypod.dev is served in v1alpha1",
        ),
        (
            "webhook",
            "unknown",
            "files tell what is written, and not who answers",
        ),
        // The webhook writes it when it runs.
        ("certificate", "fail", "caBundle"),
        ("bridges", "unknown", "there is none in the files"),
        ("extender", "ok", "off"),
        ("leftovers", "unknown", "pods: there is none in the files"),
        ("clock", "unknown", "files have no clock"),
    ] {
        let found = check(name);
        assert_eq!(found["verdict"], verdict, "{found}");
        assert!(found.to_string().contains(words), "{words}: {found}");
    }
    assert_eq!(output.status.code(), Some(1), "{report}");
    // Of another namespace the files hold nothing, and nothing is said to be missing there.
    let output = doctor(
        &["-f", file, "--installed-in", "networks", "-o", "json"],
        "",
    );
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.contains("deployments.apps of the namespace networks"),
        "{text}"
    );
    assert!(!text.contains("polypod-system"), "{text}");
}

fn files_that_are_none() {
    for (arguments, stdin, words) in [
        (&["-f", "/does/not/exist"][..], "", "/does/not/exist"),
        (&["-f", "-"], "# nothing", "no object"),
        (&["-f", "-"], "a: [", "not valid YAML"),
        (&["-f", "-", "--context", "c"], "", "--context"),
    ] {
        let output = doctor(arguments, stdin);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(words), "{words}: {error}");
        assert_eq!(output.stdout, b"");
    }
    // Objects of which no check knows anything, and then nothing of an installation was seen.
    let other = r#"{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}}"#;
    let output = doctor(&["-f", "-"], other);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("10 unknown"), "{text}");
}
