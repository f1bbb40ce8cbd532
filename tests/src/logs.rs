//! What the plugin says about its work, and the trace that it is part of.

use serde_json::{Value, json};

use crate::{
    fixture::{
        delegates,
        needs::SCRIPTS,
        node::Node,
        runtime::{Sandbox, conf, finish},
        witness,
    },
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "logs::lines_say_what_they_are_about",
            needs: SCRIPTS,
            body: lines_say_what_they_are_about,
        },
        Scenario {
            name: "logs::levels_and_places",
            needs: SCRIPTS,
            body: levels_and_places,
        },
        Scenario {
            name: "logs::the_trace_goes_on_to_delegates",
            needs: SCRIPTS,
            body: the_trace_goes_on_to_delegates,
        },
        Scenario {
            name: "logs::rotation_by_several_processes_loses_nothing",
            needs: SCRIPTS,
            body: rotation_by_several_processes_loses_nothing,
        },
    ]
}

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn two(node: &Node, more: &Value) -> Value {
    witness::install(node, &["one", "two"]);
    let mut conf = conf(
        node,
        &json!({"delegates": [
            {"cniVersion": "1.0.0", "name": "a", "type": "one"},
            {"cniVersion": "1.0.0", "name": "b", "type": "two", "vlan": 5},
        ]}),
    );
    let more = more.as_object().unwrap().clone();
    conf.as_object_mut().unwrap().extend(more);
    conf
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("no JSON ({error}): {line}"))
        })
        .collect()
}

fn read(node: &Node) -> Vec<Value> {
    lines(&std::fs::read_to_string(node.path("log/polypod.log")).unwrap_or_default())
}

fn lines_say_what_they_are_about() {
    Node::run(|node| {
        // Keys in any case, as they are found in the wild.
        let conf = two(
            node,
            &json!({"LogFile": node.path("log/polypod.log"), "LogLevel": "verbose", "logToStderr": false}),
        );
        let mut sandbox = Sandbox::new(node, "p1");
        sandbox.variables = vec![("TRACEPARENT", TRACEPARENT.to_owned())];
        for verb in ["ADD", "CHECK", "DEL"] {
            let ran = sandbox.run(verb, &conf).succeeded();
            assert_eq!(ran.stderr, "", "logToStderr is false");
        }
        let lines = read(node);
        let said: Vec<_> = lines
            .iter()
            .map(|line| {
                ["command", "message", "network", "interface"]
                    .map(|key| line[key].as_str().unwrap())
            })
            .collect();
        assert_eq!(
            said,
            [
                ["ADD", "attachment added", "a", "eth0"],
                ["ADD", "attachment added", "b", "net1"],
                ["CHECK", "attachment is checked", "a", "eth0"],
                ["CHECK", "attachment is checked", "b", "net1"],
                ["DEL", "attachment is deleted", "b", "net1"],
                ["DEL", "attachment is deleted", "a", "eth0"],
            ]
        );
        for line in &lines {
            for (key, value) in [
                ("level", "verbose"),
                ("containerId", "sandbox-p1"),
                ("namespace", "default"),
                ("pod", "p1"),
                ("uid", "uid-p1"),
                ("traceId", "0af7651916cd43dd8448eb211c80319c"),
            ] {
                assert_eq!(line[key], value, "{key}: {line}");
            }
            assert!(
                line["time"]
                    .as_str()
                    .is_some_and(|time| time.ends_with('Z')),
                "{line}"
            );
        }
        assert_eq!(lines[1]["result"]["interfaces"][0]["name"], "net1");
        assert_eq!(lines[4]["conf"]["vlan"], 5);
        witness::fail(
            node,
            "two",
            "ADD",
            &json!({"code": 11, "msg": "the port is busy"}),
        );
        let (_, message) = sandbox.fail("ADD", &conf);
        let lines = read(node);
        let failed = lines.last().unwrap();
        assert_eq!(failed["level"], "error");
        assert!(
            message.contains(failed["error"].as_str().unwrap()),
            "what the runtime is told: {failed}"
        );
    });
}

