//! SIGKILL before every change that taking over and giving back make: pods can start at once, and a second call, of the same
//! command or of the opposite one, goes on.

use std::{fs, path::PathBuf};

use serde_json::json;

use super::{adopt, delegates, networks, restore, thin};
use crate::{
    fixture::{
        binaries, leftovers,
        multus_at_work::{attach, detach},
        needs::BRIDGE,
        node::Node,
        runtime::Sandbox,
        traced::Traced,
    },
    install::{Folders, plugin_binary},
    scenario::Scenario,
};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "adopt::killed_before_every_change_of_taking_over",
            needs: BRIDGE,
            body: taking_over,
        },
        Scenario {
            name: "adopt::killed_before_every_change_of_giving_back",
            needs: BRIDGE,
            body: giving_back,
        },
    ]
}

/// The node as Multus has it, without what a step before has left.
fn fresh(node: &Node) -> Folders {
    for folder in ["net.d", "cni-bin", "state"] {
        let _ = fs::remove_dir_all(node.path(folder));
    }
    thin(node, &networks(node))
}

/// Kills `arguments` before one change after another, until it gets through. `prepare` makes the node and its pod, and
/// `mend` is what the operator does next.
fn walk(
    node: &Node,
    arguments: &[&str],
    prepare: impl Fn() -> Folders,
    mend: impl Fn(&Folders, bool),
) {
    let meanwhile = Sandbox::new(node, "meanwhile");
    let path = std::env::var("PATH").unwrap_or_default();
    let environment = [("PATH", path.as_str())];
    let mut killed = 0;
    for step in 1.. {
        let folders = prepare();
        let arguments = folders.arguments("install", arguments);
        let program = binaries::path("polypod-device-bridge");
        let traced = Traced::with_arguments(&program, &arguments, &environment, b"");
        let call = traced.kill_before_change(step);
        let after = format!("killed before change {step}, system call {call:?}");
        starts_pods(&folders, &meanwhile, &after);
        mend(&folders, step % 2 == 0);
        assert_eq!(leftovers::leases(node), Vec::<PathBuf>::new(), "{after}");
        assert_eq!(leftovers::veths(node), Vec::<String>::new(), "{after}");
        assert_eq!(node.files("state"), [].into(), "{after}");
        match call {
            Some(_) => killed += 1,
            None => break,
        }
    }
    // Several files are written and renamed; a run of writes is one change.
    assert!(killed > 5, "killed {killed} times");
    println!("killed before each of {killed} changes");
}

/// What the runtime takes now is whole, and so is the program that it executes.
fn starts_pods(folders: &Folders, sandbox: &Sandbox, after: &str) {
    let plugin = folders.taken_plugin();
    match plugin["type"].as_str() {
        Some("polypod") => {
            folders.run(sandbox, "ADD", &json!({})).succeeded();
            folders.run(sandbox, "DEL", &json!({})).succeeded();
        }
        Some("multus") => {
            let program = fs::read(folders.path("cni-bin/multus")).expect("it is there");
            let ours = fs::read(plugin_binary()).expect("it is built");
            // Under Multus's name is Multus, or the plugin that has taken the name and does the same.
            assert!(program == b"theirs" || program == ours, "{after}");
        }
        other => panic!("{after}: {other:?}"),
    }
}

fn taking_over() {
    Node::run(|node| {
        let binary = plugin_binary();
        let pod = Sandbox::new(node, "pod");
        let prepare = || {
            let folders = fresh(node);
            attach(node, &pod, &delegates(&networks(node)));
            folders
        };
        walk(node, &adopt(&binary), prepare, |folders, turns_back| {
            if turns_back {
                restore(folders, &[]);
                assert_eq!(folders.taken().0, "00-multus.conflist");
                assert_eq!(fs::read(folders.path("cni-bin/multus")).unwrap(), b"theirs");
                detach(node, &pod);
            } else {
                folders.succeeds("install", &adopt(&binary));
                assert_eq!(folders.taken().0, "00-polypod.conflist");
                folders.run(&pod, "DEL", &json!({})).succeeded();
            }
        });
    });
}

fn giving_back() {
    Node::run(|node| {
        let binary = plugin_binary();
        let pod = Sandbox::new(node, "pod");
        // Without Multus's files beside the record there is something to hand over.
        let flags = [&adopt(&binary)[..], &["--compat", "none"]].concat();
        let prepare = || {
            let folders = fresh(node);
            folders.succeeds("install", &flags);
            folders.run(&pod, "ADD", &json!({})).succeeded();
            folders
        };
        walk(
            node,
            &["--restore-multus", "--grace", "0"],
            prepare,
            |folders, turns_back| {
                if turns_back {
                    folders.succeeds("install", &flags);
                    folders.run(&pod, "DEL", &json!({})).succeeded();
                } else {
                    restore(folders, &[]);
                    assert_eq!(folders.taken().0, "00-multus.conflist");
                    assert_eq!(fs::read(folders.path("cni-bin/multus")).unwrap(), b"theirs");
                    detach(node, &pod);
                }
            },
        );
    });
}
