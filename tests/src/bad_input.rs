//! Broken input of every kind: a clear error, no panic, nothing left behind.

use serde_json::{Value, json};

use crate::{
    fixture::{
        delegates,
        needs::SCRIPTS,
        node::Node,
        runtime::{Sandbox, conf, error, execute},
    },
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "bad_input::environment",
            needs: &[],
            body: environment,
        },
        Scenario {
            name: "bad_input::configuration",
            needs: &[],
            body: configuration,
        },
        Scenario {
            name: "bad_input::delegates_that_fail",
            needs: SCRIPTS,
            body: delegates_that_fail,
        },
        Scenario {
            name: "bad_input::a_torn_record_is_no_success",
            needs: SCRIPTS,
            body: a_torn_record_is_no_success,
        },
        Scenario {
            name: "bad_input::nobody_to_ask",
            needs: SCRIPTS,
            body: nobody_to_ask,
        },
    ]
}

const ENVIRONMENT: [(&str, &str); 5] = [
    ("CNI_COMMAND", "ADD"),
    ("CNI_CONTAINERID", "c1"),
    ("CNI_NETNS", "/run/netns/none"),
    ("CNI_IFNAME", "eth0"),
    ("CNI_PATH", "/does/not/exist"),
];

fn environment() {
    for missing in [
        "CNI_COMMAND",
        "CNI_CONTAINERID",
        "CNI_NETNS",
        "CNI_IFNAME",
        "CNI_PATH",
    ] {
        let rest: Vec<_> = ENVIRONMENT
            .into_iter()
            .filter(|(name, _)| *name != missing)
            .collect();
        let ran = execute(&rest, b"{}");
        let (code, message) = error(&ran.printed);
        assert_eq!(code, 4, "{missing}");
        assert!(message.contains(missing), "{message}");
    }
    for (name, value) in [
        ("CNI_COMMAND", "EXPLODE"),
        ("CNI_CONTAINERID", "../x"),
        ("CNI_IFNAME", "much-too-long-name"),
        ("CNI_ARGS", "novalue"),
    ] {
        let changed: Vec<_> = ENVIRONMENT
            .into_iter()
            .filter(|(n, _)| *n != name)
            .chain([(name, value)])
            .collect();
        let (code, message) = error(&execute(&changed, b"{}").printed);
        assert_eq!(code, 4, "{name}");
        assert!(
            message.contains(value) || message.contains(name),
            "{message}"
        );
    }
}

fn configuration() {
    for (stdin, code) in [
        ("", 6),
        ("hello", 6),
        ("null", 6),
        ("[]", 6),
        ("{\"name\":", 6),
        ("{}", 7),
        ("{\"name\":\"n\"}", 7),
        ("{\"name\":\"n\",\"delegates\":[null]}", 7),
        ("{\"name\":\"n\",\"delegates\":[{}]}", 7),
        ("{\"name\":\"n\",\"delegates\":[{\"plugins\":[]}]}", 7),
        ("{\"name\":\"n\",\"delegates\":[{\"plugins\":[null]}]}", 7),
        ("{\"name\":\"n\",\"delegates\":\"bridge\"}", 7),
        ("{\"name\":\"n\",\"delegates\":[{\"type\":\"polypod\"}]}", 7),
        (
            "{\"name\":\"n\",\"delegates\":[{\"plugins\":[{\"type\":\"multus\"}]}]}",
            7,
        ),
        (
            "{\"name\":\"n\",\"delegates\":[{\"type\":\"../../bin/sh\"}]}",
            7,
        ),
        (
            "{\"name\":\"n\",\"cniVersion\":\"3.0\",\"delegates\":[{\"type\":\"a\"}]}",
            1,
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let stdin = stdin.replacen(
            "{\"name\":\"n\",",
            &format!(
                "{{\"name\":\"n\",\"cniDir\":{:?},",
                state.display().to_string()
            ),
            1,
        );
        for verb in ["ADD", "DEL"] {
            let environment = ENVIRONMENT.map(|(name, value)| {
                if name == "CNI_COMMAND" {
                    (name, verb)
                } else {
                    (name, value)
                }
            });
            let ran = execute(&environment, stdin.as_bytes());
            // DEL reads only where the records are; there is none of this sandbox.
            if verb == "DEL" && code != 6 {
                assert!(ran.success, "{stdin}: {}", ran.printed);
            } else {
                assert_eq!(
                    error(&ran.printed).0,
                    code,
                    "{verb} {stdin}: {}",
                    ran.printed
                );
            }
        }
        assert!(!state.exists(), "nothing was written for {stdin}");
    }
}

fn delegates_that_fail() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        delegates::install(node, "crashes", delegates::CRASHES);
        delegates::install(node, "babbles", delegates::BABBLES);
        delegates::install(node, "hangs", delegates::HANGS);
        for (plugin, code, words) in [
            (
                "missing",
                100,
                &["failed to find plugin \"missing\" in path [", "install it"][..],
            ),
            ("crashes", 100, &["exit status: 2", "nil map"]),
            ("babbles", 100, &["not a CNI result", "all done!"]),
            ("hangs", 100, &["did not end within 1 seconds"]),
        ] {
            let conf = conf(
                node,
                &json!({"delegateTimeout": 1, "delegates": [
                {"cniVersion": "1.0.0", "name": "good", "type": "probe"}, {"cniVersion": "1.0.0", "name": "bad-net", "type": plugin}]}),
            );
            let sandbox = Sandbox::new(node, plugin);
            let (found, message) = sandbox.fail("ADD", &conf);
            assert_eq!(found, code, "{message}");
            for word in words.iter().chain(&["bad-net"]) {
                assert!(message.contains(word), "{word}: {message}");
            }
            assert_eq!(
                node.files("state"),
                [].into(),
                "no record is left of {plugin}"
            );
            sandbox.del(&conf);
        }
        let good: Vec<String> = delegates::calls(node)
            .iter()
            .filter_map(|call| call.split(' ').next().map(str::to_owned))
            .collect();
        assert_eq!(
            good,
            ["ADD", "DEL"].repeat(3),
            "a missing plugin is found before anything is attached, and the others are undone"
        );
    });
}

