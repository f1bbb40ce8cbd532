//! The webhook asks the scheduler for a certificate.

use std::{ffi::OsString, path::PathBuf};

use super::{
    machine::Machine,
    stage::{Stage, pod, until},
};
use crate::fixture::client_certificate::{Issued, Issuer};

pub(super) fn or_without() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let write = |name: &str, Issued { certificate, key }: Issued| -> (PathBuf, PathBuf) {
        let files = (
            folder.path().join(format!("{name}.crt")),
            folder.path().join(format!("{name}.key")),
        );
        std::fs::write(&files.0, certificate).expect("the folder is ours");
        std::fs::write(&files.1, key).expect("the folder is ours");
        files
    };
    let (issuer, stranger) = (Issuer::new("schedulers"), Issuer::new("strangers"));
    let ca = folder.path().join("clients.crt");
    std::fs::write(&ca, issuer.pem()).expect("the folder is ours");
    let good = write("good", issuer.issue("system:kube-scheduler"));
    let other = write("other", stranger.issue("system:kube-scheduler"));

    let asks: [OsString; 2] = ["--scheduler-client-ca".into(), ca.into()];
    let mut stage = Stage::with(&asks);
    let _node = Machine::reporting(&stage, "node-1", &[3]);
    let refused = [("without", None, 401), ("of-a-stranger", Some(other), 403)];
    for (name, client, code) in refused {
        let mut extender = stage.extender();
        extender.client = client;
        stage.start_scheduler(&extender);
        stage.create(&pod(name, 1));
        let said = until(|| {
            stage
                .events(name)
                .into_iter()
                .find(|event| event.starts_with("FailedScheduling"))
        });
        println!("{name}: {said}");
        assert!(said.contains(&format!("code {code}")), "{said}");
        assert!(stage.pod(name)["spec"]["nodeName"].is_null());
    }
    let mut extender = stage.extender();
    extender.client = Some(good);
    stage.start_scheduler(&extender);
    stage.create(&pod("with", 1));
    for name in ["with", "without", "of-a-stranger"] {
        assert_eq!(stage.node_of(name), "node-1");
    }
}
