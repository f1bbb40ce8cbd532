//! Delegates and agents that do not answer: nobody waits for them for ever, and nothing is left of what was begun.

use std::{
    os::unix::net::UnixListener,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    fixture::{
        delegates, leftovers,
        needs::{BRIDGE, SCRIPTS},
        node::Node,
        runtime::{Sandbox, conf, finish, host_local},
        witness::{self, pairs, told_at},
    },
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "deadlines::a_hung_delegate_is_killed_and_undone",
            needs: BRIDGE,
            body: a_hung_delegate_is_killed_and_undone,
        },
        Scenario {
            name: "deadlines::a_hung_del_keeps_the_record",
            needs: SCRIPTS,
            body: a_hung_del_keeps_the_record,
        },
        Scenario {
            name: "deadlines::slow_delegates_share_the_time_of_the_verb",
            needs: SCRIPTS,
            body: slow_delegates_share_the_time_of_the_verb,
        },
        Scenario {
            name: "deadlines::a_plugin_that_is_being_replaced",
            needs: SCRIPTS,
            body: a_plugin_that_is_being_replaced,
        },
        Scenario {
            name: "deadlines::codes_of_delegates_are_kept",
            needs: SCRIPTS,
            body: codes_of_delegates_are_kept,
        },
        Scenario {
            name: "deadlines::a_bridge_that_never_answers",
            needs: SCRIPTS,
            body: a_bridge_that_never_answers,
        },
        Scenario {
            name: "deadlines::add_waits_for_the_readiness_file",
            needs: SCRIPTS,
            body: add_waits_for_the_readiness_file,
        },
    ]
}

/// Never ends at ADD, with a child that holds everything open that it got.
const HANGS_WITH_A_CHILD: &str = r#"
cat > /dev/null
[ "$CNI_COMMAND" = ADD ] || { touch "$node/undone"; exit 0; }
sleep 300 &
echo $! $$ > "$node/pids"
wait
"#;

