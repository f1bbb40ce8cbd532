//! The Multus page of Smart Edge.

use super::{bridge, conf, wire};
use crate::{
    fixture::{delegates, needs::Need, node::Node, runtime::Sandbox},
    scenario::Scenario,
};

pub(super) fn scenarios() -> Vec<Scenario> {
    const NETWORK: &[Need] = &[
        Need::Namespaces,
        Need::Ip,
        Need::Plugins(&["bridge", "macvlan", "host-local"]),
    ];
    vec![Scenario {
        name: "seeds::smart_edge::macvlan",
        needs: NETWORK,
        body: macvlan,
    }]
}

fn macvlan() {
    Node::run(|node| {
        delegates::install(node, "flannel", delegates::FLANNEL);
        wire("virbr0");
        let bridge = bridge(
            node,
            &["smart-edge/macvlan.yaml", "smart-edge/samplepod.yaml"],
        );
        let conf = conf(node, "examples/cni-configuration.conf");
        let sandbox = Sandbox::new(node, "samplepod");
        sandbox.add(&conf);
        assert_eq!(sandbox.netns.names(), ["eth0", "net1"]);
        let link = sandbox
            .netns
            .links()
            .into_iter()
            .find(|link| link.name == "net1");
        assert_eq!(
            link.unwrap().addresses,
            ["192.168.1.200/24"],
            "as the page shows"
        );
        let status = bridge.status("samplepod");
        assert_eq!(status[1]["name"], "default/macvlan");
        sandbox.del(&conf);
        assert_eq!(sandbox.netns.names(), Vec::<String>::new());
        assert_eq!(node.files("state"), [].into());
    });
}