fn a_torn_record_is_no_success() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        let conf = conf(
            node,
            &json!({"delegates": [{"cniVersion": "1.0.0", "name": "a", "type": "probe"}]}),
        );
        let sandbox = Sandbox::new(node, "p1");
        sandbox.add(&conf);
        let record = node.files("state").into_iter().next().unwrap();
        let text = std::fs::read_to_string(&record).unwrap();
        std::fs::write(&record, &text[..text.len() / 2]).unwrap();
        let (code, message) = sandbox.fail("DEL", &conf);
        assert_eq!(code, 103);
        assert!(message.contains(&record.display().to_string()), "{message}");
        assert!(record.exists(), "the evidence is kept");
        std::fs::write(&record, text).unwrap();
        sandbox.del(&conf);
    });
}

fn nobody_to_ask() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        let delegates = json!([{"cniVersion": "1.0.0", "name": "a", "type": "probe"}]);
        let asks = |networks: &str| json!({"io.kubernetes.cri.pod-annotations": {"k8s.v1.cni.cncf.io/networks": networks}});
        let cases: [(Value, u64, &str); 3] = [
            (
                json!({"bridgeSocket": node.path("none.sock"), "bridgeTimeout": 1, "delegates": delegates}),
                11,
                "none.sock",
            ),
            (
                json!({"bridgeSocket": node.path("none.sock"), "bridgeTimeout": 1, "delegates": delegates, "runtimeConfig": asks("x")}),
                11,
                "none.sock",
            ),
            (
                json!({"kubeconfig": node.path("kubeconfig"), "resolver": node.path("no-resolver"), "bridgeSocket": node.path("none.sock"), "delegates": delegates}),
                5,
                "no-resolver",
            ),
        ];
        std::fs::write(node.path("kubeconfig"), "").unwrap();
        for (index, (more, code, word)) in cases.into_iter().enumerate() {
            let sandbox = Sandbox::new(node, &format!("p{index}"));
            let (found, message) = sandbox.fail("ADD", &conf(node, &more));
            assert_eq!(found, code, "{message}");
            assert!(message.contains(word), "{message}");
        }
        // A pod that is known to ask for nothing does not wait for an agent that is not there.
        let quiet = json!({"bridgeSocket": node.path("none.sock"), "delegates": delegates, "runtimeConfig": asks("")});
        let sandbox = Sandbox::new(node, "quiet");
        sandbox.add(&conf(node, &quiet));
        sandbox.del(&conf(node, &quiet));
        assert_eq!(node.files("state"), [].into());
    });
}
