//! What the webhook says about configurations, held against the plugins of this machine: it denies what they refuse, and
//! nothing that they take.

use std::ffi::OsStr;

use serde_json::{Value, json};

use crate::{
    fixture::{
        daemon::Daemon,
        https::{client, response, review},
        needs::Need,
        node::{Node, ip},
        runtime::{Sandbox, conf},
    },
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    const NEEDS: &[Need] = &[
        Need::Namespaces,
        Need::Ip,
        Need::Plugins(&[
            "bandwidth",
            "bridge",
            "firewall",
            "host-device",
            "host-local",
            "macvlan",
            "portmap",
            "ptp",
            "static",
            "tuning",
            "vlan",
            "vrf",
        ]),
    ];
    vec![Scenario {
        name: "plugin_schemas::the_plugins_of_this_machine_agree",
        needs: NEEDS,
        body: the_plugins_of_this_machine_agree,
    }]
}

/// One plugin each.
const TAKEN: &[&str] = &[
    r#""type":"bridge""#,
    r#""type":"bridge","mtu":-5"#,
    r#""type":"bridge","MTU":1500,"isgateway":false,"bridge":null,"unknown":{}"#,
    r#""type":"bridge","ipam":{}"#,
    r#""type":"bridge","vlanTrunk":[]"#,
    r#""type":"bridge","ipMasqBackend":"pf""#,
    r#""type":"macvlan","master":"eth9""#,
    r#""type":"macvlan","master":"eth9","mode":"","mac":"""#,
    r#""type":"ptp","mtu":-1,"ipam":{"type":"static","addresses":[{"address":"10.9.1.1/24","gateway":"10.9.1.7"}]}"#,
    r#""type":"bridge","ipam":{"type":"static","addresses":[{"address":"10.9.1.1/24","gateway":"10.8.1.1"}]}"#,
];

/// The same, with an `ipam` of host-local in a bridge.
const RANGES_TAKEN: &[&str] = &[
    r#""subnet":"10.9.0.0/24""#,
    r#""subnet":"10.9.0.0/024","gateway":"""#,
    r#""subnet":"10.9.0.0/24","gateway":"10.8.0.1""#,
    r#""subnet":"10.9.0.0/24","rangeStart":"10.9.0.0","rangeEnd":"10.9.0.255""#,
    r#""subnet":"10.9.0.0/24","rangeStart":"","routes":[{"dst":"10.8.0.0/16","gw":""}]"#,
    r#""ranges":[[{"subnet":"10.9.0.0/24","rangeEnd":"10.9.0.9"},{"subnet":"10.9.0.0/24","rangeStart":"10.9.0.10"}],[{"subnet":"fd00:9::/64"}]]"#,
];

/// Nothing about keys that came after version 1.1 of the plugins, such as `vlanTrunk`: those of the machine may be older.
const REFUSED: &[&str] = &[
    r#""type":"bridge","mtu":70000"#,
    r#""type":"bridge","mtu":"1500""#,
    r#""type":"bridge","mtu":1500.0"#,
    r#""type":"bridge","vlan":4095"#,
    r#""type":"bridge","vlan":-1"#,
    r#""type":"bridge","isGateway":"true""#,
    r#""type":"bridge","hairpinMode":true,"promiscMode":true"#,
    r#""type":"bridge","dns":{"nameservers":"10.0.0.1"}"#,
    r#""type":"bridge","capabilities":{"ips":1}"#,
    r#""type":"macvlan","master":"eth9","mtu":-1"#,
    r#""type":"macvlan","master":"eth9","mode":"Bridge""#,
    r#""type":"macvlan","master":"eth9","mac":"zz""#,
    r#""type":"vlan","vlanId":5,"ipam":{"type":"static"}"#,
    r#""type":"vlan","master":"eth9","vlanId":4095,"ipam":{"type":"static"}"#,
    r#""type":"host-device","hwaddr":"zz""#,
    r#""type":"ptp""#,
    r#""type":"tuning","sysctl":{"net.ipv4.ip_forward":1}"#,
    r#""type":"portmap","markMasqBit":32"#,
    r#""type":"portmap","markMasqBit":3,"externalSetMarkChain":"X""#,
    r#""type":"bandwidth","ingressRate":1000"#,
    r#""type":"bandwidth","egressBurst":1000"#,
    r#""type":"bandwidth","ingressRate":1000,"ingressBurst":34359738360"#,
    r#""type":"vrf""#,
    r#""type":"loopback","ipam":"x""#,
    r#""type":"bridge","ipam":{"type":"static","addresses":[{"address":"10.9.1.1"}]}"#,
    r#""type":"bridge","ipam":{"type":"static","addresses":[{}]}"#,
];

