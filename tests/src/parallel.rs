//! Attachments that say they may be made together.

use serde_json::{Value, json};

use crate::{
    fixture::{
        bridge::{Bridge, network, pod},
        delegates,
        needs::SCRIPTS,
        node::Node,
        runtime::Sandbox,
    },
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "parallel::they_are_made_together_and_look_as_if_not",
            needs: SCRIPTS,
            body: they_are_made_together_and_look_as_if_not,
        },
        Scenario {
            name: "parallel::one_that_fails_undoes_all",
            needs: SCRIPTS,
            body: one_that_fails_undoes_all,
        },
        Scenario {
            name: "parallel::without_the_key_one_after_another",
            needs: SCRIPTS,
            body: without_the_key_one_after_another,
        },
        Scenario {
            name: "parallel::no_more_at_once_than_allowed",
            needs: SCRIPTS,
            body: no_more_at_once_than_allowed,
        },
    ]
}

/// Waits at ADD until the two others have come too, so that it ends only where three are executed at once; the first one
/// ends last. It writes the begin and the end of every verb down.
const MEETS: &str = r#"
cat > /dev/null
echo "$CNI_COMMAND begin $CNI_IFNAME" >> "$calls"
if [ "$CNI_COMMAND" = ADD ]; then
  touch "$node/meeting-$CNI_IFNAME"
  tries=0
  while [ -e "$node/meet" ] && [ "$(ls "$node" | grep -c meeting-net)" -lt 3 ]; do
    tries=$((tries + 1))
    [ $tries -lt 500 ] || { printf '{"code":120,"msg":"nobody else came"}'; exit 1; }
    sleep 0.02
  done
  while [ -e "$node/meet" ] && [ "$CNI_IFNAME" = net1 ] && [ "$(grep -c 'ADD end net[23]' "$calls")" -lt 2 ]; do sleep 0.02; done
fi
echo "$CNI_COMMAND end $CNI_IFNAME" >> "$calls"
if [ "$CNI_COMMAND" = ADD ] && [ -e "$node/fails-$CNI_IFNAME" ]; then printf '{"code":121,"msg":"%s is broken"}' "$CNI_IFNAME"; exit 1; fi
[ "$CNI_COMMAND" = ADD ] && printf '{"cniVersion":"1.0.0","interfaces":[{"name":"%s","sandbox":"%s"}],"ips":[{"interface":0,"address":"10.0.0.%s/24"}]}' "$CNI_IFNAME" "$CNI_NETNS" "${CNI_IFNAME#???}"
exit 0
"#;

/// The cluster network, which does not say that it may be made together with others.
const ALONE: &str = r#"
cat > /dev/null
echo "$CNI_COMMAND begin $CNI_IFNAME" >> "$calls"
echo "$CNI_COMMAND end $CNI_IFNAME" >> "$calls"
[ "$CNI_COMMAND" = ADD ] && printf '{"cniVersion":"1.0.0","interfaces":[{"name":"%s","sandbox":"%s"}]}' "$CNI_IFNAME" "$CNI_NETNS"
exit 0
"#;

/// A cluster network, and three pod networks that allow it.
fn start(node: &Node) -> (Bridge<'_>, Value) {
    delegates::install(node, "meets", MEETS);
    delegates::install(node, "alone", ALONE);
    let mut objects: Vec<Value> = ["a", "b", "c"]
        .into_iter()
        .map(|name| {
            let conf = json!({"cniVersion": "1.0.0", "type": "meets"});
            let mut object = network(name, None, &conf);
            object["metadata"]["annotations"] = json!({"polypod.dev/parallel": "true"});
            object
        })
        .collect();
    objects.push(pod("p1", "a,b,c"));
    let bridge = Bridge::start(node, &objects);
    let conf = bridge.conf(&json!({"cniVersion": "1.0.0", "name": "cluster-net", "type": "alone"}));
    (bridge, conf)
}

/// Has the pod networks wait for each other.
fn meet(node: &Node) {
    std::fs::write(node.path("meet"), "").unwrap();
}

