//! Command lines, and what is refused.

use std::path::Path;

use clap::{CommandFactory, Parser};

use super::*;

fn config(arguments: &[&str]) -> Result<Config, ConfigError> {
    Args::try_parse_from([&["polypod-device-bridge"], arguments].concat())
        .unwrap()
        .try_into()
}

#[test]
fn defaults() {
    Args::command().debug_assert();
    let Task::Serve(serve) = config(&["serve", "--node-name", "n1"]).unwrap().task else {
        panic!("not serve");
    };
    assert_eq!(serve.topology.node.as_deref(), Some("n1"));
    let topology = serve.topology.clone();
    assert_eq!(
        serve,
        Serve {
            objects: ServedObjects::Watched {
                kubeconfig: None,
                node: "n1".to_owned()
            },
            bridge_socket: "/run/polypod/bridge.sock".into(),
            pod_resources_socket: "/var/lib/kubelet/pod-resources/kubelet.sock".into(),
            kubelet: KubeletSettings {
                checkpoint: "/var/lib/kubelet/device-plugins/kubelet_internal_checkpoint".into(),
                per_second: 20.try_into().unwrap(),
                burst: 5.try_into().unwrap(),
                patience: Duration::from_secs(15),
            },
            publish_to: None,
            request_timeout: Duration::from_secs(30),
            reconcile: ReconcileArgs {
                reconcile_interval: 300,
            },
            cni_dir: CniDir {
                of_node: "/var/lib/cni/multus".into(),
                here: "/var/lib/cni/multus".into(),
            },
            install: None,
            topology,
            hotplug: HotplugArgs {
                hotplug_socket: None,
                hotplug_config: None,
                plugin_path: None,
                host_pid: None,
                hotplug_timeout: 210,
            },
            health: HealthArgs::default(),
            telemetry: TelemetryArgs::default(),
        }
    );
}

#[test]
fn what_is_installed_besides() {
    let serve = |arguments: &[&str]| {
        let all = [
            &["serve", "--node-name", "n1", "--bridge-socket", "/b"],
            arguments,
        ]
        .concat();
        let Task::Serve(serve) = config(&all).unwrap().task else {
            panic!("not serve");
        };
        serve
    };
    assert_eq!(serve(&["--preset", "k0s"]).install, None);
    let k0s = serve(&["--install", "--preset", "k0s", "--alias", "multus"]);
    let keys = k0s.install.unwrap().keys;
    assert_eq!(keys["bridgeSocket"], "/b");
    let socket = "/var/lib/k0s/kubelet/pod-resources/kubelet.sock";
    assert_eq!(k0s.pod_resources_socket, PathBuf::from(socket));
    let checkpoint = "/var/lib/k0s/kubelet/device-plugins/kubelet_internal_checkpoint";
    assert_eq!(k0s.kubelet.checkpoint, PathBuf::from(checkpoint));
    assert_eq!(keys["podResourcesSocket"], socket);
    let own = serve(&[
        "--install",
        "--preset",
        "k0s",
        "--pod-resources-socket",
        "/s",
    ]);
    assert_eq!(own.pod_resources_socket, PathBuf::from("/s"));
    assert_eq!(own.install.unwrap().keys["podResourcesSocket"], "/s");
    let task = config(&["install", "--once"]).unwrap().task;
    assert!(matches!(task, Task::Install { once: true, .. }));
    let task = config(&["install", "--restore-multus", "--force"])
        .unwrap()
        .task;
    assert!(matches!(task, Task::Restore(Restore { force: true, .. })));
    let named = [
        "install",
        "--restore-multus",
        "--multus-daemon-config",
        "/d",
    ];
    let task = config(&named).unwrap().task;
    assert!(
        matches!(task, Task::Restore(Restore { multus_daemon: Some(path), .. }) if path.as_path() == Path::new("/d"))
    );
    let adopt = config(&["install", "--replace-multus"]).unwrap().task;
    assert!(matches!(adopt, Task::Install { install, .. } if install.adopt_multus));
    let task = config(&["uninstall"]).unwrap().task;
    assert!(matches!(
        task,
        Task::Uninstall(Uninstall { force: false, .. })
    ));
    assert!(config(&["install", "--conf-name", "x.conf"]).is_err());
}

#[test]
fn as_the_plugin_calls_it() {
    let resolve = |more: &[&str]| {
        let all = [&["resolve", "--kubeconfig", "/k"], more].concat();
        let Task::Resolve(resolve) = config(&all).unwrap().task else {
            panic!("not resolve");
        };
        resolve
    };
    let plain = resolve(&[]);
    let kubeconfig = Some("/k".into());
    assert_eq!(plain.objects, AskedObjects::Live { kubeconfig });
    let socket = Preset::default().pod_resources_socket();
    assert_eq!(plain.pod_resources_socket, socket);
    let elsewhere = resolve(&["--pod-resources-socket", "/k/pod-resources/kubelet.sock"]);
    let socket = "/k/pod-resources/kubelet.sock";
    assert_eq!(elsewhere.pod_resources_socket, PathBuf::from(socket));
    let checkpoint = "/k/device-plugins/kubelet_internal_checkpoint";
    assert_eq!(elsewhere.kubelet.checkpoint, PathBuf::from(checkpoint));
    let own = [
        "--pod-resources-socket",
        socket,
        "--device-checkpoint",
        "/c",
    ];
    assert_eq!(resolve(&own).kubelet.checkpoint, PathBuf::from("/c"));
}

#[test]
fn what_cannot_be_is_refused() {
    assert_eq!(
        config(&["serve", "--node-name", ""]),
        Err(ConfigError::NoNodeName)
    );
    assert!(config(&["serve", "--node-name", "a,b=c"]).is_err());
    assert!(config(&["serve", "--objects", "a", "b"]).is_ok());
    for wrong in [
        &["serve", "--objects", "a", "--kubeconfig", "b"][..],
        &["resolve", "--request-timeout", "0"],
        &["resolve", "--bridge-socket", "x"],
        &["install", "--restore-multus", "--adopt-multus"],
        &["install", "--restore-multus", "--once"],
        &["install", "--force"],
        &["install", "--multus-daemon-config", "/d"],
        &[],
    ] {
        let arguments = [&["polypod-device-bridge"], wrong].concat();
        assert!(Args::try_parse_from(arguments).is_err(), "{wrong:?}");
    }
}