const RANGES_REFUSED: &[&str] = &[
    r#""subnet":"not-a-cidr""#,
    r#""subnet":"""#,
    r#""subnet":"10.9.0.5/24""#,
    r#""subnet":"10.9.0.0/31""#,
    r#""subnet":"::ffff:10.9.0.0/120""#,
    r#""subnet":"10.9.0.0/24","gateway":"x""#,
    r#""subnet":"10.9.0.0/24","rangeStart":"10.8.0.9""#,
    r#""subnet":"10.9.0.0/24","rangeStart":"10.9.0.9","rangeEnd":"10.9.0.3""#,
    r#""rangeStart":"10.9.0.9""#,
    r#""ranges":[]"#,
    r#""ranges":[[]]"#,
    r#""ranges":[[{"rangeStart":"10.9.0.9"}]]"#,
    r#""ranges":[{"subnet":"10.9.0.0/24"}]"#,
    r#""ranges":[[{"subnet":"10.9.0.0/24"},{"subnet":"10.9.0.0/24"}]]"#,
    r#""ranges":[[{"subnet":"10.9.0.0/16"}],[{"subnet":"10.9.5.0/24"}]]"#,
    r#""ranges":[[{"subnet":"10.9.0.0/24"},{"subnet":"fd00:9::/64"}]]"#,
    r#""subnet":"10.9.0.0/24","routes":[{"dst":"10.8.0.1"}]"#,
    r#""subnet":"10.9.0.0/24","routes":[{"gw":"10.9.0.1"}]"#,
    r#""subnet":"10.9.0.0/24","routes":[{"dst":"0.0.0.0/0","gw":"x"}]"#,
];

fn the_plugins_of_this_machine_agree() {
    Node::run(|node| {
        ip(&[
            "link", "add", "eth9", "type", "veth", "peer", "name", "eth8",
        ]);
        ip(&["link", "set", "eth9", "up"]);
        let webhook = Webhook::start(node);
        let of_host_local =
            |members: &&str| format!(r#""type":"bridge","ipam":{{"type":"host-local",{members}}}"#);
        let texts = |confs: &[&str], ranges: &[&str]| -> Vec<String> {
            let confs = confs.iter().map(|conf| (*conf).to_owned());
            confs.chain(ranges.iter().map(of_host_local)).collect()
        };
        let mut disagreements = Vec::new();
        for (texts, wanted) in [
            (texts(TAKEN, RANGES_TAKEN), true),
            (texts(REFUSED, RANGES_REFUSED), false),
        ] {
            for members in texts {
                let text = format!(r#"{{"cniVersion":"1.0.0","name":"n",{members}}}"#);
                let (allowed, said) = webhook.validate(&text);
                let (works, printed) = add(node, &text);
                if (allowed, works) != (wanted, wanted) {
                    disagreements.push(format!(
                        "{text}: the webhook allows it: {allowed} ({said}); the plugin takes it: {works} ({printed})"
                    ));
                }
            }
        }
        assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
    });
}

/// Attaches a fresh sandbox by this configuration, and undoes it.
fn add(node: &Node, text: &str) -> (bool, Value) {
    let mut delegate: Value = serde_json::from_str(text).expect("the test writes JSON");
    if delegate["ipam"]["type"] == "host-local" {
        delegate["ipam"]["dataDir"] = json!(node.path("leases"));
    }
    let conf = conf(node, &json!({"delegates": [delegate]}));
    let number = node.files("netns").len();
    let sandbox = Sandbox::new(node, &format!("p{number}"));
    let ran = sandbox.run("ADD", &conf);
    sandbox.run("DEL", &conf);
    (ran.success, ran.printed["msg"].clone())
}

struct Webhook {
    _daemon: Daemon,
    client: ureq::Agent,
    url: String,
}

impl Webhook {
    fn start(node: &Node) -> Self {
        let (objects, ca) = (node.path("objects.yaml"), node.path("ca.crt"));
        std::fs::write(&objects, "").expect("the node's folder can be written");
        let arguments: [&OsStr; 8] = [
            "--objects".as_ref(),
            objects.as_os_str(),
            "--listen".as_ref(),
            "127.0.0.1:0".as_ref(),
            "--health-listen".as_ref(),
            "127.0.0.1:0".as_ref(),
            "--cert-out".as_ref(),
            ca.as_os_str(),
        ];
        let daemon = Daemon::start("polypod-webhook", &arguments);
        let url = format!("{}/validate", daemon.ready("serving "));
        Self {
            client: client(&ca),
            url,
            _daemon: daemon,
        }
    }

    /// Whether a network with this configuration is allowed, and what is said.
    fn validate(&self, config: &str) -> (bool, Value) {
        let object = json!({
            "apiVersion": "k8s.cni.cncf.io/v1",
            "kind": "NetworkAttachmentDefinition",
            "metadata": {"name": "n", "namespace": "default"},
            "spec": {"config": config},
        });
        let answer = response(
            &self.client,
            &self.url,
            &review("NetworkAttachmentDefinition", &object),
        );
        (
            answer["allowed"] == true,
            answer["status"]["message"].clone(),
        )
    }
}
