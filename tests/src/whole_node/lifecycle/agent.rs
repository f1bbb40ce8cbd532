//! The agent is killed, replaced and away, with pods starting all the time.

use std::{
    ffi::OsString,
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use super::{
    super::{
        Story,
        bringing_up::{CNI_BIN, agent_is_ready},
        cluster::Cluster,
        component::Component,
    },
    alive::{self, Seen, create, during, has, is_told, starts},
};
use crate::fixture::binaries;

pub(super) fn stories() -> Vec<Story> {
    vec![
        Story {
            name: "agent killed",
            checks: "kill -9 of the agent while ADDs are under way, three times: every pod has its networks, those of before notice nothing",
            tell: killed,
        },
        Story {
            name: "agent upgraded",
            checks: "agent and plugin replaced by other builds twice while pods are created all the time: none fails to start, not even once",
            tell: upgraded,
        },
        Story {
            name: "agent absent",
            checks: "pods without networks start; pods with networks are told why they wait, and start with its return; with the plugin's kubeconfig they need not wait",
            tell: absent,
        },
    ]
}

/// One of these takes its time, so that there is an ADD to interrupt.
const NETWORKS: &str = "front,slow";

const INTERFACES: [&str; 3] = ["eth0", "net1", "net2"];

/// What the plugin asks the API server by where the agent does not answer.
const KUBECONFIG: &str = "/run/polypod/plugin.kubeconfig";

fn killed(cluster: &mut Cluster) {
    let before = Seen::new(cluster, "before", "storage");
    let mut all = Vec::new();
    for round in 0..3 {
        let known = alive::records();
        all.extend(create(cluster, &format!("killed-{round}"), 4, NETWORKS));
        alive::wait_for_add(&known);
        cluster.agent.kill();
        // These ask when nobody listens.
        all.extend(create(cluster, &format!("nobody-{round}"), 2, NETWORKS));
        cluster.agent.start();
        cluster.agent.ready("serving unix://");
    }
    for name in &all {
        has(cluster, name, &INTERFACES);
    }
    before.is_as_before(cluster);
    alive::delete(
        cluster,
        all.iter().map(String::as_str).chain([before.name()]),
    );
}

fn upgraded(cluster: &mut Cluster) {
    let before = Seen::new(cluster, "before", "front,storage");
    let (program, arguments) = (
        cluster.agent.program().clone(),
        cluster.agent.arguments().clone(),
    );
    let folder = cluster.folder.clone();
    let Cluster { agent, plane, .. } = &mut *cluster;
    let created = during(plane, NETWORKS, || {
        for round in 0..2 {
            upgrade(agent, &folder.join(format!("upgrade-{round}")));
        }
        // Back to what the other stories know.
        agent.terminate();
        *agent.program() = program;
        *agent.arguments() = arguments;
        agent.start();
        agent_is_ready(agent);
    });
    for name in &created {
        has(cluster, name, &INTERFACES);
    }
    alive::none_failed(cluster, &created);
    before.is_as_before(cluster);
    alive::delete(
        cluster,
        created.iter().map(String::as_str).chain([before.name()]),
    );
}

/// Ends the agent and starts another build of it, which brings another build of the plugin.
fn upgrade(agent: &mut Component, folder: &Path) {
    let [program, plugin] = ["polypod-device-bridge", "polypod"]
        .map(|name| other_build(&binaries::path(name), &folder.join(name)));
    agent.terminate();
    *agent.program() = program;
    for argument in agent.arguments() {
        if argument.to_string_lossy().starts_with("--plugin-binary=") {
            *argument = OsString::from(format!("--plugin-binary={}", plugin.display()));
        }
    }
    agent.start();
    agent_is_ready(agent);
    let installed = fs::read(Path::new(CNI_BIN).join("polypod")).expect("it is installed");
    assert!(
        installed == fs::read(plugin).expect("it was just written"),
        "the new plugin is installed"
    );
}

/// A build whose file is another one: what follows the last section of a program is not looked at when it is executed.
fn other_build(program: &Path, path: &Path) -> PathBuf {
    let folder = path.parent().expect("it is in the test's folder");
    fs::create_dir_all(folder).expect("the folder is ours");
    fs::copy(program, path).expect("the program is built");
    let mut file = fs::OpenOptions::new()
        .append(true)
        .open(path)
        .expect("the file is ours");
    write!(file, "{}", path.display()).expect("the file is ours");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("the file is ours");
    path.to_owned()
}

fn absent(cluster: &mut Cluster) {
    cluster.agent.terminate();
    let aside = Path::new(KUBECONFIG).with_extension("aside");
    fs::rename(KUBECONFIG, &aside).expect("the agent has written it");
    create(cluster, "plain", 1, "");
    create(cluster, "asks", 1, NETWORKS);
    starts(cluster, "plain-0");
    is_told(
        cluster,
        "asks-0",
        &["FailedCreatePodSandBox", "polypod-device-bridge"],
    );
    let pod = cluster.pod("asks-0").expect("it was created");
    assert_eq!(pod["status"]["phase"], "Pending");

    cluster.agent.start();
    agent_is_ready(&mut cluster.agent);
    has(cluster, "asks-0", &INTERFACES);

    // What was moved aside is there again: the agent has written it.
    fs::remove_file(&aside).expect("it was moved there");
    assert!(Path::new(KUBECONFIG).is_file());
    cluster.agent.terminate();
    create(cluster, "alone", 3, NETWORKS);
    for name in ["alone-0", "alone-1", "alone-2"] {
        has(cluster, name, &INTERFACES);
    }
    // Deleting needs no agent either.
    alive::delete(cluster, ["alone-0", "asks-0", "plain-0"]);
    cluster.agent.start();
    agent_is_ready(&mut cluster.agent);
    alive::delete(cluster, ["alone-1", "alone-2"]);
}
