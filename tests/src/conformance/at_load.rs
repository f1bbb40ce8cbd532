//! Row 54: a configuration that cannot be carried out is refused when it is read, and not found out by pods.

use std::{
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{features::configuration, networks, webhook::arguments};
use crate::fixture::binaries;

pub(super) fn refused_at_load() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (objects, file, ca) = (
        folder.path().join("networks.json"),
        folder.path().join("configuration.json"),
        folder.path().join("ca.crt"),
    );
    let list = json!({"apiVersion": "v1", "kind": "List", "items": networks::all()});
    std::fs::write(&objects, list.to_string()).expect("the folder is ours");
    let source = [
        "--objects".as_ref(),
        objects.as_os_str(),
        "--config".as_ref(),
        file.as_os_str(),
    ];
    for (annotations, word) in [
        (json!("bar"), "string"),
        (json!(5), "integer"),
        (json!(["bar"]), "sequence"),
        (json!({"k8s.v1.cni.cncf.io/networks": 5}), "integer"),
        (Value::Null, "null"),
    ] {
        let entry = json!({"label": "inject-bar", "annotations": annotations});
        let configuration = configuration(json!({"userDefined": [entry]}));
        std::fs::write(&file, configuration.to_string()).expect("the folder is ours");
        let child = Command::new(binaries::path("polypod-webhook"))
            .args(arguments(&source, &ca))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the webhook can be executed");
        let output = ended(child);
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "row 54: {annotations}: {text}");
        assert!(
            text.contains("configuration.json") && text.contains(word),
            "row 54: {annotations}: {text}"
        );
    }
}

/// What a process said that ends by itself.
fn ended(mut child: Child) -> Output {
    let until = Instant::now() + Duration::from_secs(60);
    while child.try_wait().expect("it is our child").is_none() {
        if Instant::now() > until {
            let _ = child.kill();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().expect("it has ended");
    assert!(
        output.status.code().is_some(),
        "the webhook serves with a configuration that is none"
    );
    output
}
