//! The stand-ins in real network namespaces. They need root, and say so when they are skipped.

use std::{fs, panic, path::Path, thread};

use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
    unistd::geteuid,
};
use spec::cni::{Command, Invocation};

use super::{Call, Record, conf::Conf, sriov, veth};
use crate::demo::{
    interfaces::{Interface, interfaces},
    netlink::session,
    netns::MountedNetns,
    virtual_functions,
};

/// Does `test` in a network and mount namespace of its own, with a pod's namespace mounted in a temporary folder.
fn on_a_node(name: &str, test: impl FnOnce(&Path, &MountedNetns) + Send) {
    if !geteuid().is_root() {
        eprintln!("SKIPPED {name}: it makes network namespaces, which takes root");
        return;
    }
    let played = thread::scope(|scope| {
        let node = scope.spawn(|| {
            if let Err(error) = unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET) {
                eprintln!("SKIPPED {name}: the system gives no namespaces: {error}");
                return;
            }
            let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
            mount(None::<&str>, "/", None::<&str>, private, None::<&str>).unwrap();
            let folder = tempfile::tempdir().unwrap();
            let pod = MountedNetns::create(&folder.path().join("pod")).unwrap();
            test(folder.path(), &pod);
        });
        node.join()
    });
    played.unwrap_or_else(|panicked| panic::resume_unwind(panicked));
}

fn call(pod: &MountedNetns, interface: &str, more: &str) -> Call {
    let input = format!(r#"{{"cniVersion":"1.0.0","name":"n","type":"x","ipam":{{}}{more}}}"#);
    let netns = pod.path().display().to_string();
    let variable = |name: &str| match name {
        "CNI_CONTAINERID" => Some("c1".to_owned()),
        "CNI_NETNS" => Some(netns.clone()),
        "CNI_IFNAME" => Some(interface.to_owned()),
        "CNI_PATH" => Some("/".to_owned()),
        _ => None,
    };
    Call {
        invocation: Invocation::read(Command::Add, variable).unwrap(),
        conf: Conf::parse(&input).unwrap(),
        input,
    }
}

fn names(all: Vec<Interface>) -> Vec<String> {
    all.into_iter().map(|interface| interface.name).collect()
}

fn in_pod(pod: &MountedNetns) -> Vec<String> {
    names(pod.open().unwrap().inside(interfaces).unwrap())
}

#[test]
fn a_veth_pair_comes_and_goes() {
    on_a_node("a_veth_pair_comes_and_goes", |_, pod| {
        let call = call(pod, "eth0", r#","mtu":1400"#);
        let result = veth::add(&call).unwrap();
        assert_eq!(in_pod(pod), ["lo", "eth0"]);
        let (_, interface) = result.sandbox_interfaces().next().unwrap();
        assert_eq!(interface.name, "eth0");
        assert_eq!(interface.mac.len(), "02:00:00:00:00:01".len());
        assert!(names(interfaces().unwrap()).contains(&result.interfaces[0].name));
        assert!(
            veth::add(&call)
                .unwrap_err()
                .to_string()
                .contains("File exists")
        );
        veth::del(&call).unwrap();
        veth::del(&call).unwrap();
        assert_eq!(in_pod(pod), ["lo"]);
        assert_eq!(names(interfaces().unwrap()), ["lo"]);
    });
}

#[test]
fn a_device_moves_and_comes_back_under_its_name() {
    on_a_node(
        "a_device_moves_and_comes_back_under_its_name",
        |folder, pod| {
            let (sysfs, records) = (folder.join("sys"), folder.join("records"));
            fs::create_dir(&records).unwrap();
            let functions = virtual_functions::install(&sysfs).unwrap();
            let wanted = format!(r#","deviceID":"{}""#, functions[0].device);
            let first = call(pod, "net2", &wanted);
            sriov::add(&first, &sysfs, &records).unwrap();
            assert_eq!(in_pod(pod), ["lo", "net2"]);
            assert_eq!(Record::read_all(&records).unwrap()[0].mac, functions[0].mac);

            let again = sriov::add(&call(pod, "net3", &wanted), &sysfs, &records).unwrap_err();
            assert!(again.to_string().contains("is not free"), "{again}");
            assert!(sriov::add(&call(pod, "net3", ""), &sysfs, &records).is_err());

            sriov::del(&first, &records).unwrap();
            sriov::del(&first, &records).unwrap();
            assert_eq!(in_pod(pod), ["lo"]);
            assert!(names(interfaces().unwrap()).contains(&functions[0].name));
            assert!(Record::read_all(&records).unwrap().is_empty());
        },
    );
}

#[test]
fn a_failed_add_leaves_the_device_on_the_node() {
    on_a_node(
        "a_failed_add_leaves_the_device_on_the_node",
        |folder, pod| {
            let functions = virtual_functions::install(&folder.join("sys")).unwrap();
            // The name is another's in the pod, so that renaming fails after moving.
            veth::add(&call(pod, "net2", "")).unwrap();
            let wanted = format!(r#","deviceID":"{}""#, functions[0].device);
            let failed = sriov::add(&call(pod, "net2", &wanted), &folder.join("sys"), folder);
            assert!(failed.is_err());
            assert_eq!(in_pod(pod), ["lo", "net2"]);
            assert!(names(interfaces().unwrap()).contains(&functions[0].name));
        },
    );
}

#[test]
fn the_first_of_two_routes_stays() {
    on_a_node("the_first_of_two_routes_stays", |folder, _| {
        virtual_functions::install(folder).unwrap();
        session(async |netlink| {
            let index = netlink.index("eth0").await?;
            netlink.add_address(index, "10.0.0.2/24".parse()?).await?;
            let default = "0.0.0.0/0".parse()?;
            netlink
                .add_route(index, default, Some("10.0.0.1".parse()?))
                .await?;
            netlink
                .add_route(index, default, Some("10.0.0.3".parse()?))
                .await
        })
        .unwrap();
        let route = fs::read_to_string("/proc/thread-self/net/route").unwrap();
        assert!(route.contains("0100000A"), "{route}");
    });
}
