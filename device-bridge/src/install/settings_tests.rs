//! Command lines of `install`, and what is refused.

use clap::{CommandFactory as _, Parser};
use serde_json::json;

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    install: InstallCommandArgs,
}

fn install(arguments: &[&str]) -> Result<Install, String> {
    let line = Line::try_parse_from([&["install"], arguments].concat())
        .map_err(|error| error.to_string())?;
    Install::of_command(line.install)
        .map(|(install, ..)| install)
        .map_err(|error| error.to_string())
}

#[test]
fn defaults_and_presets() {
    Line::command().debug_assert();
    let plain = install(&[]).unwrap();
    assert_eq!(
        plain.places.conf_file(),
        Path::new("/etc/cni/net.d/00-polypod.conflist")
    );
    assert_eq!(
        Value::Object(plain.keys),
        json!({"bridgeSocket": "/run/polypod/bridge.sock"})
    );
    assert!(plain.places.is_one_folder() && plain.credentials.is_none());

    let openshift = install(&["--preset", "openshift", "--host-root", "/host/"]).unwrap();
    assert_eq!(
        openshift.places.conf_file(),
        Path::new("/host/etc/kubernetes/cni/net.d/00-polypod.conflist")
    );
    assert_eq!(
        openshift.places.executable("polypod"),
        Path::new("/host/var/lib/cni/bin/polypod")
    );
    assert_eq!(
        openshift.places.primary_dir,
        Path::new("/run/multus/cni/net.d")
    );
    assert_eq!(openshift.keys["binDir"], "/var/lib/cni/bin");
    assert!(!openshift.keys.contains_key("podResourcesSocket"));
    let microk8s = install(&["--preset", "microk8s"]).unwrap();
    assert_eq!(
        microk8s.keys["podResourcesSocket"],
        "/var/snap/microk8s/common/var/lib/kubelet/pod-resources/kubelet.sock"
    );
    let own = ["--preset", "k0s", "--plugin-pod-resources-socket", "/s"];
    assert_eq!(install(&own).unwrap().keys["podResourcesSocket"], "/s");

    // A folder that is named holds the primary, too, unless that is named otherwise.
    let own = install(&["--preset", "k3s", "--cni-conf-dir", "/c/"]).unwrap();
    assert!(own.places.is_one_folder());
    let own = install(&["--cni-conf-dir", "/c", "--primary-conf-dir", "/p"]).unwrap();
    assert_eq!(own.places.primary_dir, Path::new("/p"));
}

#[test]
fn keys_and_credentials() {
    let install = install(&[
        "--plugin-kubeconfig",
        "/etc/k",
        "--kubernetes-service-host",
        "fd00::1",
        "--kubernetes-service-port",
        "6443",
        "--namespace-isolation",
        "--global-namespaces",
        "a,b",
        "--compat",
        "multus",
        "--no-bridge-socket",
        "--readiness-indicator-file",
        "/r",
        "--plugin-log-level",
        "debug",
        "--plugin-log-file",
        "/l",
        "--cni-dir",
        "/s/",
    ])
    .unwrap();
    assert_eq!(
        Value::Object(install.keys),
        json!({"kubeconfig": "/etc/k", "namespaceIsolation": true, "globalNamespaces": "a,b", "compat": "multus",
            "readinessindicatorfile": "/r", "logLevel": "debug", "logFile": "/l", "cniDir": "/s"})
    );
    assert_eq!(
        install.credentials.unwrap().server,
        "https://[fd00::1]:6443"
    );
}

#[test]
fn what_cannot_be_is_refused() {
    for (arguments, words) in [
        (
            &["--cni-conf-dir", "etc"][..],
            "--cni-conf-dir etc is not valid",
        ),
        (
            &["--cni-bin-dir", "/opt/../bin"],
            "absolute path without ..",
        ),
        (&["--host-root", "host"], "--host-root"),
        (&["--conf-name", "00-polypod.conf"], "ends in .conflist"),
        (&["--conf-name", "a/b.conflist"], "plain name"),
        (&["--conf-name", ".x.conflist"], "plain name"),
        (
            &["--primary-conf", "10-a.yaml"],
            ".conflist, .conf or .json",
        ),
        (
            &["--primary-conf", "00-polypod.conflist"],
            "is the file that is written",
        ),
        (&["--network-name", "a b"], "--network-name is not valid"),
        (&["--cni-version", "2.0.0"], "--cni-version is not valid"),
        (&["--cni-version", "0.2.0"], "write 0.3.1 or a later one"),
        (&["--plugin-kubeconfig", "/k"], "give --api-server"),
        (&["--alias", "calico"], "invalid value"),
        (&["--preset", "windows"], "invalid value"),
    ] {
        let error = install(arguments).unwrap_err();
        assert!(error.contains(words), "{arguments:?}: {error}");
    }
}

#[test]
fn whose_token_the_plugin_gets() {
    let usual = [
        "--plugin-kubeconfig",
        "/k",
        "--api-server",
        "https://a",
        "--node-name",
        "n1",
    ];
    assert_eq!(install(&usual).unwrap().plugin_token, None);
    let account = ["--plugin-service-account", "polypod-plugin"];
    let token = install(&[&usual[..], &account].concat())
        .unwrap()
        .plugin_token
        .unwrap();
    assert_eq!(
        (token.account.as_str(), token.node.as_str()),
        ("polypod-plugin", "n1")
    );
    assert_eq!(token.life, Duration::from_secs(3600));
    assert_eq!(token.server, "https://a");
    for (arguments, wanted) in [
        (&account[..], "--plugin-kubeconfig"),
        (&[&usual[..4], &account].concat(), "--node-name"),
        (
            &[&usual[..4], &account, &["--node-name", ""]].concat(),
            "--node-name",
        ),
        (
            &[&usual[..4], &account, &["--node-name", "N/1"]].concat(),
            "--node-name is not valid",
        ),
        (
            &[&usual[..], &["--plugin-service-account", "a:b"]].concat(),
            "--plugin-service-account is not valid",
        ),
        (
            &[&usual[..], &account, &["--plugin-token-life", "3607"]].concat(),
            "a year",
        ),
        (
            &[&usual[..], &account, &["--plugin-token-life", "599"]].concat(),
            "600",
        ),
        (
            &[&usual[..], &account, &["--plugin-token-life", "86401"]].concat(),
            "86400",
        ),
    ] {
        let error = install(arguments).unwrap_err();
        assert!(error.contains(wanted), "{arguments:?}: {error}");
    }
}
