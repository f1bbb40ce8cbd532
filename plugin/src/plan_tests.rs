use serde_json::json;
use spec::{
    bridge::ConfSource,
    cni::{Command, ContainerId},
    network::Unmet,
};

use super::*;

fn net_conf(delegates: &str) -> NetConf {
    NetConf::parse(format!(r#"{{"cniVersion":"1.0.0","name":"n","runtimeConfig":{{"portMappings":[1]}},{delegates}}}"#).as_bytes()).unwrap()
}

fn invocation() -> Invocation {
    let id: ContainerId = "c1".parse().unwrap();
    Invocation::read(Command::Add, |name| match name {
        "CNI_CONTAINERID" => Some(id.to_string()),
        "CNI_NETNS" => Some("/run/netns/x".to_owned()),
        "CNI_IFNAME" => Some("eth0".to_owned()),
        "CNI_PATH" => Some("/opt/cni/bin".to_owned()),
        "CNI_ARGS" => Some("K8S_POD_NAME=p".to_owned()),
        _ => None,
    })
    .unwrap()
}

fn attachment(name: &str, conf: &str) -> (Attachment, NetworkConf) {
    let attachment = Attachment {
        name: format!("default/{name}"),
        network: name.parse().unwrap(),
        conf: ConfSource::Inline(conf.to_owned()),
        interface: None,
        device: None,
        runtime_config: Map::new(),
        cni_args: None,
        default_route: None,
        parallel: false,
    };
    (attachment, NetworkConf::parse(conf).unwrap())
}

fn delegates(conf: &NetConf, networks: Vec<(Attachment, NetworkConf)>) -> Delegates {
    let crate::net_conf::Cluster::Delegates {
        confs,
        first_number,
    } = &conf.cluster
    else {
        panic!()
    };
    let of_conf = confs.iter().map(|conf| Delegate {
        attachment: None,
        conf: conf.clone(),
    });
    let networks = networks.into_iter().map(of_attachment);
    Delegates {
        all: of_conf.chain(networks).collect(),
        first_number: *first_number,
    }
}

fn of_attachment((attachment, conf): (Attachment, NetworkConf)) -> Delegate {
    Delegate {
        attachment: Some(attachment),
        conf,
    }
}

fn interfaces(planned: &[Planned]) -> Vec<(&str, &str)> {
    planned
        .iter()
        .map(|p| (p.name.as_str(), p.interface.as_str()))
        .collect()
}

#[test]
fn names_are_numbered_by_place() {
    let conf = net_conf(r#""delegates":[{"type":"a"}]"#);
    let mut named = attachment("y", r#"{"type":"b"}"#);
    named.0.interface = Some("data0".parse().unwrap());
    let networks = vec![
        attachment("x", r#"{"type":"b"}"#),
        named,
        attachment("x", r#"{"type":"b"}"#),
    ];
    let planned = plan(&conf, &invocation(), delegates(&conf, networks)).unwrap();
    let wanted = [
        ("n", "eth0"),
        ("default/x", "net1"),
        ("default/y", "data0"),
        ("default/x", "net3"),
    ];
    assert_eq!(interfaces(&planned), wanted);
    assert_eq!(
        planned.iter().map(|p| p.default).collect::<Vec<_>>(),
        [true, false, false, false]
    );
    assert_eq!(planned[1].conf.name().unwrap().as_str(), "x");
}

#[test]
fn multus_v1_numbers_from_zero() {
    let conf = net_conf(
        r#""delegates":[{"type":"sriov"},{"type":"ptp"},{"type":"flannel","masterplugin":true}]"#,
    );
    let planned = plan(&conf, &invocation(), delegates(&conf, vec![])).unwrap();
    assert_eq!(
        interfaces(&planned),
        [("n-2", "eth0"), ("n", "net0"), ("n-1", "net1")]
    );
}

#[test]
fn the_pods_default_network_takes_the_first_place() {
    let conf = net_conf(r#""delegates":[{"type":"a"}]"#);
    let mut own = delegates(&conf, vec![attachment("x", r#"{"type":"b"}"#)]);
    let mut default = attachment("fast", r#"{"type":"c","capabilities":{"mac":true}}"#);
    default
        .0
        .runtime_config
        .insert("mac".to_owned(), json!("02:00:00:00:00:01"));
    own.all[0] = of_attachment(default);
    let planned = plan(&conf, &invocation(), own).unwrap();
    assert_eq!(
        interfaces(&planned),
        [("default/fast", "eth0"), ("default/x", "net1")]
    );
    assert_eq!(planned[0].runtime_config["mac"], "02:00:00:00:00:01");
    assert_eq!(
        planned[0].args.to_string(),
        "IgnoreUnknown=true;K8S_POD_NAME=p;MAC=02:00:00:00:00:01"
    );
}

#[test]
fn host_ports_stay_with_the_cluster_network_and_the_rest_is_everybodys() {
    let mut conf = net_conf(r#""delegates":[{"type":"a"}]"#);
    conf.runtime_config.insert("dns".to_owned(), json!({}));
    let planned = plan(
        &conf,
        &invocation(),
        delegates(&conf, vec![attachment("x", r#"{"type":"b"}"#)]),
    )
    .unwrap();
    assert!(planned[0].runtime_config.contains_key("portMappings"));
    assert_eq!(
        planned[1].runtime_config.keys().collect::<Vec<_>>(),
        ["dns"]
    );
    assert!(planned[0].runtime_config.contains_key("dns"));
}

#[test]
fn what_cannot_be_carried_out_is_refused() {
    let conf = net_conf(r#""delegates":[{"type":"a"}]"#);
    let refuse = |change: fn(&mut Attachment), text: &str| {
        let mut network = attachment("x", text);
        change(&mut network.0);
        plan(&conf, &invocation(), delegates(&conf, vec![network])).unwrap_err()
    };
    let taken = refuse(
        |a| a.interface = Some("eth0".parse().unwrap()),
        r#"{"type":"b"}"#,
    );
    assert!(matches!(taken, Error::InterfaceTaken { .. }), "{taken}");
    let ips = refuse(
        |a| {
            a.runtime_config
                .insert("ips".to_owned(), json!(["10.0.0.1"]));
        },
        r#"{"type":"b"}"#,
    );
    assert!(
        matches!(&ips, Error::Unattachable { problem: Unmet::Capability { capability }, .. } if capability == "ips"),
        "{ips}"
    );
    let ourselves = refuse(|_| (), r#"{"plugins":[{"type":"b"},{"type":"multus"}]}"#);
    assert!(matches!(
        ourselves,
        Error::Unattachable {
            problem: Unmet::SelfDelegation { .. },
            ..
        }
    ));
    let args = refuse(
        |a| a.cni_args = Some(Map::new()),
        r#"{"type":"b","args":[]}"#,
    );
    assert!(matches!(
        args,
        Error::Unattachable {
            problem: Unmet::CniArgs(_),
            ..
        }
    ));
}

#[test]
fn a_device_needs_no_capability() {
    let conf = net_conf(r#""delegates":[{"type":"a"}]"#);
    let mut sriov = attachment("x", r#"{"type":"sriov"}"#);
    sriov
        .0
        .runtime_config
        .insert("deviceID".to_owned(), json!("0000:03:02.1"));
    let planned = plan(&conf, &invocation(), delegates(&conf, vec![sriov])).unwrap();
    let file = "/var/run/k8s.cni.cncf.io/devinfo/cni/default-x-c1_net1";
    assert_eq!(planned[1].runtime_config["CNIDeviceInfoFile"], file);
    assert_eq!(
        planned[1].device_info.as_deref(),
        Some(std::path::Path::new(file))
    );
    assert_eq!(planned[0].device_info, None);
}
