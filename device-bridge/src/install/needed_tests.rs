//! Which records keep the plugin on a node.

use spec::record::{Record, intent};

use super::*;

const BRIDGE: &str = r#"{"name":"a","plugins":[{"type":"bridge"},{"type":"portmap"}]}"#;

fn attachment(name: &str, conf: &str, default: bool) -> Attachment {
    let value = serde_json::json!({
        "name": name, "default": default, "interface": "eth0", "conf": conf,
    });
    serde_json::from_value(value).unwrap()
}

/// The text of a record with these attachments.
fn text(id: &str, attachments: Vec<Attachment>) -> String {
    let record = Record {
        pod: Some(spec::bridge::PodRef {
            namespace: "default".parse().unwrap(),
            name: id.parse().unwrap(),
            uid: None,
        }),
        attachments,
        ..Record::new(id.parse().unwrap())
    };
    intent(&record)
}

fn primary_of(file: &str, text: &str) -> Option<NetworkConf> {
    primary(Some(&FoundConf::of(file, text)))
}

#[test]
fn the_cluster_network_alone_is_dispensable() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let own = attachment("a", BRIDGE, true);
    write("plain.json", &text("plain", vec![own.clone()]));
    write("told.json", &text("told", vec![]));
    write("killed.json.new", "");
    write("begun.json.new", "");
    let begun = File::open(folder.path().join("begun.json.new")).unwrap();
    begun.lock().unwrap();
    let macvlan = attachment("default/m", r#"{"name":"m","type":"macvlan"}"#, false);
    write("more.json", &text("more", vec![own, macvlan]));
    let instead = attachment("default/i", r#"{"name":"i","type":"bridge"}"#, true);
    write("other.json", &text("other", vec![instead]));
    write("torn.json", "{");
    write("not-a-record", "");

    let conf = NetworkConf::parse(BRIDGE).unwrap();
    let needed = read(folder.path(), Some(&conf)).unwrap();
    let names: Vec<_> = needed
        .dispensable
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap())
        .collect();
    assert_eq!(names, ["killed.json.new", "plain.json", "told.json"]);
    assert_eq!(needed.networks, [None]);
    assert_eq!(
        needed.beginning,
        ["begun.json.new, which is being attached"]
    );
    let [more, other, torn] = &needed.holding[..] else {
        panic!("{:?}", needed.holding)
    };
    assert_eq!(more, "pod default/more (default/m)");
    assert_eq!(other, "pod default/other (default/i)", "of another network");
    assert!(
        torn.contains("torn.json") && torn.contains("torn ("),
        "{torn}"
    );

    let unknown = read(folder.path(), None).unwrap();
    assert_eq!(unknown.dispensable.len(), 4, "by the record's own word");
    let none = read(&folder.path().join("none"), None).unwrap();
    assert_eq!(none, Needed::default());
}

#[test]
fn what_multus_attached() {
    let sandbox = |id: &str, is_gone, attached: &[(&str, &str, &str)]| OfMultus {
        container_id: id.parse().unwrap(),
        pod: None,
        is_gone,
        age: std::time::Duration::ZERO,
        attached: attached
            .iter()
            .map(|(network, interface, conf)| Attached {
                network: (*network).to_owned(),
                interface: (*interface).to_owned(),
                conf: Some((*conf).to_owned()).filter(|conf| !conf.is_empty()),
            })
            .collect(),
    };
    let macvlan = ("m", "net1", r#"{"name":"m","type":"macvlan"}"#);
    let own = ("a", "eth0", BRIDGE);
    let all = [
        sandbox("plain", false, &[own]),
        sandbox("more", false, &[own, macvlan]),
        sandbox("gone", true, &[own, macvlan]),
        sandbox(
            "instead",
            false,
            &[("i", "eth0", r#"{"name":"i","type":"bridge"}"#)],
        ),
        sandbox("torn", false, &[("a", "eth0", "")]),
    ];
    let conf = NetworkConf::parse(BRIDGE).unwrap();
    assert_eq!(
        of_multus(&all, Some(&conf)),
        [
            "sandbox more (m, by Multus)",
            "sandbox instead (i, by Multus)",
            "sandbox torn (a, by Multus)"
        ]
    );
    assert_eq!(of_multus(&all, None), ["sandbox more (m, by Multus)"]);
}

#[test]
fn the_cluster_network_of_each_configuration() {
    let name = |conf: Option<NetworkConf>| conf.map(|conf| conf.name().unwrap().to_string());
    assert_eq!(name(primary_of("10-a.conflist", BRIDGE)).unwrap(), "a");
    let ours = format!(r#"{{"name":"n","plugins":[{{"type":"polypod","delegates":[{BRIDGE}]}}]}}"#);
    let inlined = primary_of("00-polypod.conflist", &ours).unwrap();
    assert_eq!(programs(&inlined), ["bridge", "portmap"]);
    let named = r#"{"name":"m","type":"multus","clusterNetwork":"x"}"#;
    assert_eq!(name(primary_of("00-multus.conf", named)), None);
    assert_eq!(name(primary(None)), None);
}
