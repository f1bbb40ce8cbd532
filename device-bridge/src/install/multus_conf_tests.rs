use serde_json::json;

use super::*;
use crate::install::multus_keys::Fate;

fn found(name: &str, conf: &Value) -> FoundConf {
    FoundConf::of(name, &conf.to_string())
}

fn of(name: &str, conf: &Value) -> Option<MultusConf> {
    let found = found(name, conf);
    let of_multus = is_of_multus(&found).then_some(&found);
    MultusConf::read(of_multus, None).unwrap()
}

fn daemon(conf: &Value) -> DaemonConf {
    DaemonConf::parse(Path::new("/d.json"), &conf.to_string()).unwrap()
}

fn nothing(conf: &MultusConf) -> Vec<&str> {
    let all = conf.adopted.iter();
    all.filter(|one| matches!(one.fate, Fate::Nothing(_)))
        .map(|one| one.key.as_str())
        .collect()
}

#[test]
fn as_the_daemon_writes_it() {
    let conf = of("00-multus.conf", &json!({
        "binDir": "/var/lib/cni/bin", "capabilities": {"portMappings": true}, "cniVersion": "0.3.1",
        "clusterNetwork": "/host/run/multus/cni/net.d/10-ovn-kubernetes.conf", "daemonSocketDir": "/run/multus/socket",
        "globalNamespaces": "default,openshift-multus", "logLevel": "verbose", "logToStderr": true,
        "name": "multus-cni-network", "namespaceIsolation": true, "type": "multus-shim"}))
    .unwrap();
    assert_eq!(conf.name.as_ref().unwrap().as_str(), "multus-cni-network");
    assert_eq!(
        Value::Object(conf.keys.clone()),
        json!({"binDir": "/var/lib/cni/bin", "capabilities": {"portMappings": true}, "globalNamespaces": "default,openshift-multus",
            "logLevel": "verbose", "logToStderr": true, "namespaceIsolation": true})
    );
    assert_eq!(nothing(&conf), ["cniVersion", "daemonSocketDir", "type"]);
    assert!(matches!(conf.cluster, MultusCluster::File(file) if file == "10-ovn-kubernetes.conf"));
}

#[test]
fn as_the_thin_installer_writes_it() {
    let conf = of("00-multus.conflist", &json!({"cniVersion": "1.0.0", "name": "multus-cni-network", "plugins": [{
        "type": "multus", "kubeconfig": "/etc/cni/net.d/multus.d/multus.kubeconfig", "cniConf": "/x",
        "logFile": "relative.log", "cnidir": "/own", "confDir": "/host/x",
        "delegates": [{"cniVersion": "1.0.0", "name": "cbr0", "plugins": [{"type": "flannel"}, {"type": "portmap"}]}]}]}))
    .unwrap();
    assert_eq!(
        Value::Object(conf.keys.clone()),
        json!({"cniDir": "/own", "confDir": "/host/x"}),
        "it is executed on the node"
    );
    assert_eq!(
        nothing(&conf),
        ["cniConf", "cniVersion", "kubeconfig", "logFile", "type"]
    );
    let MultusCluster::Inlined(primary) = conf.cluster else {
        panic!("no primary");
    };
    assert_eq!(primary.plugins().len(), 2);
}

#[test]
fn the_daemons_keys_win() {
    let shim = json!({"name": "m", "cniVersion": "0.3.1", "type": "multus-shim", "LogLevel": "error", "namespaceIsolation": false,
        "clusterNetwork": "/host/etc/cni/net.d/10-a.conf"});
    let over = daemon(
        &json!({"namespaceIsolation": true, "logLevel": "debug", "chrootDir": "/hostroot", "name": "x",
        "confDir": "/hostroot/etc/cni/multus/net.d", "multusMasterCNI": "20-b.conf", "socketDir": "/host/run/multus/"}),
    );
    let found = found("70-multus.conf", &shim);
    let conf = MultusConf::read(Some(&found), Some(&over))
        .unwrap()
        .unwrap();
    assert_eq!(
        Value::Object(conf.keys.clone()),
        json!({"confDir": "/etc/cni/multus/net.d", "logLevel": "debug", "namespaceIsolation": true})
    );
    assert_eq!(
        conf.name.unwrap().as_str(),
        "m",
        "the runtime knows pods by the file's"
    );
    assert!(matches!(conf.cluster, MultusCluster::File(file) if file == "10-a.conf"));
    // Multus that is executed by itself has no daemon.
    let mut thin = shim;
    thin["type"] = json!("multus");
    let found = self::found("00-multus.conf", &thin);
    let conf = MultusConf::read(Some(&found), Some(&over))
        .unwrap()
        .unwrap();
    assert_eq!(conf.keys["namespaceIsolation"], false);
}

