//! SIGKILL before every step of every verb that leaves something behind: the next DEL or GC leaves nothing.

use serde_json::{Value, json};

use crate::{
    fixture::{
        binaries, delegates, leftovers,
        needs::BRIDGE,
        node::Node,
        runtime::{Sandbox, conf, gc, host_local, network_environment},
        traced::Traced,
    },
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "killed::before_every_step_of_add",
            needs: BRIDGE,
            body: before_every_step_of_add,
        },
        Scenario {
            name: "killed::before_every_step_of_del",
            needs: BRIDGE,
            body: before_every_step_of_del,
        },
        Scenario {
            name: "killed::before_every_step_of_gc",
            needs: BRIDGE,
            body: before_every_step_of_gc,
        },
    ]
}

/// Two networks with everything that can be left behind: an interface, address leases, a device-info file, and Multus's own
/// files beside the record.
fn everything(node: &Node) -> Value {
    delegates::install(node, "writes-device-info", delegates::WRITES_DEVICE_INFO);
    conf(
        node,
        &json!({
            "cniVersion": "1.1.0",
            "compat": "multus",
            "deviceInfoDir": node.path("devinfo"),
            "runtimeConfig": {"deviceID": "0000:03:02.1"},
            "delegates": [
                {"cniVersion": "1.0.0", "name": "device-net", "type": "writes-device-info", "capabilities": {"deviceID": true, "CNIDeviceInfoFile": true}},
                {"cniVersion": "1.0.0", "name": "bridge-net", "type": "bridge", "bridge": "cni0", "ipam": host_local(node, "10.22.0.0/16")},
            ],
        }),
    )
}

/// Kills `verb` before step after step until it gets through. `mend` is what the runtime does next.
fn walk(
    node: &Node,
    sandbox: &Sandbox,
    prepare: impl Fn(),
    environment: &[(&str, &str)],
    stdin: &Value,
    mend: impl Fn(usize),
) {
    let stdin = stdin.to_string();
    let folders = std::env::var("PATH").unwrap_or_default();
    let environment = [environment, &[("PATH", &folders)]].concat();
    let mut killed = 0;
    for step in 1.. {
        prepare();
        let traced = Traced::start(&binaries::path("polypod"), &environment, stdin.as_bytes());
        let call = traced.kill_before(step);
        mend(step);
        leftovers::assert_none(
            node,
            sandbox,
            &format!("killed before step {step}, system call {call:?}"),
        );
        match call {
            Some(_) => killed += 1,
            None => break,
        }
    }
    // Executing two delegates, and writing a file safely, cannot be done in fewer.
    assert!(killed > 20, "killed {killed} times");
    println!("killed before each of {killed} steps");
}

fn before_every_step_of_add() {
    Node::run(|node| {
        let conf = everything(node);
        let sandbox = Sandbox::new(node, "p1");
        let environment = sandbox.environment("ADD");
        walk(
            node,
            &sandbox,
            || {},
            &borrowed(&environment),
            &conf,
            |step| {
                if step % 2 == 0 {
                    // A sandbox that a delegate of the killed ADD still works on is nobody's garbage yet.
                    sandbox.del(&conf);
                } else {
                    sandbox.wait_for_delegates(node);
                    gc(node, &conf, &[]).succeeded();
                }
            },
        );
    });
}

fn before_every_step_of_del() {
    Node::run(|node| {
        let conf = everything(node);
        let sandbox = Sandbox::new(node, "p1");
        let environment = sandbox.environment("DEL");
        walk(
            node,
            &sandbox,
            || {
                sandbox.add(&conf);
            },
            &borrowed(&environment),
            &conf,
            |_| sandbox.del(&conf),
        );
    });
}

fn before_every_step_of_gc() {
    Node::run(|node| {
        let conf = everything(node);
        let sandbox = Sandbox::new(node, "p1");
        let environment = network_environment(node, "GC");
        let mut collecting = conf.clone();
        collecting["cni.dev/valid-attachments"] = json!([]);
        walk(
            node,
            &sandbox,
            || {
                sandbox.add(&conf);
            },
            &borrowed(&environment),
            &collecting,
            |_| sandbox.del(&conf),
        );
    });
}

fn borrowed<'a>(environment: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    environment
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect()
}
