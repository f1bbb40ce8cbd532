//! The node is brought up: runtime, control plane, webhook, agent, kubelet, device plugin.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    NODE,
    cluster::{CONTAINERD, Cluster, STATIC_PODS, ctr},
    component::Component,
    device_plugin::{DevicePlugin, RESOURCE, VFS},
    evidence::until,
    hardware, image, mounts, networks,
    outside::CGROUP,
    parts, webhook,
};
use crate::{
    fixture::{binaries, control_plane::ControlPlane, kube_scheduler::KubeScheduler},
    manifests::objects::{manifests, read},
};

/// How long a step may take on a busy machine.
const STEP: Duration = Duration::from_secs(120);

/// Where the runtime looks for CNI configuration.
pub(crate) const CNI_CONF: &str = "/etc/cni/net.d";

/// Where the runtime looks for plugins.
pub(crate) const CNI_BIN: &str = "/opt/cni/bin";

/// Where device plugins have their sockets.
pub(crate) const DEVICE_PLUGINS: &str = "/var/lib/kubelet/device-plugins";

/// Brings everything up, and waits until pods with devices can run.
pub(super) fn bring_up(folder: &Path) -> Cluster {
    mounts::of_the_kernel(folder);
    for made in [CNI_CONF, STATIC_PODS] {
        fs::create_dir_all(made).expect("the folder is ours");
    }
    let sysfs = hardware::make(folder);
    put("10-primary.conflist", &networks::primary());
    put_plugin("slow-macvlan", networks::SLOW_MACVLAN);

    let mut containerd = containerd(folder);
    containerd.start();
    let plane = ControlPlane::start_with(&[
        "--authorization-mode=Node",
        "--kubelet-preferred-address-types=InternalIP",
        // Webhooks are called by the addresses of their pods: there is no kube-proxy.
        "--enable-aggregator-routing=true",
    ]);
    let mut controller_manager = controller_manager(folder, &plane);
    controller_manager.start();
    let scheduler = KubeScheduler::configured(
        &plane,
        json!({"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration",
            "leaderElection": {"leaderElect": false}}),
    );
    define(&plane);
    let webhook = webhook::start(&plane, folder);
    import(folder);

    let mut agent = agent(folder, &plane, &sysfs);
    agent.start();
    agent_is_ready(&mut agent);
    let mut kubelet = kubelet(folder, &plane);
    kubelet.start();
    let device_plugin = DevicePlugin::start(Path::new(DEVICE_PLUGINS), RESOURCE, &VFS);
    let cluster = Cluster {
        kubelet,
        agent,
        webhook,
        device_plugin: Some(device_plugin),
        containerd,
        controller_manager,
        scheduler,
        plane,
        folder: folder.to_owned(),
    };
    wait_for_node(&cluster);
    cluster
}

/// Waits until the agent answers plugins and has the node's configuration as it ought to be.
pub(crate) fn agent_is_ready(agent: &mut Component) {
    agent.ready("serving unix://");
    let health = agent.ready("health ");
    until("the agent is ready", STEP, || {
        let answer = ureq::get(format!("{health}/readyz")).call();
        answer
            .map(drop)
            .map_err(|error| format!("{error}\n{}", agent.log_tail(15)))
    });
}

/// Waits until the node is Ready and has its devices.
pub(crate) fn wait_for_node(cluster: &Cluster) {
    let devices = VFS.len().to_string();
    until("the node is Ready, with its devices", STEP, || {
        let node = cluster.ask("GET", &format!("/api/v1/nodes/{NODE}"), &Value::Null);
        let status = &node.body["status"];
        let conditions = status["conditions"].as_array();
        let ready = conditions
            .into_iter()
            .flatten()
            .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
        let tainted = node.body["spec"]["taints"].is_array();
        if ready && !tainted && status["allocatable"][RESOURCE] == devices {
            Ok(())
        } else {
            Err(format!("{}\n{}", node.body, cluster.kubelet.log_tail(15)))
        }
    });
}

/// CRDs, networks, and what else pods need of the API server.
fn define(plane: &ControlPlane) {
    let crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let all = [
        "network-attachment-definitions",
        "node-inventories",
        "node-resource-topologies",
    ];
    for name in all {
        for crd in read(&manifests(&format!("crds/{name}.yaml"))) {
            plane.ask("POST", crds, &crd).is_created();
        }
    }
    let path = networks::NETWORKS;
    until("networks can be created", STEP, || {
        let reply = plane.ask("GET", path, &Value::Null);
        if reply.status == 200 {
            Ok(())
        } else {
            Err(reply.body.to_string())
        }
    });
    for network in networks::all() {
        plane.ask("POST", path, &network).is_created();
    }
}

/// Imports the images, as soon as containerd answers.
fn import(folder: &Path) {
    let archive = image::write(&folder.join("tmp"));
    until("containerd answers", STEP, || ctr(&["version"]));
    let archive = archive.display().to_string();
    ctr(&["images", "import", &archive]).expect("the archive can be imported");
}

