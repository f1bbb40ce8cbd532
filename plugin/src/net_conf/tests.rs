use spec::cni::NetworkConf;

use super::*;

fn parse(text: &str) -> NetConf {
    NetConf::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn delegates(conf: &NetConf) -> (Vec<String>, usize) {
    match &conf.cluster {
        Cluster::Delegates {
            confs,
            first_number,
        } => (
            confs
                .iter()
                .map(|conf| conf.plugins()[0].plugin_type().to_string())
                .collect(),
            *first_number,
        ),
        Cluster::Named(name) => panic!("{name}"),
    }
}

#[test]
fn defaults_are_those_of_multus() {
    let conf = parse(r#"{"name":"n","type":"polypod","delegates":[{"type":"flannel"}]}"#);
    assert_eq!(conf.version, Version::V0_1_0);
    assert_eq!(conf.conf_dir, PathBuf::from("/etc/cni/multus/net.d"));
    assert_eq!(conf.state.cni_dir, PathBuf::from("/var/lib/cni/multus"));
    assert_eq!(conf.state.bin_dir, "/opt/cni/bin");
    assert_eq!(
        conf.bridge_socket,
        PathBuf::from("/run/polypod/bridge.sock")
    );
    assert!(!conf.bridge_expected);
    assert_eq!(conf.system_namespace.as_str(), "kube-system");
    assert_eq!(delegates(&conf), (vec!["flannel".to_owned()], 1));
}

#[test]
fn keys_in_any_case_null_and_repetition() {
    let conf = parse(
        r#"{"NAME":"n","CniVersion":"1.0.0","confdir":"/x","CONFDIR":"/y","kubeconfig":null,"LogLevel":"debug",
            "BridgeSocket":"/b","clusternetwork":"net-a","delegates":null}"#,
    );
    assert_eq!(conf.conf_dir, PathBuf::from("/y"));
    assert_eq!(conf.kubeconfig, None);
    assert!(conf.bridge_expected);
    assert!(matches!(&conf.cluster, Cluster::Named(name) if name == "net-a"));
}

#[test]
fn masterplugin_leads_and_numbers_from_zero() {
    let v1 = r#"{"name":"multus-demo-network","type":"multus","delegates":[{"type":"sriov"},{"type":"ptp"},{"type":"flannel","masterplugin":true}]}"#;
    let order = ["flannel", "sriov", "ptp"].map(str::to_owned).to_vec();
    assert_eq!(delegates(&parse(v1)), (order, 0));
    let weave =
        r#"{"name":"n","kubeconfig":"/k","delegates":[{"type":"weave-net","masterplugin":true}]}"#;
    assert_eq!(delegates(&parse(weave)), (vec!["weave-net".to_owned()], 1));
}

#[test]
fn nameless_delegates_get_names_of_their_own() {
    let conf = parse(
        r#"{"name":"n","cniVersion":"1.0.0","delegates":[{"type":"a"},{"type":"b"},{"name":"own","plugins":[{"type":"c"}]}]}"#,
    );
    let Cluster::Delegates { confs, .. } = conf.cluster else {
        panic!()
    };
    let names: Vec<_> = confs
        .iter()
        .map(|conf| conf.name().unwrap().as_str())
        .collect();
    assert_eq!(names, ["n", "n-1", "own"]);
    let versions: Vec<_> = confs.iter().map(NetworkConf::version).collect();
    assert_eq!(
        versions,
        [Version::V0_1_0, Version::V0_1_0, Version::V1_0_0]
    );
}

#[test]
fn annotations_of_the_runtime() {
    let conf = parse(
        r#"{"name":"n","delegates":[{"type":"a"}],"runtimeConfig":{"io.kubernetes.cri.pod-annotations":{"k8s.v1.cni.cncf.io/networks":"x","other":"y"}}}"#,
    );
    assert_eq!(conf.annotations.unwrap().networks.as_deref(), Some("x"));
    let none = parse(r#"{"name":"n","delegates":[{"type":"a"}],"runtimeConfig":{}}"#);
    assert_eq!(none.annotations, None);
    assert_eq!(none.pod_traceparent(), None);
}

#[test]
fn the_pods_trace_of_the_runtime() {
    const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for (found, is_one) in [(TRACEPARENT, true), ("00-0af7-b7-01", false)] {
        let conf = parse(&format!(
            r#"{{"name":"n","delegates":[{{"type":"a"}}],"runtimeConfig":{{"io.kubernetes.cri.pod-annotations":{{"polypod.dev/traceparent":"{found}"}}}}}}"#,
        ));
        let traceparent = conf.pod_traceparent();
        assert_eq!(
            traceparent.map(String::from),
            is_one.then(|| found.to_owned())
        );
    }
}

#[test]
fn wrong_configurations_name_the_key() {
    for (text, code, words) in [
        ("", 6, "not a JSON object"),
        ("hello", 6, "not a JSON object"),
        ("null", 6, "not a JSON object"),
        ("[]", 6, "not a JSON object"),
        ("{}", 7, "\"name\""),
        (r#"{"name":"n"}"#, 7, "at least one delegate"),
        (r#"{"name":"n","delegates":[]}"#, 7, "at least one delegate"),
        (r#"{"name":"n","delegates":{}}"#, 7, "\"delegates\""),
        (r#"{"name":"n","delegates":[null]}"#, 7, "element 0"),
        (r#"{"name":"n","delegates":[{}]}"#, 7, "element 0"),
        (
            r#"{"name":"n","delegates":[{"plugins":[]}]}"#,
            7,
            "element 0",
        ),
        (
            r#"{"name":"n","delegates":[{"type":"a","masterplugin":"yes"}]}"#,
            7,
            "masterplugin",
        ),
        (
            r#"{"name":"n","delegates":[{"type":"a","masterplugin":true},{"type":"b","masterplugin":true}]}"#,
            7,
            "only one",
        ),
        (
            r#"{"name":"n","cniVersion":"9.9.9","delegates":[{"type":"a"}]}"#,
            1,
            "9.9.9",
        ),
        (
            r#"{"name":"n","cniVersion":5,"delegates":[{"type":"a"}]}"#,
            7,
            "\"cniVersion\"",
        ),
        (
            r#"{"name":"n","confDir":5,"delegates":[{"type":"a"}]}"#,
            7,
            "\"confDir\"",
        ),
        (
            r#"{"name":"n","runtimeConfig":[],"delegates":[{"type":"a"}]}"#,
            7,
            "\"runtimeConfig\"",
        ),
        (
            r#"{"name":"n","multusNamespace":"A","delegates":[{"type":"a"}]}"#,
            7,
            "\"multusNamespace\"",
        ),
        (
            r#"{"name":"n","namespaceIsolation":"yes","delegates":[{"type":"a"}]}"#,
            7,
            "namespaceIsolation",
        ),
        (
            r#"{"name":"n","globalNamespaces":"Not_one","namespaceIsolation":true,"delegates":[{"type":"a"}]}"#,
            7,
            "globalNamespaces",
        ),
        (
            r#"{"name":"n","defaultNetworks":["a"],"delegates":[{"type":"a"}]}"#,
            7,
            "clusterNetwork",
        ),
        (
            r#"{"name":"n","prevResult":{"cniVersion":"7"},"delegates":[{"type":"a"}]}"#,
            7,
            "prevResult",
        ),
        (
            r#"{"name":"n","legacy":"v3","delegates":[{"type":"a"}]}"#,
            7,
            "legacy",
        ),
        (
            r#"{"name":"n","legacy":"v2","kubeconfig":"/k"}"#,
            7,
            "at least one delegate/clusterNetwork must be specified",
        ),
        (
            r#"{"name":"n","compat":"cilium","delegates":[{"type":"a"}]}"#,
            7,
            "compat",
        ),
        (
            r#"{"name":"n","parallelAttachments":1000,"delegates":[{"type":"a"}]}"#,
            7,
            "at most 64",
        ),
        (
            r#"{"name":"n","timeout":99999,"delegates":[{"type":"a"}]}"#,
            7,
            "timeout",
        ),
    ] {
        let error = NetConf::parse(text.as_bytes()).unwrap_err();
        assert_eq!(error.code(), code, "{text}: {error}");
        assert!(error.to_string().contains(words), "{text}: {error}");
    }
}

#[test]
fn default_networks_are_not_for_system_namespaces() {
    let conf = parse(
        r#"{"name":"n","clusterNetwork":"c","defaultNetworks":["a","b"],"systemNamespaces":["kube-system","infra"]}"#,
    );
    let of = |namespace: &str| {
        conf.default_networks_of(Some(&namespace.parse().unwrap()))
            .len()
    };
    assert_eq!((of("default"), of("infra"), of("kube-system")), (2, 0, 0));
    assert_eq!(conf.default_networks_of(None).len(), 2);
    assert_eq!(conf.isolation, None);
}

#[test]
fn isolation_leaves_default_unless_others_are_listed() {
    let of = |more: &str| {
        let text = format!(
            r#"{{"name":"n","delegates":[{{"type":"a"}}],"NamespaceIsolation":true{more}}}"#
        );
        let namespaces = parse(&text).isolation.unwrap().global_namespaces;
        namespaces
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(of(""), ["default"]);
    assert_eq!(of(r#","globalNamespaces":" a , b,""#), ["a", "b"]);
}

#[test]
fn old_configurations_are_known_when_nothing_newer_means_the_same() {
    let of = |text: &str| {
        let conf = parse(text);
        let Cluster::Delegates {
            confs,
            first_number,
        } = &conf.cluster
        else {
            panic!("{text}")
        };
        (conf.legacy, confs.len(), *first_number)
    };
    assert_eq!(
        of(r#"{"name":"n","kubeconfig":"/k"}"#),
        (Some(Legacy::V1), 0, 0)
    );
    assert_eq!(
        of(r#"{"name":"n","kubeconfig":"/k","delegates":[{"type":"a"}]}"#),
        (None, 1, 1)
    );
    assert_eq!(
        of(
            r#"{"name":"n","kubeconfig":"/k","legacy":"v1","delegates":[{"type":"a","masterplugin":true}]}"#
        ),
        (Some(Legacy::V1), 1, 0)
    );
    assert_eq!(
        of(r#"{"name":"n","kubeconfig":"/k","legacy":"v2","delegates":[{"type":"a"}]}"#),
        (Some(Legacy::V2), 1, 1)
    );
    let masterplugin = r#"{"name":"n","kubeconfig":"/k","delegates":[{"type":"a","masterplugin":true}],"runtimeConfig":{"io.kubernetes.cri.pod-annotations":{"networks":"[]"}}}"#;
    let perhaps = parse(masterplugin);
    assert!(perhaps.perhaps_v1 && perhaps.asks_multus_v1_alone);
    let said = parse(&masterplugin.replacen('{', r#"{"legacy":"v1","#, 1));
    assert!(!said.perhaps_v1);
    let given = parse(
        r#"{"name":"n","kubeconfig":"/k","runtimeConfig":{"io.kubernetes.cri.pod-annotations":{"networks":"[]","k8s.v1.cni.cncf.io/networks":"x"}}}"#,
    );
    assert_eq!(given.annotations.unwrap().networks.as_deref(), Some("[]"));
}

#[test]
fn dead_keys_are_warned_of() {
    let conf = parse(
        r#"{"name":"n","cniConf":"/x","RetryDeleteOnError":true,"delegates":[{"type":"a"}]}"#,
    );
    assert_eq!(conf.warnings.len(), 2, "{:?}", conf.warnings);
    let conf = parse(
        r#"{"name":"n","kubeconfig":"/k","delegates":[{"type":"a"},{"type":"b","masterplugin":true}]}"#,
    );
    assert_eq!(delegates(&conf).0, ["a", "b"]);
    assert_eq!(conf.warnings.len(), 1, "{:?}", conf.warnings);
}

#[test]
fn del_needs_little() {
    let state =
        State::parse(br#"{"cniVersion":"9","logLevel":5,"cniDir":"/x","delegates":[null]}"#)
            .unwrap();
    assert_eq!(state.cni_dir, PathBuf::from("/x"));
    assert!(State::parse(b"[]").is_err());
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        let _ = NetConf::parse(&bytes);
    }
}
