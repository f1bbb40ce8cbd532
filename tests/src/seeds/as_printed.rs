//! What is broken in print is refused with its place, and the rest is admitted.

use std::process::Command;

use super::{file, text};
use crate::{
    fixture::{
        binaries,
        runtime::{error, execute},
    },
    scenario::Scenario,
};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "seeds::as_printed::no_json",
            needs: &[],
            body: no_json,
        },
        Scenario {
            name: "seeds::as_printed::admitted",
            needs: &[],
            body: admitted,
        },
    ]
}

/// Two configurations cannot be used as they stand: one has a comment, the other one comma too few. The runtime is told
/// the line.
fn no_json() {
    for (name, line) in [
        ("multus-v1/file-alone.conf", "line 7"),
        ("examples/multus-ptp-portmap.conf", "line 4"),
    ] {
        let environment = [
            ("CNI_COMMAND", "ADD"),
            ("CNI_CONTAINERID", "c1"),
            ("CNI_NETNS", "/nowhere"),
            ("CNI_IFNAME", "eth0"),
            ("CNI_PATH", "/nowhere"),
        ];
        let ran = execute(&environment, text(name).as_bytes());
        let (code, message) = error(&ran.printed);
        assert_eq!(code, 6, "{name}: {message}");
        assert!(message.contains(line), "{name}: {message}");
    }
}

/// The webhook lets every pod of today's kind through, with what its networks need.
fn admitted() {
    for (files, wanted) in [
        (
            &["smart-edge/macvlan.yaml", "smart-edge/samplepod.yaml"][..],
            Ok("samplepod"),
        ),
        (
            &["examples/macvlan-conf.yml", "examples/sample-pod.yml"],
            Ok("samplepod"),
        ),
        (
            &[
                "examples/sriov-net.yaml",
                "examples/net-resource-sample-pod.yaml",
            ],
            Ok("\"intel.com/sriov\":\"1\""),
        ),
        (
            &[
                "examples/npwg-demo-1/04_macvlan1.yml",
                "examples/npwg-demo-1/05_vlan1.yml",
                "examples/npwg-demo-1/07_ptp_tuning_conflist.yml",
                "examples/npwg-demo-1/11_pod_case1.yml",
                "examples/npwg-demo-1/12_pod_case2.yml",
                "examples/npwg-demo-1/14_pod_case4.yml",
                "examples/npwg-demo-1/15_pod_case5.yml",
            ],
            Ok("pod-case-05"),
        ),
        (
            &[
                "examples/npwg-demo-1/04_macvlan1.yml",
                "examples/npwg-demo-1/06_flannel2.yml",
                "examples/npwg-demo-1/13_pod_case3.yml",
            ],
            Err("flannel-2"),
        ),
        // Networks of Multus v1 are no business of the webhook's.
        (
            &[
                "multus-v1/pod-multi-network.yaml",
                "multus-v1/multus-test.yaml",
            ],
            Ok("multus-multi-net-poc"),
        ),
    ] {
        let mut command = Command::new(binaries::path("kubectl-polypod"));
        command.args(["render", "-o", "json"]);
        for name in files {
            command.arg("-f").arg(file(name));
        }
        let output = command.output().expect("kubectl-polypod can be executed");
        let printed: String = String::from_utf8_lossy(&output.stdout)
            .split_whitespace()
            .collect();
        let stderr = String::from_utf8_lossy(&output.stderr);
        match wanted {
            Ok(word) => assert!(
                output.status.success() && printed.contains(word),
                "{files:?}: {printed} {stderr}"
            ),
            Err(word) => assert!(
                !output.status.success() && stderr.contains(word),
                "{files:?}: {printed} {stderr}"
            ),
        }
    }
}