/// Whether a process runs; a zombie only waits for its new parent.
fn runs(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn a_hung_delegate_is_killed_and_undone() {
    Node::run(|node| {
        delegates::install(node, "hangs", HANGS_WITH_A_CHILD);
        let conf = conf(
            node,
            &json!({"delegateTimeout": 2, "delegates": [
                {"cniVersion": "1.0.0", "name": "bridge-net", "type": "bridge", "bridge": "cni0", "ipam": host_local(node, "10.22.0.0/24")},
                {"cniVersion": "1.0.0", "name": "hanging-net", "type": "hangs"},
            ]}),
        );
        let sandbox = Sandbox::new(node, "p1");
        let (code, message) = sandbox.fail("ADD", &conf);
        assert_eq!(code, 100, "{message}");
        for word in [
            "hanging-net",
            "net1",
            "\"hangs\"",
            "ADD",
            "2 seconds",
            "killed",
        ] {
            assert!(message.contains(word), "{word}: {message}");
        }
        let pids = std::fs::read_to_string(node.path("pids")).unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        for pid in pids.split_whitespace() {
            while runs(pid) {
                assert!(Instant::now() < until, "process {pid} still runs");
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        assert!(
            node.path("undone").exists(),
            "half of it may have been made"
        );
        leftovers::assert_none(node, &sandbox, "after the failed ADD");
        sandbox.del(&conf);
    });
}

fn a_hung_del_keeps_the_record() {
    Node::run(|node| {
        witness::install(node, &["one", "three"]);
        let hangs = "cat > /dev/null\n[ $CNI_COMMAND = ADD ] && { printf '{\"cniVersion\":\"1.0.0\"}'; exit; }\n[ -e \"$node/mended\" ] || sleep 300\n";
        delegates::install(node, "two", hangs);
        let conf = conf(
            node,
            &json!({"delegateTimeout": 2, "delegates": [
                {"cniVersion": "1.0.0", "name": "a", "type": "one"},
                {"cniVersion": "1.0.0", "name": "b", "type": "two"},
                {"cniVersion": "1.0.0", "name": "c", "type": "three"},
            ]}),
        );
        let sandbox = Sandbox::new(node, "p1");
        sandbox.add(&conf);
        witness::told(node);
        let (code, message) = sandbox.fail("DEL", &conf);
        assert_eq!(code, 100, "{message}");
        assert!(
            message.contains("\"b\"") && message.contains("DEL") && message.contains("2 seconds"),
            "{message}"
        );
        assert_eq!(
            told_at(node, "DEL"),
            pairs(&[("three", "net2"), ("one", "eth0")])
        );
        std::fs::write(node.path("mended"), "").unwrap();
        sandbox.del(&conf);
        assert_eq!(told_at(node, "DEL"), [], "only what was left");
        assert_eq!(node.files("state"), [].into());
    });
}

fn slow_delegates_share_the_time_of_the_verb() {
    Node::run(|node| {
        let slow = "cat > /dev/null\n[ $CNI_COMMAND = ADD ] || { echo $CNI_IFNAME >> \"$calls\"; exit 0; }\nsleep 1.2\nprintf '{\"cniVersion\":\"1.0.0\"}'\n";
        delegates::install(node, "slow", slow);
        let delegates: Vec<Value> = (0..12)
            .map(
                |index| json!({"cniVersion": "1.0.0", "name": format!("n{index}"), "type": "slow"}),
            )
            .collect();
        let conf = conf(node, &json!({"timeout": 4, "delegates": delegates}));
        let sandbox = Sandbox::new(node, "p1");
        let begun = Instant::now();
        let (code, message) = sandbox.fail("ADD", &conf);
        assert_eq!(code, 100, "{message}");
        assert!(
            begun.elapsed() < Duration::from_secs(14),
            "not all twelve were waited for"
        );
        assert!(
            message.contains("slow") && message.contains("killed")
                || message.contains("no time left"),
            "{message}"
        );
        let undone = delegates::calls(node);
        assert!(
            undone.last().is_some_and(|last| last == "eth0") && undone.len() < 12,
            "those that were begun, in reverse: {undone:?}"
        );
        assert_eq!(node.files("state"), [].into());
    });
}

fn a_plugin_that_is_being_replaced() {
    Node::run(|node| {
        witness::install(node, &["one"]);
        let conf = conf(
            node,
            &json!({"delegates": [{"cniVersion": "1.0.0", "name": "a", "type": "one"}]}),
        );
        let sandbox = Sandbox::new(node, "p1");
        let writing = std::fs::OpenOptions::new()
            .append(true)
            .open(node.path("bin/one"))
            .unwrap();
        let mut adding = sandbox.start("ADD", &conf);
        // Longer than it takes to get to the delegate, shorter than anybody waits for it.
        std::thread::sleep(Duration::from_millis(1500));
        assert_eq!(adding.try_wait().unwrap(), None, "it waits");
        assert_eq!(told_at(node, "ADD"), []);
        drop(writing);
        finish(adding).succeeded();
        assert_eq!(told_at(node, "ADD"), pairs(&[("one", "eth0")]));
        sandbox.del(&conf);
    });
}

fn codes_of_delegates_are_kept() {
    Node::run(|node| {
        witness::install(node, &["one", "two"]);
        let conf = conf(
            node,
            &json!({"delegates": [
                {"cniVersion": "1.0.0", "name": "a", "type": "one"},
                {"cniVersion": "1.0.0", "name": "storage", "type": "two"},
            ]}),
        );
        let sandbox = Sandbox::new(node, "p1");
        for (code, told) in [(11, 11), (7, 7), (3, 3), (999, 999), (4711, 4711), (0, 100)] {
            witness::fail(
                node,
                "two",
                "ADD",
                &json!({"cniVersion": "1.0.0", "code": code, "msg": "the port is busy", "details": "port 7"}),
            );
            let (kept, message) = sandbox.fail("ADD", &conf);
            assert_eq!(kept, told, "{message}");
            for word in ["storage", "net1", "\"two\"", "the port is busy", "port 7"] {
                assert!(message.contains(word), "{word}: {message}");
            }
            assert_eq!(
                told_at(node, "DEL"),
                pairs(&[("two", "net1"), ("one", "eth0")])
            );
            assert_eq!(node.files("state"), [].into());
        }
    });
}

fn a_bridge_that_never_answers() {
    Node::run(|node| {
        witness::install(node, &["one"]);
        let socket = node.path("bridge.sock");
        // The kernel takes the connection; nobody ever reads what comes.
        let _silent = UnixListener::bind(&socket).unwrap();
        let conf = conf(
            node,
            &json!({"timeout": 2, "bridgeSocket": socket, "delegates": [{"cniVersion": "1.0.0", "name": "a", "type": "one"}]}),
        );
        let sandbox = Sandbox::new(node, "p1");
        let (code, message) = sandbox.fail("ADD", &conf);
        assert_eq!(code, 11, "waiting may help: {message}");
        assert!(
            message.contains("bridge.sock") && message.contains("no answer"),
            "{message}"
        );
        assert_eq!(witness::told(node).len(), 0, "nothing was begun");
        assert_eq!(node.files("state"), [].into());
        sandbox.del(&conf);
    });
}

fn add_waits_for_the_readiness_file() {
    Node::run(|node| {
        witness::install(node, &["one"]);
        let ready = node.path("ready");
        let mut conf = conf(
            node,
            &json!({"readinessindicatorfile": ready, "delegates": [{"cniVersion": "1.0.0", "name": "a", "type": "one"}]}),
        );
        let sandbox = Sandbox::new(node, "p1");
        let mut adding = sandbox.start("ADD", &conf);
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(adding.try_wait().unwrap(), None, "it waits");
        std::fs::write(&ready, "").unwrap();
        finish(adding).succeeded();
        std::fs::remove_file(&ready).unwrap();
        // Nobody needs the daemon of the cluster network to be taken away from it.
        sandbox.run("CHECK", &conf).succeeded();
        sandbox.del(&conf);
        conf["timeout"] = json!(1);
        let (code, message) = sandbox.fail("ADD", &conf);
        assert_eq!(code, 50, "{message}");
        assert!(
            message.contains("readinessindicatorfile")
                && message.contains(&ready.display().to_string()),
            "{message}"
        );
        assert_eq!(node.files("state"), [].into());
    });
}
