//! Plugin and agent of different releases for a moment, and records of other releases: what is understood is carried out, and
//! what is not is told with what to do.

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::net::{UnixListener, UnixStream},
};

use serde_json::{Value, json};
use spec::{
    bridge::{HEADER, Question, Reply, Request, encode, frame_length},
    record::{Record, intent, parse},
};

use crate::{
    fixture::{
        bridge::{Bridge, network, pod},
        needs::SCRIPTS,
        node::Node,
        runtime::{Sandbox, conf},
        witness::{self, pairs, told_at},
    },
    scenario::Scenario,
};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "lifecycle::versions::the_agent_is_of_another_release",
            needs: SCRIPTS,
            body: the_agent_is_of_another_release,
        },
        Scenario {
            name: "lifecycle::versions::the_plugin_is_of_another_release",
            needs: SCRIPTS,
            body: the_plugin_is_of_another_release,
        },
        Scenario {
            name: "lifecycle::versions::records_of_an_older_and_of_a_newer_release",
            needs: SCRIPTS,
            body: records_of_an_older_and_of_a_newer_release,
        },
    ]
}

const OF_ONE_RELEASE: &str = "install polypod and polypod-device-bridge of one release";

/// A frame as a release with another protocol writes it.
fn of_protocol(protocol: u32, message: &Value) -> Vec<u8> {
    let json = json!({"protocol": protocol, "message": message}).to_string();
    let length = u32::try_from(json.len()).expect("it is short");
    [&length.to_be_bytes(), json.as_bytes()].concat()
}

fn read(stream: &mut UnixStream) -> Vec<u8> {
    let mut header = [0; HEADER];
    stream
        .read_exact(&mut header)
        .expect("a frame has a header");
    let mut json = vec![0; frame_length(header).expect("it is a frame's")];
    stream
        .read_exact(&mut json)
        .expect("a frame has what it announces");
    json
}

/// The plugin is new already and the agent is not: the pod is tried again, and gets what it asked for from the agent that
/// comes.
fn the_agent_is_of_another_release() {
    Node::run(|node| {
        witness::install(node, &["one", "two"]);
        fs::create_dir_all(node.path("run")).unwrap();
        let socket = node.path("run/bridge.sock");
        let other = UnixListener::bind(&socket).unwrap();
        let other = std::thread::spawn(move || {
            let (mut stream, _) = other.accept().unwrap();
            read(&mut stream);
            stream
                .write_all(&of_protocol(99, &json!({"somethingNew": {}})))
                .unwrap();
        });
        let cluster = json!({"cniVersion": "1.0.0", "name": "c", "type": "one"});
        let sandbox = Sandbox::new(node, "p1");
        let conf = conf(
            node,
            &json!({"delegates": [cluster], "bridgeSocket": socket}),
        );
        let (code, message) = sandbox.fail("ADD", &conf);
        other.join().unwrap();
        assert_eq!(code, 11, "the runtime tries it again: {message}");
        assert!(
            message.contains("version 99") && message.contains(OF_ONE_RELEASE),
            "{message}"
        );
        assert_eq!(witness::told(node).len(), 0, "nothing was begun");
        sandbox.del(&conf);
        let two = json!({"cniVersion": "1.0.0", "type": "two"});
        let _bridge = Bridge::start(node, &[network("net-a", None, &two), pod("p1", "net-a")]);
        sandbox.add(&conf);
        assert_eq!(
            told_at(node, "ADD"),
            pairs(&[("one", "eth0"), ("two", "net1")])
        );
        sandbox.del(&conf);
        assert_eq!(node.files("state"), [].into());
    });
}

/// The agent is new already, or still the old one: it says which of the two it speaks, and goes on.
fn the_plugin_is_of_another_release() {
    Node::run(|node| {
        let bridge = Bridge::start(node, &[pod("p1", "")]);
        let mut stream = UnixStream::connect(node.path("run/bridge.sock")).unwrap();
        stream
            .write_all(&of_protocol(99, &json!({"somethingNew": {}})))
            .unwrap();
        let reply: Value = serde_json::from_slice(&read(&mut stream)).unwrap();
        assert!(reply["protocol"].is_u64(), "{reply}");
        let message = &reply["message"]["failure"]["message"];
        let message = message.as_str().unwrap_or_default();
        assert!(
            message.contains("version 99") && message.contains(OF_ONE_RELEASE),
            "{reply}"
        );
        let pod = spec::bridge::PodRef {
            namespace: "default".parse().unwrap(),
            name: "p1".parse().unwrap(),
            uid: None,
        };
        let question = Question::about(pod, "c1".parse().unwrap(), "kube-system".parse().unwrap());
        let mut stream = UnixStream::connect(node.path("run/bridge.sock")).unwrap();
        let frame = encode(&Request::Question(question)).unwrap();
        stream.write_all(&frame).unwrap();
        let answered = spec::bridge::decode::<Reply>(&read(&mut stream)).unwrap();
        assert!(matches!(answered, Reply::Answer(_)), "{answered:?}");
        drop(bridge);
    });
}

/// An older release's record is carried out. A newer one's, which somebody finds who went back, is kept and told of, and its
/// own release carries it out.
fn records_of_an_older_and_of_a_newer_release() {
    Node::run(|node| {
        witness::install(node, &["one"]);
        let conf = conf(
            node,
            &json!({"delegates": [{"cniVersion": "1.0.0", "name": "c", "type": "one"}]}),
        );
        let sandbox = Sandbox::new(node, "p1");
        let file = node.path("state/sandboxes/sandbox-p1.json");
        let of_shape = |shape: u32| {
            let record = parse(&fs::read_to_string(&file).unwrap()).unwrap();
            fs::write(&file, intent(&Record { shape, ..record })).unwrap();
        };
        sandbox.add(&conf);
        of_shape(1);
        witness::told(node);
        sandbox.del(&conf);
        assert_eq!(told_at(node, "DEL"), pairs(&[("one", "eth0")]));
        assert_eq!(node.files("state"), [].into());

        sandbox.add(&conf);
        let own = fs::read_to_string(&file).unwrap();
        of_shape(99);
        witness::told(node);
        let (code, message) = sandbox.fail("DEL", &conf);
        assert_eq!(code, 103, "{message}");
        assert!(
            message.contains("shape 99")
                && message.contains("install the release that wrote it")
                && message.contains(&file.display().to_string()),
            "{message}"
        );
        assert_eq!(told_at(node, "DEL"), []);
        fs::write(&file, own).unwrap();
        sandbox.del(&conf);
        assert_eq!(told_at(node, "DEL"), pairs(&[("one", "eth0")]));
        assert_eq!(node.files("state"), [].into());
    });
}