fn containerd(folder: &Path) -> Component {
    let snapshotter = if mounts::overlays(&folder.join("tmp/overlay")) {
        "overlayfs"
    } else {
        "native"
    };
    // In the form that 1.6 knows; later ones read it too. A lower bound for the OOM score: not every root may lower it.
    let text = format!(
        r#"
version = 2
root = "{root}"
state = "/run/containerd"
[grpc]
address = "{CONTAINERD}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause}"
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "{snapshotter}"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{CNI_BIN}"
conf_dir = "{CNI_CONF}"
"#,
        root = folder.join("containerd").display(),
        pause = image::PAUSE,
    );
    let file = folder.join("containerd.toml");
    fs::write(&file, text).expect("the folder is ours");
    let arguments = ["--config".into(), file];
    part("containerd", arguments, folder)
}

fn controller_manager(folder: &Path, plane: &ControlPlane) -> Component {
    let kubeconfig = plane.kubeconfig();
    let beside = |name: &str| kubeconfig.with_file_name(name);
    let arguments = [
        flag("kubeconfig", &kubeconfig),
        flag(
            "service-account-private-key-file",
            &beside("service-accounts.key"),
        ),
        flag("root-ca-file", &beside("certs/apiserver.crt")),
        flag("cert-dir", &folder.join("controller-manager")),
        "--bind-address=127.0.0.1".to_owned(),
        "--leader-elect=false".to_owned(),
    ];
    part("kube-controller-manager", arguments, folder)
}

/// The kubelet, with the rights of a node's.
fn kubelet(folder: &Path, plane: &ControlPlane) -> Component {
    let cgroup = std::env::var(CGROUP).expect("the process outside has set it");
    let configuration = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": format!("unix://{CONTAINERD}"),
        "staticPodPath": STATIC_PODS,
        // As the machine is, and as little of it as possible.
        "failCgroupV1": false,
        "failSwapOn": false,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": format!("/{cgroup}"),
        "cgroupsPerQOS": false,
        "enforceNodeAllocatable": [],
        "makeIPTablesUtilChains": false,
        "oomScoreAdj": 0,
        "resolvConf": "",
        // However full its disk is.
        "evictionHard": {"memory.available": "1Mi", "nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%"},
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "address": "0.0.0.0",
        "authentication": {"anonymous": {"enabled": true}, "webhook": {"enabled": false}},
        "authorization": {"mode": "AlwaysAllow"},
        "maxPods": 200,
        "kubeAPIQPS": 200,
        "kubeAPIBurst": 400,
        "eventRecordQPS": 0,
        "nodeStatusUpdateFrequency": "5s",
    });
    let file = folder.join("kubelet-configuration.json");
    fs::write(&file, configuration.to_string()).expect("the folder is ours");
    let arguments = [
        flag("config", &file),
        flag("kubeconfig", &kubeconfig_of_node(folder, plane)),
        format!("--hostname-override={NODE}"),
        format!("--node-ip={}", hardware::ADDRESS),
        "--v=2".to_owned(),
    ];
    part("kubelet", arguments, folder)
}

/// The administrator's, who speaks for the node: the API server holds it to the node's own pods.
fn kubeconfig_of_node(folder: &Path, plane: &ControlPlane) -> PathBuf {
    let text = fs::read_to_string(plane.kubeconfig()).expect("it was just written");
    let mut kubeconfig: Value = serde_yaml_ng::from_str(&text).expect("it is YAML");
    let user = &mut kubeconfig["users"][0]["user"];
    user["as"] = json!(format!("system:node:{NODE}"));
    user["as-groups"] = json!(["system:nodes", "system:authenticated"]);
    let file = folder.join("kubelet-kubeconfig.json");
    fs::write(&file, kubeconfig.to_string()).expect("the folder is ours");
    file
}

fn agent(folder: &Path, plane: &ControlPlane, sysfs: &Path) -> Component {
    let account = folder.join("service-account");
    plane.write_service_account(&account);
    let program = binaries::path("polypod-device-bridge");
    let arguments = [
        "serve".to_owned(),
        flag("kubeconfig", &plane.kubeconfig()),
        format!("--node-name={NODE}"),
        flag("sysfs-root", sysfs),
        "--health-listen=127.0.0.1:9098".to_owned(),
        "--install".to_owned(),
        flag("plugin-binary", &binaries::path("polypod")),
        "--plugin-kubeconfig=/run/polypod/plugin.kubeconfig".to_owned(),
        flag("service-account-dir", &account),
        format!("--api-server={}", plane.server()),
        "--plugin-log-level=debug".to_owned(),
        flag("plugin-log-file", &folder.join("logs/polypod.log")),
    ];
    Component::new(
        "polypod-device-bridge",
        &program,
        arguments,
        &folder.join("logs"),
    )
}

fn part<A: AsRef<std::ffi::OsStr>>(
    name: &'static str,
    arguments: impl IntoIterator<Item = A>,
    folder: &Path,
) -> Component {
    let program = parts::program(name).unwrap_or_else(|| panic!("Need::WholeNode: no {name}"));
    Component::new(name, &program, arguments, &folder.join("logs"))
}

fn flag(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}

/// Writes a CNI configuration, as the installer of a cluster network does.
fn put(name: &str, conf: &Value) {
    fs::write(Path::new(CNI_CONF).join(name), conf.to_string()).expect("the folder is ours");
}

fn put_plugin(name: &str, script: &str) {
    let file = Path::new(CNI_BIN).join(name);
    fs::write(&file, script).expect("the folder is ours");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("the file is ours");
}
