//! Schedulers that have to show who they are.

use std::{ffi::OsStr, path::Path, sync::Arc};

use serde_json::json;
use ureq::{
    Agent,
    tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem},
};

use super::server::{Extender, node, pod, replace};
use crate::fixture::{client_certificate::Issuer, https};

/// A client of this CA that trusts the server's.
fn client(issuer: &Issuer, server_ca: &Path) -> Agent {
    let issued = issuer.issue("system:kube-scheduler");
    let chain = Certificate::from_pem(issued.certificate.as_bytes()).expect("it is PEM");
    let key = PrivateKey::from_pem(issued.key.as_bytes()).expect("the key is PEM");
    let pem = std::fs::read(server_ca).expect("the webhook wrote its CA");
    let roots = parse_pem(&pem).filter_map(|item| match item.expect("the CA is PEM") {
        PemItem::Certificate(certificate) => Some(certificate),
        _ => None,
    });
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(roots.collect())))
        .client_cert(Some(ClientCert::new_with_certs(&[chain], key)))
        .unversioned_rustls_crypto_provider(certs::tls::provider())
        .build();
    let config = Agent::config_builder().tls_config(tls);
    config.http_status_as_error(false).build().new_agent()
}

pub(super) fn only_schedulers_of_the_right_ca_are_answered() {
    let (first, second) = (Issuer::new("first"), Issuer::new("second"));
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = folder.path().join("clients.crt");
    replace(&file, &first.pem());
    let flag: [&OsStr; 2] = ["--scheduler-client-ca".as_ref(), file.as_os_str()];
    let extender = Extender::of(&node("n1", &[2]), &flag);
    let ours = client(&first, &extender.ca());
    let theirs = client(&second, &extender.ca());

    let body = json!({"Pod": pod("p", 1), "NodeNames": ["n1"]}).to_string();
    for verb in ["filter", "prioritize"] {
        let url = extender.url(&format!("/scheduler/{verb}"));
        let (status, text) = extender.post(verb, &body);
        assert!(
            status == 401 && text.contains("tlsConfig"),
            "{status} {text}"
        );
        let (status, text) = https::post(&theirs, &url, &body);
        assert!(
            status == 403 && text.contains("client's certificate"),
            "{status} {text}"
        );
        assert_eq!(https::post(&ours, &url, &body).0, 200);
    }
    let explain = "/scheduler/explain?namespace=default&pod=p";
    assert_eq!(extender.get(explain).0, 401);
    // API servers show what they have, or nothing: that is no matter of theirs.
    let review = https::review("Pod", &pod("p", 1)).to_string();
    let mutate = extender.url("/mutate");
    let nobody = https::client(&extender.ca());
    for client in [&nobody, &theirs, &ours] {
        assert_eq!(https::post(client, &mutate, &review).0, 200);
    }

    // A file that is damaged changes nothing; another CA is taken for connections that are there already, too.
    replace(&file, "-----BEGIN CERTIFICATE-----\n");
    std::thread::sleep(std::time::Duration::from_secs(3));
    extender.awaits(&ours, 200);
    extender.awaits(&theirs, 403);
    replace(&file, &second.pem());
    extender.awaits(&theirs, 200);
    extender.awaits(&ours, 403);
}

pub(super) fn what_cannot_be_carried_out_is_refused() {
    for (arguments, words) in [
        (
            ["--scheduler-client-ca", "/no/such/file"].as_slice(),
            "--scheduler-extender",
        ),
        (
            &["--scheduler-extender", "--scheduler-unreported", "maybe"],
            "open",
        ),
        (
            &["--scheduler-extender", "--scheduler-stale-after", "soon"],
            "--scheduler-stale-after",
        ),
        (
            &[
                "--scheduler-extender",
                "--scheduler-client-ca",
                "/no/such/file",
            ],
            "/no/such/file",
        ),
    ] {
        let output = std::process::Command::new(crate::fixture::binaries::path("polypod-webhook"))
            .args([
                "--listen",
                "127.0.0.1:0",
                "--health-listen",
                "127.0.0.1:0",
                "--objects",
            ])
            .arg(crate::fixture::binaries::workspace().join("manifests/examples"))
            .args(arguments)
            .output()
            .expect("polypod-webhook can be executed");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{arguments:?}");
        assert!(told.contains(words), "{arguments:?}: {told}");
    }
}
