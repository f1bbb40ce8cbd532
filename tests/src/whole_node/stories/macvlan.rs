//! Macvlans with addresses that somebody has fixed.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::{
    Story,
    cluster::Cluster,
    evidence::until,
    pods::{PODS, interface_of, network_status, pod},
};

pub(super) const FIXED: Story = Story {
    name: "macvlan with fixed addresses",
    checks: "the network's only address and the pod's own address, MAC and interface name are in the kernel and in network-status; the pods reach each other",
    tell: fixed,
};

pub(super) const TAKEN: Story = Story {
    name: "fixed address that is taken",
    checks: "the second pod does not start and its Events say why; it runs with the address once the first is gone",
    tell: taken,
};

fn fixed(cluster: &mut Cluster) {
    let asked = json!([{"name": "macvlan-asked", "interface": "fixed0", "ips": ["192.168.1.201/24"], "mac": "02:00:00:00:01:c9"}]);
    cluster.create_pod(&pod("one", "macvlan-one"));
    cluster.create_pod(&pod("asked", &asked.to_string()));
    let (one, asked) = (cluster.running("one"), cluster.running("asked"));

    let link = cluster.link("one", "net1");
    assert_eq!(link.addresses, ["192.168.1.200/24"]);
    let status = network_status(&one).expect("it was waited for");
    assert_eq!(
        interface_of(&status, "net1")["ips"],
        json!(["192.168.1.200"])
    );

    let link = cluster.link("asked", "fixed0");
    assert_eq!(link.addresses, ["192.168.1.201/24"]);
    assert_eq!(link.mac, "02:00:00:00:01:c9");
    let status = network_status(&asked).expect("it was waited for");
    let entry = interface_of(&status, "fixed0");
    assert_eq!(entry["name"], "default/macvlan-asked");
    assert_eq!(entry["ips"], json!(["192.168.1.201"]));
    assert_eq!(entry["mac"], "02:00:00:00:01:c9");

    let command = ["ping", "-c", "1", "-W", "10", "192.168.1.200"];
    let reached = cluster.exec("asked", &command);
    assert!(reached.is_ok(), "{reached:?}");
    cluster.delete_pod("one");
    cluster.delete_pod("asked");
}

fn taken(cluster: &mut Cluster) {
    cluster.create_pod(&pod("first", "macvlan-one"));
    cluster.running("first");
    cluster.create_pod(&pod("second", "macvlan-one"));
    until("an Event says why", Duration::from_secs(60), || {
        let events = cluster.events("second");
        let says = events.iter().any(|event| {
            event.starts_with("FailedCreatePodSandBox")
                && event.contains("default/macvlan-one")
                && event.contains("192.168.1.200")
        });
        if says { Ok(()) } else { Err(events.join("\n")) }
    });
    let second = cluster.pod("second").expect("it waits");
    assert_eq!(second["status"]["phase"], "Pending");
    cluster.delete_pod("first");
    cluster.running("second");
    let link = cluster.link("second", "net1");
    assert_eq!(link.addresses, ["192.168.1.200/24"]);
    cluster.ask("DELETE", &format!("{PODS}/second"), &Value::Null);
    cluster.gone("second");
}
