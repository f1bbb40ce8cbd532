//! The kubelet and the runtime are restarted, with pods alive, starting and ending.

use std::time::Duration;

use serde_json::Value;

use super::{
    super::{
        NODE, Story,
        bringing_up::wait_for_node,
        cluster::{Cluster, POD},
        device_plugin::{RESOURCE, VFS},
        evidence::until,
        hardware::function_of,
        pods::PODS,
    },
    alive::{self, Seen, create, has},
    uninstalled::gc,
};

pub(super) fn stories() -> Vec<Story> {
    vec![
        Story {
            name: "kubelet restarted",
            checks: "pods with networks and VFs notice nothing; pods created and deleted meanwhile are made right; the device plugin registers again, and no VF is given twice",
            tell: kubelet,
        },
        Story {
            name: "runtime restarted",
            checks: "SIGTERM and kill -9 of containerd while ADDs are under way: pods alive notice nothing, those that were starting have their networks, deletions are made good; what the runtime has forgotten GC undoes",
            tell: runtime,
        },
    ]
}

fn kubelet(cluster: &mut Cluster) {
    let alive = [
        Seen::new(cluster, "alive", "front,storage"),
        Seen::new(cluster, "alive-vf", "vf,vf"),
    ];
    create(cluster, "ends", 2, "front");
    for name in ["ends-0", "ends-1"] {
        has(cluster, name, &["eth0", "net1"]);
    }
    let registered = registrations(cluster);

    cluster.kubelet.terminate();
    cluster.ask("DELETE", &format!("{PODS}/ends-0"), &Value::Null);
    let names = create(cluster, "meanwhile", 3, "front,storage");
    cluster.kubelet.start();
    until("the device plugin has registered again", POD, || {
        let now = registrations(cluster);
        if now > registered {
            Ok(())
        } else {
            Err(format!("{now} times"))
        }
    });
    wait_for_node(cluster);

    let after = Seen::new(cluster, "after-vf", "vf,vf");
    let vfs: std::collections::BTreeSet<_> = [&alive[1], &after]
        .iter()
        .flat_map(|seen| seen.links())
        .filter_map(|link| function_of(&link.mac))
        .collect();
    assert_eq!(vfs.len(), 4, "four networks have a VF each: {vfs:?}");
    let plugin = cluster.device_plugin.as_ref();
    let plugin = plugin.expect("it was started with the node");
    let asked: Vec<String> = plugin.allocated().into_iter().flatten().collect();
    assert!(
        vfs.iter().all(|vf| asked.iter().any(|id| id == vf)),
        "{vfs:?} of {asked:?}"
    );
    for name in &names {
        has(cluster, name, &["eth0", "net1", "net2"]);
    }
    cluster.gone("ends-0");
    fails_and_works_again(cluster);
    for seen in &alive {
        seen.is_as_before(cluster);
    }
    let all = alive.iter().chain([&after]).map(Seen::name);
    let all = all
        .chain(names.iter().map(String::as_str))
        .chain(["ends-1"]);
    alive::delete(cluster, all);
}

/// A VF that fails is no longer allocatable until it works again.
fn fails_and_works_again(cluster: &Cluster) {
    let vf = VFS[VFS.len() - 1].id;
    let plugin = cluster.device_plugin.as_ref();
    let plugin = plugin.expect("it was started with the node");
    for (healthy, count) in [(false, VFS.len() - 1), (true, VFS.len())] {
        plugin.set_healthy(vf, healthy);
        until(&format!("{count} VFs are allocatable"), POD, || {
            let path = format!("/api/v1/nodes/{NODE}");
            let node = cluster.ask("GET", &path, &Value::Null).body;
            let told = &node["status"]["allocatable"][RESOURCE];
            if told.as_str().is_some_and(|told| told.parse() == Ok(count)) {
                Ok(())
            } else {
                Err(told.to_string())
            }
        });
    }
}

fn registrations(cluster: &Cluster) -> usize {
    let plugin = cluster.device_plugin.as_ref();
    plugin
        .expect("it was started with the node")
        .registrations()
}

fn runtime(cluster: &mut Cluster) {
    let alive = [
        Seen::new(cluster, "alive", "front,storage"),
        Seen::new(cluster, "alive-vf", "vf"),
    ];
    let mut all = Vec::new();
    for (round, is_killed) in [false, true].into_iter().enumerate() {
        let ends = format!("ends-{round}");
        create(cluster, &ends, 1, "front");
        has(cluster, &format!("{ends}-0"), &["eth0", "net1"]);
        let known = alive::records();
        all.extend(create(
            cluster,
            &format!("starting-{round}"),
            4,
            "front,slow",
        ));
        alive::wait_for_add(&known);
        if is_killed {
            cluster.containerd.kill();
        } else {
            cluster.containerd.terminate();
        }
        cluster.ask("DELETE", &format!("{PODS}/{ends}-0"), &Value::Null);
        // Long enough for the kubelet to notice.
        std::thread::sleep(Duration::from_secs(2));
        cluster.containerd.start();
        cluster.gone(&format!("{ends}-0"));
    }
    for name in &all {
        has(cluster, name, &["eth0", "net1", "net2"]);
    }
    for seen in &alive {
        seen.is_as_before(cluster);
    }
    let all = all.iter().map(String::as_str);
    alive::delete(cluster, all.chain(alive.iter().map(Seen::name)));
    // containerd forgets a sandbox whose network it was making when it ended, and never asks for its end.
    gc();
}