fn levels_and_places() {
    Node::run(|node| {
        let file = node.path("log/polypod.log");
        let sandbox = Sandbox::new(node, "p1");
        for (more, in_file, on_stderr) in [
            (json!({}), 0, 0),
            (json!({"logFile": file}), 0, 0),
            (json!({"logLevel": "error"}), 0, 0),
            (json!({"logLevel": "verbose"}), 0, 4),
            (json!({"logLevel": "verbose", "logFile": file}), 4, 4),
            (
                json!({"logLevel": "VERBOSE", "logFile": file, "logToStderr": false}),
                4,
                0,
            ),
            (json!({"logLevel": "verbose", "logToStderr": false}), 0, 0),
        ] {
            let _ = std::fs::remove_file(&file);
            let conf = two(node, &more);
            let added = sandbox.run("ADD", &conf).succeeded();
            let deleted = sandbox.run("DEL", &conf).succeeded();
            let stderr = lines(&(added.stderr + &deleted.stderr));
            assert_eq!(
                (read(node).len(), stderr.len()),
                (in_file, on_stderr),
                "{more}"
            );
            assert_eq!(file.exists(), in_file > 0, "no line, no file: {more}");
        }
        // An unknown level is no reason to fail a pod, and neither is a log that nobody can write.
        let ran = sandbox
            .run("ADD", &two(node, &json!({"logLevel": "info"})))
            .succeeded();
        assert_eq!(lines(&ran.stderr)[0]["logLevel"], "info");
        sandbox.del(&two(node, &json!({})));
        let conf = two(
            node,
            &json!({"logLevel": "verbose", "logFile": "/proc/none/polypod.log", "logToStderr": false}),
        );
        let ran = sandbox.run("ADD", &conf).succeeded();
        let told = lines(&ran.stderr);
        assert_eq!(told.len(), 1, "it is said once: {}", ran.stderr);
        assert!(
            ran.stderr.contains("/proc/none/polypod.log"),
            "{}",
            ran.stderr
        );
        sandbox.run("DEL", &conf).succeeded();
    });
}

fn the_trace_goes_on_to_delegates() {
    Node::run(|node| {
        delegates::install(
            node,
            "traced",
            "cat > /dev/null\necho \"$CNI_COMMAND ${TRACEPARENT-none} ${TRACESTATE-none}\" >> \"$calls\"\n[ $CNI_COMMAND = ADD ] && printf '{\"cniVersion\":\"1.0.0\"}'\nexit 0\n",
        );
        let conf = conf(
            node,
            &json!({"delegates": [{"cniVersion": "1.0.0", "name": "a", "type": "traced"}]}),
        );
        let mut sandbox = Sandbox::new(node, "p1");
        sandbox.variables = vec![
            ("TRACEPARENT", TRACEPARENT.to_owned()),
            ("TRACESTATE", "vendor=00f067aa0ba902b7".to_owned()),
        ];
        sandbox.add(&conf);
        sandbox.variables.clear();
        sandbox.del(&conf);
        assert_eq!(
            delegates::calls(node),
            [
                format!("ADD {TRACEPARENT} vendor=00f067aa0ba902b7"),
                "DEL none none".to_owned()
            ],
        );
    });
}

/// Each line of a plugin is about half a megabyte, so that a megabyte is full after two.
fn rotation_by_several_processes_loses_nothing() {
    Node::run(|node| {
        let long = "x".repeat(300 << 10);
        let mut conf = two(
            node,
            &json!({"logFile": node.path("log/polypod.log"), "logLevel": "verbose", "logToStderr": false,
                    "logOptions": {"maxSize": 1, "maxBackups": 20, "compress": false}}),
        );
        conf["delegates"][1]["long"] = json!(long);
        let pods: Vec<Sandbox> = (0..6)
            .map(|index| Sandbox::new(node, &format!("p{index}")))
            .collect();
        for verb in ["ADD", "CHECK", "DEL"] {
            let running: Vec<_> = pods.iter().map(|pod| pod.start(verb, &conf)).collect();
            for child in running {
                let ran = finish(child).succeeded();
                assert_eq!(ran.stderr, "");
            }
        }
        let files = node.files("log");
        assert!(files.len() > 2, "it was rotated: {files:?}");
        let mut found = Vec::new();
        for file in &files {
            let text = std::fs::read_to_string(file).unwrap();
            assert!(text.len() <= 1 << 20, "{}: {}", file.display(), text.len());
            found.extend(lines(&text).iter().map(|line| {
                ["command", "pod", "network"].map(|key| line[key].as_str().unwrap().to_owned())
            }));
        }
        found.sort();
        let mut wanted = Vec::new();
        for verb in ["ADD", "CHECK", "DEL"] {
            for pod in &pods {
                for network in ["a", "b"] {
                    wanted.push([verb, &pod.pod, network].map(str::to_owned));
                }
            }
        }
        wanted.sort();
        assert_eq!(found, wanted, "every line once and whole");
        // As many as the options say, compressed.
        conf["logOptions"] = json!({"maxSize": 1, "maxBackups": 2, "compress": true});
        for verb in ["ADD", "CHECK", "CHECK", "CHECK", "CHECK", "DEL"] {
            pods[0].run(verb, &conf).succeeded();
        }
        let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
        loop {
            let names: Vec<_> = node
                .files("log")
                .into_iter()
                .map(|file| file.extension().unwrap().to_owned())
                .collect();
            let compressed = names.iter().filter(|name| *name == "gz").count();
            if (names.len(), compressed) == (3, 2) {
                break;
            }
            assert!(std::time::Instant::now() < until, "{names:?}");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    });
}