/// The interfaces whose verb has come to its end, in order.
fn ended(node: &Node, verb: &str) -> Vec<String> {
    delegates::calls(node)
        .into_iter()
        .filter_map(|call| {
            call.strip_prefix(&format!("{verb} end "))
                .map(str::to_owned)
        })
        .collect()
}

/// The attachments of the record, and whether each has its own result.
fn interfaces_of_record(node: &Node) -> Vec<(String, bool)> {
    let text = std::fs::read_to_string(node.path("state/sandboxes/sandbox-p1.json")).unwrap();
    let mut lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let record = lines.next().unwrap();
    let results: Vec<Value> = lines.collect();
    let attachments = record["record"]["attachments"].as_array().unwrap();
    attachments
        .iter()
        .enumerate()
        .map(|(index, attachment)| {
            let interface = attachment["interface"].as_str().unwrap().to_owned();
            let has_own_result = results.iter().any(|line| {
                line["attached"]["index"] == index
                    && line["attached"]["result"]
                        .as_str()
                        .unwrap()
                        .contains(&format!("\"{interface}\""))
            });
            (interface, has_own_result)
        })
        .collect()
}

fn they_are_made_together_and_look_as_if_not() {
    Node::run(|node| {
        let (bridge, mut conf) = start(node);
        conf["parallelAttachments"] = json!(3);
        meet(node);
        let sandbox = Sandbox::new(node, "p1");
        let result = sandbox.add(&conf);
        assert_eq!(result["interfaces"][0]["name"], "eth0");
        let added = ended(node, "ADD");
        assert_eq!(
            (added[0].as_str(), added[3].as_str()),
            ("eth0", "net1"),
            "the cluster network alone, and of the others the first one ended last: {added:?}"
        );
        let names = ["eth0", "net1", "net2", "net3"];
        assert_eq!(
            interfaces_of_record(node),
            names.map(|name| (name.to_owned(), true))
        );
        let status = bridge.status("p1");
        let of = |key: &str| -> Vec<String> {
            status
                .iter()
                .map(|network| network[key].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(
            of("name"),
            ["cluster-net", "default/a", "default/b", "default/c"]
        );
        assert_eq!(of("interface"), names);
        assert_eq!(status[2]["ips"][0], "10.0.0.2");
        sandbox.del(&conf);
        assert_eq!(ended(node, "DEL"), ["net3", "net2", "net1", "eth0"]);
        assert_eq!(node.files("state"), [].into());
    });
}

fn one_that_fails_undoes_all() {
    Node::run(|node| {
        let (_bridge, mut conf) = start(node);
        conf["parallelAttachments"] = json!(3);
        meet(node);
        for name in ["fails-net2", "fails-net3"] {
            std::fs::write(node.path(name), "").unwrap();
        }
        let sandbox = Sandbox::new(node, "p1");
        let (code, message) = sandbox.fail("ADD", &conf);
        assert_eq!(code, 121, "{message}");
        assert!(
            message.contains("default/b") && message.contains("net2 is broken"),
            "the first one in the pod's order: {message}"
        );
        assert_eq!(ended(node, "DEL"), ["net3", "net2", "net1", "eth0"]);
        assert_eq!(node.files("state"), [].into());
    });
}

/// Who is at work at the same time, at most, at ADD.
fn most_at_once(node: &Node) -> usize {
    let (mut now, mut most) = (0_usize, 0);
    for call in delegates::calls(node) {
        if call.starts_with("ADD begin") {
            now += 1;
        } else if call.starts_with("ADD end") {
            now -= 1;
        }
        most = most.max(now);
    }
    most
}

fn without_the_key_one_after_another() {
    Node::run(|node| {
        let (_bridge, conf) = start(node);
        let sandbox = Sandbox::new(node, "p1");
        sandbox.add(&conf);
        assert_eq!(most_at_once(node), 1);
        sandbox.del(&conf);
    });
}

fn no_more_at_once_than_allowed() {
    Node::run(|node| {
        let (_bridge, mut conf) = start(node);
        conf["parallelAttachments"] = json!(2);
        let sandbox = Sandbox::new(node, "p1");
        sandbox.add(&conf);
        assert!(most_at_once(node) <= 2);
        sandbox.del(&conf);
    });
}
