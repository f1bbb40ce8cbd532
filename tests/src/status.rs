//! STATUS: whether an ADD would find what it needs, said at once.

use serde_json::{Value, json};

use crate::{
    fixture::{
        bridge::Bridge,
        needs::SCRIPTS,
        node::Node,
        runtime::{Ran, conf, run_of_network},
        witness::{self, pairs, told_at},
    },
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "status::what_is_missing",
            needs: SCRIPTS,
            body: what_is_missing,
        },
        Scenario {
            name: "status::delegates_that_know_status_are_asked",
            needs: SCRIPTS,
            body: delegates_that_know_status_are_asked,
        },
        Scenario {
            name: "status::a_delegates_own_code",
            needs: SCRIPTS,
            body: a_delegates_own_code,
        },
        Scenario {
            name: "status::a_bridge_that_listens",
            needs: SCRIPTS,
            body: a_bridge_that_listens,
        },
    ]
}

/// STATUS on `node`, with this beside the usual configuration.
fn status(node: &Node, more: &Value) -> Ran {
    let mut conf = conf(node, more);
    conf["cniVersion"] = json!("1.1.0");
    run_of_network(node, "STATUS", &conf)
}

fn what_is_missing() {
    Node::run(|node| {
        witness::install(node, &["one"]);
        let delegate = json!({"cniVersion": "1.0.0", "name": "a", "type": "one"});
        let absent = json!({"cniVersion": "1.0.0", "name": "b", "type": "absent"});
        let chain = json!({"cniVersion": "1.0.0", "name": "c", "plugins": [{"type": "one"}, {"type": "absent"}]});
        let file = |name: &str| node.path(name).display().to_string();
        for (more, words) in [
            (
                json!({"delegates": [delegate], "readinessindicatorfile": file("ready")}),
                vec!["readinessindicatorfile".to_owned(), file("ready")],
            ),
            (
                json!({"delegates": [delegate, absent]}),
                vec!["\"absent\"".to_owned(), "\"b\"".to_owned(), file("bin")],
            ),
            (
                json!({"delegates": [chain]}),
                vec!["\"absent\"".to_owned(), "\"c\"".to_owned()],
            ),
            (
                json!({"delegates": [delegate], "bridgeSocket": file("bridge.sock"), "bridgeTimeout": 1}),
                vec!["polypod-device-bridge".to_owned(), file("bridge.sock")],
            ),
            (
                json!({"clusterNetwork": file("conf/10-none.conf")}),
                vec!["clusterNetwork".to_owned(), file("conf/10-none.conf")],
            ),
            // A name that no object can have is one of a file.
            (
                json!({"clusterNetwork": "Upper_case"}),
                vec!["clusterNetwork".to_owned(), "Upper_case".to_owned()],
            ),
            // It may be an object: then somebody has to be there who can look it up.
            (
                json!({"clusterNetwork": "net-a", "bridgeSocket": file("bridge.sock"), "bridgeTimeout": 1}),
                vec![file("bridge.sock")],
            ),
        ] {
            let (code, message) = status(node, &more).failed();
            assert_eq!(code, 50, "{more}: {message}");
            for word in words {
                assert!(message.contains(&word), "{word}: {message}");
            }
        }
        // A wrong configuration is not one that waiting mends.
        assert_eq!(status(node, &json!({"delegates": []})).failed().0, 7);
        std::fs::write(node.path("ready"), "").unwrap();
        let ready = json!({"delegates": [delegate], "readinessindicatorfile": file("ready")});
        assert_eq!(status(node, &ready).succeeded().printed, Value::Null);
        assert_eq!(node.files("state"), [].into());
    });
}

fn delegates_that_know_status_are_asked() {
    Node::run(|node| {
        witness::install(node, &["first", "second", "old", "cluster"]);
        let chain = json!({"cniVersion": "1.1.0", "name": "a", "plugins": [{"type": "first"}, {"type": "second"}]});
        let old = json!({"cniVersion": "1.0.0", "name": "b", "type": "old"});
        status(node, &json!({"delegates": [chain, old]})).succeeded();
        let told = witness::told(node);
        assert_eq!(told.len(), 2, "{told:?}");
        for (told, plugin) in told.iter().zip(["first", "second"]) {
            assert_eq!(
                (told.plugin.as_str(), told.verb.as_str()),
                (plugin, "STATUS")
            );
            assert_eq!(
                (told.container.as_str(), told.interface.as_str()),
                ("", ""),
                "it is about no container"
            );
            assert_eq!(
                told.stdin,
                json!({"cniVersion": "1.1.0", "name": "a", "type": plugin})
            );
        }
        std::fs::create_dir_all(node.path("conf")).unwrap();
        let text = json!({"cniVersion": "1.1.0", "name": "in-a-file", "type": "cluster"});
        std::fs::write(node.path("conf/10-a.conf"), text.to_string()).unwrap();
        status(node, &json!({"clusterNetwork": "in-a-file"})).succeeded();
        assert_eq!(told_at(node, "STATUS"), pairs(&[("cluster", "")]));
    });
}

fn a_delegates_own_code() {
    Node::run(|node| {
        witness::install(node, &["one", "two"]);
        let conf = json!({"delegates": [
            {"cniVersion": "1.1.0", "name": "a", "type": "one"},
            {"cniVersion": "1.1.0", "name": "b", "type": "two"},
        ]});
        for code in [50, 51, 11, 100, 4711] {
            let said = json!({"cniVersion": "1.1.0", "code": code, "msg": "no uplink", "details": "port 7"});
            witness::fail(node, "two", "STATUS", &said);
            let (told, message) = status(node, &conf).failed();
            assert_eq!(told, code, "{message}");
            for word in ["\"b\"", "two", "STATUS", "no uplink", "port 7"] {
                assert!(message.contains(word), "{word}: {message}");
            }
        }
    });
}

/// A bridge that is expected is looked for and not asked anything.
fn a_bridge_that_listens() {
    Node::run(|node| {
        witness::install(node, &["one"]);
        let bridge = Bridge::start(node, &[]);
        let mut conf = bridge.conf(&json!({"cniVersion": "1.0.0", "name": "a", "type": "one"}));
        status(node, &conf).succeeded();
        drop(bridge);
        // Killed, it leaves its socket.
        let (code, message) = status(node, &conf).failed();
        assert_eq!(code, 50, "{message}");
        // Where a kubeconfig is, somebody else can answer.
        conf["kubeconfig"] = json!(node.path("kubeconfig"));
        conf["resolver"] = json!("/bin/sh");
        let (code, message) = status(node, &conf).failed();
        assert_eq!(code, 50, "{message}");
        std::fs::write(node.path("kubeconfig"), "").unwrap();
        status(node, &conf).succeeded();
    });
}