/// The daemon was stopped before, and has removed what it had written.
#[test]
fn the_daemons_alone() {
    let own =
        json!({"cniVersion": "0.3.1", "multusMasterCNI": "20-b.conf", "namespaceIsolation": true});
    let conf = MultusConf::read(None, Some(&daemon(&own)))
        .unwrap()
        .unwrap();
    assert_eq!(conf.file, "/d.json");
    assert_eq!(conf.name.unwrap().as_str(), "multus-cni-network");
    assert!(matches!(conf.cluster, MultusCluster::File(file) if file == "20-b.conf"));
    let conf = MultusConf::read(None, Some(&daemon(&json!({"overrideNetworkName": true}))));
    assert_eq!(conf.unwrap().unwrap().name, None);
    assert!(MultusConf::read(None, None).unwrap().is_none());
}

#[test]
fn malformed_files_are_refused_by_name() {
    for (text, words) in [
        ("{", "/d.json: it is not JSON"),
        ("[]", "/d.json: it is no JSON object"),
        ("", "not JSON"),
    ] {
        let error = DaemonConf::parse(Path::new("/d.json"), text).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    let shim = found(
        "00-multus.conf",
        &json!({"name": "m", "type": "multus-shim", "clusterNetwork": "/x"}),
    );
    let over = daemon(&json!({"namespaceIsolation": 1}));
    let error = MultusConf::read(Some(&shim), Some(&over))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("00-multus.conf with /d.json has 1 as \"namespaceIsolation\""),
        "{error}"
    );
}

#[test]
fn what_gives_no_cluster_network() {
    for delegates in [
        json!([]),
        json!([{"type": "multus"}]),
        json!([{"name": "x"}]),
    ] {
        let conf = of(
            "m.conf",
            &json!({"name": "m", "type": "multus", "delegates": delegates}),
        )
        .unwrap();
        assert!(matches!(conf.cluster, MultusCluster::Unknown));
    }
    for (cluster, is_name) in [("calico", true), ("/host/etc/cni/net.d/", false)] {
        let conf = json!({"name": "m", "type": "multus", "ClusterNetwork": cluster});
        let named = of("m.conf", &conf).unwrap();
        assert_eq!(
            matches!(named.cluster, MultusCluster::Named(name) if name == "calico"),
            is_name
        );
    }
    assert!(of("a.conf", &json!({"name": "a", "type": "bridge"})).is_none());
    assert!(of("a.conf", &json!({"name": "a", "type": "polypod"})).is_none());
}

#[test]
fn delegates_after_the_first() {
    let with = |second: Value| json!({"name": "m", "type": "multus", "delegates": [{"name": "a", "type": "bridge"}, second]});
    let conf = of("m.conf", &with(json!({"name": "b", "type": "macvlan"}))).unwrap();
    assert_eq!(conf.others.len(), 1);
    for (second, words) in [
        (json!({"name": "b"}), "m.conf: its delegate 1: "),
        (json!({"name": "b", "type": "multus"}), "it executes multus"),
    ] {
        let error = MultusConf::read(Some(&found("m.conf", &with(second))), None).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn where_the_daemon_listens() {
    let socket = |conf: &Value| daemon_socket(&found("00-multus.conf", conf));
    let mut conf = json!({"name": "m", "type": "multus-shim", "clusterNetwork": "/x"});
    assert_eq!(socket(&conf).unwrap(), Path::new("/run/multus/multus.sock"));
    conf["daemonsocketdir"] = json!("/run/multus/socket");
    assert_eq!(
        socket(&conf).unwrap(),
        Path::new("/run/multus/socket/multus.sock")
    );
    conf["type"] = json!("multus");
    assert_eq!(socket(&conf), None);
}
